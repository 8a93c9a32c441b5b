"""``restore config``: what is set, and where."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from . import shared, streams

_LEAST = "min-confidence"


@click.group("config", cls=shared.Group)
@shared.help_option
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
    rows = [_fitted() if name == _LEAST and origin == "default" else (name, value, origin) for name, value, origin in rows]
    show_table(("setting", "value", "from"), rows, streams.console(sys.stdout))
    return 0


def _fitted() -> tuple[str, str, str]:
    """The threshold that holds where none is set: it was fitted with the confidences, and depends on the family of spinner."""
    from ..confidence import read_calibration
    from ..config import dictionary_dir

    path = dictionary_dir() / "calibration.json"
    (_, first), *others = read_calibration(path).items()
    different = "".join(f", {name} {own.threshold:g}" for name, own in others if own.threshold != first.threshold)
    return _LEAST, f"{first.threshold:g}{different}", f"default, as fitted in {path.name}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value) or "none"
