"""Where the user's own dictionary lives: the platform's folder for settings."""

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
