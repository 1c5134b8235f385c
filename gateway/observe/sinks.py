"""Where rendered records end up: an open stream, or log files that change with the day.

Worker processes share both: appends to a file do not mix, nor do writes to a pipe up to `PIPE_BUF` bytes.
"""

from __future__ import annotations

import os
import select
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gateway.observe.jsonlines import JsonLines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gateway.observe.records import Record


class Renderer(Protocol):
    """Turns records into bytes."""

    def render(self, records: Iterable[Record]) -> bytes:
        """Return `records` as whole lines."""


class StreamSink:
    """Writes to a file descriptor that somebody else opened and closes, such as standard output."""

    name = "stdout"

    def __init__(self, descriptor: int, renderer: Renderer) -> None:
        self._descriptor = descriptor
        self._renderer = renderer

    def write(self, records: Sequence[Record]) -> None:
        """Render and write `records`; blocks as long as the reader is slow."""
        for lines in _whole_lines(self._renderer.render(records), select.PIPE_BUF):
            _write_all(self._descriptor, lines)

    def close(self) -> None:
        """Leave the descriptor open: it is not ours."""


class DailyFiles:
    """Appends JSON lines to `one-api-YYYYMMDD.log` of the local day, or to `one-api.log` for ever.

    A file that was moved or deleted from outside (logrotate) is made anew with the next batch.
    """

    name = "files"

    def __init__(self, directory: Path, *, only_one: bool = False) -> None:
        self._directory = directory
        self._only_one = only_one
        self._lines = JsonLines()
        self._path = Path()
        self._descriptor = -1
        self._inode = -1

    def write(self, records: Sequence[Record]) -> None:
        """Append `records` to the file of the day on which they are written."""
        path = self._directory / log_file_name(time.localtime(), only_one=self._only_one)
        if path != self._path or not self._is_current():
            self._open(path)
        _write_all(self._descriptor, self._lines.render(records))

    def close(self) -> None:
        """Close the file of today."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self._path = Path()

    def _is_current(self) -> bool:
        try:
            return self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def _open(self, path: Path) -> None:
        self.close()
        self._directory.mkdir(parents=True, exist_ok=True)
        # Request texts and user names are nobody else's business on a shared machine.
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._inode = os.fstat(self._descriptor).st_ino
        self._path = path


def log_file_name(day: time.struct_time, *, only_one: bool) -> str:
    """Return the name of the log file of `day`."""
    return "one-api.log" if only_one else f"one-api-{time.strftime('%Y%m%d', day)}.log"


def _whole_lines(data: bytes, most: int) -> Iterator[bytes]:
    """Cut `data` into pieces of whole lines of at most `most` bytes; a longer line is a piece of its own."""
    start = 0
    while start < len(data):
        end = data.rfind(b"\n", start, start + most) + 1
        if end == 0:
            end = data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            # Whoever shares this pipe made it non-blocking; this thread may wait.
            select.select([], [descriptor], [])
