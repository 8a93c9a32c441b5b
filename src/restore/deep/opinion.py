"""``--deep`` as the engine uses it: one model a process, loaded for the first text that has anything to ask."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ..confidence import Calibration, Reading
from ..text import Document
from .ask import Budget, Watch, ask, updated
from .choice import read_judgement
from .llama import find_model, load
from .places import find_places

_TOKENS_A_WORD = 2.1
"""Read for each word of a press-spun article, the variants included."""


def seconds_for(words: int, seconds_a_token: float) -> float:
    """About how long so many words of spun text take, where a token takes so long."""
    return words * _TOKENS_A_WORD * seconds_a_token


class Heard(NamedTuple):
    """Probabilities after the model was asked, and its share in the log-odds of each reading that it was asked about."""

    probabilities: dict[Reading, float]
    neural: dict[Reading, float]


class Opinion:
    """The neural model's say.

    Raises:
        RestoreError: the extra, the model or the weights are missing or damaged.
    """

    def __init__(self, data: Path, model: Path | None, seconds: float | None) -> None:
        self._path = find_model(model)
        self._judgement = read_judgement(data / "deep.json")
        self._seconds = seconds

    @property
    def calibration(self) -> Calibration:
        """From probabilities after asking to confidences."""
        return self._judgement.calibration

    def hear(
        self, document: Document, probabilities: Mapping[Reading, float], watch: Watch | None = None, share: float = 1.0
    ) -> Heard:
        """Ask about the uncertain ones of these readings. ``share``: how much of a text the document is, and of its budget."""
        weights, doubt = self._judgement.weights, self._judgement.doubt
        places = find_places(probabilities)
        heard = Heard(dict(probabilities), {})
        if all(place.doubt < doubt for place in places):
            return heard
        model = load(self._path)
        budget = Budget(share * self._seconds, model.seconds_a_token) if self._seconds is not None else None
        for answer in ask(model, weights, document, places, doubt, budget, watch or (lambda done, total: None)):
            heard.probabilities.update(updated(weights, answer))
            for option, score in zip(answer.place.options, answer.neural, strict=True):
                heard.neural.update((reading, weights.neural * score) for reading in option if len(option) == 1)
        return heard
