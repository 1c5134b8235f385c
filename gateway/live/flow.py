"""How many relays ran at each second of the last minutes, in every process; how far the clocks of these differ."""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from gateway.cluster.poll import Poll, readable
from gateway.live.board import EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.cluster.types import Bus
    from gateway.relay.running import Running

SECONDS: Final = 300
SKEW_S: Final = 2.0
"""Clocks that differ by less do no harm: limits and suspensions are longer."""


class _Clock(msgspec.Struct, frozen=True):
    process: str
    now: float


class Flow:
    """Service: counts once a second, in memory. `process` is what people call it."""

    name = "flow"

    def __init__(
        self,
        *,
        running: Running,
        bus: Bus,
        process: str,
        is_alone: bool,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._running = running
        self._process = process
        self._now_s = now_s
        self._seen: deque[Counter[int]] = deque(maxlen=SECONDS)
        self._poll = Poll(bus, "flow", self._tell, is_alone=is_alone)
        self._clocks = Poll(bus, "clock", self._clock, is_alone=is_alone)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Count until cancelled."""
        task_status.started()
        while True:
            self.count()
            await trio.sleep(1)

    async def aclose(self) -> None:
        """Nothing is owed."""

    def count(self) -> None:
        """Note what runs now."""
        self._seen.append(Counter(relay.user_id for relay in self._running))

    async def look(self, user_id: int = EVERYBODY) -> list[int]:
        """Return how many relays ran, of a user or of everybody, in all processes, the present second last.

        Shorter than `SECONDS` as long as no process is that old.
        """
        answers = readable(await self._poll.all(str(user_id)), list[int]).values()
        longest = max((len(counts) for counts in answers), default=0)
        found = [0] * longest
        for counts in answers:
            # Each counts by its own clock: what is the same is how long ago it was.
            for ago, count in enumerate(reversed(counts), 1):
                found[-ago] += count
        return found

    async def skewed(self) -> Sequence[tuple[str, float]]:
        """Return the processes whose clocks differ from ours by more than `SKEW_S`, and by how much at least."""
        before = self._now_s()
        answers = readable(await self._clocks.all(""), _Clock).values()
        after = self._now_s()
        # An answer was given between the two, so a clock that shows a time between them need not be wrong.
        found = [(clock.process, clock.now - min(max(clock.now, before), after)) for clock in answers]
        return sorted((process, seconds) for process, seconds in found if abs(seconds) > SKEW_S)

    def _tell(self, question: str) -> str:
        user_id = int(question)
        counts = [sum(seen.values()) if user_id == EVERYBODY else seen[user_id] for seen in self._seen]
        return msgspec.json.encode(counts).decode()

    def _clock(self, _question: str) -> str:
        return msgspec.json.encode(_Clock(self._process, self._now_s())).decode()
