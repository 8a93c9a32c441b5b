"""The table in ``dictionaries/README.md`` that says of each file how large it is and what its bytes hash to.

    python -m restore.build.manifest

writes it anew; a test of the project fails while a file differs from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from ..config import dictionary_dir
from ..errors import RestoreError
from ..lm import LanguageModel

BEGIN, END = "<!-- files: written by python -m restore.build.manifest -->", "<!-- end of files -->"
_HEAD = ("| file | rows | bytes | SHA-256 |", "|---|--:|--:|---|")


def write_manifest(folder: Path) -> None:
    """Bring the table in ``folder``'s README up to date.

    Raises:
        RestoreError: there is no README, or no place for the table in it.
    """
    path = folder / "README.md"
    try:
        before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    except OSError as error:
        raise RestoreError(f"{path}: cannot read it: {error.strerror}") from error
    _, end, after = rest.partition(END)
    if not end:
        raise RestoreError(f"{path}: the lines {BEGIN} and {END} are missing")
    text = "\n".join([before + BEGIN, *_HEAD, *manifest(folder), END + after])
    path.write_text(text, encoding="utf-8", newline="\n")


def manifest(folder: Path) -> Iterator[str]:
    """A line for each data file of a folder of dictionaries, and of its ``sources``."""
    for path in sorted([*folder.iterdir(), *(folder / "sources").glob("*")]):
        if path.is_file() and path.suffix != ".md" and not path.name.startswith("."):
            data = path.read_bytes()
            name = path.relative_to(folder).as_posix()
            yield f"| `{name}` | {_rows(path, data)} | {len(data):,} | `{sha256(data).hexdigest()}` |"


def _rows(path: Path, data: bytes) -> str:
    """Pairs, phrases or words of a table, n-grams of a model."""
    if path.suffix == ".lm":
        return f"{sum(LanguageModel(path).header['ngrams']):,}"
    if path.suffix != ".tsv":
        return ""
    lines = data.decode().splitlines()[1:]
    return f"{sum(bool(line) and not line.startswith('#') for line in lines):,}"


if __name__ == "__main__":
    write_manifest(dictionary_dir())
