"""Reports of a whole run, beside the output or instead of it: JSON lines, JSON, SARIF, and pages to review in a browser."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO
from urllib.parse import quote

from .. import __version__
from ..batch import Outcome
from ..errors import RestoreError
from ..writing import open_atomic
from . import output, streams

Add = Callable[[Outcome], None]
WHOLE = ("html", "sarif")
"""Formats that are complete only when the last document is done."""

_BEGINNINGS = {
    ".jsonl": (b'{"path": ',),
    ".json": (b'[\n{"path": ', b"[\n]"),
    ".html": (b'<!doctype html>\n<html lang="en" data-restore=',),
    ".sarif": (
        b'{"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [{"tool": {"driver": {"name": "restore"',
    ),
}
"""How a file begins that may be written over without asking: one of ours."""


@contextlib.contextmanager
def to_file(path: Path, force: bool, documents: int) -> Iterator[Add]:
    """A report, whose format its suffix tells; it appears when it is complete.

    Raises:
        RestoreError: no such format or folder, or a file that is no report is there.
    """
    if path.suffix not in _BEGINNINGS:
        raise RestoreError(f"{path}: reports are written as .jsonl, .json, .html or .sarif; name it so")
    if not path.parent.is_dir():
        raise RestoreError(f"{path}: there is no folder {path.parent}; make it first")
    _check(path, force)
    with open_atomic(path) as file:
        if path.suffix == ".html" and documents != 1:
            yield from _pages(path, force, file)
        else:
            yield from _WRITERS[path.suffix](file)


@contextlib.contextmanager
def to_stdout(form: str, documents: int) -> Iterator[Add]:
    """One of the formats of ``WHOLE`` as the normal output.

    Raises:
        RestoreError: several pages for one stream.
    """
    if form == "html" and documents != 1:
        raise RestoreError("--format html is the page of one article; for more, name an index with --report FILE.html")
    yield from _WRITERS[f".{form}"](_Stdout())


class _Stdout:
    """Bytes to stdout."""

    def write(self, data: bytes) -> int:
        streams.write_bytes(data)
        return len(data)
