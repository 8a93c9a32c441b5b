"""What became of each swap in earlier articles: was it right as often as the lattice expected, alone and beside its neighbours?

The channel knows swaps and the language model knows words; that "a couple of" is nearly always "a few" although "couple of"
seldom is "few", or that this spinner swaps "need to" as a whole, neither sees. So for each swap, alone, after a word and before
a word, the articles are counted in which it was considered, weighing how often it was right against how often it was expected.
Their log ratio, shrunk towards none, is what the re-ranker is told: a log-likelihood ratio as in Dunning (1993), smoothed.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from math import log
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from .sections import SectionFile, write_sections

MAGIC = b"precedents"
_FORMAT = 1
_STEPS = 64
"""Steps to a nat; a ratio lies between -2 and 2 nats."""
_UNSEEN = 2.0
"""Articles in which an unseen swap is believed to have been right as often as expected; 1 to 4 are as good."""


class Keys(NamedTuple):
    """What a precedent is looked up by."""

    swap: str
    left: str
    right: str


def keys(spun: Sequence[str], original: Sequence[str], left: str, right: str) -> Keys:
    """The swap alone, with the word on its ``left``, with that on its ``right`` ("" where there is none); lower-cased words.

    >>> keys(["couple", "of"], ["few"], "a", "days")
    Keys(swap='couple of|few', left='couple of|few<a', right='couple of|few>days')
    """
    swap = f"{' '.join(spun)}|{' '.join(original)}"
    return Keys(swap, f"{swap}<{left}", f"{swap}>{right}")


def ratio(right: float, expected: float) -> float:
    """Natural log of how much more often a swap was right than expected; both counted in articles."""
    return log((right + _UNSEEN) / (expected + _UNSEEN))


class Precedents:
    """A table of log ratios, by the hash of a key; what it does not hold is as good as expected.

    ``hashes`` are sorted; ``steps`` are the ratios in 64ths of a nat. Two keys share a hash once in thousands.
    """

    def __init__(self, hashes: Sequence[int] = (), steps: Sequence[int] = ()) -> None:
        self._hashes, self._steps = hashes, steps

    def __len__(self) -> int:
        return len(self._hashes)

    def __getitem__(self, key: str) -> float:
        """The log ratio of a key, in nats."""
        value = crc32(key.encode())
        at = bisect_left(self._hashes, value)
        return self._steps[at] / _STEPS if at < len(self._hashes) and self._hashes[at] == value else 0.0


def table(ratios: Mapping[str, float]) -> Precedents:
    """Precedents in memory. Of keys with the same hash the one that comes first in the alphabet is kept."""
    found = {crc32(key.encode()): max(-127, min(127, round(ratios[key] * _STEPS))) for key in sorted(ratios, reverse=True)}
    order = sorted(found)
    return Precedents(array("I", order), array("b", map(found.__getitem__, order)))


def read_precedents(path: Path) -> Precedents:
    """The shipped table, memory-mapped.

    Raises:
        RestoreError: the file is missing or damaged.
    """
    file = SectionFile(path, MAGIC, _FORMAT, "table of precedents")
    found = Precedents(file.section("hashes", "I"), file.section("steps", "b"))
    if len(found) != len(file.section("steps")):
        raise file.damaged()
    return found


def write_precedents(path: Path, precedents: Precedents) -> None:
    """Write a table; the same one gives the same bytes."""
    data = {"hashes": array("I", precedents._hashes).tobytes(), "steps": array("b", precedents._steps).tobytes()}
    write_sections(path, MAGIC, {"format": _FORMAT}, data)
