"""Why each change was made, for people: its odds taken apart, the n-grams behind them, and what came second."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..result import Change, Evidence, Ngram, Restoration
from .inert import inert
from .terminal import READABLE, band

_HINT = (
    "Terms are natural log-odds for the change, and add up to those of its confidence: 2.3 is 10 to 1, 4.6 is 100 to 1. "
    "Of each word the model's longest n-gram is shown, and log P(its last word | the others)."
)
_END = "</s>"


def show_reasons(result: Restoration, console: Console) -> None:
    """Print a paragraph a change, and what its numbers are."""
    explained = [(change, change.evidence) for change in result.changes if change.evidence is not None]
    width = min(console.width, READABLE)
    for change, evidence in explained:
        console.print(_head(change, _arrow(console)), width=width, overflow="fold")
        console.print(Padding(_reasons(change, evidence), (0, 0, 0, 2)), width=width)
        console.line()
    if explained:
        console.print(Text(_HINT, "dim"), width=width)
        console.line()


def _head(change: Change, arrow: str) -> Text:
    style = band(change.confidence).style if change.applied else "dim"
    made = "changed" if change.applied else "not sure enough, left as it is"
    by = f", {inert(change.source)}" if change.source else ""
    return Text.assemble(
        (inert(change.before), "bold"),
        f" {arrow} ",
        (inert(change.after) or "nothing", style),
        f"  {change.confidence:.2f}, {made}{by}",
    )


def _reasons(change: Change, evidence: Evidence) -> Table:
    grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column()
    grid.add_column(justify="right")
    grid.add_column(overflow="fold", ratio=1)
    grid.add_row("channel", _term(evidence.channel), "that a spinner wrote it, against the writer")
    grid.add_row("language model", _term(evidence.language_model), "that the original fits here, against what stands")
    grid.add_row(Text("  as it stands", "dim"), "", _ngrams(evidence.before))
    grid.add_row(Text("  restored", "dim"), "", _ngrams(evidence.after))
    if evidence.neural is not None:
        grid.add_row("neural model", _term(evidence.neural), "that the original fits the article, against what stands")
    grid.add_row("document", _term(evidence.document), "the rest of the article, other readings, calibration")
    grid.add_row("runner-up", "", _runner_up(change))
    return grid


def _term(value: float) -> str:
    """With its sign, which nought has not."""
    return f"{value:+.1f}" if abs(value) >= 0.05 else "0.0"


def _ngrams(ngrams: Sequence[Ngram]) -> str:
    return ", ".join(f"{inert(n.words).replace(_END, '(end)')} ({n.log_prob:.1f})" for n in ngrams)


def _runner_up(change: Change) -> str:
    """The likeliest other reading; leaving the word as it is is one."""
    keeping = max(0.0, 1 - change.confidence - sum(other.confidence for other in change.alternatives))
    best = max(change.alternatives, key=lambda other: other.confidence, default=None)
    if best is None or best.confidence < keeping:
        return f"“{inert(change.before)}” as it is, {keeping:.2f}"
    return f"“{inert(best.text) or 'nothing'}”, {best.confidence:.2f}"


def _arrow(console: Console) -> str:
    return "→" if console.encoding.startswith("utf") else "->"
