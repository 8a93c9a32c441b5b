"""A fingerprint changes with everything that may change a restored text, and with nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from restore import fingerprint as module
from restore.config import Config, Family
from restore.deep import llama
from restore.fingerprint import fingerprint


@pytest.fixture
def config(tmp_path: Path) -> Config:
    data = tmp_path / "data"
    data.mkdir()
    for name in ("english.lm", "press.tsv", "calibration.json"):
        (data / name).write_bytes(name.encode())
    (tmp_path / "own.tsv").write_text("mentioned\tsaid\n")
    return Config(dictionaries=(tmp_path / "own.tsv",), data=data)


def moved(config: Config) -> Config:
    """The same files in another place."""
    root = config.data_dir.parent / "elsewhere"
    shutil.copytree(config.data_dir, root / "data")
    shutil.copy(config.dictionaries[0], root / "renamed.tsv")
    return replace(config, data=root / "data", dictionaries=(root / "renamed.tsv",))


SAME: dict[str, Callable[[Config], Config]] = {
    "asked again": lambda config: replace(config),
    "files elsewhere": moved,
    "with reasons": lambda config: replace(config, explain=True),
}
OTHER: dict[str, Callable[[Config], Config]] = {
    "confidence": lambda config: replace(config, min_confidence=0.8),
    "confidence of nought": lambda config: replace(config, min_confidence=0.0),
    "family": lambda config: replace(config, profile=Family.PRESS),
    "protected": lambda config: replace(config, protect=("a", "b")),
    "protected as one": lambda config: replace(config, protect=("ab",)),
    "quotations": lambda config: replace(config, keep_quotes=True),
    "no dictionary": lambda config: replace(config, dictionaries=()),
    "a dictionary twice": lambda config: replace(config, dictionaries=config.dictionaries * 2),
}
WRITTEN = ("data/english.lm", "data/press.tsv", "data/calibration.json", "data/wordnet.tsv", "own.tsv")


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_changes_no_text(config: Config, change: Callable[[Config], Config]) -> None:
    assert fingerprint(change(config)) == fingerprint(config)


def test_what_changes_texts(config: Config) -> None:
    found = {fingerprint(config), *(fingerprint(change(config)) for change in OTHER.values())}
    assert len(found) == 1 + len(OTHER)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_the_files_hold(config: Config, tmp_path: Path, name: str) -> None:
    before = fingerprint(config)
    (tmp_path / name).write_bytes(b"another")
    assert fingerprint(config) != before


def test_the_neural_model(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what its file holds, wherever it lies."""
    monkeypatch.setattr(llama, "find_spec", lambda name: object())
    one, two, other = (tmp_path / f"{name}.gguf" for name in ("one", "two", "other"))
    for path, data in ((one, b"GGUF a"), (two, b"GGUF a"), (other, b"GGUF b")):
        path.write_bytes(data)
    found = [fingerprint(replace(config, deep=True, deep_model=path)) for path in (one, two, other)]
    assert found[0] == found[1] != found[2] != fingerprint(config) != found[0]


def test_the_version(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(config)
    monkeypatch.setattr(module, "__version__", "99")
    assert fingerprint(config) != before


def test_files_that_are_gone_are_no_error_here(config: Config, tmp_path: Path) -> None:
    assert len(fingerprint(replace(config, data=tmp_path / "none", dictionaries=(tmp_path / "none.tsv",)))) == 32
