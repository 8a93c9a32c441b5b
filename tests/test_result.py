"""A restoration as data: replayed, saved and read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore.errors import RestoreError
from restore.result import Alternative, Change, Evidence, Ngram, Restoration, apply_changes

TEXT = "one two three"
EVIDENCE = Evidence(1.234, -0.567, 0.006, (Ngram("a b", -2.341),), (Ngram("a c", -1.0), Ngram("c", -0.111)))
CHANGE = Change(4, 7, "two", "2", 0.12345, False, "press", (Alternative("deux", 0.45678),), EVIDENCE)
SAVED = {
    "start": 4,
    "end": 7,
    "before": "two",
    "after": "2",
    "confidence": 0.1235,
    "applied": False,
    "source": "press",
    "alternatives": [{"text": "deux", "confidence": 0.4568}],
}


def test_a_change_is_saved_rounded_and_read_again() -> None:
    saved = CHANGE.to_json()
    ngrams = {"before": [["a b", -2.34]], "after": [["a c", -1.0], ["c", -0.11]]}
    evidence = {"channel": 1.23, "language_model": -0.57, "document": 0.01, "ngrams": ngrams}
    assert saved == {**SAVED, "evidence": evidence}
    read = Change.from_json(json.loads(json.dumps(saved)))
    assert read == Change(4, 7, "two", "2", 0.1235, False, "press", (Alternative("deux", 0.4568),))
    assert read.to_json() == SAVED
    assert EVIDENCE.log_odds == pytest.approx(0.673)


def test_the_neural_model_is_heard_where_it_was_asked() -> None:
    asked = replace(EVIDENCE, neural=0.456)
    assert asked.log_odds == pytest.approx(1.129)
    assert asked.to_json() == {**EVIDENCE.to_json(), "neural": 0.46}


def test_source_and_alternatives_may_be_missing() -> None:
    read = Change.from_json({key: SAVED[key] for key in ("start", "end", "before", "after", "confidence", "applied")})
    assert (read.source, read.alternatives, read.evidence) == ("", (), None)
    assert Change(0, 1, "a", "b", 0.5) == Change(0, 1, "a", "b", 0.5, True, "", (), None)


@pytest.mark.parametrize("name", ["start", "end", "before", "after", "confidence", "applied"])
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(RestoreError, match=f"^not a change as restore writes it: '{name}'$"):
        Change.from_json({key: value for key, value in SAVED.items() if key != name})


@pytest.mark.parametrize("sure", [-0.01, 1.01, float("nan")])
@pytest.mark.parametrize("where", ["confidence", "alternatives"])
def test_a_confidence_lies_between_0_and_1(where: str, sure: float) -> None:
    wrong: Any = sure if where == "confidence" else [{"text": "a", "confidence": sure}]
    with pytest.raises(RestoreError, match=r"^not a change as restore writes it: a confidence lies between 0 and 1$"):
        Change.from_json({**SAVED, where: wrong})
    for fine in (0, 1):
        assert Change.from_json({**SAVED, "confidence": fine}).confidence == fine


def test_a_whole_result() -> None:
    made = Restoration(TEXT, (CHANGE, Change(8, 13, "three", "3", 0.9)), 0.98765, 0.43219, {"press": 0.33333}, 3, ((0, 13),))
    assert made.text == "one two 3"
    assert [change.after for change in made.applied] == ["3"]
    saved = made.to_json("a.txt", "why")
    assert [entry["after"] for entry in saved.pop("changes")] == ["2", "3"]
    assert saved == {
        "path": "a.txt",
        "spun_probability": 0.9877,
        "spin_rate": 0.4322,
        "profiles": {"press": 0.3333},
        "words": 3,
        "error": "why",
    }
    assert (made.to_json()["path"], made.to_json()["error"]) == (None, None)
    assert Restoration("x").to_json()["changes"] == [] and Restoration("x").text == "x"


FIT = [
    ([], TEXT),
    ([Change(4, 7, "two", "2", 1.0)], "one 2 three"),
    ([Change(8, 13, "three", "3", 1.0), Change(0, 3, "one", "1", 1.0)], "1 two 3"),
    ([Change(3, 3, "", ",", 1.0), Change(3, 4, " ", "-", 1.0)], "one,-two three"),
    ([Change(0, 3, "one", "", 1.0), Change(3, 7, " two", "", 1.0)], " three"),
    ([Change(13, 13, "", "!", 1.0)], "one two three!"),
]


@pytest.mark.parametrize(("changes", "expected"), FIT)
def test_changes_that_fit(changes: list[Change], expected: str) -> None:
    assert apply_changes(TEXT, changes) == expected


MISFIT = [
    Change(4, 7, "owt", "2", 1.0),
    Change(-3, 0, "", "x", 1.0),
    Change(7, 4, "", "x", 1.0),
    Change(8, 14, "three ", "x", 1.0),
    Change(5, 7, "two", "2", 1.0),
]


@pytest.mark.parametrize("change", MISFIT)
def test_one_that_does_not_fit_is_named(change: Change) -> None:
    with pytest.raises(RestoreError, match=rf"^the change of '{change.before}' at {change.start} does not fit this text$"):
        apply_changes(TEXT, [change])


def test_two_that_overlap() -> None:
    with pytest.raises(RestoreError, match="at 6 does not fit"):
        apply_changes(TEXT, [Change(4, 7, "two", "2", 1.0), Change(6, 9, "o t", "", 1.0)])


@given(st.text(max_size=40), st.lists(st.integers(0, 40), max_size=8), st.text(max_size=3))
def test_outside_the_changes_nothing_differs(text: str, bounds: list[int], after: str) -> None:
    places = sorted(min(bound, len(text)) for bound in bounds)
    spans = list(zip(places[::2], places[1::2], strict=False))
    made = apply_changes(text, [Change(start, end, text[start:end], after, 1.0) for start, end in spans])
    starts, ends = [start for start, _ in spans], [end for _, end in spans]
    kept = [text[a:b] for a, b in zip([0, *ends], [*starts, len(text)], strict=True)]
    assert made == after.join(kept)
