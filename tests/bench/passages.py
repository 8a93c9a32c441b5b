"""How well spun text is told from genuine text: whole articles, short passages, and articles spun only in half.

    python tests/bench/passages.py BENCH

BENCH holds ``press/spun``, ``press/original`` and ``clean``. Passages are drawn with a fixed seed. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from restore import Restorer
from restore.metrics import Judged, auroc
from restore.result import Restoration


def articles(folder: Path) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt"))]


def passages(texts: list[str], words: int, count: int, seed: int) -> Iterator[str]:
    """Stretches of so many words, anywhere in any of the texts."""
    rng = random.Random(seed)
    for _ in range(count):
        text = rng.choice(texts).split(" ")
        start = rng.randrange(max(1, len(text) - words))
        yield " ".join(text[start : start + words])


def evidence(result: Restoration) -> float:
    return result.spun_probability


def separation(restorer: Restorer, spun: list[str], genuine: list[str]) -> float:
    judged = [Judged(evidence(restorer.restore(text)), True) for text in spun]
    judged += [Judged(evidence(restorer.restore(text)), False) for text in genuine]
    return auroc(judged) or 0.0


def overlap(restorer: Restorer, spun: str, original: str) -> float:
    """An article whose second half is genuine: shared characters of the spun half and what was found, over their union."""
    a, b = spun.split("\n"), original.split("\n")
    half = "\n".join(a[: len(a) // 2]) + "\n"
    text = half + "\n".join(b[len(b) // 2 :])
    found = {at for start, end in restorer.restore(text).passages for at in range(start, end)}
    truth = set(range(len(half)))
    return len(found & truth) / len(found | truth)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bench", type=Path)
    bench = parser.parse_args().bench
    restorer = Restorer()
    spun, original, clean = (articles(bench / name) for name in ("press/spun", "press/original", "clean"))
    report = {"articles": separation(restorer, spun, clean)}
    for words in (100, 40):
        report[f"passages of {words} words"] = separation(
            restorer, list(passages(spun, words, 500, 1)), list(passages(clean, words, 500, 2))
        )
    halves = [overlap(restorer, a, b) for a, b in zip(spun, original, strict=True) if a.count("\n") >= 4]
    report["overlap of the spun half"] = sum(halves) / len(halves)
    sys.stdout.write(json.dumps({name: round(value, 4) for name, value in report.items()}) + "\n")


if __name__ == "__main__":
    main()
