"""The search graph of a text: every path through it is an original that the text may have had.

``expand`` walks the edges from left to right with the language model and keeps, at each token, the few states that matter.
What it returns holds each step's language-model score, so that channel weights can change and the sums be taken again without
asking the model anew.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

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


class _Node:
    """A state at a token: the score of the best path to it and the arcs (source, edge, log_lm) that end in it."""

    __slots__ = ("arcs", "best", "number", "state")

    def __init__(self, state: int) -> None:
        self.state = state
        self.best = float("-inf")
        self.arcs: list[tuple[int, int, float]] = []
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
        self.columns: list[dict[int, _Node]] = [{} for _ in range(len(sentence) + 1)]
        self.best = [float("-inf")] * (len(sentence) + 1)
        self.number = graph.nodes[-1]
        self.states: list[State] = [model.start]
        self.numbers = {model.start: 0}
        self.steps: dict[int, tuple[float, int]] = {}

    def run(self, beam: int, margin: float) -> float:
        """Write out the graph; the score of its best path."""
        start = _Node(0)
        start.best = self.best[0] = 0.0
        self.columns[0][0] = start
        for offset in range(len(self.sentence)):
            readings = self._readings(self.sentence[offset])
            for node in self._survivors(offset, beam, margin):
                self._leave(node, readings, margin)
        return self._finish(self._survivors(len(self.sentence), beam, margin))

    def _readings(self, token: int) -> list[tuple[int, int, float, Sequence[int]]]:
        """Edge, goal, score and words of all that a token may begin."""
        edges, channel = self.edges, self.channel
        found: list[tuple[int, int, float, Sequence[int]]] = []
        for edge in range(edges.first[token], edges.first[token + 1]):
            unit = edges.unit[edge]
            if unit == KEEP:
                words: Sequence[int] = (edges.tokens[token],)
            else:
                words = channel.unit_words[channel.unit_first[unit] : channel.unit_first[unit + 1]]
            found.append((edge, edges.end[edge] - self.sentence.start, self.score[edge], words))
        return found

    def _survivors(self, offset: int, beam: int, margin: float) -> list[_Node]:
        """The best states of a token, numbered, with their arcs written out."""
        column, least = self.columns[offset], self.best[offset] - margin
        nodes = sorted([node for node in column.values() if node.best >= least], key=_by_score)[:beam]
        for number, node in enumerate(nodes, start=self.number):
            node.number = number
            for source, edge, log_lm in node.arcs:
                self.graph.add(source, number, edge, log_lm)
        self.number += len(nodes)
        column.clear()
        return nodes

    def _leave(self, node: _Node, readings: Sequence[tuple[int, int, float, Sequence[int]]], margin: float) -> None:
        """Follow every edge from a node."""
        best, columns, steps, here = self.best, self.columns, self.steps, node.best
        for edge, goal, score, words in readings:
            if here + score < best[goal] - margin:  # its words cannot be likelier than certain
                continue
            state, log_lm = node.state, 0.0
            for word in words:
                more, state = steps.get(state << 32 | word) or self._step(state, word)
                log_lm += more
            reached = here + (score + log_lm)
            if reached < best[goal] - margin:
                continue
            there = columns[goal].get(state)
            if there is None:
                there = columns[goal][state] = _Node(state)
            there.arcs.append((node.number, edge, log_lm))
            if reached > there.best:
                there.best = reached
                if reached > best[goal]:
                    best[goal] = reached

    def _step(self, number: int, word: int) -> tuple[float, int]:
        """The model's weighted answer and the number of the state after the word, remembered: many edges lead to one word."""
        log_prob, state = self.model.score(self.states[number], word)
        after = self.numbers.setdefault(state, len(self.states))
        if after == len(self.states):
            self.states.append(state)
        found = self.steps[number << 32 | word] = LM_WEIGHT * log_prob, after
        return found

    def _finish(self, nodes: Sequence[_Node]) -> float:
        goal, best = self.number, float("-inf")
        for node in nodes:
            log_lm = self._step(node.state, END)[0]
            self.graph.add(node.number, goal, END_OF_SENTENCE, log_lm)
            best = max(best, node.best + log_lm)
        self.graph.nodes.append(goal + 1)
        self.graph.sentences.append(len(self.graph.edge))
        return best


def _by_score(node: _Node) -> float:
    return -node.best


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
