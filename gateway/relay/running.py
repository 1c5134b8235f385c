"""The relays that run right now, so that a drain can wait for them and then end them.

A relay enters itself with its cancel scope; whoever ends it says why first, so that the relay can tell its
client the truth (drain, an admin's click) in a terminal event of the client's format.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a relay has come, at one moment."""

    state: str = "waiting"
    """`admitted`, `reserved` (its request is prepared), `connecting`, `waiting` (for content), `streaming`, `ending`
    (its answer is out), `settling`."""
    attempt: int = 1
    tokens: int | None = None
    """About how many tokens were delivered; `None` for a whole answer, which is delivered at once."""
    sent_bytes: int = 0
    """How much of the answer's body has gone out."""
    units: int = 0
    """About what has been used up, in quota units."""
    wrote_at: float = 0.0
    """When the client was sent something last, on Trio's clock; 0: not yet."""
    content_at: float = 0.0
    """When it was sent the first content, in the same way."""


@dataclass(slots=True, kw_only=True, eq=False)
class RunningRelay:
    """One relay: what an operator sees of it, and the handle to end it."""

    request_id: str
    user: str
    started_at: float
    """On Trio's clock, seconds."""
    scope: trio.CancelScope
    user_id: int = 0
    group: str = ""
    token: str = ""
    """The name of the API token."""
    model: str = ""
    channel: str = ""
    endpoint: str = ""
    streams: bool = False
    address: str = ""
    """The client's."""
    progress: Callable[[], Progress] = Progress
    end_reason: str = ""
    """Why it was ended from outside: `drained`, `cancelled`; empty while it runs on its own."""
    is_settling: bool = False
    """It is over; what is left is to tell its client and to charge for it."""

    def end(self, reason: str) -> None:
        """Cancel the relay; the first reason stays."""
        self.end_reason = self.end_reason or reason
        self.scope.cancel()


@dataclass(slots=True)
class Running:
    """The set of running relays of this process."""

    _relays: dict[str, RunningRelay] = field(default_factory=dict)
    _changed: trio.Event = field(default_factory=trio.Event)
    _claims: Counter[int] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self._relays)

    def __iter__(self) -> Iterator[RunningRelay]:
        return iter(tuple(self._relays.values()))

    def find(self, request_id: str) -> RunningRelay | None:
        """Return a running relay by its request id."""
        return self._relays.get(request_id)

    @contextmanager
    def entered(self, relay: RunningRelay) -> Iterator[RunningRelay]:
        """Keep `relay` in the set for the length of the block."""
        self._relays[relay.request_id] = relay
        try:
            yield relay
        finally:
            del self._relays[relay.request_id]
            if not self._relays:
                self._changed.set()
                self._changed = trio.Event()

    @contextmanager
    def claimed(self, user_id: int) -> Iterator[None]:
        """Count a request of a user from before its reservation to its settlement."""
        self._claims[user_id] += 1
        try:
            yield
        finally:
            self._claims[user_id] -= 1
            if not self._claims[user_id]:
                del self._claims[user_id]

    def is_alone(self, user_id: int) -> bool:
        """Whether a user has no other request here."""
        return self._claims[user_id] <= 1

    def end_all(self, reason: str) -> None:
        """End every running relay for `reason`."""
        for relay in self:
            relay.end(reason)

    async def wait_empty(self) -> None:
        """Return once no relay runs. The caller sets the deadline."""
        while self._relays:
            await self._changed.wait()
