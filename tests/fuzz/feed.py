"""Bytes as a fuzzer gives them, read as numbers and texts; and mutations of them for where no fuzzer is installed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

LONGEST = 2048
"""Bytes of an input; what breaks a parser is short."""


class Feed:
    """Reads from the front; when the bytes are used up everything is zero."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def number(self, most: int) -> int:
        """0 to ``most``."""
        width = (most.bit_length() + 7) // 8
        part = self._data[self._at : self._at + width]
        self._at += width
        return int.from_bytes(part, "little") % (most + 1)

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.number(len(choices) - 1)]

    def rest(self) -> bytes:
        found, self._at = self._data[self._at :], len(self._data)
        return found


def hostile_text(data: bytes) -> str:
    """UTF-8, and lone surrogates for what is none."""
    return data.decode("utf-8", "surrogateescape")


def patched(base: bytes, feed: Feed) -> bytes:
    """``base`` with the edits that the feed asks for: bytes set, numbers of four bytes set, parts cut out or doubled."""
    data = bytearray(base)
    while feed and data:
        kind, at = feed.number(5), feed.number(len(data) - 1)
        if kind <= 1:
            data[at] = feed.number(255)
        elif kind == 2:
            data[at : at + 4] = feed.pick((0, 1, 2**31 - 1, 2**31, 2**32 - 1, 0x7FC00000, 0x7F800000)).to_bytes(4, "little")
        elif kind == 3:
            del data[at : at + feed.number(63)]
        elif kind == 4:
            data[at:at] = data[at : at + feed.number(63)]
        else:
            size = feed.number(15)
            data[at : at + size] = bytes(feed.number(255) for _ in range(size))
    return bytes(data)


def mutations(seeds: Sequence[bytes], tokens: Sequence[bytes], luck: random.Random) -> Iterator[bytes]:
    """The seeds themselves, then mutations of them without end."""
    pool = list(seeds) or [b""]
    yield from pool
    while True:
        data = bytearray(luck.choice(pool))
        for _ in range(luck.choice((1, 1, 2, 3, 5, 9))):
            _mutate(data, pool, tokens, luck)
        yield bytes(data[:LONGEST])


def _mutate(data: bytearray, pool: Sequence[bytes], tokens: Sequence[bytes], luck: random.Random) -> None:
    at = luck.randint(0, len(data))
    size = luck.choice((1, 1, 2, 4, 8, 16, 64))
    kind = luck.randrange(7)
    if kind == 0 and at < len(data):
        data[at] ^= 1 << luck.randrange(8)
    elif kind == 1:
        data[at:at] = luck.randbytes(size)
    elif kind == 2:
        data[at : at + size] = luck.randbytes(size)
    elif kind == 3:
        del data[at : at + size]
    elif kind == 4:
        data[at:at] = data[at : at + size] * luck.choice((1, 2, 8))
    elif kind == 5 and tokens:
        data[at:at] = luck.choice(tokens)
    else:
        other = luck.choice(pool)
        first = luck.randint(0, len(other))
        data[at : at + size] = other[first : first + size]
