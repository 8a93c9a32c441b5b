"""The one exception a caller needs to know."""

from __future__ import annotations


class RestoreError(Exception):
    """Something the user can mend: the message is one line that says what is wrong and the way out."""
