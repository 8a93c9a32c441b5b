"""How good restorations are, measured against originals and on texts that nobody spun.

Words are compared with their case, typographic quotes and dashes as their plain forms. An edit is a span of the spun words and
what replaces it; edits made are counted against edits needed. Independent of the engine: what is judged is a ``Restoration``.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .align import Block, align, distance
from .metrics import Interval, Judged, auroc, bootstrap, brier, ece, reliability, risk_coverage
from .result import Change, Restoration

Words = list[str]
Edit = tuple[int, int, tuple[str, ...]]
"""Start and end among the words before, end-exclusive, and the words that replace them."""

AT = (0.5, 0.8, 0.9, 0.95)
"""Confidences at which precision and coverage are given."""
_POINTS = 100
"""Points of the risk-coverage curve: more than a drawing shows."""
_WORD = re.compile(r"(?:[A-Za-z]\.){2,}|\d[\d,.:]*\d|\w++(?:['-]\w++)*+|[^\w\s]")
_PLAIN = str.maketrans("‘’“”–—", "''\"\"--")


def words(text: str) -> Words:
    """Words and marks as they are compared."""
    return _WORD.findall(text.translate(_PLAIN))


def edits(before: Sequence[str], after: Sequence[str]) -> set[Edit]:
    """Adjacent steps of the shortest way from one to the other grouped; groups of equal length split word by word."""
    found: set[Edit] = set()
    for equal, a, b, c, d in align(before, after):
        if equal:
            continue
        if b - a == d - c:
            found.update((a + k, a + k + 1, (after[c + k],)) for k in range(b - a) if before[a + k] != after[c + k])
        else:
            found.add((a, b, tuple(after[c:d])))
    return found


# -- one document ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of one document. ``before`` and ``after`` are word distances to the original of the spun and the restored text.

    ``reported`` judges every change that says something, in order; ``applied`` those that were applied.
    """

    needed: int
    made: int
    right: int
    words: int
    before: int
    after: int
    reported: tuple[Judged, ...] = ()
    applied: tuple[Judged, ...] = ()


def score(result: Restoration, original: str) -> Score:
    """Judge a restoration by the original of its text."""
    spun, restored, goal = words(result.original), words(result.text), words(original)
    needed, made = edits(spun, goal), edits(spun, restored)
    judged = judge(result, original)
    return Score(
        needed=len(needed),
        made=len(made),
        right=len(needed & made),
        words=len(goal),
        before=distance(spun, goal),
        after=distance(restored, goal),
        reported=tuple(Judged(change.confidence, right) for change, right in judged),
        applied=tuple(Judged(change.confidence, right) for change, right in judged if change.applied),
    )


def judge(result: Restoration, original: str) -> list[tuple[Change, bool]]:
    """Each change, applied or declined, with whether it is right.

    It is when every edit it makes on its own fits the stretch of the original it falls into: the stretch can be cut so that
    exactly the replacement stands for the words replaced, and something is left for the words around them. So of two neighbours
    where only one is right, one is. Where words repeat ("seek out out" for "find out") stretches can lie in several ways; so
    an applied change is right, too, when all the edits made at its place are needed ones. An edit counted by ``edits`` as right
    consists of right changes.
    Changes that leave all words as they are (spaces, quotes) are left out.
    """
    text = result.original
    places = [match.start() for match in _WORD.finditer(text.translate(_PLAIN))]
    spun, goal = words(text), words(original)
    blocks = [block for block in align(spun, goal) if not block.equal]
    ends = [block.a_end for block in blocks]
    needed, made = edits(spun, goal), sorted(edits(spun, words(result.text)))
    judged = []
    for change in result.changes:
        own = _own_edits(text, places, change)
        if own:
            right = all(_fits(edit, blocks, ends, goal) for edit in own)
            judged.append((change, right or (change.applied and _is_needed(own, made, needed))))
    return judged


def _is_needed(own: Sequence[Edit], made: Sequence[Edit], needed: set[Edit]) -> bool:
    """Whether all of ``made`` (sorted) that touch the words of ``own``, and there are some, are needed."""
    start, end = own[0][0], own[-1][1]
    here = made[bisect_left(made, start, key=lambda edit: edit[1]) : bisect_right(made, end, key=lambda edit: edit[0])]
    return bool(here) and needed.issuperset(here)


def _own_edits(text: str, places: Sequence[int], change: Change) -> list[Edit]:
    """What a change does to the words, numbered as in the whole text. No word reaches over a space: the nearest bound it."""
    start, end = change.start, change.end
    while start and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    before = words(text[start:end])
    after = words(text[start : change.start] + change.after + text[change.end : end])
    first = bisect_left(places, start)
    return sorted((first + a, first + b, new) for a, b, new in edits(before, after))


