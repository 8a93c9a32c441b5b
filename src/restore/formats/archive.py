"""Zip archives that come from anywhere: read with care, written as they came."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from ..errors import RestoreError

_MOST = 256 << 20
_MOST_MEMBERS = 10_000
"""Bytes unpacked, and files: far more than any document has."""


def unpack(data: bytes, only: re.Pattern[str] | None = None) -> dict[str, bytes]:
    """The files of an archive, or those whose names match ``only``, after a look at what they claim to be.

    Raises:
        RestoreError: no archive, a damaged one, or one made to do harm.
    """
    with _reading(), zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        _check(members)
        return {m.filename: archive.read(m) for m in members if only is None or only.fullmatch(m.filename)}


@contextmanager
def _reading() -> Iterator[None]:
    """What zipfile says of damaged archives becomes one kind of error."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise RestoreError(f"not a Word document, or a damaged one: {error}") from error


def _check(members: Sequence[zipfile.ZipInfo]) -> None:
    """Sizes as declared; zipfile reads no more than that."""
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
            new.writestr(copy, parts[member.filename] if member.filename in parts else old.read(member))
    return buffer.getvalue()
