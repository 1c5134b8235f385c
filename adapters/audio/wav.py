"""The length of a WAV file: the bytes of its samples by the bytes of a second."""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

# Chunks before the samples: a handful in real files.
_MOST_CHUNKS = 64
_FORMAT_BYTES = 16


def wav_seconds(source: BinaryIO, size: int) -> Fraction | None:
    """Return how long the samples play, `None` for a file without a format or without samples.

    A recorder that writes as it goes leaves the length of the samples open (0 or the largest number), so the
    file's `size` bounds it.
    """
    at, bytes_per_second = 12, 0
    for _ in range(_MOST_CHUNKS):
        source.seek(at)
        head = source.read(8)
        if len(head) < 8:
            return None
        name, length = head[:4], int.from_bytes(head[4:], "little")
        if name == b"fmt ":
            fmt = source.read(_FORMAT_BYTES)
            if len(fmt) < _FORMAT_BYTES:
                return None
            bytes_per_second = struct.unpack_from("<I", fmt, 8)[0]
        elif name == b"data":
            left = max(size - at - 8, 0)
            return Fraction(min(length, left) or left, bytes_per_second) if bytes_per_second else None
        at += 8 + length + length % 2
    return None
