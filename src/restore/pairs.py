"""Spun texts and their originals, found by name: what ``learn`` and ``evaluate`` read."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from . import files
from .errors import RestoreError
from .formats import open_text


class Pair(NamedTuple):
    """A spun file and the file its original should be in; ``name`` is what messages call it."""

    name: str
    spun: Path
    original: Path


def find_pairs(spun: Path, original: Path) -> list[Pair]:
    """Two files, or the files of two folders that have the same name below them; whether originals exist is seen on reading.

    Raises:
        RestoreError: one is a file and the other a folder, or there is nothing in the folder.
    """
    if spun.is_dir() != original.is_dir():
        raise RestoreError(f"{spun} and {original}: give two files or two folders")
    if not spun.is_dir():
        return [Pair(spun.name, spun, original)]
    found = [source for source in files.discover([str(spun)]) if source.path is not None]
    if not found:
        raise RestoreError(f"no text files in {spun}")
    return [Pair(str(s.relative), s.path, original / s.relative) for s in found if s.path is not None]


def read_text(path: Path) -> str:
    """The text of a file, in whatever format and encoding.

    Raises:
        RestoreError: it cannot be read or is no text; the message begins with the path.
    """
    try:
        return open_text(path, files.read(files.Source(path, path)))[0].text
    except RestoreError as error:
        raise RestoreError(f"{path}: {error}") from error
