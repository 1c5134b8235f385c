"""Bus and windows of a single process. The windows also serve when the shared ones cannot be reached."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.cluster.subscriptions import Subscriptions

# 32 bytes each. Beyond it the keys that were quiet longest are forgotten: whoever has a million addresses
# passes a limit by address anyway, and must not have our memory as well.
MAX_EVENTS: Final = 500_000


class LocalBus:
    """Calls the handlers of this process, before `publish` returns."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        self._subscriptions = subscriptions

    def publish(self, topic: str, payload: str) -> None:
        """See `gateway.cluster.types.Bus`."""
        self._subscriptions.dispatch(topic, payload)

    def subscribe(self, topic: str, handler: Callable[[str], None]) -> None:
        """See `gateway.cluster.types.Bus`."""
        self._subscriptions.add(topic, handler)


@dataclass(slots=True)
class _Window:
    allowed_at: deque[float] = field(default_factory=deque)
    expires_at: float = 0.0


class LocalWindows:
    """Exact sliding windows in memory. Only allowed events count, as in one-api."""

    def __init__(self, *, now: Callable[[], float] = trio.current_time, max_events: int = MAX_EVENTS) -> None:
        self._now = now
        self._max_events = max_events
        self._events = 0
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def __len__(self) -> int:
        return self._events

    async def hit(self, key: str, *, limit: int, window_s: float) -> bool:
        """See `gateway.cluster.types.Windows`. Never waits."""
        return self.hit_now(key, limit=limit, window_s=window_s)

    def hit_now(self, key: str, *, limit: int, window_s: float) -> bool:
        """As `hit`, for callers that are not tasks."""
        if limit <= 0:
            return True
        now = self._now()
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = _Window()
        allowed_at = window.allowed_at
        while allowed_at and now - allowed_at[0] >= window_s:
            allowed_at.popleft()
            self._events -= 1
        if len(allowed_at) >= limit:
            return False
        allowed_at.append(now)
        self._events += 1
        window.expires_at = now + window_s
        self._windows.move_to_end(key)
        self._forget(now)
        return True

    async def has_room(self, key: str, *, limit: int, window_s: float) -> bool:
        """See `gateway.cluster.types.Windows`. Never waits."""
        return self.has_room_now(key, limit=limit, window_s=window_s)

    def has_room_now(self, key: str, *, limit: int, window_s: float) -> bool:
        """As `has_room`, for callers that are not tasks."""
        window = self._windows.get(key)
        if limit <= 0 or window is None:
            return True
        now = self._now()
        return sum(now - at < window_s for at in window.allowed_at) < limit

    async def wait_s(self, key: str, *, limit: int, window_s: float) -> float:
        """See `gateway.cluster.types.Windows`. Exact."""
        window = self._windows.get(key)
        if window is None or limit <= 0 or len(window.allowed_at) < limit:
            return 0.0
        return max(window.allowed_at[-limit] + window_s - self._now(), 0.0)

    def _forget(self, now: float) -> None:
        """Drop up to two windows that ended, which outpaces the one that a hit adds, and what is too much."""
        for _ in range(2):
            key, window = next(iter(self._windows.items()))
            if window.expires_at > now:
                break
            self._drop(key)
        while self._events > self._max_events and len(self._windows) > 1:
            self._drop(next(iter(self._windows)))

    def _drop(self, key: str) -> None:
        self._events -= len(self._windows.pop(key).allowed_at)
