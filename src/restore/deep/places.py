"""Which places of a text are worth asking about, and between which readings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import log
from typing import NamedTuple

from ..confidence import Reading
from .choice import shares

Option = tuple[Reading, ...]
"""Readings that can hold together, in order; none of them: the words as they stand."""

MOST = 4
"""Options of a place, the words as they stand among them: a fifth is right in 8 of 1,000 places, and as good as no gain."""
_FAR = 3.0
"""Nats behind the likeliest at which an option is not asked about: of the right ones 1 in 80 is further behind."""
_LEAST = 0.01
"""No probability, of a reading or of the words as they stand, is taken for smaller."""


class Place(NamedTuple):
    """Tokens ``start`` to ``end`` (exclusive) with their options, likeliest first.

    ``log_odds``: of each option against the words as they stand (natural), before the model is asked.
    """

    start: int
    end: int
    options: tuple[Option, ...]
    log_odds: tuple[float, ...]

    @property
    def doubt(self) -> float:
        """Probability that another option than the likeliest is right."""
        return 1 - max(shares(self.log_odds))


def find_places(probabilities: Mapping[Reading, float]) -> list[Place]:
    """Groups of overlapping readings, by where they stand. ``probabilities``: of each reading, 0-1."""
    return [_place(group, probabilities) for group in _groups(sorted(probabilities))]


def _groups(readings: Iterable[Reading]) -> Iterator[list[Reading]]:
    group: list[Reading] = []
    end = 0
    for reading in readings:
        if group and reading.start >= end:
            yield group
            group = []
        group.append(reading)
        end = max(end, reading.end)
    if group:
        yield group


def _place(group: Sequence[Reading], probabilities: Mapping[Reading, float]) -> Place:
    odds = {reading: _log_odds(reading, group, probabilities) for reading in group}
    likeliest = sorted(group, key=lambda reading: (-odds[reading], reading))[: MOST - 1]
    options: dict[Option, float] = {(): 0.0, **{(reading,): odds[reading] for reading in likeliest}}
    together = tuple(sorted(_compatible(reading for reading in likeliest if odds[reading] > 0)))
    if len(together) > 1:
        options[together] = sum(odds[reading] for reading in together)
    ranked = sorted(options, key=lambda option: (-options[option], option))[:MOST]
    kept = [option for option in ranked if not option or options[option] >= options[ranked[0]] - _FAR]
    if () not in kept:
        kept[-1:] = [()] if len(kept) == MOST else [kept[-1], ()]
    spans = [reading for option in kept for reading in option] or group
    start, end = min(r.start for r in spans), max(r.end for r in spans)
    return Place(start, end, tuple(kept), tuple(options[option] for option in kept))


def _compatible(readings: Iterable[Reading]) -> list[Reading]:
    """Each unless it overlaps an earlier one."""
    taken: list[Reading] = []
    for reading in readings:
        if all(reading.end <= other.start or other.end <= reading.start for other in taken):
            taken.append(reading)
    return taken


def _log_odds(reading: Reading, group: Sequence[Reading], probabilities: Mapping[Reading, float]) -> float:
    """Of a reading against the words as they stand: what readings leave of the most doubtful of its words."""
    words = range(reading.start, reading.end)
    changed = max(sum(probabilities[other] for other in group if other.start <= at < other.end) for at in words)
    return log(max(probabilities[reading], _LEAST)) - log(max(1 - changed, _LEAST))
