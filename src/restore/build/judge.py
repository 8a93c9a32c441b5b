"""Which readings are right, and how sure that makes their kind: what both calibrations are fitted to."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from ..align import Block, distance
from ..confidence import Reading, unit_words

_POOL = 60
"""Readings that a step of the map is drawn from at least: with fewer it follows chance."""


def is_right(reading: Reading, blocks: Sequence[Block], norms: Sequence[str], goal: Sequence[str]) -> bool:
    """Whether all that a reading changes brings the text nearer to the original.

    ``blocks``: the alignment of the spun text ``norms`` with the original ``goal``.
    """
    first = bisect_right(blocks, reading.start, key=lambda block: block.a_start) - 1
    last = bisect_left(blocks, reading.end, key=lambda block: block.a_end)
    while first and blocks[first].a_start >= reading.start and not blocks[first - 1].equal:
        first -= 1
    while last + 1 < len(blocks) and blocks[last].a_end <= reading.end and not blocks[last + 1].equal:
        last += 1
    start, goal_start = blocks[first].a_start, blocks[first].b_start
    end, goal_end = blocks[last].a_end, blocks[last].b_end
    if blocks[first].equal:
        start, goal_start = reading.start, goal_start + reading.start - start
    if blocks[last].equal:
        end, goal_end = reading.end, goal_end - (end - reading.end)
    words = [norm for _, norm in unit_words(reading.text)]
    own = distance(norms[reading.start : reading.end], words)
    mended = [*norms[start : reading.start], *words, *norms[reading.end : end]]
    there = goal[goal_start:goal_end]
    return own > 0 and distance(mended, there) == distance(norms[start:end], there) - own


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
