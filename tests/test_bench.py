"""Floors under the figures, on articles that nothing was learned from.

The bench lies beside the checkout, or where RESTORE_BENCH says; it is not part of the project, whose tests pass without it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from restore.evaluate import clean_figures, score, summarise
from shipped import ROOT, restorer

BENCH = Path(os.environ.get("RESTORE_BENCH") or ROOT.parent / "shared" / "bench")
pytestmark = pytest.mark.skipif(not (BENCH / "press").is_dir(), reason=f"no bench in {BENCH}")


def pairs() -> Iterator[tuple[str, str]]:
    for path in sorted((BENCH / "press" / "spun").glob("*.txt")):
        yield path.read_text("utf-8"), (BENCH / "press" / "original" / path.name).read_text("utf-8")


def test_press_articles() -> None:
    """When this was written they gave .87, .73 and .72."""
    found = summarise([score(restorer().restore(spun), original) for spun, original in pairs()])
    assert found["precision"] >= 0.84
    assert found["recall"] >= 0.69
    assert found["damage_removed"] >= 0.68
    assert found["calibration"]["applied"]["ece"] <= 0.05


def test_clean_articles() -> None:
    texts = [path.read_text("utf-8") for path in sorted((BENCH / "clean").glob("*.txt"))]
    results = [restorer().restore(text) for text in texts]
    assert clean_figures(results)["false_edits_per_10k"] <= 1
    assert sum(result.text != text for result, text in zip(results, texts, strict=True)) <= 1


def test_originals_of_spun_articles_are_clean_too() -> None:
    results = [restorer().restore(original) for _, original in pairs()]
    assert clean_figures(results)["false_edits_per_10k"] <= 2
