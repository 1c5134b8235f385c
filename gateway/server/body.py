"""Read a request's body: within a size, within a time, unpacked.

BodyError
 x BodyTooLarge      413: more than the limit, packed or unpacked
 x BodyTimeout       408: the client sends nothing more, or too slowly
 x BodyNotDecoded    400: not what Content-Encoding says; 415: an encoding that is not understood
 x ClientGone        nobody is there to answer
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.lifecycle_types import Receive

# A packed body above this size is unpacked in a thread: deflate packs a thousandfold at best, so that what is
# unpacked on the event loop is 2 MB at most, some 5 ms.
INLINE_PACKED_BYTES = 2 * 1024
# Clients send one member. Each further one costs a copy of what follows it.
MAX_MEMBERS = 16
_GZIP = 16 + zlib.MAX_WBITS


class BodyError(Exception):
    """Base: the body cannot be had. `status` is the answer's."""

    code = "bad_body"
    status = 400


class BodyTooLarge(BodyError):
    """More bytes than allowed."""

    code = "body_too_large"
    status = 413

    def __init__(self, *, limit_bytes: int) -> None:
        super().__init__(f"the request body is larger than {limit_bytes} bytes")
        self.limit_bytes = limit_bytes


class BodyTimeout(BodyError):
    """The client was too slow."""

    code = "body_timeout"
    status = 408

    def __init__(self) -> None:
        super().__init__("the request body did not arrive in time")


class BodyNotDecoded(BodyError):
    """The bytes do not fit the Content-Encoding header."""

    code = "bad_content_encoding"

    def __init__(self, encoding: str, *, status: int) -> None:
        super().__init__(f"the request body cannot be decoded as {encoding!r}")
        self.encoding = encoding
        self.status = status


class ClientGone(BodyError):
    """The client left before its body was complete."""

    code = "client_gone"
    status = 499

    def __init__(self) -> None:
        super().__init__("the client left before its request was complete")


async def read_body(
    receive: Receive,
    headers: Iterable[tuple[bytes, bytes]] = (),
    *,
    limit: int,
    idle_s: float = 30.0,
    total_s: float = 600.0,
) -> bytes:
    """Return the whole body, unpacked if `headers` say gzip.

    `limit` (bytes) holds for what is sent and for what it unpacks to. Each piece may take `idle_s`, all of them
    `total_s`. Raises `BodyError`. The connection of a body that was not read to its end cannot be used again,
    which the server sees to.
    """
    named = {name: value for name, value in headers if name in {b"content-length", b"content-encoding"}}
    # Refused before it is sent; bytes.isdigit() because anything else was refused by the server.
    length = named.get(b"content-length", b"")
    if length.isdigit() and int(length) > limit:
        raise BodyTooLarge(limit_bytes=limit)
    encoding = named.get(b"content-encoding", b"").decode("latin-1").strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise BodyNotDecoded(encoding, status=415)
    packed = await _receive_all(receive, limit=limit, idle_s=idle_s, total_s=total_s)
    if encoding in {"", "identity"}:
        return packed
    if len(packed) <= INLINE_PACKED_BYTES:
        return unpack(packed, limit=limit)
    # Ends by itself: `limit` bounds the work.
    return await trio.to_thread.run_sync(lambda: unpack(packed, limit=limit))


async def _receive_all(receive: Receive, *, limit: int, idle_s: float, total_s: float) -> bytes:
    pieces: list[bytes] = []
    size = 0
    ends_at = trio.current_time() + total_s
    try:
        while True:
            with trio.fail_at(min(ends_at, trio.current_time() + idle_s)):
                message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            piece = message.get("body", b"")
            size += len(piece)
            if size > limit:
                raise BodyTooLarge(limit_bytes=limit)
            if piece:
                pieces.append(piece)
            if not message.get("more_body", False):
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
    except trio.TooSlowError as error:
        raise BodyTimeout from error


def unpack(packed: bytes, *, limit: int) -> bytes:
    """Unpack gzip, of one or more members, to at most `limit` bytes.

    Raises `BodyNotDecoded` if it is not gzip or breaks off, and `BodyTooLarge` before more than `limit` bytes exist.
    """
    pieces: list[bytes] = []
    left = limit
    for _ in range(MAX_MEMBERS):
        machine = zlib.decompressobj(_GZIP)
        try:
            # One byte more than allowed tells "too large" from "exactly full".
            piece = machine.decompress(packed, left + 1)
        except zlib.error as error:
            raise BodyNotDecoded("gzip", status=400) from error
        left -= len(piece)
        if left < 0:
            raise BodyTooLarge(limit_bytes=limit)
        pieces.append(piece)
        if not machine.eof:
            raise BodyNotDecoded("gzip", status=400)
        packed = machine.unused_data
        if not packed:
            return b"".join(pieces)
    raise BodyNotDecoded("gzip", status=400)
