"""The WordNet family's confidence: the monotone map, and what counts as right."""

from __future__ import annotations

import random

import pytest

from restore.align import align
from restore.build.judge import is_right, isotonic
from restore.confidence import Reading


def test_the_map_is_monotone_and_honest() -> None:
    chance = random.Random(1)
    posteriors = [chance.random() for _ in range(6000)]
    knots, curve = isotonic([(p, chance.random() < p * p) for p in posteriors])
    assert knots == sorted(knots) and curve == sorted(curve)
    assert all(abs(share - p * p) < 0.12 for p, share in zip(knots, curve, strict=True))


def test_a_few_readings_make_one_step() -> None:
    assert isotonic([(0.2, False), (0.8, True)]) == ([0.5], [0.5])
    assert isotonic([]) == ([], [])


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (Reading(1, 2, "at"), True),
        (Reading(1, 2, "in"), False),
        (Reading(2, 3, "noon"), False),
        (Reading(3, 5, "great"), True),
        (Reading(3, 4, "fine"), False),
    ],
)
def test_right_is_what_brings_the_original_nearer(reading: Reading, expected: bool) -> None:
    spun, original = "met astatine noon really super".split(), "met at noon great".split()
    assert is_right(reading, align(spun, original), spun, original) is expected
