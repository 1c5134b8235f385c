"""The two things that processes share, as the rest of the program sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Bus(Protocol):
    """Small messages to every process of this installation, this one included; best effort, order per sender.

    Topics: `registry` (channels, abilities or options changed), `account` (payload `user:ID`, `token:ID` or
    `token-key:KEY_HASH`), `suspend` (JSON of a suspension), `resume` (a channel's number), `tests` (`stop`: end tests
    of channels), and two for each `gateway.cluster.poll.Poll`.
    """

    def publish(self, topic: str, payload: str) -> None:
        """Queue a message; never waits and never raises. What cannot be delivered is counted and logged."""

    def subscribe(self, topic: str, handler: Callable[[str], None]) -> None:
        """Call `handler(payload)` for each message of `topic`, on the event loop. Handlers must not wait."""


class Windows(Protocol):
    """Sliding windows for rate limits, shared as far as the installation allows."""

    async def hit(self, key: str, *, limit: int, window_s: float) -> bool:
        """Count one event under `key`; `False` when `limit` events in `window_s` seconds were reached already.

        A limit of 0 or less always allows. When the shared store fails the answer comes from this process's own
        window, which is logged once and counted (rule: degrade to local limits, never to a refusal).
        """

    async def has_room(self, key: str, *, limit: int, window_s: float) -> bool:
        """Say whether `hit` would allow an event now, without counting one."""

    async def wait_s(self, key: str, *, limit: int, window_s: float) -> float:
        """Return within how many seconds an event under `key` is allowed again: exactly, or an upper bound."""
