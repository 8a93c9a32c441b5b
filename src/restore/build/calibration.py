"""Confidence of the WordNet family: how often a posterior was right in articles that the channel had not been learnt from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..align import align
from ..candidates import FAMILY_NAMES, Channel
from ..confidence import readings
from ..config import Family
from ..dictionary import Row
from ..document import infer
from ..lm import LanguageModel
from ..text import parse, tokenize
from .judge import is_right, isotonic
from .wordnet import WordNet, build_wordnet

_FOLDS = 2
_THRESHOLD = 0.38
"""Where two spinners went, two words in five are damaged already, and a wrong word for a wrong word does no more: in articles
not learned from, changes this sure remove .716 of the damage at precision .82, those surer than 0.33 .712 at .81
(``tests/bench/halves.py``)."""


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
    blocks = align(norms, goal)
    taken: set[int] = set()
    for reading in sorted(found, key=lambda r: (-found[r].posterior, r)):
        span = range(reading.start, reading.end)
        if taken.isdisjoint(span):
            taken.update(span)
            yield found[reading].posterior, is_right(reading, blocks, norms, goal)
