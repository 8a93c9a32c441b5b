"""What a whole text tells: which sentences are spun, how heavily, and what a word stood for elsewhere."""

from __future__ import annotations

import itertools
import math
import random
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import small
from restore import document
from restore.candidates import FAMILY_NAMES, Edges
from restore.document import infer, learn_habits, spun_sentences
from restore.text import parse
from slow_model import sample_corpus

PRESS, WORDNET = FAMILY_NAMES.index("press"), FAMILY_NAMES.index("wordnet")
GENUINE = [line for line in sample_corpus(seed=99, lines=120) if not {"minister", "took"} & set(line.split())]
"""Sentences of the same grammar that the model has not seen, without the words that are both original and spun."""


def text(lines: list[str]) -> str:
    return "\n".join(line[:1].upper() + line[1:] + "." for line in lines)


# -- which sentences are spun ------------------------------------------------------------------------------------------


def by_brute_force(gains: list[float]) -> tuple[list[float], float]:
    """All 2^n ways to be spun in part: probability of each sentence, and log-odds of the whole."""
    stay = {True: math.log1p(-math.exp(document._SPIN_ENDS)), False: math.log1p(-math.exp(document._SPIN_BEGINS))}
    leave = {True: document._SPIN_ENDS, False: document._SPIN_BEGINS}
    weights = {}
    for states in itertools.product((False, True), repeat=len(gains)):
        weight = document._PRIOR_SPUN if states[0] else 0.0
        weight += sum(stay[a] if a == b else leave[a] for a, b in itertools.pairwise(states))
        weights[states] = weight + sum(gain for gain, spun in zip(gains, states, strict=True) if spun)
    top = max(weights.values())
    total = sum(math.exp(w - top) for w in weights.values())
    shares = [sum(math.exp(w - top) for s, w in weights.items() if s[at]) / total for at in range(len(gains))]
    return shares, top + math.log(total)


@given(st.lists(st.floats(-40, 60), min_size=1, max_size=7))
def test_spun_sentences_are_what_all_combinations_give(gains: list[float]) -> None:
    shares, evidence = spun_sentences(gains)
    expected, total = by_brute_force(gains)
    assert shares == pytest.approx(expected, abs=1e-9)
    assert evidence == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize(
    ("gains", "spun"),
    [
        ([3.0] * 5, "....."),  # a little evidence in every sentence is not a million to one
        ([10.0] * 5, "#####"),  # but more is
        ([-5.0, 60.0, -5.0, -5.0], ".#.."),
        ([-30.0] * 3 + [15.0] * 4 + [-30.0] * 3, "...####..."),  # a spun passage in a genuine text
        ([25.0, -3.0, 25.0], "###"),  # a sentence between spun ones is likely spun, unless it says otherwise
        ([35.0, -80.0, 35.0], "#.#"),
        ([0.0], "."),
        ([1e6, -1e6], "#."),
    ],
)
def test_what_counts_as_spun(gains: list[float], spun: str) -> None:
    assert "".join("#" if share > 0.5 else "." for share in spun_sentences(gains)[0]) == spun


# -- how heavily -------------------------------------------------------------------------------------------------------

ALL = [True] * len(FAMILY_NAMES)


@pytest.mark.parametrize("rate", [0.3, 0.5, 0.7, 0.9])
def test_the_rate_is_found(rate: float) -> None:
    spun = text([small.spin(line, rate, seed) for seed, line in enumerate(GENUINE[:60])])
    found = infer(small.model(), small.channel(), parse(spun), ALL)
    assert found.rates[PRESS] == pytest.approx(rate, abs=0.2)
    assert found.evidence > 100
    assert sum(found.spun) > 0.9 * len(found.spun)
    assert found.swaps[PRESS] > 10 * found.swaps[WORDNET]


