"""Give machine-spun articles their words back."""

from __future__ import annotations

from typing import Any

from .config import Config
from .errors import RestoreError
from .result import Alternative, Change, Restoration, apply_changes

__version__ = "0.1.0"
__all__ = [
    "Alternative",
    "Change",
    "Config",
    "Restoration",
    "RestoreError",
    "Restorer",
    "apply_changes",
    "restore_text",
]


def __getattr__(name: str) -> Any:
    """Load the engine when it is first asked for: data types alone need no model."""
    if name == "Restorer":
        from .engine import Restorer

        return Restorer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def restore_text(text: str, **options: Any) -> str:
    """The restored text; ``options`` are those of ``Config``. To restore many texts make one ``Restorer``.

    Raises:
        RestoreError: an option is out of range, or a data file is missing or damaged.
    """
    from .engine import Restorer

    return Restorer(Config(**options)).restore(text).text
