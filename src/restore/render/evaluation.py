"""The figures of ``restore evaluate`` as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .plain import count

_NAMES = {
    "precision": "precision of the edits made",
    "recall": "recall of the edits needed",
    "f05": "F0.5",
    "wer_before": "word error before",
    "wer_after": "word error after",
    "damage_removed": "damage removed",
}
_SHARE_OF = {"precision": "edits_made", "recall": "edits_needed", "f05": "edits_made", "damage_removed": "edits_needed"}
"""What has to be there for a figure to mean something; for the others, words."""


def show_evaluation(figures: Mapping[str, Any], console: Console) -> None:
    """Print quality, calibration and speed; ``figures`` is what ``evaluate.summarise`` gives."""
    f = figures
    counts = count(f["files"], "file"), count(f["words"], "word"), f"{count(f['edits_needed'], 'edit')} needed"
    console.print(f"{', '.join(counts)}, {f['edits_made']:,} made", soft_wrap=True)
    for table in (_quality(f), _calibration(f["calibration"]), _at_confidence(f["at_confidence"], f["files"])):
        console.line()
        console.print(table)
    console.line()
    if "clean" in f:
        c = f["clean"]
        console.print(
            f"clean texts: {count(c['false_edits'], 'false edit')} in {count(c['words'], 'word')} "
            f"({c['false_edits_per_10k']} in 10,000), {c['files_touched']:,} of {count(c['files'], 'file')} touched",
            soft_wrap=True,
        )
    if "speed" in f:
        console.print(f"{f['speed']['words_per_second']:,} words a second, start included ({f['speed']['seconds']} s)")


def _grid(*columns: str) -> Table:
    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        grid.add_column(column, justify="right" if number else "left")
    return grid


def _quality(figures: Mapping[str, Any]) -> Table:
    grid = _grid("quality", "", "95% interval")
    for key, name in _NAMES.items():
        known = figures[_SHARE_OF.get(key, "words")]  # a share of nothing says nothing
        value, ends = (figures[key], figures["intervals"][key]) if known else (None, None)
        grid.add_row(name, Text(_number(value), "bold"), _interval(ends if figures["files"] > 1 else None))
    return grid


def _calibration(calibration: Mapping[str, Any]) -> Table:
    grid = _grid("calibration", "changes", "right", "ECE", "Brier", "AUROC")
    for key, name in (("applied", "changes applied"), ("reported", "and declined ones")):
        row = calibration[key]
        grid.add_row(name, f"{row['changes']:,}", f"{row['right']:,}", *(_number(row[k]) for k in ("ece", "brier", "auroc")))
    return grid


def _at_confidence(rows: Sequence[Mapping[str, Any]], files: int) -> Table:
    grid = _grid("changes applied", "number", "precision", "95% interval", "coverage")
    for row in rows:
        name = f"{row['confidence']} and surer"
        precision, interval = _number(row["precision"]), _interval(row["interval"] if files > 1 else None)
        grid.add_row(name, f"{row['changes']:,}", Text(precision, "bold"), interval, _number(row["coverage"]))
    return grid


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _interval(ends: Sequence[float] | None) -> str:
    return "-" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"
