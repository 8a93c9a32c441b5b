"""The seed article gives the same bytes by every way, whatever the machine is set to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shipped import ROOT, SEED, restorer

NAMES = ("in/a.txt", "in/sub/b.txt")
RESULTS = ("out/a.txt", "out/sub/b.txt", "report.jsonl")


def run(folder: Path, *args: str, stdin: bytes = b"", **environment: str) -> bytes:
    """What the command writes to standard output; it has to succeed in silence."""
    done = subprocess.run(
        [sys.executable, "-m", "restore", *args],
        input=stdin,
        capture_output=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment},
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


def folder_of_seeds(folder: Path) -> Path:
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(SEED.encode())
    return folder


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, ...]:
    """Both files and the report, by one process with nothing set."""
    folder = folder_of_seeds(tmp_path_factory.mktemp("expected"))
    run(folder, "in", "-o", "out", "-j", "1", "--report", "report.jsonl", PYTHONHASHSEED="0", LC_ALL="C.UTF-8")
    return tuple((folder / name).read_bytes() for name in RESULTS)


WAYS = [
    ("1", {"PYTHONHASHSEED": "1", "LC_ALL": "C"}),
    ("2", {"PYTHONHASHSEED": "4242", "LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}),
    ("2", {"PYTHONHASHSEED": "77", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu"}),
    ("1", {"PYTHONHASHSEED": "random", "RESTORE_KERNEL": "0", "LC_ALL": "C.UTF-8"}),
    ("2", {"PYTHONHASHSEED": "3", "RESTORE_KERNEL": "0", "RESTORE_CACHE": "", "PYTHONOPTIMIZE": "1"}),
]
"""Worker processes, and variables: hash seed, locale, coding of Python, time zone, kernel or twin, cache or none."""


@pytest.mark.parametrize(("jobs", "variables"), WAYS)
def test_the_same_bytes_everywhere(tmp_path: Path, expected: tuple[bytes, ...], jobs: str, variables: dict[str, str]) -> None:
    folder_of_seeds(tmp_path)
    run(tmp_path, "in", "-o", "out", "-j", jobs, "--report", "report.jsonl", **variables)
    assert tuple((tmp_path / name).read_bytes() for name in RESULTS) == expected


def test_the_same_bytes_by_every_way(tmp_path: Path, expected: tuple[bytes, ...]) -> None:
    folder_of_seeds(tmp_path)
    ways = [run(tmp_path, stdin=SEED.encode()), run(tmp_path, "in/a.txt"), restorer().restore(SEED).text.encode()]
    run(tmp_path, "-i", "in/sub", XDG_STATE_HOME=str(tmp_path / "state"))
    ways.append((tmp_path / "in/sub/b.txt").read_bytes())
    assert set(ways) == {expected[0]} and b"Deputy Foreign Minister" in ways[0]


def test_line_ends_change_nothing_but_themselves(expected: tuple[bytes, ...]) -> None:
    found = restorer().restore(SEED.replace("\n", "\r\n")).text
    assert found.replace("\r\n", "\n").encode() == expected[0] and "\n" not in found.replace("\r\n", "")
