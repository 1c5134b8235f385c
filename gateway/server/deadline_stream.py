"""A socket stream whose writes end: the deadline that Hypercorn does not set.

Hypercorn writes to the client inside a shield, so a client that stays and stops reading would hold its request,
and shutdown, for ever. An inner deadline works inside a shield, so it stands here. It is on progress: each piece
of at most 64 KiB has the whole time, so that a slow line is never cut for being slow.
"""

from __future__ import annotations

import math
import socket
import struct
from dataclasses import dataclass

import trio

PIECE_BYTES = 64 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class WriteLimit:
    """How long a client may take for one piece, seconds; shared by the connections of a server."""

    seconds: float = math.inf


class DeadlineStream:
    """The part of `trio.SocketStream` that Hypercorn uses, with a deadline on progress in `send_all`.

    A client that misses it is disconnected at once, with a reset: what it did not read is dropped.
    """

    __slots__ = ("_limit", "_raw", "_scope", "_stream", "socket")

    def __init__(self, raw: socket.socket, limit: WriteLimit) -> None:
        self._raw = raw
        self.socket = trio.socket.from_stdlib_socket(raw)
        self._stream = trio.SocketStream(self.socket)
        self._limit = limit
        self._scope: trio.CancelScope | None = None

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Write `data`; raise `BrokenResourceError` when the client takes no piece for too long.

        Not a checkpoint when the kernel takes everything: Hypercorn's lock around it is one.
        """
        if self._raw.fileno() < 0:
            raise trio.ClosedResourceError
        try:
            sent = self._raw.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise trio.BrokenResourceError from error
        if sent < len(data):
            await self._send_slowly(memoryview(data)[sent:])

    async def _send_slowly(self, rest: memoryview) -> None:
        for start in range(0, len(rest), PIECE_BYTES):
            with trio.move_on_after(self._limit.seconds) as scope:
                self._scope = scope
                try:
                    await self._stream.send_all(rest[start : start + PIECE_BYTES])
                finally:
                    self._scope = None
            if scope.cancelled_caught:
                self.abort()
                raise trio.BrokenResourceError("the client stopped reading")

    def tighten(self) -> None:
        """Hold a write that is under way to the limit of now, which became shorter."""
        if self._scope is not None:
            self._scope.deadline = min(self._scope.deadline, trio.current_time() + self._limit.seconds)

    def abort(self) -> None:
        """Close with a reset; whoever reads or writes here is told."""
        if self._raw.fileno() >= 0:
            self._raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.socket.close()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """As `trio.SocketStream`."""
        return await self._stream.receive_some(max_bytes)

    async def send_eof(self) -> None:
        """As `trio.SocketStream`."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """As `trio.SocketStream`: never waits for the client."""
        await self._stream.aclose()
