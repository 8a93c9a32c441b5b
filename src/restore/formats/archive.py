"""Zip archives that come from anywhere: read with care, written as they came."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import starmap, zip_longest
from operator import eq

from ..errors import RestoreError

_MOST = 256 << 20
_MOST_MEMBERS = 10_000
"""Bytes unpacked, and files: far more than any document has."""
_CHUNK = 1 << 20


def unpack(data: bytes, only: re.Pattern[str], most: int) -> dict[str, bytes]:
    """The files of an archive whose names match ``only``, after a look at what all claim to be.

    Raises:
        RestoreError: no archive, a damaged one, one made to do harm, or more than ``most`` bytes.
    """
    with _reading(), zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        _check(members)
        wanted = [member for member in members if only.fullmatch(member.filename)]
        if sum(member.file_size for member in wanted) > most:
            raise RestoreError("holds more text than a document would; refused")
        return {member.filename: b"".join(_chunks(archive, member)) for member in wanted}


def same_files(data: bytes, other: bytes, but: re.Pattern[str]) -> bool:
    """Whether two archives hold the same files, those whose names match ``but`` aside.

    Raises:
        RestoreError: one is damaged.
    """
    with _reading(), zipfile.ZipFile(io.BytesIO(data)) as one, zipfile.ZipFile(io.BytesIO(other)) as two:
        both = list(zip_longest(one.infolist(), two.infolist()))
        if any(first is None or second is None or first.filename != second.filename for first, second in both):
            return False
        alike = (pair for pair in both if not but.fullmatch(pair[0].filename))
        return all(all(starmap(eq, zip_longest(_chunks(one, a), _chunks(two, b)))) for a, b in alike)


def _chunks(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """A file bit by bit: read at once, one that says less than it holds would be unpacked whole before it is cut."""
    with archive.open(member) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


@contextmanager
def _reading() -> Iterator[None]:
    """What zipfile says of damaged archives becomes one kind of error."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise RestoreError(f"not a Word document, or a damaged one: {error}") from error


def _check(members: Sequence[zipfile.ZipInfo]) -> None:
    """Sizes as declared; ``_chunks`` reads no more than that."""
    if len(members) > _MOST_MEMBERS or sum(member.file_size for member in members) > _MOST:
        raise RestoreError("unpacks to more than a document would; refused")
    if len({member.filename for member in members}) < len(members):
        raise RestoreError("holds two files of one name; refused")
    if any(member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members):
        raise RestoreError("is compressed in a way that no Word document is; refused")
    if any(member.flag_bits & 1 for member in members):
        raise RestoreError("is encrypted; save it without a password first")


def pack(data: bytes, parts: Mapping[str, bytes]) -> bytes:
    """The archive with other content in some of its files; order, times and compression stay.

    Raises:
        RestoreError: one of the other files is damaged.
    """
    buffer = io.BytesIO()
    with _reading(), zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        new.comment = old.comment
        for member in old.infolist():
            copy = zipfile.ZipInfo(member.filename, member.date_time)
            copy.compress_type, copy.external_attr = member.compress_type, member.external_attr
            copy.create_system = member.create_system
            copy.file_size = len(parts[member.filename]) if member.filename in parts else member.file_size
            with new.open(copy, "w") as file:
                file.writelines([parts[member.filename]] if member.filename in parts else _chunks(old, member))
    return buffer.getvalue()
