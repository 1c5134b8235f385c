"""An upload on its way through: a little in memory, more in a file without a name.

Never twice in memory, whatever its size. The file is gone with the last handle, also after a crash.
"""

from __future__ import annotations

import io
import os
import tempfile
from typing import TYPE_CHECKING, BinaryIO

import trio

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Most requests with a picture or a few sentences fit; a thread per piece would cost more than they do.
IN_MEMORY_BYTES = 1 << 20
# Pieces from the client are this large at most, and are gathered, so that a file is not written in crumbs.
WRITE_BYTES = 1 << 20


class Spool:
    """Bytes that were taken in. Written once from its start, then read at will; `close` always."""

    def __init__(self, limiter: trio.CapacityLimiter) -> None:
        """`limiter` bounds the threads that read and write files."""
        self._limiter = limiter
        self._memory = bytearray()
        self._file: BinaryIO | None = None
        self._written = 0
        self.size = 0

    async def write(self, data: bytes) -> None:
        """Add `data`. Raises `OSError` when there is no room for it."""
        self._memory += data
        self.size += len(data)
        if self._file is None and self.size <= IN_MEMORY_BYTES:
            return
        if len(self._memory) >= WRITE_BYTES:
            await self._flush()

    async def finish(self) -> None:
        """Nothing follows. Raises `OSError`."""
        if self._file is not None and self._memory:
            await self._flush()

    async def _flush(self) -> None:
        await trio.to_thread.run_sync(self._flush_sync, limiter=self._limiter)

    def _flush_sync(self) -> None:
        if self._file is None:
            # Held open for the relay's length; closed by `close`.
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        view = memoryview(self._memory)
        while view:
            view = view[os.write(self._file.fileno(), view) :]
        self._written += len(self._memory)
        self._memory = bytearray()

    async def read_at(self, start: int, most: int) -> bytes:
        """Return up to `most` bytes from `start`. Raises `OSError`."""
        if self._file is None:
            await trio.lowlevel.checkpoint()
            return self.read_at_sync(start, most)
        return await trio.to_thread.run_sync(self.read_at_sync, start, most, limiter=self._limiter)

    def read_at_sync(self, start: int, most: int) -> bytes:
        """As `read_at`, for those who are in a thread already."""
        if self._file is None:
            return bytes(self._memory[start : start + most])
        return os.pread(self._file.fileno(), most, start)

    def close(self) -> None:
        """Let go of the bytes."""
        self._memory = bytearray()
        if self._file is not None:
            self._file.close()


class Window(io.RawIOBase):
    """A stretch of a spool as a file, for readers in a thread."""

    def __init__(self, spool: Spool, start: int, size: int) -> None:
        super().__init__()
        self._spool = spool
        self._start = start
        self.size = size
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As every file."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        """As every file."""
        view = memoryview(buffer)
        wanted = min(len(view), max(self.size - self._at, 0))
        data = self._spool.read_at_sync(self._start + self._at, wanted) if wanted else b""
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
