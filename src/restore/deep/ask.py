"""One text put before the model, place by place, from left to right: what was chosen before is what it has read."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..confidence import Reading
from ..surface import written
from ..text import Document
from .answers import Answer, answer_of
from .choice import Weights
from .places import Option, Place
from .trie import Tokens, common_prefix

WORDS_AFTER = 3
"""Tokens right of a place that its variants are compared on: the model looks left, and a choice shows in what follows.
With none, one, two, three, four, all that there are: log-loss .583, .564, .550, .544, .540, .538 (train)."""
FULL, LONGEST = 256, 768
"""When the model has read so many of its tokens, it begins anew with the next sentence, or in the middle of an endless one.
Reading more takes longer, and no choice is better for it."""
_THEIRS = 1.2
"""Tokens of the model for one of ours, with a vocabulary of 49,000 (train: 1.16)."""

Watch = Callable[[int, int], None]
"""Told how many places are done, of how many."""


class Scorer(Protocol):
    """A causal language model."""

    @property
    def beginning(self) -> list[int]:
        """Tokens before the first word of a text."""

    def tokenize(self, text: str) -> list[int]:
        """Tokens of a piece of text."""

    def forget(self) -> None:
        """Begin a text anew."""

    def score(self, variants: Sequence[Tokens]) -> list[list[float]]:
        """Log-probability (natural) of each token that a variant has beyond their common beginning."""


@dataclass(frozen=True, slots=True)
class Budget:
    """At most so many seconds of a text's time, where a token takes ``seconds_a_token``."""

    seconds: float
    seconds_a_token: float


def ask(
    scorer: Scorer,
    weights: Weights,
    document: Document,
    places: Sequence[Place],
    doubt: float,
    budget: Budget | None = None,
    watch: Watch = lambda done, total: None,
) -> Iterator[Answer]:
    """Answers for the places that are uncertain enough, as they come; within ``budget`` those of the most doubtful first.

    Sentences in which nothing is asked are not read. Places not asked about stand as their likeliest option has them.
    """
    asked = {place for place in places if len(place.options) > 1 and place.doubt >= doubt}
    deadline = float("inf")
    if budget is not None:
        asked = within(budget.seconds / budget.seconds_a_token, document, asked)
        deadline = time.monotonic() + budget.seconds
    reader = _Reader(scorer, document, places)
    done = 0
    watch(0, len(asked))
    for index, place in enumerate(places):
        if place not in asked or time.monotonic() > deadline:
            continue
        answer = reader.ask(index, place)
        total = weights.scores(place.log_odds, answer.neural, [bool(option) for option in place.options])
        reader.decide(index, place.options[total.index(max(total))])
        yield answer
        done += 1
        watch(done, len(asked))
    watch(len(asked), len(asked))


def within(tokens: float, document: Document, places: set[Place]) -> set[Place]:
    """The most doubtful places that can be asked about for so many tokens; a sentence is read once, whatever is asked in it."""
    begins = [sentence.start for sentence in document.sentences]
    chosen: set[Place] = set()
    read: set[int] = set()
    for place in sorted(places, key=lambda place: (-place.doubt, place.start)):
        sentence = bisect_right(begins, place.start) - 1
        cost = tokens_to_ask(place)
        if sentence not in read:
            cost += _THEIRS * len(document.sentences[sentence])
        if cost <= tokens:
            tokens -= cost
            chosen.add(place)
            read.add(sentence)
    return chosen


def tokens_to_ask(place: Place) -> float:
    """About how many tokens the variants of a place take, beyond the text itself."""
    return 2 + (len(place.options) - 1) * (_THEIRS * (place.end - place.start + WORDS_AFTER) - 1)


class _Reader:
    """What the model has read, and how the text reads so far."""

    def __init__(self, scorer: Scorer, document: Document, places: Sequence[Place]) -> None:
        self._scorer, self._document = scorer, document
        self._starts = [place.start for place in places]
        self._places = places
        self._decided = [place.options[0] for place in places]
        self._begins = [sentence.start for sentence in document.sentences]
        self._seen = list(scorer.beginning)
        self._at = 0  # characters up to here are in ``_seen`` or skipped
        self._sentence = -1
        scorer.forget()

    def decide(self, index: int, option: Option) -> None:
        """How a place reads from now on."""
        self._decided[index] = option

    def ask(self, index: int, place: Place) -> Answer:
        """What the model says of a place."""
        number = bisect_right(self._begins, place.start) - 1
        sentence = self._document.sentences[number]
        if number != self._sentence:
            self._finish()
            if len(self._seen) > FULL:
                self._seen = list(self._scorer.beginning)
            self._sentence = number
            self._at = max(self._at, self._gap(sentence.start))
        self._read_to(self._gap_before(place.start - 1, sentence))
        end = self._end(index, min(place.end + WORDS_AFTER, sentence.stop))
        variants = []
        for option in place.options:
            text = written(self._document, self._at, end, self._readings(self._at, end, {index: option}))
            variants.append(self._seen + self._scorer.tokenize(text))
        alike = common_prefix([tokens[::-1] for tokens in variants])
        return answer_of(place, self._scorer.score(variants), alike)

    def _finish(self) -> None:
        """Read the rest of the sentence."""
        if self._sentence >= 0:
            stop = self._document.sentences[self._sentence].stop
            self._read_to(self._document.tokens[stop - 1].end)

    def _read_to(self, end: int) -> None:
        if end > self._at:
            text = written(self._document, self._at, end, self._readings(self._at, end, {}))
            self._seen += self._scorer.tokenize(text)
            self._at = end
        if len(self._seen) > LONGEST:
            self._seen = list(self._scorer.beginning)

    def _gap(self, token: int) -> int:
        """Where the white space before a token begins."""
        return self._document.tokens[token - 1].end if token else 0

    def _gap_before(self, token: int, sentence: range) -> int:
        """The last white space before ``token`` that no reading touches; the model's own tokens do not reach over it."""
        text = self._document.text
        for at in range(token, sentence.start, -1):
            gap = self._gap(at)
            if gap <= self._at:
                break
            if text[gap].isspace() and not self._inside(at):
                return gap
        return self._at

    def _inside(self, token: int) -> bool:
        """Whether a place reaches from before ``token`` over it, or starts there: then it may want another article."""
        index = bisect_right(self._starts, token) - 1
        return index >= 0 and (self._places[index].start == token or self._places[index].end > token)

    def _end(self, index: int, stop: int) -> int:
        """The character after token ``stop``, or after the reading that reaches over it."""
        for following in range(index + 1, len(self._places)):
            if self._places[following].start >= stop:
                break
            for reading in self._decided[following]:
                if reading.start < stop:
                    stop = max(stop, reading.end)
        return self._document.tokens[stop - 1].end

    def _readings(self, start: int, end: int, instead: Mapping[int, Option]) -> list[Reading]:
        """The readings that hold between two characters."""
        tokens = self._document.tokens
        first = max(0, bisect_right(self._starts, bisect_right(tokens, start, key=lambda token: token.start) - 1) - 1)
        found: list[Reading] = []
        for index in range(first, len(self._places)):
            if tokens[self._places[index].start].start >= end:
                break
            for reading in instead.get(index, self._decided[index]):
                if tokens[reading.start].start >= start and tokens[reading.end - 1].end <= end:
                    found.append(reading)
        return found
