"""The one-line summaries that go beside a restored text."""

from __future__ import annotations

from ..result import Restoration
from .inert import inert


def summary(result: Restoration, name: str, seconds: float | None = None) -> str:
    """One line on one document: words, changes, spin rate, family, time."""
    declined = len(result.changes) - len(result.applied)
    parts = [_count(result.words, "word"), _count(len(result.applied), "change")]
    if declined:
        parts.append(f"{declined:,} declined")
    if result.changes:
        family = max(result.profiles, key=result.profiles.__getitem__, default="")
        parts.append(f"spin rate {result.spin_rate:.2f}" + (f" ({family})" if family else ""))
    else:
        parts.append("reads as nobody spun it" if result.spun_probability < 0.5 else "nothing sure enough to change")
    if seconds is not None:
        parts.append(f"{seconds:.1f} s")
    return f"{inert(name)}: {', '.join(parts)}"


def totals(documents: int, changed: int, failed: int, words: int, changes: int, declined: int, seconds: float) -> str:
    """One line on many documents."""
    parts = [_count(words, "word"), f"{_count(changes, 'change')} in {_count(changed, 'file')}"]
    if declined:
        parts.append(f"{declined:,} declined")
    if failed:
        parts.append(f"{failed:,} failed")
    return f"{_count(documents, 'file')}: {', '.join(parts)}, {seconds:.1f} s"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
