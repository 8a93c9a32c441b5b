"""The channel: for every span of a text, the originals a spinner may have had there.

``Channel`` is the compiled form of the dictionaries: flat arrays over word ids, found by hash. Words that the language model
does not know get ids after its vocabulary, so that dictionary phrases can be told apart; the model sees them as unknown.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log

from .config import Family
from .dictionary import Row
from .frequency import log_share_of_unknown
from .lm import NUMBER, UNKNOWN, LanguageModel, extend_hash
from .text import Document, tokenize

MAX_SPAN = 6
"""Longest spun phrase looked up, in tokens; longer ones are one in ten thousand."""
USER = "user"
FAMILY_NAMES = (*Family, USER)
"""Families by their number in the compiled arrays; the user's own dictionaries are one of their own."""
KEEP = -1


@dataclass(frozen=True, slots=True)
class Edges:
    """All readings of all spans of a text, sorted by start; parallel arrays, one element an edge.

    ``unit`` is the original (``KEEP`` for the token itself), ``pair`` the spun-original pair (``KEEP`` likewise), ``family`` its
    spinner's number, ``base`` the log-probability that does not depend on the document: log P(spun | original, swapped), and
    the share of unknown words among unknown words.
    ``first`` gives, for each token and the end, its first edge; ``tokens`` the language model's ids of the text and
    ``keep_unit`` the unit that each token is when it is original, or ``KEEP`` if no spinner knows it.
    """

    tokens: array[int]
    keep_unit: array[int]
    first: array[int] = field(default_factory=lambda: array("I"))
    end: array[int] = field(default_factory=lambda: array("I"))
    unit: array[int] = field(default_factory=lambda: array("i"))
    pair: array[int] = field(default_factory=lambda: array("i"))
    family: array[int] = field(default_factory=lambda: array("B"))
    base: array[float] = field(default_factory=lambda: array("f"))

    def __len__(self) -> int:
        return len(self.end)

    def add(self, end: int, unit: int, pair: int, family: int, base: float) -> None:
        """Append an edge that starts at the current token."""
        self.end.append(end)
        self.unit.append(unit)
        self.pair.append(pair)
        self.family.append(family)
        self.base.append(base)


