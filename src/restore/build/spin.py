"""A spinner of our own: makes from genuine text, whose originals are thus known, what the context model learns from."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import log
from typing import NamedTuple

from ..dictionary import Row
from ..learn import MAX_WORDS, Words
from ..text import tokenize

MOST_CHOICES = 12
_LOWEST_RATE = 0.3
_LEAST_KEPT = 1e-3


class Unit(NamedTuple):
    """Words ``start`` to ``end`` of a spun text were ``original``."""

    start: int
    end: int
    original: Words


class Place(NamedTuple):
    """A span of a spun text and what may have stood there.

    ``choices`` (numbers) with their log-probability in the ``channel``; the one at index ``truth`` did.
    """

    start: int
    end: int
    choices: list[int]
    channel: list[float]
    truth: int


@dataclass(frozen=True, slots=True)
class Spinner:
    """Swaps by a dictionary, one choice a word and text, longest originals first.

    ``choices``: all phrases on either side of the dictionary; a choice's number is its place here.
    """

    choices: Sequence[Words]
    number: dict[Words, int]
    swaps: dict[Words, list[tuple[Words, float]]]
    originals: dict[Words, list[tuple[Words, float]]]
    beginnings: frozenset[Words]

    @classmethod
    def from_rows(cls, rows: Iterable[Row]) -> Spinner:
        """A spinner that knows the rows of a dictionary."""
        swaps: dict[Words, list[tuple[Words, float]]] = defaultdict(list)
        originals: dict[Words, list[tuple[Words, float]]] = defaultdict(list)
        for row in rows:
            spun, original = _words(row.spun), _words(row.original)
            if max(len(spun), len(original)) <= MAX_WORDS:
                swaps[original].append((spun, row.weight))
                originals[spun].append((original, row.weight))
        likeliest = {spun: sorted(held, key=lambda o: (-o[1], o[0]))[: MOST_CHOICES - 1] for spun, held in originals.items()}
        choices = sorted({*swaps, *originals})
        beginnings = frozenset(phrase[:n] for phrase in (*swaps, *originals) for n in range(1, len(phrase) + 1))
        return cls(choices, {words: n for n, words in enumerate(choices)}, dict(swaps), likeliest, beginnings)

    def spin(self, words: Words, rng: random.Random) -> tuple[list[str], list[Unit], float]:
        """Spun words, what each was, and the rate drawn."""
        rate = rng.uniform(_LOWEST_RATE, 1.0)
        out: list[str] = []
        units: list[Unit] = []
        habits: dict[Words, Words] = {}
        at = 0
        while at < len(words):
            original = self._longest(words, at)
            spun = habits.setdefault(original, self._draw(original, rate, rng)) if original in self.swaps else original
            if spun == original:
                units += [Unit(len(out) + n, len(out) + n + 1, (word,)) for n, word in enumerate(original)]
            else:
                units.append(Unit(len(out), len(out) + len(spun), original))
            out += spun
            at += len(original)
        return out, units, rate

    def _longest(self, words: Words, at: int) -> Words:
        found = words[at : at + 1]
        for end in range(at + 1, min(len(words), at + MAX_WORDS) + 1):
            if words[at:end] in self.swaps:
                found = words[at:end]
            if words[at:end] not in self.beginnings:
                break
        return found

    def _draw(self, original: Words, rate: float, rng: random.Random) -> Words:
        left = rng.random() / rate
        for spun, weight in self.swaps[original]:
            left -= weight
            if left < 0:
                return spun
        return original

    def places(self, out: Sequence[str], units: Sequence[Unit], rate: float) -> Iterator[Place]:
        """Every span with more than one reading: what was swapped, what was kept, phrases that look spun and are not."""
        kept = [False] * len(out)
        for start, end, original in units:
            kept[start] = end == start + 1 and original == (out[start],)
        for start, end, original in units:
            place = self._place(out, start, end, original, rate)
            if place:
                yield place
            if not kept[start]:
                continue
            for end in range(start + 2, min(len(out), start + MAX_WORDS) + 1):
                phrase = tuple(out[start:end])
                if not kept[end - 1] or phrase[:-1] not in self.beginnings:
                    break
                place = self._place(out, start, end, phrase, rate)
                if place:
                    yield place

    def _place(self, out: Sequence[str], start: int, end: int, truth: Words, rate: float) -> Place | None:
        spun = tuple(out[start:end])
        originals = self.originals.get(spun)
        if not originals:
            return None
        swapped = sum(weight for _, weight in self.swaps.get(spun, ()))
        choices = [self.number[spun], *(self.number[original] for original, _ in originals)]
        channel = [log(max(_LEAST_KEPT, 1 - rate * swapped)), *(log(rate * weight) for _, weight in originals)]
        number = self.number.get(truth)
        return Place(start, end, choices, channel, choices.index(number)) if number in choices else None


def _words(text: str) -> Words:
    return tuple(token.norm for token in tokenize(text))
