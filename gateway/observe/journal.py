"""The journal: takes what happened from everybody, without ever making them wait, and hands it to its lanes.

An owned service. What is put in before `run` has begun waits in the buffers; what is left when it ends is
written within a limit. Calls may come from any thread, since the logging of libraries ends here as well.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import trio

from gateway.observe.lane import FLUSH_LIMIT_S
from gateway.observe.records import LEVELS, Event, Relayed, Started

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.observe.lane import Lane
    from gateway.observe.push import AlertPusher
    from gateway.observe.records import Record, StartUp
    from gateway.observe.tail import Tail
    from gateway.observe.types import Level, RelaySummary

LONGEST_TEXT = 16_384
"""Characters of one text that are kept; buffers are bounded in records, so a record must be bounded, too."""


class JournalService:
    """Implements `gateway.observe.types.Journal` over any number of lanes.

    `level` is the quietest that is kept. `alerts`, if given, gets every error as well; its own task is run by
    whoever made it. `tail`, if given, keeps the last records for people who look. `watch` is told of each event; it
    must neither wait nor raise, and may be called from any thread.
    """

    def __init__(
        self,
        lanes: Sequence[Lane],
        *,
        level: Level = "info",
        alerts: AlertPusher | None = None,
        tail: Tail | None = None,
        watch: Callable[[Event], None] | None = None,
    ) -> None:
        self._lanes = tuple(lanes)
        self._kept = frozenset(LEVELS[LEVELS.index(level) :])
        self._alerts = alerts
        self._tail = tail
        self._watch = watch
        self._running = False
        self._done = trio.Event()

    @property
    def dropped(self) -> dict[str, int]:
        """Records lost so far, by sink."""
        return {lane.name: lane.dropped for lane in self._lanes}

    def keeps(self, level: Level) -> bool:
        """Say whether events of `level` are kept, for callers whose message is dear to make."""
        return level in self._kept

    def relay(self, summary: RelaySummary) -> None:
        """Report a relay that ended."""
        self._put(Relayed(time.time(), summary))

    def event(self, level: Level, name: str, message: str, **fields: object) -> None:
        """Report anything else; see the protocol."""
        if level not in self._kept:
            return
        for field, value in fields.items():
            if isinstance(value, str) and len(value) > LONGEST_TEXT:
                fields[field] = f"{value[:LONGEST_TEXT]}…"
        if len(message) > LONGEST_TEXT:
            message = f"{message[:LONGEST_TEXT]}…"
        record = Event(time.time(), level, name, message, fields)
        self._put(record)
        if level == "error" and self._alerts is not None:
            self._alerts.offer(record)
        if self._watch is not None:
            self._watch(record)

    def started(self, facts: StartUp) -> None:
        """Report that the gateway serves: the panel on a terminal, an event elsewhere."""
        self._put(Started(time.time(), facts))

    def _put(self, record: Record) -> None:
        for lane in self._lanes:
            lane.put(record)
        if self._tail is not None:
            self._tail.put(record)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write until `aclose`, or until cancelled. Ready at once."""
        self._running = True
        try:
            async with trio.open_nursery() as nursery:
                for lane in self._lanes:
                    nursery.start_soon(lane.run)
                task_status.started()
        finally:
            self._done.set()

    async def aclose(self) -> None:
        """Let `run` write what is left and return; waits at most a little longer than the lanes may take.

        Without a running `run` (start-up failed) what is left is written from here.
        """
        for lane in self._lanes:
            lane.finish()
        with trio.move_on_after(FLUSH_LIMIT_S + 1, shield=True):
            if self._running:
                await self._done.wait()
            else:
                await self.run()
