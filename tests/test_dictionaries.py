"""The shipped dictionaries: each row is in its place, says where it comes from, and weighs what it may."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from restore.candidates import MAX_SPAN
from restore.config import FAMILIES, dictionary_dir
from restore.dictionary import HEADER, Row, format_dictionary, read_dictionary, read_protected
from restore.thesaurus import faults, same

FILES = [path for family in FAMILIES if (path := dictionary_dir() / f"{family}.tsv").is_file()]
SOURCES = {
    "press": {"authored", "observed", "derived"},
    "wordnet": {"wordnet", "authored", "observed", "derived", "moby"},
    "science": {"pps", "hahuyhoang411", "authored", "observed", "derived"},
}
"""What a row may come from; several are joined by a plus."""


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture(scope="module")
def rows(path: Path) -> list[Row]:
    return read_dictionary(path)


def test_there_is_one() -> None:
    assert FILES


def test_no_line_is_bad(path: Path) -> None:
    assert list(faults(path)) == []


def test_it_is_as_we_write_it(path: Path, rows: list[Row]) -> None:
    """Order, rounding, line ends and the header, in one."""
    assert path.read_bytes() == format_dictionary(rows).encode()


def test_no_pair_is_there_twice_in_other_capitals(rows: list[Row]) -> None:
    seen: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Row]] = defaultdict(list)
    for row in rows:
        seen[same(row.spun), same(row.original)].append(row)
    assert [both for both in seen.values() if len(both) > 1] == []


def test_nothing_stands_for_itself(rows: list[Row]) -> None:
    assert [row for row in rows if same(row.spun) == same(row.original)] == []


def test_sources_are_known(path: Path, rows: list[Row]) -> None:
    assert {source for row in rows for source in row.source.split("+")} <= SOURCES[path.stem]


def test_weights_of_an_original_add_up_to_one_at_most(rows: list[Row]) -> None:
    totals: dict[tuple[str, ...], float] = defaultdict(float)
    for row in rows:
        totals[same(row.original)] += row.weight
    assert {original: total for original, total in totals.items() if total > 1.002} == {}


def test_words_are_clean(rows: list[Row]) -> None:
    """No blanks but single ones between words, nothing invisible, no curly quotes: look-ups know plain ones only."""
    bad = [row for row in rows for text in row[:2] if text != " ".join(text.split()) or not text.isprintable()]
    bad += [row for row in rows for text in row[:2] if set(text) & set("‘’“”")]
    assert bad == []


def test_no_spun_form_is_longer_than_what_is_looked_up(rows: list[Row]) -> None:
    longer = [row for row in rows if len(same(row.spun)) > MAX_SPAN]
    assert len(longer) <= len(rows) // 1000


# -- the protected list ------------------------------------------------------------------------------------------------


def test_every_protected_entry_has_a_reason_and_is_there_once() -> None:
    path = dictionary_dir() / "protected.tsv"
    phrases = read_protected(path)
    assert phrases and len(phrases) == len(set(phrases))
    assert path.read_text("utf-8").splitlines()[0] == "text\treason"


def test_the_header_is_what_is_documented() -> None:
    assert HEADER == ("spun", "original", "weight", "source")
