"""Aligning two versions of a text, word by word. The one place that knows rapidfuzz."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rapidfuzz.distance import JaroWinkler, Levenshtein


class Block(NamedTuple):
    """``a[a_start:a_end]`` stands where ``b[b_start:b_end]`` does; one side may be empty. ``equal``: they are the same."""

    equal: bool
    a_start: int
    a_end: int
    b_start: int
    b_end: int


def align(a: Sequence[str], b: Sequence[str]) -> list[Block]:
    """Blocks that cover both sequences: equal stretches, and between them what differs, adjacent steps as one block."""
    blocks: list[Block] = []
    for step in Levenshtein.opcodes(a, b):
        equal = step.tag == "equal"
        if blocks and not equal and not blocks[-1].equal:
            blocks[-1] = blocks[-1]._replace(a_end=step.src_end, b_end=step.dest_end)
        else:
            blocks.append(Block(equal, step.src_start, step.src_end, step.dest_start, step.dest_end))
    return blocks


def distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Word edit distance."""
    return Levenshtein.distance(a, b)


_ALIKE = 0.85
"""Jaro-Winkler similarity from which on one word may have been meant for the other: a slip or two in eight letters."""


def closest(word: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that ``word`` was probably meant to be, if any."""
    best = max(known, key=lambda name: JaroWinkler.similarity(word, name), default=None)
    return best if best is not None and JaroWinkler.similarity(word, best) >= _ALIKE else None
