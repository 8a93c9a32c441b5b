"""Where a text quotes somebody: those words are not the writer's, and some want them left as they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .text import Span

_MARK = re.compile(r"[“”„«»\"]|\n[ \t\r]*\n|(?<!\w)‘|’(?!\w)")
"""Double quotation marks, the ends of paragraphs, and single marks where they cannot be apostrophes."""
_CLOSED_BY = {"“": "”", "„": "“”", "«": "»", "‘": "’"}


def quoted_spans(text: str) -> list[Span]:
    """Quotations, marks included.

    One that is never closed ends with its paragraph if curly (as in long quotations), and is none if straight: an inch mark.
    Single quotation marks are heeded where they are curly.
    """
    return list(_scan(text))


def _scan(text: str) -> Iterator[Span]:
    opened = None
    for match in _MARK.finditer(text):
        mark, start = match[0], match.start()
        if mark[0] == "\n":
            if opened is not None and text[opened] in "“„«":
                yield Span(opened, start)
            opened = None
        elif opened is None:
            opened = start if mark in _CLOSED_BY or mark == '"' else None
        elif mark in _CLOSED_BY.get(text[opened], '"'):
            yield Span(opened, match.end())
            opened = None
        elif text[opened] == "‘" and mark != "’":  # an apostrophe after all, as in ‘90s
            opened = start if mark in _CLOSED_BY or mark == '"' else None
    if opened is not None and text[opened] in "“„«":
        yield Span(opened, len(text))
