"""``restore learn``: dictionary rows from pairs of spun and original texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import RestoreError
from . import shared, streams
from .dictionary import save

if TYPE_CHECKING:
    from ..pairs import Pair


@click.command("learn")
@click.argument("spun", type=shared.READABLE)
@click.argument("original", type=shared.READABLE)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=shared.WRITABLE,
    help="Merge into this dictionary, to be used with -d. Default: print the rows.",
)
@shared.quiet_option
@shared.help_option
def command(spun: Path, original: Path, output: Path | None, quiet: bool) -> int:
    """See what a spinner substitutes: SPUN texts against their ORIGINALs, two files or two folders.

    Pairs that have too little in common are named and left out; exit 3 if there are any.
    """
    from ..learn import count_pairs, rows_from_counts
    from ..pairs import find_pairs

    pairs = find_pairs(spun, original)
    texts, refused = _read(pairs, quiet)
    if not texts:
        raise RestoreError("no pair can be learned from" if len(pairs) > 1 else refused[0])
    if refused:
        for reason in refused:
            streams.say(f"restore: {reason}")
    counts = count_pairs(texts)
    rows = rows_from_counts(counts, [original for _, original in texts])
    if not rows:
        raise RestoreError("the texts are the same: there is nothing to learn")
    save(rows, output or Path("-"))
    if not quiet:
        streams.say(f"{len(rows):,} rows from {len(texts):,} of {len(pairs):,} pairs")
    return 3 if refused else 0


def _read(pairs: list[Pair], quiet: bool) -> tuple[list[tuple[str, str]], list[str]]:
    """The texts of the pairs that align, and why the others do not."""
    from ..learn import check_pair
    from ..pairs import read_text

    texts, refused = [], []
    with shared.progress(len(pairs), "aligning", quiet) as advance:
        for pair in pairs:
            try:
                both = read_text(pair.spun), read_text(pair.original)
                check_pair(*both)
                texts.append(both)
            except RestoreError as error:
                message = str(error)
                refused.append(message if str(pair.original) in message else f"{pair.name}: {message}")
            advance(1)
    return texts, refused
