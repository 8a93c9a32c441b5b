"""Markdown: front matter, code, link targets and HTML are structure, the rest is prose.

Line by line, as offsets are needed and a text that is Markdown in name only must come through as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..text import Span, merge
from .html import html_spans

_LINE_END = re.compile(r"\r\n|\r|\n")
_FENCE = re.compile(r" {0,3}(?:(`{3,}+)[^`]*+|(~{3,}+).*+)$")
_ITEM = re.compile(r" {0,3}(?:[-*+]|\d{1,9}[.)])\s")
_DEFINITION = re.compile(r" {0,3}\[[^\]\n]{1,200}+\]:.*")
_TARGET = re.compile(r"\]\([^()\s]*+(?:\([^()\s]*+\)[^()\s]*+)*+")
_REFERENCE = re.compile(r"\]\[[^\]\n]{0,200}+\]")
_FRONT = {"---": ("---", "..."), "+++": ("+++",)}


def markdown_spans(text: str) -> list[Span]:
    """What in ``text`` is no prose."""
    spans = list(_blocks(text))
    for pattern in (_TARGET, _REFERENCE):
        spans += (Span(*match.span()) for match in pattern.finditer(text))
    return list(merge(sorted([*spans, *html_spans(text)])))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without their ends, each with its offset."""
    at = 0
    for end in _LINE_END.finditer(text):
        yield at, text[at : end.start()]
        at = end.end()
    yield at, text[at:]


def _blocks(text: str) -> Iterator[Span]:
    """Front matter, fenced and indented code, link definitions."""
    body = _front_matter(text)
    if body:
        yield Span(0, body)
    start, fence = 0, ""
    blank, in_list = True, False
    for at, line in _lines(text):
        match = _FENCE.match(line)
        if at < body:
            continue
        if fence:
            if match and (match[1] or match[2]).startswith(fence):
                yield Span(start, at + len(line))
                fence = ""
        elif match:
            start, fence = at, match[1] or match[2]
        elif _DEFINITION.match(line) or (blank and not in_list and line.startswith("    ")):
            yield Span(at, at + len(line))
        else:
            blank = not line.strip()
            in_list = bool(_ITEM.match(line)) or (in_list and (blank or line[0] == " "))
    if fence:
        yield Span(start, len(text))


def _front_matter(text: str) -> int:
    """Where the front matter ends; 0 if there is none."""
    closing: tuple[str, ...] = ()
    for at, line in _lines(text):
        if not at:
            closing = _FRONT.get(line.rstrip(), ())
        elif line.rstrip() in closing:
            return at + len(line)
        if not closing:
            break
    return 0
