"""Where the user's own things live: the dictionary in the platform's folder for settings, the journal in that for state."""

from __future__ import annotations

from pathlib import Path

NAME = "dictionary.tsv"


def folder() -> Path:
    """The platform's configuration folder for ``restore``; it may not exist yet."""
    from platformdirs import user_config_path

    return user_config_path("restore", appauthor=False)


def dictionary() -> Path:
    """The user's dictionary, which every run takes along if it is there."""
    return folder() / NAME


def with_own(named: tuple[Path, ...]) -> tuple[Path, ...]:
    """The user's dictionary, if there is one, before those named on the command line, which win over it."""
    own = dictionary()
    return (own, *named) if own.is_file() else named


def state() -> Path:
    """The platform's folder for what ``restore`` remembers between runs; it may not exist yet."""
    from platformdirs import user_state_path

    return user_state_path("restore", appauthor=False)


def journal() -> Path:
    """Where in-place runs are taken down."""
    return state() / "journal"
