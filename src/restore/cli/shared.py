"""What several commands have in common: the engine's options, and a progress bar where somebody looks."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from ..config import FAMILIES, Config, Family
from . import streams, user

Function = TypeVar("Function", bound=Callable[..., Any])

READABLE = click.Path(exists=True, path_type=Path)
READABLE_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
WRITABLE = click.Path(dir_okay=False, path_type=Path)

quiet_option = click.option("-q", "--quiet", is_flag=True, help="Errors only on stderr.")
help_option = click.help_option("-h", "--help", help="Show this.")

_ENGINE = (
    click.option(
        "--profile",
        type=click.Choice(["auto", *(family.value for family in FAMILIES)]),
        default="auto",
        show_default=True,
        help="Family of spinner.",
    ),
    click.option(
        "-d",
        "--dictionary",
        "dictionaries",
        multiple=True,
        metavar="FILE",
        type=READABLE_FILE,
        help="More substitutions. Repeatable.",
    ),
    click.option("-j", "--jobs", metavar="N", type=click.IntRange(0), default=0, help="Worker processes; 0: as many as pay."),
)


def engine_options(function: Function) -> Function:
    """``--profile``, ``-d`` and ``-j``."""
    for option in reversed(_ENGINE):
        function = option(function)
    return function


def make_config(profile: str, dictionaries: tuple[Path, ...], min_confidence: float | None = None) -> Config:
    """The engine's settings, the user's dictionary among them."""
    return Config(
        min_confidence=min_confidence,
        profile=None if profile == "auto" else Family(profile),
        dictionaries=user.with_own(dictionaries),
    )


@contextlib.contextmanager
def progress(total: int, what: str, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar on stderr; the function it gives takes how many more are done."""
    if total < 2 or quiet or not streams.is_terminal(sys.stderr):
        yield lambda _: None
        return
    from ..render.progress import counting

    with counting(streams.console(sys.stderr), total, what) as advance:
        yield advance
