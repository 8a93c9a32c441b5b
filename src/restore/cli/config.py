"""``restore config``: what is set, and where."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from . import shared, streams


@click.group("config", cls=shared.Group)
def command() -> None:
    """Show settings.

    Options on the command line win over the project's restore.toml or [tool.restore] in pyproject.toml, the nearest one in
    this folder or above, and that over RESTORE_* variables.
    """


@command.command("show")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@shared.help_option
def show(path: Path | None) -> int:
    """List each setting with its value and where that comes from; for the file PATH, sections by path included."""
    from ..render.lists import show_table
    from ..settings import KINDS

    settings = shared.settings()
    rows = [(name, _text(value), origin) for name in KINDS for value, origin in [settings.get(name, path)]]
    show_table(("setting", "value", "from"), rows, streams.console(sys.stdout))
    return 0


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
