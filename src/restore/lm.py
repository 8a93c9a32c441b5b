"""The language model: P(word | up to three words before it), read from one memory-mapped file.

An n-gram back-off model: log P(w | h) is stored for every n-gram that was kept; for the others it is
back-off(h) + log P(w | h'), h' being h without its oldest word.

Sections of the file (see ``restore.sections``)::

    words        UTF-8, one a line; the line number is the word's id
    unigrams     float32 log-probability, float32 back-off for each id
    per order n  buckets (int16), fingerprints (uint16), codes (uint8), codebook (float32)

An n-gram is found by a 64-bit hash of its ids: the high bits choose a bucket, the next 16 are its fingerprint, sorted within
each bucket. Hashes spread evenly, so ``buckets`` holds only how far a bucket begins from where it would if all were equally
full. A code names one of 256 pairs of log-probability and back-off in the codebook, of 256 log-probabilities for the highest
order. Three bytes and a third an n-gram; an absent one is taken for a present one once in ten thousand look-ups.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from functools import cached_property
from math import hypot
from pathlib import Path
from typing import NamedTuple

from .sections import SectionFile

MAGIC = b"restore-lm"
FORMAT = 2

UNKNOWN, START, END, NUMBER = range(4)
SPECIAL_WORDS = ("<unk>", "<s>", "</s>", "<num>")

HASH_MULTIPLIER = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
FINGERPRINT_BITS = 16
CODES = 256
_SANE = 1e6
"""Root of the sum of squares that logarithms of probabilities stay far below; of what is no number it is none either."""

State = tuple[tuple[int, float], ...]
"""What the model remembers: (word id, back-off of the context that ends with it), newest word first."""


def extend_hash(value: int, word: int) -> int:
    """Hash of an n-gram made one word longer; n-grams are hashed from their newest word to their oldest."""
    value = ((value + word + 1) * HASH_MULTIPLIER) & _MASK
    return value ^ (value >> 29)


class Table(NamedTuple):
    """The n-grams of one order; ``log_backoffs`` is empty for the highest."""

    shift: int
    buckets: memoryview
    fingerprints: memoryview
    codes: memoryview
    log_probs: tuple[float, ...]
    log_backoffs: tuple[float, ...]

    def find(self, value: int) -> int:
        """Index of the n-gram with this hash, or -1."""
        bucket, size = value >> self.shift, len(self.fingerprints)
        fingerprint = (value >> (self.shift - FINGERPRINT_BITS)) & 0xFFFF
        low = even_start(bucket, size, self.shift) + self.buckets[bucket]
        high = even_start(bucket + 1, size, self.shift) + self.buckets[bucket + 1]
        index = bisect_left(self.fingerprints, fingerprint, low, high)
        return index if index < high and self.fingerprints[index] == fingerprint else -1


def even_start(bucket: int, ngrams: int, shift: int) -> int:
    """Where a bucket would begin if all were equally full."""
    return bucket * ngrams >> (64 - shift)


class LanguageModel:
    """An open model file. Safe to share between threads; pages are shared between processes.

    Raises:
        RestoreError: the file is missing, is no model of this format, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._file = SectionFile(path, MAGIC, FORMAT, "language model")
        self.header = self._file.header
        self.order = self._file.number("order")
        self.unigrams = self._file.section("unigrams", "f")
        self.tables = [self._table(n) for n in range(2, self.order + 1)]
        self._check()

    @property
    def vocabulary(self) -> memoryview:
        """The words as they lie in the file, one a line: what the ids stand for."""
        return self._file.section("words")

    @cached_property
    def words(self) -> list[str]:
        """The vocabulary, by id."""
        return self._file.lines("words")

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

    @cached_property
    def memory(self) -> tuple[object, ...]:
        """The model's numbers as the compiled kernel takes them; the large ones are the file itself."""
        return (self.unigrams, *((*table[:4], array("f", table.log_probs + table.log_backoffs)) for table in self.tables))

    def score(self, state: State, word: int) -> tuple[float, State]:
        """Log P(word | state), natural, and the state after the word.

        Raises:
            RestoreError: a bucket of the file leaves its table, which would take too long to look for when it is opened.
        """
        unigrams = self.unigrams
        log_prob: float = unigrams[2 * word]
        after: list[tuple[int, float]] = [(word, unigrams[2 * word + 1])]
        value = ((word + 1) * HASH_MULTIPLIER) & _MASK  # extend_hash and Table.find in place, which saves half the time
        value ^= value >> 29
        matched = 0
        try:
            for table, (context, _) in zip(self.tables, state, strict=False):
                shift, buckets, fingerprints, codes, log_probs, log_backoffs = table
                value = ((value + context + 1) * HASH_MULTIPLIER) & _MASK
                value ^= value >> 29
                bucket, wanted = value >> shift, (value >> (shift - FINGERPRINT_BITS)) & 0xFFFF
                size = len(fingerprints)
                high = ((bucket + 1) * size >> (64 - shift)) + buckets[bucket + 1]
                index = bisect_left(fingerprints, wanted, (bucket * size >> (64 - shift)) + buckets[bucket], high)
                if index >= high or fingerprints[index] != wanted:
                    break
                matched += 1
                code = codes[index]
                log_prob = log_probs[code]
                if log_backoffs:
                    after.append((context, log_backoffs[code]))
        except (IndexError, ValueError) as error:
            raise self._file.damaged() from error
        for _, backoff in state[matched:]:
            log_prob += backoff
        return log_prob, tuple(after)

    def _table(self, n: int) -> Table:
        file = self._file
        book = file.section(f"codebook{n}", "f")
        return Table(
            shift=file.number("shifts", str(n)),
            buckets=file.section(f"buckets{n}", "h"),
            fingerprints=file.section(f"fingerprints{n}", "H"),
            codes=file.section(f"codes{n}"),
            log_probs=tuple(book[:CODES]),
            log_backoffs=tuple(book[CODES:]),
        )

    def _check(self) -> None:
        """Refuse a file whose sections do not fit together, so that no look-up can leave them."""
        vocabulary = self._file.number("vocabulary")
        fits = len(self.unigrams) == 2 * vocabulary and vocabulary > NUMBER and 2 <= self.order <= 4
        fits = fits and bytes(self.vocabulary).count(b"\n") == vocabulary - 1 and hypot(*self.unigrams) < _SANE
        for n, table in enumerate(self.tables, start=2):
            fits = fits and FINGERPRINT_BITS <= table.shift < 64
            fits = fits and len(table.buckets) == (1 << (64 - table.shift)) + 1 and table.buckets[0] == table.buckets[-1] == 0
            fits = fits and len(table.codes) == len(table.fingerprints) and len(table.log_probs) == CODES
            fits = fits and hypot(*table.log_probs, *table.log_backoffs) < _SANE
            fits = fits and len(table.log_backoffs) == (0 if n == self.order else CODES)
        if not fits:
            raise self._file.damaged()
