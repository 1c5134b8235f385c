"""One way out of the journal: a bounded buffer, a task that empties it, and a sink at its end.

Each sink has a lane of its own, so that a terminal that was stopped with Ctrl-S does not hold up the log files.
Writing happens in a worker thread, a batch at a time: a thread hop costs about 150 µs, a line a few.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

import trio

from gateway.observe.records import Event, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.observe.redact import Redactor

CAPACITY = 10_000
"""Records a lane holds at most; about 10 MB, and some ten seconds of a busy gateway."""
BATCH = 256
"""Records written per hop; a few milliseconds of rendering, so that the event loop is not kept from running."""
LINGER_S = 0.05
"""How long the first record of a batch waits for company."""
FLUSH_LIMIT_S = 2.0
"""How long the end of the program waits for a sink that does not take what is left."""


class Sink(Protocol):
    """Takes records to their place. Called from one worker thread at a time; may block, may raise `OSError`."""

    name: str

    def write(self, records: Sequence[Record]) -> None:
        """Render and write `records`, in order."""

    def close(self) -> None:
        """Let go of what was opened."""


class Lane:
    """A bounded buffer in front of one sink."""

    def __init__(
        self, sink: Sink, *, redactor: Redactor, capacity: int = CAPACITY, linger_s: float = LINGER_S
    ) -> None:
        self._sink = sink
        self._redactor = redactor
        self._capacity = capacity
        self._linger_s = linger_s
        self._buffer: deque[Record] = deque()
        self._limiter = trio.CapacityLimiter(1)
        self._token: trio.lowlevel.TrioToken | None = None
        self._wake = trio.Event()
        self._working = trio.CancelScope()
        self._idle = False
        self._closing = False
        self.dropped = 0
        """Records that found the buffer full, or the sink failing, since the start."""
        self._told_dropped = 0
        self._counting = threading.Lock()
        self._failing = ""

    @property
    def name(self) -> str:
        """The sink's name, for counters and messages."""
        return self._sink.name

    def put(self, record: Record) -> None:
        """Keep `record` for writing, or count it as dropped. Never waits, never raises; callable from any thread."""
        if len(self._buffer) >= self._capacity:
            self._drop(1)
            return
        self._buffer.append(record)
        # `run` says that it is idle before it looks at the buffer for the last time, so one of both sees the other.
        if self._idle:
            self._rouse()

    def finish(self) -> None:
        """Ask `run` to write what is left and return within `FLUSH_LIMIT_S` seconds. On the event loop only."""
        self._closing = True
        # A write that hangs already is given up at the same moment as the rest.
        self._working.deadline = trio.current_time() + FLUSH_LIMIT_S
        self._rouse()

    async def run(self) -> None:
        """Write what comes until `finish`, or until cancelled; either way what is left is written, within a limit."""
        self._token = trio.lowlevel.current_trio_token()
        try:
            with self._working:
                while not self._closing:
                    await self._something_to_write()
                    await trio.sleep(0 if self._closing else self._linger_s)
                    await self._write_batch()
                    while len(self._buffer) >= BATCH and not self._closing:
                        await self._write_batch()
        finally:
            flush_by = self._working.deadline if self._closing else trio.current_time() + FLUSH_LIMIT_S
            with trio.CancelScope(deadline=flush_by, shield=True) as limit:
                while self._buffer:
                    await self._write_batch()
                # Closing a file flushes it, which may block as well.
                await trio.to_thread.run_sync(self._sink.close, abandon_on_cancel=True, limiter=self._limiter)
            if limit.cancelled_caught:
                self._drop(len(self._buffer))
                self._buffer.clear()

    async def _something_to_write(self) -> None:
        self._wake = trio.Event()
        self._idle = True
        try:
            if not self._buffer and not self._closing:
                await self._wake.wait()
        finally:
            self._idle = False

    async def _write_batch(self) -> None:
        # Taken out before it is written: a batch whose waiting was cancelled is still written by its thread, once.
        batch = [self._buffer.popleft() for _ in range(min(BATCH, len(self._buffer)))]
        # Abandoned only when the flush at the end runs out of time: the thread is a daemon and dies with the process.
        await trio.to_thread.run_sync(self._write, batch, abandon_on_cancel=True, limiter=self._limiter)

    def _write(self, batch: list[Record]) -> None:
        records = [self._redactor.record(record) for record in batch]
        dropped = self.dropped
        if dropped != self._told_dropped:
            records.append(self._drop_report(dropped - self._told_dropped))
        try:
            self._sink.write(records)
            self._told_dropped, self._failing = dropped, ""
        # A journal that fails must not take the gateway with it: what is lost is counted, and told when it can be.
        except (OSError, ValueError) as error:
            self._failing = str(error)
            self._drop(len(batch))

    def _drop_report(self, lost: int) -> Event:
        fields: dict[str, object] = {"lost": lost, "sink": self.name}
        if self._failing:
            fields["reason"] = self._failing
        return Event(time.time(), "warning", "journal.dropped", f"{lost} records were lost", fields)

    def _drop(self, count: int) -> None:
        with self._counting:
            self.dropped += count

    def _rouse(self) -> None:
        self._idle = False
        if self._token is None:
            return
        try:
            self._token.run_sync_soon(self._set_wake, idempotent=True)
        except trio.RunFinishedError:
            return  # A thread that outlived the event loop; nobody is left to write.

    def _set_wake(self) -> None:
        self._wake.set()
