"""The search graph of a text: every path through it is an original that the text may have had.

``expand`` walks the edges from left to right with the language model and keeps, at each token, the few states that matter.
What it returns holds each step's language-model score, so that channel weights can change and the sums be taken again without
asking the model anew.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .candidates import KEEP, Channel, Edges
from .kernel import KERNEL, doubles, sentence_bounds
from .lm import END, LanguageModel, State

BEAM = 8
"""States kept at a token."""
MARGIN = 9.0
"""Nats behind the best state of its token at which a state is dropped."""
LM_WEIGHT = 0.85
"""Power to which the model's probabilities are raised, as speech decoders do: an n-gram model is surer than it is right."""
END_OF_SENTENCE = -1


@dataclass(frozen=True, slots=True)
class Graph:
    """Parallel arrays, one element an arc, sorted by the token at which arcs end.

    ``source`` and ``target`` are nodes, numbered through the text; ``edge`` is an index into ``Edges`` or ``END_OF_SENTENCE``;
    ``log_lm`` is log P(words of the edge | state of the source), natural, times ``LM_WEIGHT``.
    ``sentences`` holds the first arc of each sentence and the end, ``nodes`` its first node and the end: the first node of a
    sentence is its start and the last its goal.
    """

    source: array[int] = field(default_factory=lambda: array("I"))
    target: array[int] = field(default_factory=lambda: array("I"))
    edge: array[int] = field(default_factory=lambda: array("i"))
    log_lm: array[float] = field(default_factory=lambda: array("d"))
    sentences: array[int] = field(default_factory=lambda: array("I", [0]))
    nodes: array[int] = field(default_factory=lambda: array("I", [0]))

    def add(self, source: int, target: int, edge: int, log_lm: float) -> None:
        """Append an arc."""
        self.source.append(source)
        self.target.append(target)
        self.edge.append(edge)
        self.log_lm.append(log_lm)


class _Arc(NamedTuple):
    source: int
    edge: int
    log_lm: float


class _Node:
    """A state at a token: the score of the best path to it and the arcs that end in it."""

    __slots__ = ("arcs", "best", "number", "state")

    def __init__(self, state: State) -> None:
        self.state = state
        self.best = float("-inf")
        self.arcs: list[_Arc] = []
        self.number = 0


def expand(
    model: LanguageModel,
    channel: Channel,
    edges: Edges,
    sentences: Sequence[range],
    score: Sequence[float],
    beam: int = BEAM,
    margin: float = MARGIN,
) -> Graph:
    """The pruned graph under the edge scores ``score`` (natural log, one an edge).

    Time is linear in the number of tokens: at most ``beam`` states meet the edges of each.
    """
    if KERNEL is not None:
        text = edges.tokens, edges.first, edges.end, edges.unit, channel.unit_first, channel.unit_words
        found = KERNEL.expand(model.memory, *text, sentence_bounds(sentences), doubles(score), beam, margin, LM_WEIGHT)
        return Graph(*map(array, "IIidII", found))
    graph = Graph()
    for sentence in sentences:
        _Expansion(model, channel, edges, sentence, score, graph).run(beam, margin)
    return graph


def log_best(
    model: LanguageModel,
    channel: Channel,
    edges: Edges,
    sentences: Sequence[range],
    score: Sequence[float],
    beam: int,
    margin: float,
) -> array[float]:
    """Weighted log-likelihood of the best path through each sentence, without the graph."""
    if KERNEL is not None:
        text = edges.tokens, edges.first, edges.end, edges.unit, channel.unit_first, channel.unit_words
        found = KERNEL.log_best(model.memory, *text, sentence_bounds(sentences), doubles(score), beam, margin, LM_WEIGHT)
        return array("d", found)
    graph = Graph()
    walks = (_Expansion(model, channel, edges, sentence, score, graph) for sentence in sentences)
    return array("d", [walk.run(beam, margin) for walk in walks])