class Channel:
    """P(spun | original) of every known pair, ready to be looked up.

    Attributes, all flat arrays:
        spans: hash of a spun phrase or of its beginning -> range number; ranges: first pair of each range.
        pair_unit, pair_weight, pair_family: original, log P(spun | original), family of each pair.
        unit_first, unit_words: the language model's ids of each original; unit_prior: log share of its unknown words.
        unit_swap: per unit and family, how often a spinner swaps it: the sum of its weights.
        word_unit: word id -> the unit that is this one word, or KEEP.
    """

    def __init__(self, model: LanguageModel, dictionaries: Mapping[str, Iterable[Row]]) -> None:
        self._model = model
        self._extra: dict[str, int] = {}
        self.unit_texts: list[str] = []
        self.unit_first = array("I", [0])
        self.unit_words = array("I")
        self.unit_prior = array("f")
        self.unit_swap = array("f")
        self.pair_unit = array("I")
        self.pair_weight = array("f")
        self.pair_family = array("B")
        self.spans: dict[int, int] = {}
        self.ranges = array("I")
        self._compile(dictionaries)

    # -- building ----------------------------------------------------------------------------------------------------

    def _compile(self, dictionaries: Mapping[str, Iterable[Row]]) -> None:
        known: dict[str, int] = {}
        units: dict[tuple[int, ...], int] = {}
        by_span: dict[tuple[int, ...], list[tuple[int, float, int]]] = {}
        for name, rows in dictionaries.items():
            family = FAMILY_NAMES.index(name)
            for row in rows:
                spun = self._ids(row.spun, known)
                unit = self._unit(row.original, self._ids(row.original, known), units)
                if len(spun) <= MAX_SPAN:
                    self.unit_swap[unit * len(FAMILY_NAMES) + family] += row.weight
                    by_span.setdefault(spun, []).append((unit, log(row.weight), family))
        for spun in sorted(by_span):
            self._add_span(spun, by_span[spun])
        self.ranges.append(len(self.pair_unit))
        self.word_unit = array("i", [KEEP]) * (len(self._model.words) + len(self._extra))
        for ids, unit in units.items():
            if len(ids) == 1:
                self.word_unit[ids[0]] = unit

    def _ids(self, text: str, known: dict[str, int]) -> tuple[int, ...]:
        return tuple(self._id(token.norm) for token in tokenize(text))

    def _id(self, norm: str) -> int:
        found = self._model.ids.get(norm)
        if found is None:
            found = self._extra.setdefault(norm, len(self._model.words) + len(self._extra))
        return found

    def _unit(self, text: str, ids: tuple[int, ...], units: dict[tuple[int, ...], int]) -> int:
        unit = units.setdefault(ids, len(units))
        if unit == len(self.unit_texts):
            self.unit_texts.append(text)
            prior = 0.0
            for token, word in zip(tokenize(text), ids, strict=True):
                known = self.model_id(word)
                self.unit_words.append(known)
                if known in (UNKNOWN, NUMBER):
                    prior += log_share_of_unknown(token.norm)
            self.unit_first.append(len(self.unit_words))
            self.unit_prior.append(prior)
            self.unit_swap.extend([0.0] * len(FAMILY_NAMES))
        return unit

    def _add_span(self, spun: tuple[int, ...], pairs: Sequence[tuple[int, float, int]]) -> None:
        value = 0
        for word in spun[:-1]:
            value = extend_hash(value, word)
            if value not in self.spans:
                self.spans[value] = len(self.ranges)
                self.ranges.append(len(self.pair_unit))
        value = extend_hash(value, spun[-1])
        self.spans[value] = len(self.ranges)
        self.ranges.append(len(self.pair_unit))
        for unit, weight, family in pairs:
            self.pair_unit.append(unit)
            self.pair_weight.append(weight)
            self.pair_family.append(family)

    # -- looking up --------------------------------------------------------------------------------------------------

    def model_id(self, word: int) -> int:
        """The language model's id of a word id of ours."""
        return word if word < len(self._model.words) else UNKNOWN

    def word_id(self, norm: str) -> int:
        """Id of a token: the model's, ours for a word that only the dictionaries know, or a class for unknown ones."""
        found = self._model.ids.get(norm)
        if found is None:
            found = self._extra.get(norm)
        return found if found is not None else NUMBER if norm[0].isdigit() else UNKNOWN

    def edges(self, document: Document) -> Edges:
        """Every reading of every span: the token itself first, then what the dictionaries offer."""
        ids = [self.word_id(token.norm) for token in document.tokens]
        edges = Edges(
            tokens=array("I", map(self.model_id, ids)),
            keep_unit=array("i", (KEEP if off else self.word_unit[i] for i, off in zip(ids, document.protected, strict=True))),
        )
        for sentence in document.sentences:
            for start in sentence:
                self._edges_from(document, ids, start, sentence.stop, edges)
        edges.first.append(len(edges))
        return edges

    def _edges_from(self, document: Document, ids: Sequence[int], start: int, stop: int, edges: Edges) -> None:
        keep = len(edges)
        edges.first.append(keep)
        edges.add(start + 1, KEEP, KEEP, 0, 0.0)
        value = 0
        for at in range(start, min(stop, start + MAX_SPAN)):
            if document.protected[at]:
                break
            value = extend_hash(value, ids[at])
            found = self.spans.get(value)
            if found is None:
                break
            for pair in range(self.ranges[found], self.ranges[found + 1]):
                unit = self.pair_unit[pair]
                base = self.pair_weight[pair] + self.unit_prior[unit]
                edges.add(at + 1, unit, pair, self.pair_family[pair], base)
        if edges.tokens[start] <= NUMBER and len(edges) > keep + 1:
            edges.base[keep] = log_share_of_unknown(document.tokens[start].norm)
