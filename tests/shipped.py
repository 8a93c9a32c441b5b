"""The restorer as it is shipped, loaded once; and texts marked with what was done to them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from restore import Config, Restorer
from restore.result import Change, apply_changes

ROOT = Path(__file__).parents[1]
SEED = (ROOT / "seeds" / "blinken-geneva.txt").read_text("utf-8")
_MARK = re.compile(r"\{([^{|}]+)\|([^{|}]+)\}")


@cache
def restorer(**options: object) -> Restorer:
    return Restorer(Config(**options))  # type: ignore[arg-type]


def marked(text: str) -> tuple[str, str]:
    """Spun text and original of a text with ``{spun|original}`` in it."""
    return _MARK.sub(r"\1", text), _MARK.sub(r"\2", text)


def unspin(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    """The text with each pair's first phrase replaced by the second; they come in the order in which they stand."""
    changes, at = [], 0
    for before, after in pairs:
        start = text.index(before, at)
        at = start + len(before)
        changes.append(Change(start, at, before, after, 1.0))
    return apply_changes(text, changes)