class _Expansion:
    """The walk over one sentence."""

    def __init__(
        self, model: LanguageModel, channel: Channel, edges: Edges, sentence: range, score: Sequence[float], graph: Graph
    ) -> None:
        self.model, self.channel, self.edges = model, channel, edges
        self.sentence, self.score, self.graph = sentence, score, graph
        self.columns: list[dict[State, _Node]] = [{} for _ in range(len(sentence) + 1)]
        self.best = [float("-inf")] * (len(sentence) + 1)
        self.steps: dict[tuple[State, int], tuple[float, State]] = {}
        self.number = graph.nodes[-1]

    def run(self, beam: int, margin: float) -> float:
        """Write out the graph; the score of its best path."""
        start = _Node(self.model.start)
        start.best = self.best[0] = 0.0
        self.columns[0][start.state] = start
        for offset in range(len(self.sentence)):
            for node in self._survivors(offset, beam, margin):
                self._leave(node, offset, margin)
        return self._finish(self._survivors(len(self.sentence), beam, margin))

    def _survivors(self, offset: int, beam: int, margin: float) -> list[_Node]:
        """The best states of a token, numbered, with their arcs written out."""
        column = self.columns[offset]
        nodes = sorted(column.values(), key=lambda node: -node.best)[:beam]
        nodes = [node for node in nodes if node.best >= self.best[offset] - margin]
        for node in nodes:
            node.number = self.number
            self.number += 1
            for arc in node.arcs:
                self.graph.add(arc.source, node.number, arc.edge, arc.log_lm)
        column.clear()
        return nodes

    def _leave(self, node: _Node, offset: int, margin: float) -> None:
        """Follow every edge from a node."""
        edges, first = self.edges, self.sentence.start
        start = first + offset
        for edge in range(edges.first[start], edges.first[start + 1]):
            goal = edges.end[edge] - first
            if node.best + self.score[edge] < self.best[goal] - margin:  # its words cannot be likelier than certain
                continue
            log_lm, state = self._step(node.state, edge, start)
            reached = node.best + (self.score[edge] + log_lm)
            if reached < self.best[goal] - margin:
                continue
            there = self.columns[goal].get(state)
            if there is None:
                there = self.columns[goal][state] = _Node(state)
            there.arcs.append(_Arc(node.number, edge, log_lm))
            there.best = max(there.best, reached)
            self.best[goal] = max(self.best[goal], reached)

    def _step(self, state: State, edge: int, start: int) -> tuple[float, State]:
        unit = self.edges.unit[edge]
        if unit == KEEP:
            return self._score(state, self.edges.tokens[start])
        total = 0.0
        for at in range(self.channel.unit_first[unit], self.channel.unit_first[unit + 1]):
            log_lm, state = self._score(state, self.channel.unit_words[at])
            total += log_lm
        return total, state

    def _score(self, state: State, word: int) -> tuple[float, State]:
        """The model's answer, remembered: many edges of a token lead to the same words."""
        found = self.steps.get((state, word))
        if found is None:
            log_prob, after = self.model.score(state, word)
            found = self.steps[state, word] = LM_WEIGHT * log_prob, after
        return found

    def _finish(self, nodes: Sequence[_Node]) -> float:
        goal, best = self.number, float("-inf")
        for node in nodes:
            log_lm = self._score(node.state, END)[0]
            self.graph.add(node.number, goal, END_OF_SENTENCE, log_lm)
            best = max(best, node.best + log_lm)
        self.graph.nodes.append(goal + 1)
        self.graph.sentences.append(len(self.graph.edge))
        return best


def log_genuine(model: LanguageModel, edges: Edges, sentences: Sequence[range]) -> array[float]:
    """Weighted log-likelihood of each sentence as it stands, nothing swapped."""
    if KERNEL is not None:
        text = edges.tokens, edges.first, edges.base
        return array("d", KERNEL.log_genuine(model.memory, *text, sentence_bounds(sentences), LM_WEIGHT))
    found = array("d")
    for sentence in sentences:
        state, total = model.start, 0.0
        for at in sentence:
            log_prob, state = model.score(state, edges.tokens[at])
            total += LM_WEIGHT * log_prob + edges.base[edges.first[at]]
        found.append(total + LM_WEIGHT * model.score(state, END)[0])
    return found
