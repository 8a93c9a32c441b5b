"""``--resume``: what an earlier run did need not be done again.

The ledger lies in the user's folder for state, beside the journal, and not in the output: so that a folder of results holds
results and nothing else, whether its run was killed and resumed or not, and runs in place have the same.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from .. import files
from ..batch import Outcome
from ..ledger import Done, Ledger
from ..writing import sweep
from . import user

Settings = Callable[[], str]
"""Asked for a fingerprint."""


class Records:
    """A ledger kept by source; without one nothing is known and nothing taken down."""

    def __init__(self, ledger: Ledger | None = None, in_place: bool = False) -> None:
        self._ledger, self._in_place = ledger, in_place

    def done(self, source: files.Source, settings: Settings) -> Done | None:
        """What an earlier run did of a source."""
        return self._ledger.get(self._name(source), settings()) if self._ledger is not None and self._ledger.resumed else None

    def note(self, outcome: Outcome, settings: Settings) -> Outcome:
        """Take down what was done."""
        if self._ledger is not None and outcome.error is None and outcome.written:
            self._ledger.record(self._name(outcome.source), outcome.digest, outcome.written, settings())
        return outcome

    def _name(self, source: files.Source) -> str:
        """An output mirrors its input, wherever that lies; in place there is nothing but the file."""
        return os.path.abspath(source.file or "") if self._in_place else source.place  # noqa: PTH100


@contextlib.contextmanager
def records(output: str | None, paths: Sequence[str], resume: bool, say: Callable[[str], None]) -> Iterator[Records]:
    """Those of runs that write below ``output``, or over the files at ``paths``."""
    places = [output] if output is not None else sorted(paths)
    key = "\0".join(["i" if output is None else "o", *map(os.path.realpath, places)])
    name = sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    with Ledger(user.state() / "ledgers" / f"{name}.jsonl", resume) as ledger:
        yield Records(ledger, in_place=output is None)
        if ledger.problem is not None:
            say(f"restore: this run could not be resumed: {ledger.problem}")


@contextlib.contextmanager
def swept(sources: Sequence[files.Source], target: files.Target | None) -> Iterator[None]:
    """At the end what a killed run left half written goes: not before, for its workers may outlive it by a moment."""
    yield
    written = (str(target(source)) if target is not None else os.path.realpath(source.file or "") for source in sources)
    for folder in {os.path.dirname(path) for path in written}:  # noqa: PTH120
        sweep(Path(folder))
