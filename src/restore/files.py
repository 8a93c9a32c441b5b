"""Finding, reading and writing files: an input is never left half written, whatever happens."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .errors import RestoreError

STDIN = "-"
SUFFIXES = frozenset(("", ".txt", ".text", ".md", ".markdown", ".html", ".htm"))
"""What a folder is searched for; a file named on the command line is taken whatever its suffix."""


@dataclass(frozen=True, slots=True)
class Source:
    """An input: ``path`` (``None`` is standard input) and where it goes below an output folder."""

    path: Path | None
    relative: Path

    @property
    def name(self) -> str:
        """What messages and reports call it."""
        return STDIN if self.path is None else str(self.path)


def discover(paths: Iterable[str], exclude: Path | None = None) -> list[Source]:
    """The inputs behind ``paths``, each once: files as named, folders searched in sorted order.

    ``exclude`` is a folder not to enter: an output folder may lie in the input.
    A path that does not exist is an input too; reading it gives the error.
    """
    found: dict[str, Source] = {}
    for name in paths:
        if name == STDIN:
            found.setdefault(STDIN, Source(None, Path("stdin.txt")))
        elif Path(name).is_dir():
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
    several = len(paths) > 1 or any(Path(path).is_dir() for path in paths)
    return several or output.endswith(("/", os.sep)) or Path(output).is_dir()


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
        RestoreError: it cannot be read.
    """
    try:
        return sys.stdin.buffer.read() if source.path is None else source.path.read_bytes()
    except OSError as error:
        raise RestoreError(f"cannot be read: {reason(error)}") from error


def reason(error: OSError) -> str:
    """What the system says, in lower case and without paths."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def write_output(path: Path, data: bytes, force: bool = False) -> None:
    """Write a result, making folders as needed; without ``force`` a file that is there and differs stays.

    Raises:
        RestoreError: another file is there, or it cannot be written.
    """
    try:
        if path.exists() and not path.is_file():  # a device or a pipe takes what it is given
            path.write_bytes(data)
            return
        if path.exists() and not force:
            if path.read_bytes() == data:
                return
            raise RestoreError(f"{path} exists and differs; overwrite it with --force or choose another place with -o")
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_atomic(path) as file:
            file.write(data)
    except OSError as error:
        raise RestoreError(f"{path}: cannot be written: {reason(error)}") from error


@contextlib.contextmanager
def open_atomic(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears at ``path`` whole or not at all; whatever was there stays until then.

    A link stays a link and its target is written; mode, other names and, where allowed, owner are kept.
    """
    place = path.resolve()
    descriptor, name = tempfile.mkstemp(prefix=f".{place.name[:100]}.", suffix=".tmp", dir=place.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            _keep_mode(place, file.fileno())
            os.fsync(file.fileno())
        _settle(temporary, place)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(place.parent)


def _settle(temporary: Path, place: Path) -> None:
    """Rename; but a file with more names than one is written over, or the other names would keep the old text."""
    if not place.exists() or place.stat().st_nlink < 2:
        temporary.replace(place)
        return
    old = place.read_bytes()
    try:
        _overwrite(place, temporary.read_bytes())
    except BaseException:
        _overwrite(place, old)
        raise
    temporary.unlink()


def _overwrite(place: Path, data: bytes) -> None:
    with place.open("r+b") as file:
        file.write(data)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


def _keep_mode(place: Path, descriptor: int) -> None:
    """Give the new file the mode and owner of the old one, or those of a file made in the plain way."""
    if not hasattr(os, "fchmod"):
        return
    try:
        old = place.stat()
    except FileNotFoundError:
        os.fchmod(descriptor, 0o666 & ~_umask())
        return
    with contextlib.suppress(OSError):  # only root may give files away
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _umask() -> int:
    """The mask can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut; systems that cannot are left alone."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
