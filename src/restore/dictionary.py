"""Dictionary files: what spinners write for what. One row a pair: spun, original, weight, source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from .errors import RestoreError
from .reading import read_text

HEADER = ("spun", "original", "weight", "source")
MAX_ERRORS = 20
LARGEST = 1 << 25
"""Bytes of a dictionary; ours have two million."""


class Row(NamedTuple):
    """One pair.

    ``weight`` is P(spun | original) in a fully spun text (0-1); what an original's weights leave to one is how often the
    spinner keeps it even then. In the user's dictionary 0 means never: the pair is not to be thought of.
    """

    spun: str
    original: str
    weight: float
    source: str


def parse_rows(lines: Iterable[str]) -> Iterator[tuple[int, Row | str]]:
    """Line number and row, or line number and what is wrong with it."""
    for number, line in enumerate(lines, start=1):
        line = line.rstrip("\r\n")
        if number == 1:
            if tuple(line.split("\t")) != HEADER:
                yield number, f"the first line must be {' <tab> '.join(HEADER)}"
        elif line and not line.startswith("#"):
            yield number, _parse(line)


def _parse(line: str) -> Row | str:
    cells = line.split("\t")
    if len(cells) != len(HEADER):
        return f"{len(cells)} columns instead of {len(HEADER)}"
    spun, original, weight, source = cells
    if not (spun.strip() and original.strip()):
        return "an empty word"
    if spun == original:
        return f"{spun!r} stands for itself"
    if not source.strip():
        return "no source"
    try:
        value = float(weight)
    except ValueError:
        return f"weight {weight!r} is not a number"
    if not 0 <= value <= 1:
        return f"weight {weight} is not between 0 and 1"
    return Row(spun, original, value, source)


def check_rows(parsed: Iterable[tuple[int, Row | str]]) -> Iterator[tuple[int, Row | str]]:
    """The same, with repeated pairs reported as errors."""
    seen: dict[tuple[str, str], int] = {}
    for number, row in parsed:
        if isinstance(row, Row):
            first = seen.setdefault((row.spun, row.original), number)
            if first != number:
                yield number, f"{row.spun!r} for {row.original!r} stands already in line {first}"
                continue
        yield number, row


def read_dictionary(path: Path) -> list[Row]:
    """All rows of a dictionary.

    Raises:
        RestoreError: the file cannot be read, or has bad lines: the first twenty are named with their numbers.
    """
    try:
        text = read_text(path, LARGEST)
    except OSError as error:
        raise RestoreError(f"{path}: cannot read the dictionary: {error.strerror}") from error
    except RestoreError as error:
        raise RestoreError(f"{path}: {error} for a dictionary") from error
    except UnicodeDecodeError as error:
        raise RestoreError(f"{path}: the dictionary is not UTF-8") from error
    rows, errors = [], []
    for number, row in check_rows(parse_rows(text.splitlines())):
        if isinstance(row, Row):
            rows.append(row)
        else:
            errors.append(f"line {number}: {row}")
    if errors:
        more = f" (and {len(errors) - MAX_ERRORS} more)" if len(errors) > MAX_ERRORS else ""
        raise RestoreError(f"{path}: " + "; ".join(errors[:MAX_ERRORS]) + more)
    return rows


def format_dictionary(rows: Iterable[Row]) -> str:
    """The text of a dictionary file, rows sorted, so that the same rows give the same bytes.

    Raises:
        RestoreError: a row begins with ``#``, as comments do.
    """
    lines = ["\t".join(HEADER)]
    rows = sorted(rows)
    bad = next((row.spun for row in rows if row.spun.startswith("#")), None)
    if bad is not None:
        raise RestoreError(f"{bad!r}: a row cannot begin with #, which begins a comment")
    lines += [f"{row.spun}\t{row.original}\t{row.weight:.4g}\t{row.source}" for row in rows]
    return "\n".join(lines) + "\n"


def write_dictionary(path: Path, rows: Iterable[Row]) -> None:
    """Write a dictionary file."""
    path.write_text(format_dictionary(rows), encoding="utf-8", newline="\n")


def read_protected(path: Path) -> list[str]:
    """The phrases of a protected list: ``text <tab> reason``.

    Raises:
        RestoreError: the file cannot be read, or an entry has no reason.
    """
    try:
        lines = read_text(path, LARGEST).splitlines()
    except (OSError, UnicodeDecodeError, RestoreError) as error:
        raise RestoreError(f"{path}: cannot read the protected list: {error}") from error
    phrases = []
    for number, line in enumerate(lines[1:], start=2):
        if not line or line.startswith("#"):
            continue
        phrase, _, reason = line.partition("\t")
        if not (phrase.strip() and reason.strip()):
            raise RestoreError(f"{path}: line {number}: a protected entry needs a text and a reason, tab between")
        phrases.append(phrase)
    return phrases
