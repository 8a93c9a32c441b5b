"""Confidence of the WordNet family: how often a posterior was right in articles that the channel had not been learnt from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..align import Block, align, distance
from ..candidates import FAMILY_NAMES, Channel
from ..confidence import Reading, readings, unit_words
from ..config import Family
from ..dictionary import Row
from ..document import infer
from ..lm import LanguageModel
from ..text import parse, tokenize
from .wordnet import WordNet, build_wordnet

_FOLDS = 2
_POOL = 60
"""Readings that a step of the map is drawn from at least: with fewer it follows chance."""
_THRESHOLD = 0.38
"""Where two spinners went, two words in five are damaged already, and a wrong word for a wrong word does no more: in articles
not learned from, changes this sure remove .722 of the damage at precision .82, those surer than 0.42 .715 at .83."""


def calibrate_wordnet(
    wordnet: WordNet, model: LanguageModel, pairs: Sequence[tuple[str, str]], press: Sequence[Row]
) -> dict[str, Any]:
    """The family's entry in ``calibration.json``: a monotone map and the threshold, from (spun, original) articles."""
    seen: list[tuple[float, bool]] = []
    for fold in range(_FOLDS):
        others = [pair for index, pair in enumerate(pairs) if index % _FOLDS != fold]
        rows, _ = build_wordnet(wordnet, model, others, press)
        channel = Channel(model, {Family.PRESS: press, Family.WORDNET: rows})
        for spun, original in pairs[fold::_FOLDS]:
            seen += _judged(model, channel, spun, original)
    knots, curve = isotonic(seen)
    return {
        "posterior": [0.0, *knots, 1.0],
        "confidence": [0.0, *curve, curve[-1]],
        "threshold": _THRESHOLD,
        "changes": len(seen),
    }


def _judged(model: LanguageModel, channel: Channel, spun: str, original: str) -> Iterator[tuple[float, bool]]:
    """Posterior of the best reading of each place, and whether it is right."""
    document = parse(spun)
    inference = infer(model, channel, document, [name != Family.SCIENCE for name in FAMILY_NAMES])
    found = readings(channel, document, inference)
    norms = [token.norm for token in document.tokens]
    goal = [token.norm for token in tokenize(original)]
    places: list[Block] = [block for block in align(norms, goal) for _ in range(block.a_start, block.a_end)]
    taken: set[int] = set()
    for reading in sorted(found, key=lambda r: (-found[r].posterior, r)):
        span = range(reading.start, reading.end)
        if taken.isdisjoint(span):
            taken.update(span)
            yield found[reading].posterior, is_right(reading, places, norms, goal)


def is_right(reading: Reading, places: Sequence[Block], norms: Sequence[str], goal: Sequence[str]) -> bool:
    """Whether a reading brings its stretch nearer to the original by all the words it touches.

    ``places``: for each token of the spun text ``norms`` the block of its alignment with the original ``goal``.
    """
    block = places[reading.start]
    if block.equal or places[reading.end - 1] != block:
        return False
    words = [norm for _, norm in unit_words(reading.text)]
    before, after = norms[block.a_start : block.a_end], goal[block.b_start : block.b_end]
    start, end = reading.start - block.a_start, reading.end - block.a_start
    mended = [*before[:start], *words, *before[end:]]
    return distance(mended, after) <= distance(before, after) - max(len(words), end - start)


def isotonic(seen: Iterable[tuple[float, bool]]) -> tuple[list[float], list[float]]:
    """The monotone map that fits best, by pooling adjacent violators (Ayer et al. 1955): mean and share right of each pool."""
    pools: list[list[float]] = []  # [readings, sum of posteriors, right ones]
    ordered = sorted(seen)
    for first in range(0, len(ordered), _POOL):
        some = ordered[first : first + _POOL]
        pools.append([len(some), sum(p for p, _ in some), sum(right for _, right in some)])
        while len(pools) > 1 and pools[-2][2] * pools[-1][0] >= pools[-1][2] * pools[-2][0]:
            pools[-2:] = [[a + b for a, b in zip(*pools[-2:], strict=True)]]
    return [round(p / n, 5) for n, p, _ in pools], [round(right / n, 5) for n, _, right in pools]
