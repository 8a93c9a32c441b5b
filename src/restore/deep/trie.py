"""Sequences that begin alike, as a tree in which each shared token stands once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Tokens = Sequence[int]


@dataclass(slots=True)
class Node:
    """A token at a position; ``sequences`` are those that pass through it, ``parent`` the node before (-1: none)."""

    token: int
    position: int
    parent: int
    sequences: list[int] = field(default_factory=list)


def common_prefix(sequences: Sequence[Tokens]) -> int:
    """How many tokens all sequences begin with.

    >>> common_prefix([[1, 2, 3], [1, 2], [1, 2, 4]])
    2
    """
    first, last = min(map(list, sequences)), max(map(list, sequences))
    for index, (a, b) in enumerate(zip(first, last, strict=False)):
        if a != b:
            return index
    return min(len(first), len(last))


def build(sequences: Sequence[Tokens], start: int) -> tuple[list[Node], list[list[int]]]:
    """The tree of all tokens from position ``start`` on, parents first, and the nodes of each sequence.

    >>> nodes, paths = build([[7, 1, 2], [7, 1, 3]], 1)
    >>> [(node.token, node.sequences) for node in nodes], paths
    ([(1, [0, 1]), (2, [0]), (3, [1])], [[0, 1], [0, 2]])
    """
    nodes: list[Node] = []
    known: dict[tuple[int, int], int] = {}
    paths: list[list[int]] = []
    for number, tokens in enumerate(sequences):
        parent, path = -1, []
        for position in range(start, len(tokens)):
            key = parent, tokens[position]
            if key not in known:
                known[key] = len(nodes)
                nodes.append(Node(tokens[position], position, parent))
            parent = known[key]
            nodes[parent].sequences.append(number)
            path.append(parent)
        paths.append(path)
    return nodes, paths
