"""Progress bars."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_OFTEN = 0.2
"""Seconds between two looks at the figures: more would cost time that the workers want."""


@contextmanager
def counting(console: Console, total: int, what: str) -> Iterator[Callable[[int], None]]:
    """A bar for ``total`` things; the function it gives takes how many more are done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        task = progress.add_task(what, total=total)
        yield lambda number: progress.advance(task, number)


@contextmanager
def measuring(console: Console, what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for one long piece of work: the function takes how much is done, of how much; when that is all, the bar goes."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        task = progress.add_task(what)

        def report(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)
            if done >= total:
                progress.stop()

        yield report


@contextmanager
def restoring(console: Console, total: int) -> Iterator[Callable[[int, int, int, int], None]]:
    """A bar for ``total`` files; the function it gives takes how many are done, their words, changes and failures."""
    figures = TextColumn("{task.fields[figures]}")
    columns = (
        TextColumn("restoring"),
        BarColumn(),
        MofNCompleteColumn(),
        figures,
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, refresh_per_second=4) as progress:
        task = progress.add_task("", total=total, figures="")
        begin = last = time.monotonic()

        def advance(files: int, words: int, changes: int, failed: int) -> None:
            nonlocal last
            now = time.monotonic()
            if files < total and now - last < _OFTEN:
                return
            last = now
            parts = [f"{words / max(now - begin, 0.001):,.0f} words/s", f"{changes:,} changes"]
            parts += [f"[red]{failed:,} failed[/red]"] if failed else []
            progress.update(task, completed=files, figures=", ".join(parts))

        yield advance


@contextmanager
def streaming(console: Console, what: str) -> Iterator[tuple[Callable[[int], None], Callable[[str], None]]]:
    """A bar for work of unknown length: one function takes how much more is done, the other the name of the stage."""
    words = (TextColumn("{task.description}"), TextColumn("{task.fields[done]}"))
    columns = (SpinnerColumn(), *words, TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        task = progress.add_task(what, total=None, done="")
        done = 0

        def advance(number: int) -> None:
            nonlocal done
            done += number
            progress.update(task, done=f"{done / 1e6:,.1f} million characters")

        yield advance, lambda stage: progress.update(task, description=stage)
