"""``dictionaries/context.bin``: the model of ``restore.context``, trained on corpus text that our own spinner has spun.

Adaptive-gradient descent (Duchi et al. 2011) with one step size a vector. One thread, fixed order: the same machine gives the
same bytes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from ..context import FAR, FORMAT, MAGIC, NEAR, POSITIONS, window
from ..dictionary import Row
from ..lm import LanguageModel
from ..sections import write_sections
from ..text import tokenize
from .model import open_text
from .spin import MOST_CHOICES, Spinner

DIMENSIONS = 64
_EPOCHS = 2
_STEP = 0.05
_LAST_STEP = 0.003
_SHORTEST, _LONGEST = 15, 400
"""Words of a paragraph that is worth its while."""
_BATCH = 3000
_PARTS = 20
"""Shuffled parts of an epoch, between which the step shrinks."""
_FAR_WEIGHT = 0.2
_SMALL = 0.1

Floats = npt.NDArray[np.float32]
Samples = tuple[npt.NDArray[np.uint16], npt.NDArray[np.int32], Floats, npt.NDArray[np.uint8]]
"""Context words, choices (-1: none), their log-probability in the channel, index of the true one; a row a place."""


def build_context(
    corpus: Path,
    model: Path,
    rows: Sequence[Row],
    output: Path,
    *,
    every: int = 4,
    jobs: int = 1,
    note: Callable[[str], None] = lambda _: None,
) -> int:
    """Train on every ``every``-th paragraph of ``corpus`` and write the model; returns its size in bytes.

    ``model``: the language model, whose words are the context's; ``rows``: the dictionary that the spinner knows.

    Takes about 10 minutes and 6 GB for 850,000 paragraphs on two cores.

    Raises:
        RestoreError: the corpus cannot be read.
    """
    spinner = Spinner.from_rows(rows)
    note("context: spinning paragraphs")
    with open_text(corpus) as text:
        samples = _concatenate(_map(_Sampler(model, rows), islice(text, 0, None, every), jobs))
    note(f"context: training on {len(samples[3]):,} places")
    parameters = _initial(len(LanguageModel(model).words), len(spinner.choices))
    _train(samples, parameters)
    choices = "\n".join(" ".join(words) for words in spinner.choices)
    return _write(output, choices, parameters)


# -- samples ----------------------------------------------------------------------------------------------------------------


class _Sampler:
    """Turns a batch of paragraphs into samples; a worker process makes its own spinner."""

    def __init__(self, model: Path, rows: Sequence[Row]) -> None:
        self._model_path, self._rows = model, rows
        self._spinner: Spinner | None = None
        self._model: LanguageModel | None = None

    def __getstate__(self) -> tuple[Path, Sequence[Row]]:
        return self._model_path, self._rows

    def __setstate__(self, state: tuple[Path, Sequence[Row]]) -> None:
        self.__init__(*state)  # type: ignore[misc]

    def __call__(self, seed: int, paragraphs: Sequence[str]) -> Samples:
        self._spinner = self._spinner or Spinner.from_rows(self._rows)
        self._model = self._model or LanguageModel(self._model_path)
        rng = random.Random(seed)
        found: tuple[list[Any], ...] = ([], [], [], [])
        for paragraph in paragraphs:
            words = tuple(token.norm for token in tokenize(paragraph))
            if not _SHORTEST <= len(words) <= _LONGEST:
                continue
            out, units, rate = self._spinner.spin(words, rng)
            ids = [self._model.id_of(word) for word in out]
            for place in self._spinner.places(out, units, rate):
                padding = MOST_CHOICES - len(place.choices)
                row = (
                    window(ids, place.start, place.end, range(len(ids))),
                    place.choices + [-1] * padding,
                    place.channel + [0.0] * padding,
                    place.truth,
                )
                for column, value in zip(found, row, strict=True):
                    column.append(value)
        return (
            np.array(found[0], np.uint16).reshape(-1, 2 * (NEAR + FAR)),
            np.array(found[1], np.int32).reshape(-1, MOST_CHOICES),
            np.array(found[2], np.float32).reshape(-1, MOST_CHOICES),
            np.array(found[3], np.uint8),
        )


_sampler: _Sampler | None = None


def _start(sampler: _Sampler) -> None:
    global _sampler
    _sampler = sampler


def _sample(seed: int, paragraphs: Sequence[str]) -> Samples:
    assert _sampler is not None
    return _sampler(seed, paragraphs)


def _map(sampler: _Sampler, paragraphs: Iterable[str], jobs: int) -> Iterator[Samples]:
    source = iter(paragraphs)
    batches = enumerate(iter(lambda: list(islice(source, _BATCH)), []))
    if jobs == 1:
        yield from (sampler(seed, batch) for seed, batch in batches)
        return
    with ProcessPoolExecutor(jobs, initializer=_start, initargs=(sampler,)) as pool:
        waiting = [pool.submit(_sample, *batch) for batch in islice(batches, 2 * jobs)]
        while waiting:
            yield waiting.pop(0).result()
            waiting += [pool.submit(_sample, *batch) for batch in islice(batches, 1)]


def _concatenate(parts: Iterable[Samples]) -> Samples:
    contexts, choices, channel, truth = zip(*parts, strict=True)
    return np.concatenate(contexts), np.concatenate(choices), np.concatenate(channel), np.concatenate(truth)


# -- training ---------------------------------------------------------------------------------------------------------------


def _initial(words: int, choices: int) -> dict[str, Floats]:
    rng = np.random.default_rng(1)
    positions = np.ones((POSITIONS, DIMENSIONS), np.float32)
    positions[2 * NEAR :] = _FAR_WEIGHT
    return {
        "inputs": rng.normal(0, _SMALL, (words, DIMENSIONS)).astype(np.float32),
        "positions": positions,
        "outputs": rng.normal(0, _SMALL, (choices, DIMENSIONS)).astype(np.float32),
        "bias": np.zeros(choices, np.float32),
    }


def _train(samples: Samples, parameters: dict[str, Floats]) -> None:
    descend = _compiled()
    words, choices = len(parameters["inputs"]), len(parameters["outputs"])
    seen = (
        np.full(words, 1e-3, np.float32),
        np.ones((POSITIONS, DIMENSIONS), np.float32),
        np.full(choices, 1e-3, np.float32),
        np.full(choices, 1e-2, np.float32),
    )
    rng = np.random.default_rng(1)
    for epoch in range(_EPOCHS):
        for number, part in enumerate(np.array_split(np.arange(len(samples[3])), _PARTS)):
            done = (epoch * _PARTS + number) / (_EPOCHS * _PARTS)
            descend(*samples, rng.permutation(part), *parameters.values(), *seen, np.float32(_STEP * (1 - done) + _LAST_STEP))


def _compiled() -> Callable[..., None]:
    """The inner loop, compiled by numba."""
    import numba

    first_near, first_right_far, reach = FAR, FAR + 2 * NEAR, 2 * (NEAR + FAR)

    @numba.njit(fastmath=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
    def descend(  # type: ignore[no-untyped-def]
        contexts,
        choices,
        channel,
        truth,
        order,
        inputs,
        positions,
        outputs,
        bias,
        s_inputs,
        s_positions,
        s_outputs,
        s_bias,
        step,
    ):
        size = inputs.shape[1]
        summary, back = np.zeros(size, np.float32), np.zeros(size, np.float32)
        share = np.zeros(choices.shape[1], np.float32)
        sides = np.zeros((2, size), np.float32)
        for i in order:
            sides[:] = 0
            for k in range(first_near):
                sides[0] += inputs[contexts[i, k]]
            for k in range(first_right_far, reach):
                sides[1] += inputs[contexts[i, k]]
            summary[:] = sides[0] * positions[-2] + sides[1] * positions[-1]
            for k in range(first_near, first_right_far):
                summary += positions[k - first_near] * inputs[contexts[i, k]]
            highest, count = np.float32(-1e30), 0
            for c in range(choices.shape[1]):
                if choices[i, c] < 0:
                    break
                o = choices[i, c]
                share[c] = bias[o] + channel[i, c] + np.dot(summary, outputs[o])
                highest = max(highest, share[c])
                count += 1
            total = np.float32(0)
            for c in range(count):
                share[c] = np.exp(share[c] - highest)
                total += share[c]
            back[:] = 0
            for c in range(count):
                slope = share[c] / total - np.float32(c == truth[i])
                if abs(slope) < 1e-4:
                    continue
                o = choices[i, c]
                s_bias[o] += slope * slope
                bias[o] -= step * slope / np.sqrt(s_bias[o])
                back += slope * outputs[o]
                s_outputs[o] += slope * slope * np.dot(summary, summary) / size
                outputs[o] -= step / np.sqrt(s_outputs[o]) * slope * summary
            for k in range(reach):
                near = first_near <= k < first_right_far
                p = k - first_near if near else first_right_far - first_near + (k >= first_right_far)
                x = contexts[i, k]
                pull = back * positions[p]
                s_inputs[x] += np.dot(pull, pull) / size
                if near:
                    turn = back * inputs[x]
                    s_positions[p] += turn * turn
                    positions[p] -= step * turn / np.sqrt(s_positions[p])
                inputs[x] -= step / np.sqrt(s_inputs[x]) * pull
            for side in range(2):
                p = first_right_far - first_near + side
                turn = back * sides[side]
                s_positions[p] += turn * turn
                positions[p] -= step * turn / np.sqrt(s_positions[p])

    return cast(Callable[..., None], descend)


# -- the file ---------------------------------------------------------------------------------------------------------------


def _write(path: Path, choices: str, parameters: dict[str, Floats]) -> int:
    sections = {"choices": choices.encode()}
    for name in ("inputs", "outputs"):
        codes, scale = _quantise(parameters[name])
        sections |= {name: codes.tobytes(), f"{name[:-1]}_scale": scale.astype("<f4").tobytes()}
    sections |= {name: parameters[name].astype("<f4").tobytes() for name in ("positions", "bias")}
    return write_sections(path, MAGIC, {"format": FORMAT, "dimensions": DIMENSIONS}, sections)


def _quantise(rows: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """8 bits a number, one scale a row."""
    scale = np.maximum(np.abs(rows).max(axis=1), 1e-9) / 127
    return np.round(rows / scale[:, None]).astype(np.int8), scale
