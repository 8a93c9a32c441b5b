"""Where results go: over their inputs, into files of their own, or nowhere; and the review on the way there."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .. import files, writing
from ..batch import Outcome
from ..errors import RestoreError
from . import streams, user

if TYPE_CHECKING:
    from .review import Reviewer

Step = Callable[[Outcome], Outcome]
"""What is done to an outcome before it is reported."""


def inputs_in_place(sources: list[files.Source]) -> list[files.Source]:
    """The inputs that can be rewritten, each once.

    Raises:
        RestoreError: standard input is among them.
    """
    from ..inplace import distinct

    if any(source.file is None for source in sources):
        raise RestoreError("standard input cannot be rewritten in place; name files, or leave out -i")
    return distinct(sources)


@contextlib.contextmanager
def in_place(backup: str, force: bool) -> Iterator[Step]:
    """What rewrites the input of an outcome, with a journal."""
    from ..inplace import InPlace
    from ..journal import Journal

    with Journal(user.journal()) as journal:
        yield InPlace(journal, backup, force).write


def into_files(target: files.Target | None, force: bool) -> Step:
    """What writes outcomes that no worker wrote, for they were reviewed first."""

    def write(outcome: Outcome) -> Outcome:
        if outcome.restoration is None or outcome.error is not None or target is None:
            return outcome
        try:
            old = outcome.decoded.encode(outcome.restoration.original)
            writing.write_output(target(outcome.source), outcome.checked(old), force)
        except RestoreError as error:
            return replace(outcome, error=str(error))
        return outcome

    return write


@contextlib.contextmanager
def reviewer(sources: Sequence[files.Source], place: Callable[[files.Source], Path | None], color: str) -> Iterator[Reviewer]:
    """What asks about each change; ``place``: where the result goes.

    Raises:
        RestoreError: there is nobody to ask.
    """
    from .keys import Keys
    from .review import Reviewer

    if any(source.file is None for source in sources) or not streams.is_terminal(sys.stdin):
        raise RestoreError("--review asks at the terminal, so it needs files to read and a terminal to answer at")
    keys = Keys()
    with keys.listening():
        yield Reviewer(color, keys, place)
