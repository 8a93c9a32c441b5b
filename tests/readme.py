"""What the README shows of the program is what the program does: blocks marked ``<!-- runs: COMMAND -->`` hold its output.

    python tests/readme.py

writes them anew; tests/test_readme.py compares.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATH = ROOT / "README.md"
WIDTH = 100
_BLOCK = re.compile(r"(<!-- runs: (?P<command>[^\n]+) -->\n```\n)(?P<output>.*?)(```\n)", re.DOTALL)


def commands() -> list[tuple[str, str]]:
    """Each command and the output that the README says it has."""
    return [(match["command"], match["output"]) for match in _BLOCK.finditer(PATH.read_text("utf-8"))]


def run(command: str) -> str:
    """What a command writes to standard output at 80 columns, called from the project's folder; long lines wrapped."""
    function = f'restore() {{ "{sys.executable}" -m restore "$@"; }}; '
    source = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": source, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    done = subprocess.run(
        ["bash", "-c", function + command], cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", timeout=60
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr}")
    return "".join(textwrap.fill(line, WIDTH) + "\n" for line in done.stdout.splitlines())


def rewritten(answer: Callable[[str], str]) -> str:
    """The README with each block as ``answer`` gives it."""
    return _BLOCK.sub(lambda match: match[1] + answer(match["command"]) + match[4], PATH.read_text("utf-8"))


if __name__ == "__main__":
    PATH.write_text(rewritten(run), encoding="utf-8", newline="\n")
