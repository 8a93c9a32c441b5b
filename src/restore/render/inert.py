"""Text that cannot act on the terminal it is shown on."""

from __future__ import annotations

# Controls become their pictures (U+2400 block), C1 controls, direction overrides and invisible marks their code points.
_PICTURES = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"} | {0x7F: "\u2421"}
_CODES = (*range(0x80, 0xA0), *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x206A), 0xFEFF)
_INERT = str.maketrans(_PICTURES | {code: f"<U+{code:04X}>" for code in _CODES})


def inert(text: str) -> str:
    """``text`` with escape sequences, other controls and direction marks made visible; line ends become newlines."""
    return text.replace("\r\n", "\n").translate(_INERT)
