"""One JSON object a document, one line each."""

from __future__ import annotations

import json
from typing import Any

from ..result import Restoration
from .inert import CODES

_ESCAPED = {code: json.dumps(chr(code))[1:-1] for code in (0x7F, *CODES, *range(0xD800, 0xE000))}
"""What would act on a terminal, and halves of surrogate pairs, which no file may hold; all else stays readable."""


def render_json(result: Restoration | None, path: str | None = None, error: str | None = None) -> str:
    """The contract's object on one line, newline included; a document that failed has no changes and an error."""
    data = (result or Restoration("")).to_json(path, error)
    return to_line(data)


def to_line(data: Any) -> str:
    """JSON on one line, newline included."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False).translate(_ESCAPED) + "\n"
