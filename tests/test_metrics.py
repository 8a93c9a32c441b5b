from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore.metrics import Judged, auroc, bootstrap, brier, ece, reliability, risk_coverage

RIGHT, WRONG = True, False
JUDGED = st.lists(st.builds(Judged, st.sampled_from([0.1, 0.2, 0.5, 0.9, 1.0]), st.booleans()), max_size=30)

FIGURES = [
    # judged, ECE, Brier, AUROC
    ([], None, None, None),
    ([(1.0, RIGHT)], 0.0, 0.0, None),
    ([(0.0, WRONG)], 0.0, 0.0, None),
    ([(0.8, RIGHT)], 0.2, 0.04, None),
    ([(1.0, RIGHT), (0.0, WRONG)], 0.0, 0.0, 1.0),
    ([(0.0, RIGHT), (1.0, WRONG)], 1.0, 1.0, 0.0),
    ([(0.5, RIGHT), (0.5, WRONG)], 0.5, 0.25, 0.5),
    ([(0.9, RIGHT), (0.5, RIGHT), (0.5, WRONG)], 0.3667, 0.17, 0.75),
]


@pytest.mark.parametrize(("judged", "error", "square", "area"), FIGURES)
def test_figures(judged: list[tuple[float, bool]], error: float | None, square: float | None, area: float | None) -> None:
    given_ = [Judged(*one) for one in judged]
    assert ece(given_) == (None if error is None else pytest.approx(error, abs=1e-4))
    assert brier(given_) == (None if square is None else pytest.approx(square))
    assert auroc(given_) == (None if area is None else pytest.approx(area))


def test_one_bin_for_all_is_the_distance_of_the_means() -> None:
    judged = [Judged(0.9, k < 9) for k in range(10)]
    assert ece(judged, bins=1) == pytest.approx(0.0)
    assert ece([Judged(0.9, k < 5) for k in range(10)], bins=1) == pytest.approx(0.4)


@given(JUDGED)
def test_bins_have_equal_mass_and_lose_nothing(judged: list[Judged]) -> None:
    bins = reliability(judged)
    assert sum(b.size for b in bins) == len(judged)
    assert len(bins) == min(15, len(judged))
    assert not bins or max(b.size for b in bins) - min(b.size for b in bins) <= 1


@given(JUDGED)
def test_area_is_the_share_of_pairs_in_order(judged: list[Judged]) -> None:
    good = [j.confidence for j in judged if j.right]
    bad = [j.confidence for j in judged if not j.right]
    if not (good and bad):
        assert auroc(judged) is None
        return
    won = sum((g > b) + (g == b) / 2 for g in good for b in bad)
    assert auroc(judged) == pytest.approx(won / len(good) / len(bad))


@given(JUDGED)
def test_the_curve_ends_with_everything_accepted(judged: list[Judged]) -> None:
    points = risk_coverage(judged)
    assert [p[0] for p in points] == sorted({p[0] for p in points})
    if judged:
        assert points[-1] == (1.0, pytest.approx(sum(not j.right for j in judged) / len(judged)))


def mean(sums: Sequence[int]) -> list[float]:
    return [sums[0] / sums[1]]


def test_intervals_hold_what_they_should_and_do_not_change() -> None:
    draw = random.Random(1)
    rows = [(draw.randint(40, 60), 100) for _ in range(50)]
    ((low, high),) = bootstrap(rows, mean)
    assert 0.45 < low < mean([sum(r[0] for r in rows), 5000])[0] < high < 0.55
    assert bootstrap(rows, mean) == [(low, high)]
    assert bootstrap(rows[:1], mean) == [(rows[0][0] / 100,) * 2]
