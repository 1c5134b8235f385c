"""Undo a compression that nobody asked for.

We ask for bodies as they are. Some providers, or boxes in front of them, compress all the same; a relay must see
through that, or it could neither pass an event on nor count it.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from adapters.transport.types import ResponseBroken

if TYPE_CHECKING:
    from collections.abc import Iterable

STEP_BYTES = 64 * 1024
"""Output of one step, so that a small body that unpacks to gigabytes never stands in memory."""

_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_RAW = -zlib.MAX_WBITS
_HEADER_BYTES = 2
"""What tells zlib's format from a bare stream."""


class Decoder:
    """Unpacks a gzip or deflate body piece by piece.

    `feed` takes packed bytes; `step` gives back at most `STEP_BYTES` unpacked ones, `b""` when it needs more.
    """

    __slots__ = ("_inflate", "_is_fresh", "_packed")

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._packed = b""
        self._is_fresh = True

    def feed(self, data: bytes) -> None:
        """Add packed bytes."""
        self._packed += data

    def step(self) -> bytes:
        """Return the next unpacked bytes. Raises `ResponseBroken` for a damaged body."""
        while len(self._packed) >= (_HEADER_BYTES if self._is_fresh else 1):
            packed, self._packed = self._packed, b""
            try:
                data = self._inflate.decompress(packed, STEP_BYTES)
            except zlib.error as error:
                if not self._is_fresh:
                    raise ResponseBroken("the provider's compressed answer is damaged") from error
                # "deflate" means zlib's format, but some servers send the bare stream.
                self._inflate, self._is_fresh, self._packed = zlib.decompressobj(_RAW), False, packed
                continue
            self._is_fresh = False
            if self._inflate.eof:
                self._packed = self._inflate.unused_data
                if self._packed:
                    self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)  # gzip files may be strung together
            else:
                self._packed = self._inflate.unconsumed_tail
            if data:
                return data
        return b""

    def finish(self) -> None:
        """Check that the body ended where its compression says. Raises `ResponseBroken`."""
        if self._packed or not (self._is_fresh or self._inflate.eof):
            raise ResponseBroken("the provider's compressed answer ends too early")


def split_encoding(
    headers: tuple[tuple[bytes, bytes], ...],
) -> tuple[tuple[tuple[bytes, bytes], ...], Decoder | None]:
    """Return headers as they are true of the unpacked body, and what unpacks it.

    Encodings other than gzip and deflate are left as they are, header and body.
    """
    if not any(name == b"content-encoding" for name, _ in headers):
        return headers, None
    encodings = _encodings(value for name, value in headers if name == b"content-encoding")
    if encodings not in ([b"gzip"], [b"x-gzip"], [b"deflate"]):
        return headers, None
    kept = tuple(h for h in headers if h[0] not in {b"content-encoding", b"content-length"})
    return kept, Decoder()


def _encodings(values: Iterable[bytes]) -> list[bytes]:
    words = (word.strip().lower() for value in values for word in value.split(b","))
    return [word for word in words if word not in {b"", b"identity"}]
