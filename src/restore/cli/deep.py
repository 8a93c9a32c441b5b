"""What a run with ``--deep`` says to a terminal before it starts: how long it may take."""

from __future__ import annotations

from collections.abc import Sequence

from .. import batch, files
from ..config import Config
from . import streams

_CHARACTERS_A_WORD = 6
_MINUTE = 60


def announce(sources: Sequence[files.Source], config: Config, jobs: int) -> None:
    """Say the estimate, if the size of the texts is known."""
    paths = [source.path for source in sources]
    known = [path.stat().st_size for path in paths if path is not None and path.is_file()]
    if known:
        words = max(1, sum(known) // _CHARACTERS_A_WORD)
        seconds = estimate(len(known), words, config, batch.workers_for(len(sources), jobs))
        streams.say(f"restore: --deep: {words:,} words, {duration(seconds)} if all of it is spun")


def estimate(texts: int, words: int, config: Config, workers: int) -> float:
    """Seconds that so many words may take.

    Raises:
        RestoreError: there is no model.
    """
    from ..deep.llama import find_model, load
    from ..deep.opinion import seconds_for

    seconds = seconds_for(words, load(find_model(config.deep_model)).seconds_a_token)
    return min(seconds, texts * (config.deep_budget or seconds)) / workers


def duration(seconds: float) -> str:
    """As people say it.

    >>> duration(3.2), duration(200)
    ('about 3 seconds', 'about 3 minutes')
    """
    if seconds < 2 * _MINUTE:
        return f"about {max(1, round(seconds))} second{'s' if round(seconds) > 1 else ''}"
    return f"about {round(seconds / _MINUTE)} minutes"
