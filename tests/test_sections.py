"""Binary files come back as they were written, and a file that is not whole is one clear error."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from restore.errors import RestoreError
from restore.sections import SectionFile, write_sections

MAGIC = b"restore-tst"
PARTS = {"numbers": struct.pack("<3I", 1, 2, 70_000), "lines": "naïve\ncafé".encode(), "nothing": b"", "odd": b"123"}


def write(path: Path) -> Path:
    write_sections(path, MAGIC, {"format": 3, "deep": {"number": 7}}, PARTS)
    return path


def read(path: Path) -> SectionFile:
    return SectionFile(path, MAGIC, 3, "test file")


@pytest.fixture
def file(tmp_path: Path) -> SectionFile:
    return read(write(tmp_path / "file"))


def test_what_was_written_is_read(file: SectionFile) -> None:
    assert file.section("numbers", "I").tolist() == [1, 2, 70_000]
    assert file.lines("lines") == ["naïve", "café"]
    assert bytes(file.section("nothing")) == b""
    assert file.number("deep", "number") == 7
    assert file.names == list(PARTS)
    assert file.header["format"] == 3


def test_sections_are_aligned_so_that_they_can_be_used_as_they_lie(file: SectionFile) -> None:
    assert {offset % 64 for offset, _ in file.header["sections"].values()} == {0}
    assert file.path.stat().st_size % 64 == 0


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    assert write(tmp_path / "one").read_bytes() == write(tmp_path / "two").read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(st.dictionaries(st.text(max_size=20), st.binary(max_size=300), max_size=6))
def test_any_sections(tmp_path: Path, sections: dict[str, bytes]) -> None:
    size = write_sections(tmp_path / "file", MAGIC, {"format": 3}, sections)
    file = read(tmp_path / "file")
    assert {name: bytes(file.section(name)) for name in sections} == sections
    assert (tmp_path / "file").stat().st_size == size


# -- files that are not whole ------------------------------------------------------------------------------------------

DAMAGE = {
    "empty": (lambda data: b"", "damaged"),
    "a few bytes": (lambda data: data[:10], "not a test file"),
    "of another kind": (lambda data: b"PK" + data[2:], "not a test file"),
    "a text": (lambda data: b"spun\toriginal\n" * 99, "not a test file"),
    "no header": (lambda data: data[:16], "damaged"),
    "half a header": (lambda data: data[:40], "damaged"),
    "a header that is no JSON": (lambda data: data[:16] + b"x" + data[17:], "damaged"),
    "a header too deep": (lambda data: data[:12] + struct.pack("<I", 99_999) + b"[" * 99_999, "damaged"),
    "a header of another kind": (lambda data: data[:12] + struct.pack("<I", 2) + b"[]", "another format"),
    "another format": (lambda data: data.replace(b'"format": 3', b'"format": 4'), "another format"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_file_that_cannot_be_opened(tmp_path: Path, name: str) -> None:
    damage, message = DAMAGE[name]
    path = tmp_path / "file"
    path.write_bytes(damage(write(path).read_bytes()))
    with pytest.raises(RestoreError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(RestoreError, match="cannot open the test file"):
            read(path)


def test_a_file_cut_off_in_its_sections(tmp_path: Path) -> None:
    path = write(tmp_path / "file")
    path.write_bytes(path.read_bytes()[:-64])
    file = read(path)
    assert file.section("numbers", "I")[2] == 70_000
    with pytest.raises(RestoreError, match="damaged"):
        file.section("odd")


def test_what_is_not_there_or_does_not_fit(file: SectionFile) -> None:
    for wrong in (
        lambda: file.section("absent"),
        lambda: file.section("odd", "I"),
        lambda: file.number("absent"),
        lambda: file.number("deep", "number", "more"),
        lambda: file.number("deep"),
    ):
        with pytest.raises(RestoreError, match="damaged"):
            wrong()


def test_a_number_beyond_all_numbers(tmp_path: Path) -> None:
    header = b'{"format": 3, "endless": 1e999}'
    (tmp_path / "file").write_bytes(struct.pack("<11sxI", MAGIC, len(header)) + header)
    with pytest.raises(RestoreError, match="damaged"):
        read(tmp_path / "file").number("endless")


@pytest.mark.parametrize("header", [b'{"format": 3}', b'{"format": 3, "sections": 1}', b'{"format": 3, "sections": []}'])
def test_a_file_without_sections(tmp_path: Path, header: bytes) -> None:
    (tmp_path / "file").write_bytes(struct.pack("<11sxI", MAGIC, len(header)) + header)
    with pytest.raises(RestoreError, match="damaged"):
        _ = read(tmp_path / "file").names


def test_lines_that_are_no_text(tmp_path: Path) -> None:
    write_sections(tmp_path / "file", MAGIC, {"format": 3}, {"lines": b"\xff\xfe"})
    with pytest.raises(RestoreError, match="damaged"):
        read(tmp_path / "file").lines("lines")


@pytest.mark.parametrize("place", ["[-64, 3]", "[0, 1e99]", "[9999999, 3]", "[0, -1]", "3", '"ab"', "[1]", "null"])
def test_sections_that_lie_nowhere(tmp_path: Path, place: str) -> None:
    header = b'{"format": 3, "sections": {"odd": %s}}' % place.encode()
    (tmp_path / "file").write_bytes(struct.pack("<11sxI", MAGIC, len(header)) + header)
    with pytest.raises(RestoreError, match="damaged"):
        read(tmp_path / "file").section("odd")
