"""One end of a line between worker and parent: an outbox that never makes its writers wait, and two pumps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from gateway.cluster.subscriptions import GAP
from gateway.cluster.wire import Frame, Publish, Reader, encode

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

# Frames. An admin's import of a thousand channels fits; a process that is behind by more is stuck.
OUTBOX: Final = 4096
_READ_BYTES: Final = 64 * 1024


class Line:
    """Frames over a stream socket. What does not fit the outbox is dropped and counted, and a `gap` follows it."""

    def __init__(self, sock: socket.socket) -> None:
        self._stream = trio.SocketStream(trio.socket.from_stdlib_socket(sock))
        self._put, self._take = trio.open_memory_channel[bytes](OUTBOX)
        self._has_gap = False
        self.dropped = 0

    def send(self, frame: Frame) -> bool:
        """Queue `frame`; `False` when it was dropped."""
        try:
            if self._has_gap:
                self._put.send_nowait(encode(Publish(GAP, "overflow")))
                self._has_gap = False
            self._put.send_nowait(encode(frame))
        except trio.WouldBlock:
            self._has_gap = self._has_gap or isinstance(frame, Publish)
            self.dropped += 1
            return False
        return True

    async def run(self, on_frame: Callable[[Frame], None]) -> None:
        """Carry frames both ways until the other end is gone; then return. Closes the socket."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write)
                await self._read(on_frame)
                nursery.cancel_scope.cancel()
        finally:
            with trio.move_on_after(1, shield=True):
                await self._stream.aclose()

    async def _read(self, on_frame: Callable[[Frame], None]) -> None:
        reader = Reader()
        try:
            while data := await self._stream.receive_some(_READ_BYTES):
                for frame in reader.feed(data):
                    on_frame(frame)
        except trio.BrokenResourceError:
            return

    async def _write(self) -> None:
        # No deadline: a stuck other end is noticed by those who wait for its answers, and by the outbox.
        try:
            while True:
                batch = [await self._take.receive()]
                while len(batch) < OUTBOX:
                    try:
                        batch.append(self._take.receive_nowait())
                    except trio.WouldBlock:
                        break
                await self._stream.send_all(b"".join(batch))
        except trio.BrokenResourceError:
            return  # The reader hears of it, too.