def _fits(edit: Edit, blocks: Sequence[Block], ends: Sequence[int], goal: Sequence[str]) -> bool:
    start, end, new = edit
    at = bisect_left(ends, end)
    if at == len(blocks) or blocks[at].a_start > start:
        return False
    _, a, b, c, d = blocks[at]
    return any(
        tuple(goal[k : k + len(new)]) == new
        for k in range(c, d - len(new) + 1)
        if (k == c) == (start == a) and (k + len(new) == d) == (end == b)
    )


# -- many documents ----------------------------------------------------------------------------------------------------


def _ratio(part: float, whole: float) -> float:
    return part / max(1, whole)


def _figures(sums: Sequence[int]) -> tuple[float, ...]:
    """Precision, recall, F0.5, word error before and after, damage removed; from needed, made, right, words, before, after."""
    needed, made, right, count, before, after = sums[:6]
    p, r = _ratio(right, made), _ratio(right, needed)
    f05 = 1.25 * p * r / max(1e-9, 0.25 * p + r)
    return p, r, f05, _ratio(before, count), _ratio(after, count), 1 - _ratio(after, before)


FIGURES = ("precision", "recall", "f05", "wer_before", "wer_after", "damage_removed")


def _counts(score: Score) -> list[int]:
    """The summable counts of a document: those of ``_figures``, then those sure and right at each confidence."""
    row = [score.needed, score.made, score.right, score.words, score.before, score.after]
    for least in AT:
        sure = [judged.right for judged in score.applied if judged.confidence >= least]
        row += [len(sure), sum(sure)]
    return row


def summarise(scores: Sequence[Score]) -> dict[str, Any]:
    """All figures over all documents, ready for JSON.

    ``calibration``: ECE, Brier score and AUROC over all changes ``reported`` (declined ones have a confidence too) and over
    those ``applied``. ``at_confidence``: of the changes applied, those at least so sure: precision, and ``coverage``, their
    share. ``intervals``: 95%, by bootstrap over documents.
    """
    rows = [_counts(one) for one in scores]
    sums = [sum(column) for column in zip(*rows, strict=True)]
    figures = dict(zip(FIGURES, _figures(sums), strict=True))
    intervals = bootstrap(rows, lambda sums: (*_figures(sums), *_precisions(sums)))
    applied = [judged for one in scores for judged in one.applied]
    reported = [judged for one in scores for judged in one.reported]
    return {
        "files": len(scores),
        "words": sums[3],
        "edits_needed": sums[0],
        "edits_made": sums[1],
        **{name: round(value, 4) for name, value in figures.items()},
        "intervals": {name: _rounded(i) for name, i in zip(FIGURES, intervals, strict=False)},
        "calibration": {"reported": _calibration(reported), "applied": _calibration(applied)},
        "at_confidence": _at_confidence(sums, len(applied), intervals[len(FIGURES) :]),
    }


def _precisions(sums: Sequence[int]) -> list[float]:
    return [_ratio(right, sure) for sure, right in zip(sums[6::2], sums[7::2], strict=True)]


def _at_confidence(sums: Sequence[int], applied: int, intervals: Sequence[Interval]) -> list[dict[str, Any]]:
    return [
        {
            "confidence": least,
            "changes": sure,
            "precision": round(precision, 4) if sure else None,
            "interval": _rounded(interval) if sure else None,
            "coverage": round(_ratio(sure, applied), 4),
        }
        for least, sure, precision, interval in zip(AT, sums[6::2], _precisions(sums), intervals, strict=True)
    ]


def _calibration(judged: Sequence[Judged]) -> dict[str, Any]:
    measures = {"ece": ece(judged), "brier": brier(judged), "auroc": auroc(judged)}
    return {
        "changes": len(judged),
        "right": sum(one.right for one in judged),
        **{name: None if value is None else round(value, 4) for name, value in measures.items()},
        "reliability": [[round(b.confidence, 4), round(b.right, 4), b.size] for b in reliability(judged)],
        "risk_coverage": [_rounded(point) for point in _thinned(risk_coverage(judged))],
    }


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """At most ``_POINTS``, evenly spaced, the last among them."""
    step = -(-len(points) // _POINTS) or 1
    return points[::-1][::step][::-1]


def _rounded(interval: Interval) -> list[float]:
    return [round(end, 4) for end in interval]


def clean_figures(results: Iterable[Restoration]) -> Mapping[str, Any]:
    """Edits made to texts that needed none."""
    made = count = files = touched = 0
    for result in results:
        original = words(result.original)
        false = len(edits(original, words(result.text)))
        made, count, files, touched = made + false, count + len(original), files + 1, touched + bool(false)
    return {
        "files": files,
        "words": count,
        "false_edits": made,
        "files_touched": touched,
        "false_edits_per_10k": round(1e4 * made / max(1, count), 3),
    }
