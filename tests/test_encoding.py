from __future__ import annotations

import codecs
import importlib.util

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore.encoding import Decoded, decode
from restore.errors import RestoreError

ENGLISH = "“We’ll see,” Mr. Blinken said – again.\r\nThe café closed.\n"
PLAIN = "He said so.\nTwice.\n"

KNOWN = {
    "ascii": (PLAIN.encode(), "utf-8", PLAIN),
    "empty": (b"", "utf-8", ""),
    "utf-8": (ENGLISH.encode(), "utf-8", ENGLISH),
    "utf-8 with mark": (codecs.BOM_UTF8 + ENGLISH.encode(), "utf-8", ENGLISH),
    "only a mark": (codecs.BOM_UTF8, "utf-8", ""),
    "utf-16-le with mark": (codecs.BOM_UTF16_LE + ENGLISH.encode("utf-16-le"), "utf-16-le", ENGLISH),
    "utf-16-be with mark": (codecs.BOM_UTF16_BE + ENGLISH.encode("utf-16-be"), "utf-16-be", ENGLISH),
    "utf-16-le bare": (ENGLISH.encode("utf-16-le"), "utf-16-le", ENGLISH),
    "utf-16-be bare": (ENGLISH.encode("utf-16-be"), "utf-16-be", ENGLISH),
    "utf-32-le with mark": (codecs.BOM_UTF32_LE + ENGLISH.encode("utf-32-le"), "utf-32-le", ENGLISH),
    "windows-1252": (ENGLISH.encode("cp1252"), "cp1252", ENGLISH),
    "mac roman": (ENGLISH.encode("mac_roman"), "mac_roman", ENGLISH),
    "mac roman apostrophe": (b"it\xd5s so", "mac_roman", "it’s so"),
    "mac roman accent": (b"the caf\x8e", "mac_roman", "the café"),
    "windows-1252 capitals": ("ÓSCAR ÕES said".encode("cp1252"), "cp1252", "ÓSCAR ÕES said"),
    "no windows-1252": (b"the caf\xe9 \x81\x8d closed", "latin-1", "the café \x81\x8d closed"),
    "old mac line ends": (PLAIN.replace("\n", "\r").encode(), "utf-8", PLAIN.replace("\n", "\r")),
    "mixed line ends": (b"a\r\nb\nc\rd", "utf-8", "a\r\nb\nc\rd"),
    "escape and form feed": (b"\x1b[1mbold\x1b[0m\x0c\n", "utf-8", "\x1b[1mbold\x1b[0m\x0c\n"),
}

BINARY = {
    "zeros": b"\0" * 100,
    "elf": b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\x01\0\0\0",
    "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\0",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\x00",
    "zip": b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00",
    "a zero in a text": b"He said\0so.",
    "odd utf-16": codecs.BOM_UTF16_LE + b"a\0b",
    "half a surrogate pair": codecs.BOM_UTF16_LE + b"\x00\xd8a\x00",
    "mark of utf-8, then not": codecs.BOM_UTF8 + b"caf\xe9",
}


@pytest.mark.parametrize("name", KNOWN)
def test_reads_and_writes_back(name: str) -> None:
    data, encoding, text = KNOWN[name]
    found = decode(data)
    assert (found.encoding, found.text) == (encoding, text)
    assert found.encode(found.text) == data


@pytest.mark.parametrize("name", BINARY)
def test_refuses_what_is_no_text(name: str) -> None:
    with pytest.raises(RestoreError):
        decode(BINARY[name])


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii"])
def test_a_character_the_encoding_lacks_is_an_error(encoding: str) -> None:
    with pytest.raises(RestoreError, match=r"U\+4E2D.*convert the file to UTF-8"):
        Decoded("", encoding).encode("a 中 b")


def test_a_curly_quote_fits_windows_but_not_latin1() -> None:
    assert Decoded("", "cp1252").encode("’") == b"\x92"
    with pytest.raises(RestoreError):
        Decoded("", "latin-1").encode("’")


@given(st.binary(max_size=300))
def test_whatever_is_read_is_written_back(data: bytes) -> None:
    try:
        found = decode(data)
    except RestoreError:
        return
    assert found.encode(found.text) == data


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\ufeff", exclude_categories=["Cc", "Cs"]), max_size=80)


@given(TEXTS, st.sampled_from(["\n", "\r\n", "\r"]))
def test_utf8_is_taken_for_utf8(text: str, end: str) -> None:
    text = f"{text}{end}{text}"
    assert decode(text.encode()) == Decoded(text, "utf-8")


@given(TEXTS, st.sampled_from(["utf-16-le", "utf-16-be"]))
def test_a_mark_decides(text: str, encoding: str) -> None:
    mark = codecs.BOM_UTF16_LE if encoding.endswith("le") else codecs.BOM_UTF16_BE
    assert decode(mark + text.encode(encoding)) == Decoded(text, encoding, mark)


@pytest.mark.skipif(importlib.util.find_spec("charset_normalizer") is None, reason="needs charset-normalizer")
@pytest.mark.parametrize("encoding", ["cp1251", "shift_jis", "cp1252"])
def test_a_second_opinion_is_lossless(encoding: str) -> None:
    text = {"cp1251": "Он сказал, что не знает. " * 20, "shift_jis": "彼は知らないと言った。" * 20}.get(encoding, ENGLISH * 20)
    data = text.encode(encoding)
    found = decode(data)
    assert found.encode(found.text) == data
