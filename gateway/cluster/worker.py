"""Bus and windows of a worker process: what is shared lives in the parent, at the other end of a line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import trio

from gateway.cluster.fallback import Fallback
from gateway.cluster.line import Line
from gateway.cluster.wire import Hit, Publish, Verdict

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from gateway.cluster.subscriptions import Subscriptions
    from gateway.cluster.wire import Frame
    from gateway.observe.types import Journal

# Seconds. The parent answers within a millisecond; on a machine that swaps it may take longer.
ANSWER_LIMIT_S: Final = 0.5
# After a miss the parent is not asked for so long.
PAUSE_S: Final = 2.0


@dataclass(slots=True, eq=False)
class _Answer:
    given: trio.Event = field(default_factory=trio.Event)
    is_allowed: bool = True


class WorkerCluster:
    """Implements `Bus`, `Windows` and `Service` over a line to `gateway.cluster.hub`."""

    def __init__(self, sock: socket.socket, subscriptions: Subscriptions, journal: Journal) -> None:
        self._line = Line(sock)
        self._subscriptions = subscriptions
        self._journal = journal
        self.fallback = Fallback(journal, store="the parent process")
        self._waiting: dict[int, _Answer] = {}
        self._number = 0
        self._asks_again_at = 0.0

    def publish(self, topic: str, payload: str) -> None:
        """See `gateway.cluster.types.Bus`. Handlers of this process are called before it returns."""
        self._subscriptions.dispatch(topic, payload)
        if not self._line.send(Publish(topic, payload)):
            self._journal.event("error", "bus.dropped", f"a message of {topic} was dropped: the parent is stuck")

    def subscribe(self, topic: str, handler: Callable[[str], None]) -> None:
        """See `gateway.cluster.types.Bus`."""
        self._subscriptions.add(topic, handler)

    async def wait_s(self, key: str, *, limit: int, window_s: float) -> float:
        """See `gateway.cluster.types.Windows`. The bound: nobody asks the store for what only a message says."""
        return window_s

    async def hit(self, key: str, *, limit: int, window_s: float) -> bool:
        """See `gateway.cluster.types.Windows`."""
        found = await self._asked(key, limit, window_s, only_looks=False)
        return self.fallback.hit(key, limit=limit, window_s=window_s) if found is None else found

    async def has_room(self, key: str, *, limit: int, window_s: float) -> bool:
        """See `gateway.cluster.types.Windows`."""
        found = await self._asked(key, limit, window_s, only_looks=True)
        return self.fallback.has_room(key, limit=limit, window_s=window_s) if found is None else found

    async def _asked(self, key: str, limit: int, window_s: float, *, only_looks: bool) -> bool | None:
        """Return the parent's answer, `None` when it gives none."""
        if limit <= 0:
            return True
        if trio.current_time() < self._asks_again_at:
            return None
        self._number += 1
        number = self._number
        answer = self._waiting[number] = _Answer()
        try:
            if self._line.send(Hit(number, key, limit, window_s, only_looks)):
                with trio.move_on_after(ANSWER_LIMIT_S):
                    await answer.given.wait()
                    self.fallback.end()
                    return answer.is_allowed
        finally:
            del self._waiting[number]
        self._asks_again_at = trio.current_time() + PAUSE_S
        self.fallback.begin("no answer in time")
        return None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Carry messages until cancelled, or until the parent is gone, which drains this process elsewhere."""
        task_status.started()
        await self._line.run(self._on_frame)
        self._asks_again_at = float("inf")
        self.fallback.begin("it ended")

    async def aclose(self) -> None:
        """Owe nothing: messages are best effort."""

    def _on_frame(self, frame: Frame) -> None:
        if isinstance(frame, Publish):
            self._subscriptions.dispatch(frame.topic, frame.payload)
        elif isinstance(frame, Verdict) and (answer := self._waiting.get(frame.number)):
            answer.is_allowed = frame.is_allowed
            answer.given.set()
