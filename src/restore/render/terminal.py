"""The view for people: the article with its changes in place, a legend, and a table of what changed and how surely."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..result import Change, Restoration
from .diff import diff_lines
from .inert import inert

Screen = Console
"""The name for other layers: only this one knows rich."""

READABLE = 100
"""Columns: longer lines are hard to read."""
_NARROW = 70
_ALTERNATIVES = 3


class Band(NamedTuple):
    """A range of confidence, with the style that shows it on dark and light grounds alike."""

    at_least: float
    label: str
    style: str


BANDS = (
    Band(0.9, "0.9 and surer", "bold green"),
    Band(0.7, "0.7 to 0.9", "bold yellow"),
    Band(0.0, "below 0.7", "bold magenta"),
)
_OLD = "strike dim"
_DECLINED = "underline"


def band(confidence: float) -> Band:
    """The band a confidence falls in."""
    return next((b for b in BANDS if confidence >= b.at_least), BANDS[-1])


def make_console(file: IO[str], color: bool, width: int | None = None, terminal: bool = False) -> Console:
    """A console that depends on nothing but its arguments (and, without ``width``, on the terminal's size).

    ``terminal`` lets a progress bar move even without colour.
    """
    return Console(
        file=file,
        width=width,
        force_terminal=color or terminal,
        no_color=not color,
        color_system="standard" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )


def show(result: Restoration, console: Console, name: str = "") -> None:
    """Print the whole view."""
    colored = console.color_system is not None
    width = min(console.width, READABLE)
    if name:
        console.rule(Text(inert(name), "bold"), align="left", characters="-" if _ascii(console) else "─")
        console.line()
    console.print(article(result, colored, _arrow(console)), width=width, overflow="fold")
    if not result.changes:
        return
    console.line()
    console.print(legend(result, colored, _arrow(console)), width=width)
    console.line()
    console.print(table(result, narrow=console.width < _NARROW, arrow=_arrow(console)), width=width)


def article(result: Restoration, colored: bool = True, arrow: str = "→") -> Text:
    """The text with every change in place; without colour, brackets say what colours would."""
    text = Text(no_wrap=False, end="\n")
    at = 0
    for change in result.changes:
        text.append(inert(result.original[at : change.start]))
        text.append_text(_marked(change, colored, arrow))
        at = change.end
    text.append(inert(result.original[at:]).rstrip("\n"))
    return text


def _marked(change: Change, colored: bool, arrow: str) -> Text:
    before, after, style = inert(change.before), inert(change.after), band(change.confidence).style
    if not change.applied:
        note = f" {_doubt(change)}"
        return Text.assemble((before, _DECLINED), (note, "dim")) if colored else Text(f"[{before}]{note}")
    if colored:
        return Text.assemble((before, _OLD), " " if before and after else "", (after, style))
    return Text(f"[{before} {arrow} {after}]")


def _doubt(change: Change) -> str:
    """The reading that was not sure enough."""
    return f"({inert(change.after) or 'nothing'}?)"


def legend(result: Restoration, colored: bool = True, arrow: str = "→") -> Text:
    """What the marks mean; only those that occur."""
    if not colored:
        return Text(f"[old {arrow} new] changed   [word] (other?) left as it is")
    used = [b for b in BANDS if any(c.applied and band(c.confidence) is b for c in result.changes)]
    parts = [Text("old", _OLD)] if used else []
    parts += [Text(b.label, b.style) for b in used]
    if len(result.applied) < len(result.changes):
        parts.append(Text.assemble(("word", _DECLINED), (" (other?)", "dim"), " left as it is"))
    return Text("   ").join(parts)


def table(result: Restoration, narrow: bool = False, arrow: str = "→") -> Table:
    """One row a change: before, after, confidence, alternatives."""
    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    grid.add_column("before", overflow="fold")
    grid.add_column("after", overflow="fold")
    grid.add_column("sure" if narrow else "confidence", justify="right")
    grid.add_column("or" if narrow else "alternatives", overflow="fold", ratio=1)
    for change in result.changes:
        grid.add_row(*_row(change))
    return grid


def _row(change: Change) -> Iterator[Text]:
    style = band(change.confidence).style if change.applied else "dim"
    yield Text(inert(change.before))
    yield Text(inert(change.after), style) if change.applied else Text(_doubt(change), style)
    yield Text(f"{change.confidence:.2f}", style)
    others = change.alternatives[:_ALTERNATIVES]
    yield Text(", ".join(f"{inert(a.text) or 'nothing'} {a.confidence:.2f}" for a in others), "dim")


def show_diff(result: Restoration, console: Console, name: str) -> None:
    """The unified diff in colours."""
    for line in diff_lines(result, name):
        style = "bold" if line[:3] in ("---", "+++") else {"-": "red", "+": "green", "@": "cyan"}.get(line[0], "")
        console.print(Text(inert(line.rstrip("\n")), style), overflow="fold")


def _arrow(console: Console) -> str:
    return "->" if _ascii(console) else "→"


def _ascii(console: Console) -> bool:
    return not console.encoding.startswith("utf")
