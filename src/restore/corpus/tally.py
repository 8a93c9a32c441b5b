"""What is counted of a collection, shard by shard; parts add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import RestoreError
from ..rows import Bad, Row

SPUN = 0.5
_BINS = 10
_SHOWN = 20
"""Places of bad rows that are remembered a shard; all are counted."""


@dataclass(slots=True)
class Tally:
    """Counts. ``documents`` have a text, ``bad`` rows have none; ``written`` are the rows of the output, bad ones included.

    ``rates``: of the spun documents, how many have a spin rate in each tenth of 0 to 1. ``places`` names the first bad rows.
    """

    documents: int = 0
    bad: int = 0
    written: int = 0
    spun: int = 0
    changes: int = 0
    words: int = 0
    rates: list[int] = field(default_factory=lambda: [0] * _BINS)
    places: list[str] = field(default_factory=list)

    def count(self, rows: Sequence[Row | Bad], first: int, ids: Sequence[object] | None) -> None:
        """Add rows; ``first`` is the number of the first in its shard, ``ids`` are what the user calls them."""
        for at, row in enumerate(rows):
            if isinstance(row, Bad):
                self.bad += 1
                if len(self.places) < _SHOWN:
                    known = ids is not None and ids[at] is not None
                    self.places.append(f"{first + at}{f' (id {ids[at]})' if ids is not None and known else ''}: {row.reason}")
                continue
            self.documents += 1
            self.changes += row.changes
            self.words += row.words
            if row.spun_probability > SPUN:
                self.spun += 1
                self.rates[min(int(row.spin_rate * _BINS), _BINS - 1)] += 1

    def __add__(self, other: Tally) -> Tally:
        numbers = {name: getattr(self, name) + getattr(other, name) for name in _NUMBERS}
        rates = [a + b for a, b in zip(self.rates, other.rates, strict=True)]
        return Tally(**numbers, rates=rates, places=[*self.places, *other.places])

    def to_json(self) -> dict[str, Any]:
        """For a completion marker."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Any) -> Tally:
        """Read what ``to_json`` wrote.

        Raises:
            RestoreError: it is something else.
        """
        try:
            found = cls(**data)
            well = all(isinstance(getattr(found, name), int) for name in _NUMBERS)
            well = well and len(found.rates) == _BINS and all(isinstance(number, int) for number in found.rates)
        except TypeError:
            well = False
        if not well:
            raise RestoreError("not a completion marker of restore")
        return found


_NUMBERS = ("documents", "bad", "written", "spun", "changes", "words")
