"""What a restoration depends on besides the text, in one word: version, settings, model and dictionaries.

Two runs with the same fingerprint make the same of the same bytes, so what one has done the other need not do again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from hashlib import file_digest, sha256
from pathlib import Path

from . import __version__
from .config import Config

_ELSEWHERE = {"dictionaries", "data", "explain", "deep_model"}
"""Settings told by what the files hold, wherever they lie, or that leave the restored text as it is."""
_DATA = (".lm", ".bin", ".tsv", ".json")


def fingerprint(config: Config) -> str:
    """32 hexadecimal digits; a twentieth of a second with the shipped model, so ask once a run.

    A file that cannot be read counts as empty: making a ``Restorer`` will give the error.

    Raises:
        RestoreError: what ``deep`` needs is not installed.
    """
    settings = {field.name: getattr(config, field.name) for field in fields(config) if field.name not in _ELSEWHERE}
    parts = [__version__.encode(), json.dumps(settings, sort_keys=True, default=str).encode()]
    parts += [_digest(path) for path in config.dictionaries]
    if config.deep:
        from .deep.llama import find_model

        parts.append(_digest(find_model(config.deep_model)))
    parts += [path.name.encode() + _digest(path) for path in _data_files(config.data_dir)]
    return sha256(b"".join(len(part).to_bytes(8, "little") + part for part in parts)).hexdigest()[:32]


def _data_files(folder: Path) -> Iterator[Path]:
    """Model, dictionaries and calibration; what they were built from lies in a folder of its own."""
    if folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if path.suffix in _DATA)


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").digest()
    except OSError:
        return sha256().digest()
