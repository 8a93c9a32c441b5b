"""Sums over the search graph: the likelihood of each sentence and the posterior of each edge (forward-backward)."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import exp, log1p

from .kernel import KERNEL, doubles
from .lattice import END_OF_SENTENCE, Graph

_NEVER = float("-inf")


def log_add(a: float, b: float) -> float:
    """log(exp(a) + exp(b)) without overflow."""
    if a < b:
        a, b = b, a
    return a if b == _NEVER else a + log1p(exp(b - a))


def forward_backward(graph: Graph, score: Sequence[float]) -> tuple[array[float], array[float]]:
    """Log-likelihood of each sentence and posterior of each edge, summed over all paths of the graph.

    ``score`` holds the channel's natural-log score of each edge. Baum (1972); for a lattice as here, Wessel et al. (2001).
    """
    if KERNEL is not None:
        columns = graph.source, graph.target, graph.edge, graph.log_lm, graph.sentences, graph.nodes
        sums = KERNEL.forward_backward(*columns, doubles(score))
        return array("d", sums[0]), array("d", sums[1])
    likelihood = array("d")
    posterior = array("d", bytes(8 * len(score)))
    for index in range(len(graph.sentences) - 1):
        arcs = range(graph.sentences[index], graph.sentences[index + 1])
        first, stop = graph.nodes[index], graph.nodes[index + 1]
        likelihood.append(_sentence(graph, score, arcs, first, stop, posterior))
    return likelihood, posterior


def _sentence(graph: Graph, score: Sequence[float], arcs: range, first: int, stop: int, posterior: array[float]) -> float:
    weight = [graph.log_lm[a] + (score[graph.edge[a]] if graph.edge[a] != END_OF_SENTENCE else 0.0) for a in arcs]
    forward = [_NEVER] * (stop - first)
    forward[0] = 0.0
    for arc, w in zip(arcs, weight, strict=True):
        target = graph.target[arc] - first
        forward[target] = log_add(forward[target], forward[graph.source[arc] - first] + w)
    total = forward[-1]
    backward = [_NEVER] * (stop - first)
    backward[-1] = 0.0
    for arc, w in zip(reversed(arcs), reversed(weight), strict=True):
        source, target = graph.source[arc] - first, graph.target[arc] - first
        beyond = backward[target] + w
        backward[source] = log_add(backward[source], beyond)
        if graph.edge[arc] != END_OF_SENTENCE and beyond != _NEVER:
            posterior[graph.edge[arc]] += exp(forward[source] + beyond - total)
    return total
