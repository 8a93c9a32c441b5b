"""Single keys from the terminal: heard at once, not shown, and none lost while something is printed."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Iterator
from typing import Any

import click

_ESCAPE = 0.05
"""Seconds within which what follows an escape belongs to it: arrows and other special keys come in one piece."""


class Keys:
    """The keyboard while ``listening``; elsewhere it is as it always was."""

    def __init__(self) -> None:
        try:
            import termios  # not on Windows, whose consoles lose nothing
        except ImportError:
            return
        self._termios = termios
        self._fd = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._fd)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Keys come one by one, interrupts too: the processes that work for us need not hear of them."""
        if not hasattr(self, "_fd"):
            yield
            return
        termios = self._termios
        mode = termios.tcgetattr(self._fd)
        mode[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG)
        self._set(mode)
        try:
            yield
        finally:
            self._set(self._before)

    @contextlib.contextmanager
    def typing(self) -> Iterator[None]:
        """Within ``listening``: whole lines, shown and edited as usual."""
        if not hasattr(self, "_fd"):
            yield
            return
        mode = self._termios.tcgetattr(self._fd)
        self._set(self._before)
        try:
            yield
        finally:
            self._set(mode)

    def read(self) -> str:
        """The next key; special ones are several characters.

        Raises:
            KeyboardInterrupt: Ctrl-C.
            EOFError: Ctrl-D, or the terminal is gone.
        """
        if not hasattr(self, "_fd"):
            return click.getchar()
        data = os.read(self._fd, 1)
        if data == b"\x1b" and select.select([self._fd], [], [], _ESCAPE)[0]:
            data += os.read(self._fd, 16)
        elif data and data[0] >= 0xC0:
            data += os.read(self._fd, 3)
        if data == b"\x03":
            raise KeyboardInterrupt
        if data in (b"", b"\x04"):
            raise EOFError
        return data.decode("utf-8", "replace")

    def _set(self, mode: Any) -> None:
        self._termios.tcsetattr(self._fd, self._termios.TCSADRAIN, mode)
