"""The language model: P(word | up to three words before it), read from one memory-mapped file.

An n-gram back-off model: log P(w | h) is stored for every n-gram that was kept; for the others it is
back-off(h) + log P(w | h'), h' being h without its oldest word.

File layout (little-endian)::

    magic, header length, JSON header (format, order, corpus, ...; name -> [offset, bytes] of each section)
    words        UTF-8, one a line; the line number is the word's id
    unigrams     float32 log-probability, float32 back-off for each id
    per order n  buckets (uint32), entries (uint32), back-offs (uint8, not for the highest order), codebooks

An n-gram is found by a 64-bit hash of its ids: the high bits choose a bucket, the next 24 are its fingerprint. ``entries``
holds fingerprint << 8 | probability code, sorted within each bucket. An absent n-gram is taken for a present one once in
two million look-ups.
"""

from __future__ import annotations

import json
import mmap
import struct
from bisect import bisect_left
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from .errors import RestoreError

MAGIC = b"restore-lm\x00"
FORMAT = 1
PREFIX = struct.Struct("<11sxI")
"""Magic and header length."""

UNKNOWN, START, END, NUMBER = range(4)
SPECIAL_WORDS = ("<unk>", "<s>", "</s>", "<num>")

HASH_MULTIPLIER = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
FINGERPRINT_BITS = 24

EMPTY: State = ()
State = tuple[tuple[int, float], ...]
"""What the model remembers: (word id, back-off of the context that ends with it), newest word first."""


def extend_hash(value: int, word: int) -> int:
    """Hash of an n-gram made one word longer; n-grams are hashed from their newest word to their oldest."""
    value = ((value + word + 1) * HASH_MULTIPLIER) & _MASK
    return value ^ (value >> 29)


class Table(NamedTuple):
    """The n-grams of one order; ``backoffs`` is empty for the highest."""

    shift: int
    buckets: memoryview
    entries: memoryview
    backoffs: memoryview
    log_probs: tuple[float, ...]
    log_backoffs: tuple[float, ...]

    def find(self, value: int) -> int:
        """Index of the n-gram with this hash, or -1."""
        bucket = value >> self.shift
        fingerprint = (value >> (self.shift - FINGERPRINT_BITS)) & 0xFFFFFF
        high = self.buckets[bucket + 1]
        index = bisect_left(self.entries, fingerprint << 8, self.buckets[bucket], high)
        return index if index < high and self.entries[index] >> 8 == fingerprint else -1


class LanguageModel:
    """An open model file. Safe to share between threads; pages are shared between processes.

    Raises:
        RestoreError: the file is missing, is no model of this format, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._map = _open(path)
        self.header = _read_header(path, self._map)
        try:
            self.order = int(self.header["order"])
            self.unigrams = self.section("unigrams").cast("f")
            self.tables = [self._table(n) for n in range(2, self.order + 1)]
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(path) from error
        self._check()

    def section(self, name: str) -> memoryview:
        """The bytes of one section, not copied."""
        offset, size = self.header["sections"][name]
        if not (0 <= offset <= offset + size <= len(self._map)):
            raise _damaged(self.path)
        return memoryview(self._map)[offset : offset + size]

    @cached_property
    def words(self) -> list[str]:
        """The vocabulary, by id."""
        try:
            return str(self.section("words"), "utf-8").split("\n")
        except UnicodeDecodeError as error:
            raise _damaged(self.path) from error

    @cached_property
    def ids(self) -> dict[str, int]:
        """Word to id."""
        return {word: index for index, word in enumerate(self.words)}

    def id_of(self, norm: str) -> int:
        """Id of a lower-cased word; numbers and other words out of the vocabulary have a class each."""
        found = self.ids.get(norm)
        return found if found is not None else NUMBER if norm[0].isdigit() else UNKNOWN

    @property
    def start(self) -> State:
        """The state at the beginning of a sentence."""
        return ((START, self.unigrams[2 * START + 1]),)

    def score(self, state: State, word: int) -> tuple[float, State]:
        """log P(word | state), natural, and the state after the word."""
        log_prob = self.unigrams[2 * word]
        after = [(word, self.unigrams[2 * word + 1])]
        value = extend_hash(0, word)
        matched = 0
        for table, (context, _) in zip(self.tables, state, strict=False):
            value = extend_hash(value, context)
            index = table.find(value)
            if index < 0:
                break
            matched += 1
            log_prob = table.log_probs[table.entries[index] & 0xFF]
            if table.log_backoffs:
                after.append((context, table.log_backoffs[table.backoffs[index]]))
        for _, backoff in state[matched:]:
            log_prob += backoff
        return log_prob, tuple(after)

    def _table(self, n: int) -> Table:
        books = self.section(f"codebooks{n}").cast("f")
        highest = n == self.order
        return Table(
            shift=int(self.header["shifts"][str(n)]),
            buckets=self.section(f"buckets{n}").cast("I"),
            entries=self.section(f"entries{n}").cast("I"),
            backoffs=memoryview(b"") if highest else self.section(f"backoffs{n}"),
            log_probs=tuple(books[:256]),
            log_backoffs=() if highest else tuple(books[256:512]),
        )

    def _check(self) -> None:
        """Refuse a file whose sections do not fit together, so that no look-up can leave them."""
        vocabulary = int(self.header.get("vocabulary", -1))
        fits = len(self.unigrams) == 2 * vocabulary and vocabulary > NUMBER and 2 <= self.order <= 4
        for n, table in enumerate(self.tables, start=2):
            size = len(table.entries)
            fits = fits and FINGERPRINT_BITS <= table.shift < 64
            fits = fits and len(table.buckets) == (1 << (64 - table.shift)) + 1 and table.buckets[-1] == size
            fits = fits and len(table.log_probs) == 256
            fits = fits and (n == self.order or (len(table.backoffs) == size and len(table.log_backoffs) == 256))
        if not fits:
            raise _damaged(self.path)


def _open(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError as error:  # an empty file cannot be mapped
        raise _damaged(path) from error
    except OSError as error:
        raise RestoreError(f"{path}: cannot open the language model: {error.strerror}") from error


def _read_header(path: Path, data: mmap.mmap) -> dict[str, Any]:
    if len(data) < PREFIX.size or data[: len(MAGIC)] != MAGIC:
        raise RestoreError(f"{path}: not a language model of restore; build one with 'restore model build'")
    _, size = PREFIX.unpack_from(data)
    try:
        header = json.loads(data[PREFIX.size : PREFIX.size + size])
    except ValueError as error:
        raise _damaged(path) from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise RestoreError(f"{path}: language model of another format than {FORMAT}; build it again")
    return header


def _damaged(path: Path) -> RestoreError:
    return RestoreError(f"{path}: the language model is damaged; reinstall restore or build it again")
