"""Long texts are cut without losing a character, and their parts make one answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from restore.result import Change, Restoration, apply_changes
from restore.stretches import inside, join, stretches
from restore.text import Span


@given(st.text(alphabet="ab. \n\r", max_size=300), st.integers(2, 50))
def test_stretches_cover_the_text(text: str, longest: int) -> None:
    spans = list(stretches(text, longest))
    assert "".join(text[s.start : s.end] for s in spans) == text
    assert all(0 < s.end - s.start <= longest for s in spans) or not text


def test_paragraphs_stay_together() -> None:
    text = "one two three.\n\nfour five. six\nseven eight. nine ten"
    found = [text[s.start : s.end] for s in stretches(text, 20)]
    assert found == ["one two three.\n\n", "four five. six\n", "seven eight. ", "nine ten"]


def test_a_text_without_a_break_is_cut_anyway() -> None:
    assert list(stretches("a" * 25, 10)) == [Span(0, 10), Span(10, 20), Span(20, 25)]


def test_spans_inside() -> None:
    spans = [Span(0, 3), Span(2, 12), Span(15, 18), Span(20, 30)]
    assert inside(spans, Span(10, 20)) == [Span(0, 2), Span(5, 8)]


def test_one_answer() -> None:
    first = Restoration("a cat", (Change(2, 5, "cat", "dog", 0.9),), 0.9, 0.5, {"press": 1.0}, 2, ((0, 5),))
    second = Restoration(" is it", (), 0.1, words=2)
    third = Restoration(" a cat", (Change(3, 6, "cat", "dog", 0.9),), 0.8, 0.7, {"press": 0.5, "wordnet": 0.5}, 2, ((1, 6),))
    whole = join("a cat is it a cat", [(0, first), (5, second), (11, third)])
    assert apply_changes(whole.original, whole.changes) == "a dog is it a dog" == whole.text
    assert (whole.spun_probability, whole.words, whole.passages) == (0.9, 6, ((0, 5), (12, 17)))
    assert (whole.spin_rate, whole.profiles) == (0.6, {"press": 0.75, "wordnet": 0.25})


def test_nothing_is_spun() -> None:
    whole = join("ab", [(0, Restoration("a", words=1)), (1, Restoration("b", words=1))])
    assert whole == Restoration("ab", words=2)
