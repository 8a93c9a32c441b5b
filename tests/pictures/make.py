"""Makes the pictures of the README from real output: ``python tests/pictures/make.py``, with Chromium for the second."""

from __future__ import annotations

import base64
import io
import re
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "src"), str(HERE.parent)]

from rich.console import Console  # noqa: E402
from rich.terminal_theme import TerminalTheme  # noqa: E402

import browser  # noqa: E402
from restore import Config, Restoration, Restorer  # noqa: E402
from restore.render.html import render_html  # noqa: E402
from restore.render.terminal import show  # noqa: E402

NAME = "seeds/blinken-geneva.txt"
PARAGRAPHS = 4
COLUMNS = 88
SIZE = (1120, 640)

_DARK, _LIGHT = (24, 26, 28), (216, 212, 205)
_COLORS = [_DARK, (212, 88, 83), (98, 176, 131), (208, 163, 84), (96, 150, 208), (192, 128, 184), (90, 170, 176), _LIGHT]
THEME = TerminalTheme(_DARK, _LIGHT, _COLORS, _COLORS)


def terminal(result: Restoration) -> str:
    """The view of an article, as SVG that loads no font from anywhere."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="standard")
    show(result, console)
    svg = console.export_svg(title=f"restore {NAME}", theme=THEME, unique_id="restore")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL).replace("Fira Code", "ui-monospace, Menlo, Consolas")


def page(result: Restoration) -> bytes:
    """The review page with a change selected, as WebP."""
    with tempfile.TemporaryDirectory() as folder, browser.chromium(Path(folder) / "profile", Path(folder)) as driver:
        file = Path(folder) / "page.html"
        file.write_text(render_html(result, NAME), "utf-8")
        width, height = SIZE
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        driver.get(file.as_uri())
        driver.find_element("css selector", "#text .l:not(.was) .c[data-i='8']").click()
        shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "webp", "quality": 80})
        return base64.b64decode(shot["data"])


def main() -> None:
    """Write both."""
    text = (ROOT / NAME).read_text("utf-8")
    restorer = Restorer(Config(explain=True))
    whole = restorer.restore(text)
    end = [match.end() for match in re.finditer(r"\n\n", text)][PARAGRAPHS - 1]
    start = [change for change in whole.changes if change.end <= end]
    part = Restoration(text[:end], tuple(start), whole.spun_probability, whole.spin_rate, whole.profiles)
    (HERE / "terminal.svg").write_text(terminal(part), "utf-8")
    if browser.missing() is None:
        (HERE / "review.webp").write_bytes(page(whole))


if __name__ == "__main__":
    main()
