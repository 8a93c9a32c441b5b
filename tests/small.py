"""A language model of thirty words and a channel of twenty swaps: small enough to look at every path."""

from __future__ import annotations

import random
import tempfile
from functools import cache
from pathlib import Path

import pytest

from restore.candidates import MAX_SPAN, Channel
from restore.config import Family
from restore.dictionary import Row
from restore.lm import LanguageModel
from slow_model import sample_corpus

PRESS = [
    Row("hound", "dog", 0.5, "test"),
    Row("canine", "dog", 0.4, "test"),
    Row("kitty", "cat", 0.6, "test"),
    Row("kitty", "small cat", 0.2, "test"),
    Row("kitty", "zebra", 0.3, "test"),
    Row("little", "small", 0.9, "test"),
    Row("crimson", "red", 0.7, "test"),
    Row("noticed", "saw", 0.8, "test"),
    Row("mentioned", "said", 0.9, "test"),
    Row("minister", "cat", 0.05, "test"),
    Row("took", "left", 0.3, "test"),
    Row("secretary of state", "minister", 0.5, "test"),
    Row("by the side of", "near", 0.6, "test"),
    Row("the home", "the house", 0.4, "test"),
    Row("as soon as more", "again", 0.5, "test"),
    Row("once more", "again", 0.4, "test"),
    Row("a very long way to say it", "said", 0.5, "test"),
]
WORDNET = [
    Row("kitty", "cat", 0.01, "test"),
    Row("doorway", "door", 0.2, "test"),
    Row("crimson", "unheardof", 0.1, "test"),
    Row("twelve", "12", 0.2, "test"),
]


@cache
def model() -> LanguageModel:
    """Order 4, from the sample corpus of the language model's tests."""
    pytest.importorskip("numpy")
    from restore.build.model import build_model

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        corpus, file = Path(folder) / "corpus.txt", Path(folder) / "small.lm"
        corpus.write_text("\n".join(sample_corpus()), encoding="utf-8")
        build_model(corpus, file)
        return LanguageModel(file)


@cache
def channel() -> Channel:
    """Two families."""
    return Channel(model(), {Family.PRESS: PRESS, Family.WORDNET: WORDNET})


def spin(text: str, rate: float, seed: int = 1) -> str:
    """What a press spinner makes of a text: each single word that has swaps is swapped with probability ``rate``."""
    luck = random.Random(seed)
    swaps: dict[str, list[Row]] = {}
    for row in PRESS:
        if " " not in row.original and row.spun.count(" ") < MAX_SPAN:
            swaps.setdefault(row.original, []).append(row)
    words = []
    for word in text.split(" "):
        forms = swaps.get(word, [])
        weights = [row.weight * rate for row in forms]
        words.append(luck.choices([word, *(r.spun for r in forms)], [max(0.0, 1 - sum(weights)), *weights])[0])
    return " ".join(words)
