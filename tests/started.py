"""``restore`` in a process of its own, with the restorer that knows four swaps and everything it remembers below one folder."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).parent

STARTER = """
import sys
sys.path[:0] = [{tests!r}, {source!r}]
from pathlib import Path
import fakes
from restore import engine
from restore.cli import main, user
engine.Restorer = fakes.FakeRestorer
user.state = lambda: Path({state!r})
user.folder = lambda: Path("settings")
main()
"""


def command(*args: str, state: str = "state") -> list[str]:
    """What to start; ``state``: the folder of journal and ledgers."""
    return [sys.executable, "-c", STARTER.format(tests=str(TESTS), source=str(TESTS.parent / "src"), state=state), *args]
