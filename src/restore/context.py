"""How well each choice fits the words around it, up to twenty on either side.

A log-bilinear model (Mnih & Hinton 2007) trained for this choice alone: genuine text was spun with our own channel, and the
model learned which of the possible originals had stood there, reading the spun words as they are. With e the input vector of a
word, w the weights of a position and o the output vector of a choice, a choice scores  o . sum over positions (w * e)  + bias.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cached_property
from operator import add, mul
from pathlib import Path

from .kernel import KERNEL
from .lm import END, START, UNKNOWN
from .sections import SectionFile

MAGIC = b"restore-ctx"
FORMAT = 1
NEAR = 6
"""Words on either side that have position weights of their own."""
FAR = 14
"""Words beyond those; all of one side share one weight."""
POSITIONS = 2 * NEAR + 2
WINDOW = 2 * (NEAR + FAR)


class ContextModel:
    """An open model file.

    Raises:
        RestoreError: the file is missing, of another kind, or damaged.
    """

    def __init__(self, path: Path) -> None:
        file = SectionFile(path, MAGIC, FORMAT, "context model")
        self._file = file
        self.size = file.number("dimensions")
        self.inputs = file.section("inputs", "b")
        self.input_scale = file.section("input_scale", "f")
        self.positions = file.section("positions", "f")
        self.outputs = file.section("outputs", "b")
        self.output_scale = file.section("output_scale", "f")
        self.bias = file.section("bias", "f")
        fits = self.size > 0 and len(self.inputs) == self.size * len(self.input_scale)
        fits = fits and len(self.outputs) == self.size * len(self.output_scale) == self.size * len(self.bias)
        if not fits or len(self.positions) != POSITIONS * self.size:
            raise file.damaged()

    @cached_property
    def rows(self) -> dict[str, int]:
        """Choice, its words joined by spaces, to its row."""
        found = {choice: row for row, choice in enumerate(self._file.lines("choices"))}
        if len(found) != len(self.bias):
            raise self._file.damaged()
        return found

    def scores(self, windows: Sequence[int], first: Sequence[int], choices: Sequence[int]) -> array[float]:
        """How well each choice fits its place (natural-log units, up to a constant of the place).

        ``windows``: ``WINDOW`` word ids a place, as ``window`` gives them; ``choices``: rows; ``first``: each place's first
        choice, and the end.
        """
        if KERNEL is not None:
            model = self.inputs, self.input_scale, self.positions, self.outputs, self.output_scale, self.bias
            places = array("I", windows), array("I", first), array("I", choices)
            return array("d", KERNEL.context_scores(*model, *places, NEAR, FAR))
        found = array("d")
        for place in range(len(first) - 1):
            summary = self._summary(windows[place * WINDOW : (place + 1) * WINDOW])
            found.extend(self._score(summary, choices[at]) for at in range(first[place], first[place + 1]))
        return found

    def _summary(self, words: Sequence[int]) -> list[float]:
        """The context as a vector."""
        total = [0.0] * self.size
        for position in range(2 * NEAR):
            total = self._add(total, position, self._input(words[FAR + position]))
        for side, far in enumerate((words[:FAR], words[FAR + 2 * NEAR :])):
            bag = [0.0] * self.size
            for word in far:
                bag = list(map(add, bag, self._input(word)))
            total = self._add(total, 2 * NEAR + side, bag)
        return total

    def _add(self, total: list[float], position: int, vector: Sequence[float]) -> list[float]:
        weights = self.positions[position * self.size : (position + 1) * self.size]
        return list(map(add, total, map(mul, weights, vector)))

    def _input(self, word: int) -> list[float]:
        scale = self.input_scale[word]
        return [scale * value for value in self.inputs[word * self.size : (word + 1) * self.size]]

    def _score(self, summary: Sequence[float], row: int) -> float:
        total = 0.0
        for product in map(mul, summary, self.outputs[row * self.size : (row + 1) * self.size]):
            total += product
        return self.bias[row] + self.output_scale[row] * total


def window(tokens: Sequence[int], start: int, end: int, paragraph: range) -> list[int]:
    """Ids of the words before and after a span of ``tokens``, nearest ones in the middle, padded where the paragraph ends."""
    reach = NEAR + FAR
    before = [UNKNOWN] * reach + [START, *tokens[max(paragraph.start, start - reach) : start]]
    after = [*tokens[end : min(paragraph.stop, end + reach)], END] + [UNKNOWN] * reach
    if start - reach >= paragraph.start:
        before = list(tokens[start - reach : start])
    return before[-reach:] + after[:reach]
