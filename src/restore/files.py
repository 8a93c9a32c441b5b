"""Finding inputs, reading them, and planning where results go."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import RestoreError
from .reading import read_bytes, read_stream, reason

STDIN = "-"
SUFFIXES = frozenset(("", ".txt", ".text", ".md", ".markdown", ".html", ".htm", ".docx"))
"""What a folder is searched for; a file named on the command line is taken whatever its suffix."""
MOST = 256 << 20
"""Bytes of an input: fifty times the longest novel."""


@dataclass(frozen=True, slots=True)
class Source:
    """An input: ``path`` (``None`` is standard input) and where it goes below an output folder.

    ``label``: the name of what comes through standard input, if it has one.
    """

    path: Path | None
    relative: Path
    label: Path | None = None

    @property
    def named(self) -> Path | None:
        """The file it is or stands for; its suffix tells the format."""
        return self.path if self.path is not None else self.label

    @property
    def name(self) -> str:
        """What messages and reports call it."""
        return STDIN if self.named is None else str(self.named)


def discover(paths: Iterable[str], exclude: Path | None = None) -> list[Source]:
    """The inputs behind ``paths``, each once: files as named, folders searched in sorted order.

    ``exclude`` is a folder not to enter: an output folder may lie in the input.
    A path that does not exist is an input too; reading it gives the error.
    """
    found: dict[str, Source] = {}
    for name in paths:
        if name == STDIN:
            found.setdefault(STDIN, Source(None, Path("stdin.txt")))
        elif os.path.isdir(name):  # noqa: PTH112 - unlike Path's, it answers for any name
            for path in _walk(Path(name), exclude):
                found.setdefault(os.path.abspath(path), Source(path, path.relative_to(name)))  # noqa: PTH100
        else:
            found.setdefault(os.path.abspath(name), Source(Path(name), Path(Path(name).name)))  # noqa: PTH100
    return list(found.values())


def _walk(root: Path, exclude: Path | None) -> Iterator[Path]:
    """Text files below ``root``; hidden ones are skipped, and links that lead out of the tree."""
    home = root.resolve()
    out = exclude.resolve() if exclude is not None else None
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if name[0] != "." and (here / name).resolve() != out)
        for name in sorted(names):
            path = here / name
            if name[0] == "." or path.suffix.lower() not in SUFFIXES or not path.is_file():
                continue
            if not path.is_symlink() or path.resolve().is_relative_to(home):
                yield path


def is_folder(output: str, paths: Sequence[str]) -> bool:
    """Whether ``-o output`` means a folder: it is one, is written like one, or has to take several files or a folder."""
    several = len(paths) > 1 or any(os.path.isdir(path) for path in paths)  # noqa: PTH112
    return several or output.endswith(("/", os.sep)) or os.path.isdir(output)  # noqa: PTH112


def plan(sources: Sequence[Source], output: str, folder: bool) -> list[Path]:
    """Where each source is to be written.

    Raises:
        RestoreError: two sources have one target, a target is an input, or the folder is a file.
    """
    root = Path(output)
    if folder and root.exists() and not root.is_dir():
        raise RestoreError(f"{output}: is a file, and several results need a folder; name another with -o")
    targets = [root / source.relative if folder else root for source in sources]
    owner: dict[Path, Source] = {}
    inputs = {source.path.resolve() for source in sources if source.path is not None}
    for source, target in zip(sources, targets, strict=True):
        place = target.resolve()
        if place in inputs:
            raise RestoreError(f"{target}: is an input; choose another place with -o")
        other = owner.setdefault(place, source)
        if other is not source:
            raise RestoreError(f"{source.name} and {other.name} would both become {target}; restore them one by one")
    return targets


def read(source: Source) -> bytes:
    """The bytes of an input.

    Raises:
        RestoreError: it cannot be read, or is larger than any text.
    """
    try:
        return read_stream(sys.stdin.buffer, MOST) if source.path is None else read_bytes(source.path, MOST)
    except OSError as error:
        raise RestoreError(f"cannot be read: {reason(error)}") from error
