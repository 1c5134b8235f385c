"""The loop of services that write down a little later what others only note, so that nobody waits for a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sized

# Somebody else's lock is gone by then; a database that is away does not hold up the end.
LAST_FAILURES = 4
LAST_PAUSE_S = 0.2


class WriteBehind:
    """Calls `flush` while something is `waiting`, until closed, and then until nothing is.

    `flush` writes some of it, and takes it out of `waiting` once it is written; it returns `False` when the database
    is away, and raises nothing. It is called `delay_s` after something came, so that it finds much at once; after a
    failure it rests for `retry_s` first. All in seconds. What is left at the end has `last_s` for it, and as many
    failures as `LAST_FAILURES`; what stays in `waiting` then is lost, which is its owner's to say.
    """

    def __init__(
        self,
        waiting: Sized,
        flush: Callable[[], Awaitable[bool]],
        *,
        delay_s: float,
        retry_s: float,
        last_s: float,
    ) -> None:
        self._waiting = waiting
        self._flush = flush
        self._delay_s = delay_s
        self._retry_s = retry_s
        self._last_s = last_s
        self._wake = trio.Event()
        self._closing = trio.Event()
        self._stopped = trio.Event()

    @property
    def is_over(self) -> bool:
        """Whether nothing will be written any more."""
        return self._stopped.is_set()

    def wake(self) -> None:
        """Something waits."""
        self._wake.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write until `aclose`, then write what is left and return."""
        task_status.started()
        try:
            while not self._closing.is_set():
                if not self._waiting:
                    self._wake = trio.Event()
                    # No deadline: as long as nothing is noted there is nothing to do. `aclose` wakes it, too.
                    await self._wake.wait()
                await self._pause(self._delay_s)
                if not await self._flush():
                    await self._pause(self._retry_s)
        finally:
            # Also when the process is told to end at once: what was noted already is worth so long.
            try:
                with trio.move_on_after(self._last_s, shield=True):
                    await self._write_last()
            finally:
                self._stopped.set()

    async def aclose(self) -> None:
        """Return when everything is written that can be; the caller bounds this, since a write may be under way."""
        self._closing.set()
        self._wake.set()
        await self._stopped.wait()

    async def _write_last(self) -> None:
        failures = 0
        while self._waiting:
            if await self._flush():
                continue
            failures += 1
            if failures == LAST_FAILURES:
                return
            await trio.sleep(LAST_PAUSE_S)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond the end."""
        with trio.move_on_after(seconds):
            await self._closing.wait()
