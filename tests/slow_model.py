"""Interpolated modified Kneser-Ney (Chen & Goodman 1998), written to be read: every count is a loop over the corpus."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

Gram = tuple[str, ...]
START, END, UNKNOWN, NUMBER = "<s>", "</s>", "<unk>", "<num>"


def sample_corpus(seed: int = 5, lines: int = 600) -> list[str]:
    """Sentences of a small grammar, some words much commoner than others, with a few numbers."""
    luck = random.Random(seed)

    def phrase(depth: int = 0) -> list[str]:
        words = [luck.choice(["the", "the", "the", "a", "this"])]
        words += luck.choices(["old", "small", "red", "rare"], [8, 4, 2, 1], k=luck.choice([0, 0, 1, 2]))
        words += luck.choices(["dog", "cat", "house", "minister", "zebra", "door"], [9, 6, 4, 3, 1, 2])
        if depth < 2 and luck.random() < 0.3:
            words += [luck.choice(["of", "near", "with"]), *phrase(depth + 1)]
        return words

    def sentence() -> list[str]:
        verb = luck.choices(["saw", "took", "said", "was", "left"], [6, 3, 3, 2, 1])
        tail = phrase() if luck.random() < 0.7 else [str(luck.choice([7, 12, 1990]))]
        return [*phrase(), *verb, *tail, *luck.choices([[], ["again"], ["and", *phrase()]], [5, 2, 2])[0]]

    return [" ".join(sentence()) for _ in range(lines)]


class KneserNey:
    """P(word | words before it) from sentences of words, over ``vocabulary``; other words are classes of their own."""

    def __init__(self, sentences: Iterable[str], order: int, vocabulary: Sequence[str]) -> None:
        self.order = order
        self.vocabulary = [UNKNOWN, START, END, NUMBER, *vocabulary]
        self.sentences = [[START, *map(self.known, line.split()), END] for line in sentences]
        self.raw = {n: self._count(n) for n in range(1, order + 1)}
        self.adjusted = {n: self._adjust(n) for n in range(1, order + 1)}
        self.discounts = {n: self._discounts(n) for n in range(1, order + 1)}

    def known(self, word: str) -> str:
        if word in self.vocabulary:
            return word
        return NUMBER if word[0].isdigit() else UNKNOWN

    def _count(self, n: int) -> Counter[Gram]:
        return Counter(tuple(s[at : at + n]) for s in self.sentences for at in range(len(s) - n + 1))

    def _adjust(self, n: int) -> Counter[Gram]:
        """In how many contexts an n-gram is seen, not how often: "Francisco" is frequent, but after one word only."""
        if n == self.order:
            return self.raw[n]
        before: dict[Gram, set[str]] = {}
        for gram in self.raw[n + 1]:
            before.setdefault(gram[1:], set()).add(gram[0])
        found = Counter({gram: len(before[gram]) if gram[0] != START else count for gram, count in self.raw[n].items()})
        found.pop((START,), None)  # nothing leads to the start of a sentence
        return found

    def _discounts(self, n: int) -> list[float]:
        having = Counter(self.adjusted[n].values())
        n1, n2, n3, n4 = (having[k] for k in (1, 2, 3, 4))
        if not (n1 and n2 and n3 and n4):
            return [0.0, 0.5, 0.75, 0.9]
        y = n1 / (n1 + 2 * n2)
        raw = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
        limits = [(0.05, 0.95), (0.1, 1.9), (0.1, 2.9)]
        return [0.0, *(min(max(d, low), high) for d, (low, high) in zip(raw, limits, strict=True))]

    def _discount(self, n: int, count: int) -> float:
        return self.discounts[n][min(count, 3)]

    @cache  # noqa: B019  (one model a test)
    def probability(self, word: str, before: Gram) -> float:
        """Interpolated: what is left of each count after the discount, and the discounts' mass by the shorter context."""
        before = before[len(before) - (self.order - 1) :] if len(before) >= self.order else before
        n = len(before) + 1
        if n == 1:
            lower, seen = 1 / len(self.vocabulary), self.adjusted[1]
        else:
            lower = self.probability(word, before[1:])
            seen = Counter({g: c for g, c in self.adjusted[n].items() if g[:-1] == before})
        total = sum(seen.values())
        if not total:
            return lower
        count = seen[(*before, word)]
        left_over = sum(self._discount(n, c) for c in seen.values()) / total
        return (count - self._discount(n, count)) / total + left_over * lower
