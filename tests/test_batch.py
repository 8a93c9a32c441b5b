from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

import fakes
from restore import batch
from restore.batch import BatchReport, Job, Outcome, run, workers_for
from restore.config import Config
from restore.crew import DIED
from restore.errors import RestoreError
from restore.files import Source


def jobs(folder: Path, texts: list[str | bytes], output: Path | None = None) -> list[Job]:
    made = []
    for number, text in enumerate(texts):
        path = folder / f"{number}.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        made.append(Job(Source(path, Path(path.name)), output / path.name if output else None))
    return made


def texts(outcomes: list[Outcome]) -> list[str | None]:
    return [o.restoration.text if o.restoration else o.error for o in outcomes]


GOOD = [f"Mr. {n} mentioned it." for n in range(20)]
DONE = [f"Mr. {n} said it." for n in range(20)]


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_inputs(tmp_path: Path, workers: int) -> None:
    assert texts(list(run(jobs(tmp_path, list(GOOD)), Config(), workers, fakes.make))) == DONE


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bad_file_does_not_stop_the_rest(tmp_path: Path, workers: int) -> None:
    work = jobs(tmp_path, [GOOD[0], b"\0\0\0", GOOD[1], "RAISE", GOOD[2]])
    work.append(Job(Source(tmp_path / "missing", Path("missing"))))
    found = texts(list(run(work, Config(), workers, fakes.make)))
    assert found[::2] == DONE[:3]
    assert found[1] == "not a text: binary data"
    assert found[3] == "internal error, please report it: ValueError: a defect"
    assert found[5] == "cannot be read: no such file or directory"


def test_a_worker_that_dies_costs_only_its_file(tmp_path: Path) -> None:
    work = jobs(tmp_path, [*GOOD[:2], "DIE", *GOOD[2:4]])
    found = texts(list(run(work, Config(), 2, fakes.make)))
    assert found == [*DONE[:2], DIED, *DONE[2:4]]


def test_of_a_task_too_only_the_guilty_file_is_lost(tmp_path: Path) -> None:
    work = jobs(tmp_path, [*GOOD, "DIE", *GOOD, "DIE", *GOOD])
    found = texts(list(run(work, Config(), 2, fakes.make)))
    assert found == [*DONE, DIED, *DONE, DIED, *DONE]


def test_workers_have_no_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"He mentioned it.")))
    work = jobs(tmp_path, list(GOOD))
    work.insert(9, Job(Source(None, "stdin.txt")))
    assert texts(list(run(work, Config(), 2, fakes.make))) == [*DONE[:9], "He said it.", *DONE[9:]]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_restorer_that_cannot_be_made_is_an_error_at_once(tmp_path: Path, workers: int) -> None:
    with pytest.raises(RestoreError, match=r"press\.tsv:3: no weight"):
        list(run(jobs(tmp_path, list(GOOD)), Config(), workers, fakes.make_broken))


@pytest.mark.parametrize("workers", [1, 2])
def test_files_are_written_where_asked(tmp_path: Path, workers: int) -> None:
    out = tmp_path / "out"
    list(run(jobs(tmp_path, list(GOOD[:3]), out), Config(), workers, fakes.make))
    assert [path.read_text() for path in sorted(out.iterdir())] == DONE[:3]


def test_a_clean_file_is_written_as_it_was(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbfNobody spun this.\r\n\rNothing to do."
    list(run(jobs(tmp_path, [data], tmp_path / "out"), Config(), 1, fakes.make))
    assert (tmp_path / "out/0.txt").read_bytes() == data


def test_what_the_encoding_lacks_is_an_error_before_anything_is_written(tmp_path: Path) -> None:
    work = jobs(tmp_path, ["A café \x81 here.".encode("latin-1")], tmp_path / "out")
    (outcome,) = run(work, Config(), 1, fakes.make)
    assert outcome.error is not None and "U+201C" in outcome.error
    assert not (tmp_path / "out").exists()


ENCODINGS = [
    "ascii",
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "cp1252",
    "latin-1",
    "mac_roman",
    "iso8859-15",
    "gb18030",
]
QUOTED = {"ascii": "It's", "latin-1": "It's naïve", "iso8859-15": "It's naïve"}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("suffix", [".txt", ".md", ".html", ""])
@pytest.mark.parametrize(("before", "after"), [("said", "said"), ("mentioned", "said")])
def test_only_the_change_differs(tmp_path: Path, encoding: str, end: str, suffix: str, before: str, after: str) -> None:
    def data(word: str) -> bytes:
        return end.join((QUOTED.get(encoding, "“It’s”"), "", f"the minister {word} so.", "")).encode(encoding)

    path = tmp_path / f"a{suffix}"
    path.write_bytes(data(before))
    (outcome,) = run([Job(Source(path, Path(path.name)), tmp_path / "out")], Config(), 1, fakes.make)
    assert outcome.error is None
    assert (tmp_path / "out").read_bytes() == data(after)


CASES = [
    ([], False, 0),
    ([fakes.SPUN, fakes.CLEAN], False, 0),
    ([fakes.CLEAN], True, 0),
    ([fakes.CLEAN, fakes.SPUN], True, 1),
    ([fakes.SPUN, "RAISE"], True, 3),
    (["RAISE", fakes.CLEAN], False, 3),
]


@pytest.mark.parametrize(("inputs", "check", "code"), CASES)
def test_the_report_owns_the_exit_code(tmp_path: Path, inputs: list[str | bytes], check: bool, code: int) -> None:
    report = BatchReport(check=check)
    for outcome in run(jobs(tmp_path, inputs), Config(), 1, fakes.make):
        report.add(outcome)
    assert report.exit_code == code
    assert report.documents == len(inputs)


def test_the_report_counts() -> None:
    report = BatchReport()
    for text in (fakes.SPUN, fakes.CLEAN):
        report.add(Outcome(Source(None, Path("-")), fakes.result(text)))
    assert (report.changed, report.changes, report.declined, report.words) == (1, 2, 1, 13)


@pytest.mark.parametrize(("files", "wanted", "expected"), [(1, 0, 1), (1, 8, 1), (100, 3, 3), (2, 4, 2), (0, 0, 1)])
def test_no_more_workers_than_work(files: int, wanted: int, expected: int) -> None:
    assert workers_for(files, wanted) == expected


SIZES = [
    ([100] * 8, [1] * 8),
    ([100] * 24, [1] * 8 + [2] * 4 + [3, 3, 2]),
    ([40_000] * 40, [1] * 40),
    ([100, 100, 40_000, 100], [1] * 4),
    ([100] * 300 + [40_000, -1] + [100] * 4, None),
]


@pytest.mark.parametrize(("sizes", "expected"), SIZES, ids=range(len(SIZES)))
def test_tasks_are_small_at_first_and_never_large(
    monkeypatch: pytest.MonkeyPatch, sizes: list[int], expected: list[int] | None
) -> None:
    work = [Job(Source(str(number), str(number))) for number in range(len(sizes))]
    monkeypatch.setattr(batch, "_size", lambda source: sizes[int(source.place)])
    tasks = list(batch._tasks(iter(work), 8))
    assert [job for task in tasks for job in task] == work
    assert expected is None or [len(task) for task in tasks] == expected
    assert all(len(task) <= 16 for task in tasks)
    large = [task for task in tasks if any(sizes[int(job.source.place)] in (-1, 40_000) for job in task)]
    assert all(len(task) == 1 for task in large)
