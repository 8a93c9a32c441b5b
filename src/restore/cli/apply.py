"""``restore apply``: decisions from the review page, turned into files."""

from __future__ import annotations

from pathlib import Path

import click

from .. import files
from ..config import Config
from ..decisions import LARGEST, Decided, Decisions, read_decisions
from ..errors import RestoreError
from ..reading import read_bytes, reason
from . import shared


@click.command("apply")
@click.argument("decisions", type=shared.READABLE_FILE, metavar="DECISIONS.json")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("-o", "--output", metavar="PATH", help="Write to a file, or to a folder that mirrors the input.")
@click.option("-i", "--in-place", is_flag=True, help="Rewrite the files; 'restore undo' takes it back.")
@click.option("-f", "--force", is_flag=True, help="Let -o overwrite files that differ.")
@click.option("--diff", is_flag=True, help="Show what changes.")
@shared.quiet_option
@shared.help_option
def command(
    decisions: Path, paths: tuple[str, ...], output: str | None, in_place: bool, force: bool, diff: bool, quiet: bool
) -> int:
    """Make the changes that were decided on in the review page, and no others.

    The texts are those that DECISIONS.json names, or each PATH. A text that is not the one decided on is left alone.
    """
    from .run import Options, run

    if in_place and output:
        raise click.UsageError("-i and -o exclude each other.")
    try:
        found = read_decisions(read_bytes(decisions, LARGEST))
    except OSError as error:
        raise RestoreError(f"{decisions}: cannot be read: {reason(error)}") from error
    except RestoreError as error:
        raise RestoreError(f"{decisions}: {error}") from error
    if not found:
        raise RestoreError(f"{decisions}: there are no decisions in it")
    options = Options(
        paths or tuple(_place(one, decisions) for one in found),
        output=output,
        in_place=in_place,
        force=force,
        form="diff" if diff else None,
        jobs=1,
        quiet=quiet,
    )
    return run(options, lambda _: Config(), lambda _: Decided(found))


def _place(one: Decisions, decisions: Path) -> str:
    """The file that decisions name. They may come from anywhere, so of themselves they reach no file but those below here."""
    if one.path == files.STDIN:
        raise RestoreError(f"{decisions}: the text came through standard input; name the file: restore apply {decisions} FILE")
    try:
        inside = Path(one.path).resolve().is_relative_to(Path.cwd())
    except (OSError, ValueError) as error:
        raise RestoreError(f"{decisions}: {one.path[:80]!r} is no name of a file") from error
    if not inside:
        raise RestoreError(
            f"{decisions}: {one.path} lies outside this folder; name it yourself: restore apply {decisions} FILE"
        )
    return one.path
