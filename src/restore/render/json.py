"""One JSON object a document, one line each."""

from __future__ import annotations

import json

from ..result import Restoration


def render_json(result: Restoration | None, path: str | None = None, error: str | None = None) -> str:
    """The contract's object on one line, newline included; a document that failed has no changes and an error."""
    data = (result or Restoration("")).to_json(path, error)
    return json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n"
