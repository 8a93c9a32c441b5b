"""How something is spread over the tenths from 0 to 1, as bars."""

from __future__ import annotations

from collections.abc import Sequence

from rich.bar import Bar
from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDTH = 30


def show_spread(title: str, numbers: Sequence[int], console: Console) -> None:
    """Print a bar a tenth; ``numbers`` has the ten counts."""
    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    grid.add_column(title)
    grid.add_column("", justify="right")
    grid.add_column("", width=_WIDTH)
    most = max(numbers, default=0) or 1
    for at, number in enumerate(numbers):
        grid.add_row(Text(f".{at} to {f'.{at + 1}' if at < 9 else '1'}"), f"{number:,}", Bar(most, 0, number, width=_WIDTH))
    console.print(grid)