def test_genuine_text_is_not_spun_at_all() -> None:
    found = infer(small.model(), small.channel(), parse(text(GENUINE)), ALL)
    assert max(found.spun) < 1e-3
    edges = found.edges
    swaps = (e for at in range(len(edges.tokens)) for e in range(edges.first[at] + 1, edges.first[at + 1]))
    assert max((found.posterior[e] for e in swaps), default=0.0) < 1e-3


def test_a_family_that_is_ruled_out_does_nothing() -> None:
    spun = text([small.spin(line, 0.8, seed) for seed, line in enumerate(GENUINE[:40])])
    only = [n == WORDNET for n in range(len(FAMILY_NAMES))]
    found = infer(small.model(), small.channel(), parse(spun), only)
    assert found.rates[PRESS] == 0.0 and found.swaps[PRESS] == 0.0


def test_in_a_text_half_spun_that_half_is_found() -> None:
    lines = [small.spin(line, 0.9, seed=n) for n, line in enumerate(GENUINE[:25])] + GENUINE[25:50]
    found = infer(small.model(), small.channel(), parse(text(lines)), ALL)
    assert sum(found.spun[:25]) > 20
    assert sum(found.spun[25:]) < 3


def test_nothing_to_read() -> None:
    found = infer(small.model(), small.channel(), parse("..."), ALL)
    assert max(found.spun) < 0.5


# -- what a word stood for elsewhere -----------------------------------------------------------------------------------


def pair_scores(edges: Edges, scores: array[float], token: int) -> dict[str, float]:
    unit_texts = small.channel().unit_texts
    return {unit_texts[edges.unit[e]]: scores[e] for e in range(edges.first[token] + 1, edges.first[token + 1])}


def habits(lines: list[str], sure: dict[str, float]) -> tuple[Edges, array[float], array[float]]:
    """Scores before and after, where the first sentence is read with the posteriors ``sure`` of its originals."""
    channel, parsed = small.channel(), parse(text(lines))
    edges = channel.edges(parsed)
    score = document.score_edges(channel, edges, (0.6, 0.2, 0.3, 0.6))
    posterior = array("d", bytes(8 * len(edges)))
    for at in parsed.sentences[0]:
        for edge in range(edges.first[at] + 1, edges.first[at + 1]):
            posterior[edge] = sure.get(channel.unit_texts[edges.unit[edge]], 0.0)
    return edges, score, learn_habits(channel, parsed, edges, posterior, score)


def test_a_swap_seen_in_another_sentence_is_likelier_here() -> None:
    """One choice per article: what stood for "cat" there stands for it here."""
    edges, before, after = habits(["The kitty left", "A kitty left"], {"cat": 0.95})
    old, new = (pair_scores(edges, scores, token=5) for scores in (before, after))
    assert new["cat"] > old["cat"]
    assert new["zebra"] == old["zebra"]


def test_another_swap_of_the_same_word_is_less_likely_then() -> None:
    edges, before, after = habits(["The hound left", "A canine left"], {"dog": 0.95})
    assert pair_scores(edges, after, token=5)["dog"] < pair_scores(edges, before, token=5)["dog"]


def test_a_sentence_is_no_evidence_for_itself() -> None:
    edges, before, after = habits(["The kitty saw the kitty", "A door"], {"cat": 0.95})
    assert pair_scores(edges, after, token=1) == pair_scores(edges, before, token=1)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32))
def test_habits_are_probabilities(seed: int) -> None:
    """Whatever the posteriors, scores stay finite, and the swaps of an original stay under one."""
    luck, channel = random.Random(seed), small.channel()
    parsed = parse(text([small.spin(line, 0.8, seed) for line in luck.sample(GENUINE, 6)]))
    edges = channel.edges(parsed)
    score = document.score_edges(channel, edges, (0.6, 0.2, 0.3, 0.6))
    posterior = array("d", [luck.random() for _ in range(len(edges))])
    after = learn_habits(channel, parsed, edges, posterior, score)
    assert all(map(math.isfinite, after))
