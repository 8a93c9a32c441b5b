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
    part = slice(arcs.start, arcs.stop)
    sources, targets = [s - first for s in graph.source[part]], [t - first for t in graph.target[part]]
    edges = graph.edge[part]
    weights = [
        log_lm + score[e] if e != END_OF_SENTENCE else log_lm for log_lm, e in zip(graph.log_lm[part], edges, strict=True)
    ]
    forward = [_NEVER] * (stop - first)
    forward[0] = 0.0
    for source, target, weight in zip(sources, targets, weights, strict=True):
        more, less = forward[source] + weight, forward[target]  # log_add in place, here and below
        if more < less:
            more, less = less, more
        forward[target] = more if less == _NEVER else more + log1p(exp(less - more))
    total = forward[-1]
    backward = [_NEVER] * (stop - first)
    backward[-1] = 0.0
    for source, target, weight, edge in zip(sources[::-1], targets[::-1], weights[::-1], edges[::-1], strict=True):
        more = beyond = backward[target] + weight
        if more < (less := backward[source]):
            more, less = less, more
        backward[source] = more if less == _NEVER else more + log1p(exp(less - more))
        if edge != END_OF_SENTENCE and beyond != _NEVER:
            posterior[edge] += exp(forward[source] + beyond - total)
    return total
