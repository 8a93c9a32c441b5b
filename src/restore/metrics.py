"""How well confidences fit what came true, and how far a figure can be trusted. Plain functions of plain numbers."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

BINS = 15
RESAMPLES = 1000
SEED = 20240229
"""Any number would do; a fixed one makes two runs agree."""


class Judged(NamedTuple):
    """A confidence (0-1) and whether what it spoke of was right."""

    confidence: float
    right: bool


class Bin(NamedTuple):
    """Mean confidence, share that was right, and number of judgements of neighbouring confidence."""

    confidence: float
    right: float
    size: int


def reliability(judged: Sequence[Judged], bins: int = BINS) -> list[Bin]:
    """``bins`` bins of equal mass (Nguyen & O'Connor 2015), surest last; fewer where there are fewer judgements."""
    ranked = sorted(judged, key=lambda j: j.confidence)  # stable: equal confidences stay in the order of the documents
    edges = [round(k * len(ranked) / bins) for k in range(bins + 1)]
    return [_bin(ranked[a:b]) for a, b in pairwise(edges) if b > a]


def _bin(held: Sequence[Judged]) -> Bin:
    count = len(held)
    return Bin(sum(j.confidence for j in held) / count, sum(j.right for j in held) / count, count)


def ece(judged: Sequence[Judged], bins: int = BINS) -> float | None:
    """Expected calibration error: mean distance of confidence and share right over the bins of ``reliability``."""
    found = reliability(judged, bins)
    total = sum(b.size for b in found)
    return sum(b.size * abs(b.confidence - b.right) for b in found) / total if total else None


def brier(judged: Sequence[Judged]) -> float | None:
    """Mean squared distance of confidence and outcome (Brier 1950)."""
    return sum((j.confidence - j.right) ** 2 for j in judged) / len(judged) if judged else None


def auroc(judged: Sequence[Judged]) -> float | None:
    """Probability that a right one is given more confidence than a wrong one, ties counting half; by ranks, n log n."""
    right = sum(j.right for j in judged)
    wrong = len(judged) - right
    if not (right and wrong):
        return None
    below, won = 0, 0.0
    for _, tied in groupby(sorted(judged), key=lambda j: j.confidence):
        outcomes = [j.right for j in tied]
        good = sum(outcomes)
        bad = len(outcomes) - good
        won += good * (below + bad / 2)
        below += bad
    return won / (right * wrong)


def risk_coverage(judged: Sequence[Judged]) -> list[tuple[float, float]]:
    """(share accepted, share wrong among those) when ever less sure judgements are accepted; ties go together."""
    points, accepted, wrong = [], 0, 0
    for _, tied in groupby(sorted(judged, reverse=True), key=lambda j: j.confidence):
        outcomes = [j.right for j in tied]
        accepted += len(outcomes)
        wrong += len(outcomes) - sum(outcomes)
        points.append((accepted / len(judged), wrong / accepted))
    return points


Row = Sequence[int]
Interval = tuple[float, float]


def bootstrap(
    rows: Sequence[Row], figures: Callable[[Row], Sequence[float]], resamples: int = RESAMPLES, seed: int = SEED
) -> list[Interval]:
    """95% percentile intervals (Efron 1979) of figures that are functions of sums over documents.

    ``rows``: counts of each document; ``figures``: from their sums to the figures. Documents are drawn with replacement.
    """
    draw = random.Random(seed)
    drawn = []
    for _ in range(resamples):
        sample = draw.choices(rows, k=len(rows))
        drawn.append(figures([sum(column) for column in zip(*sample, strict=True)]))
    return [_middle(sorted(values)) for values in zip(*drawn, strict=True)]


def _middle(values: Sequence[float]) -> Interval:
    cut = round(0.025 * len(values))
    return values[cut], values[-1 - cut]
