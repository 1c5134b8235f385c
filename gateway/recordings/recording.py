"""One request that is recorded: what the client sent, and what it was sent, up to a bound.

It listens to the client's side of its relay, so all formats and every way to end are one. Of headers it looks at the
answer's media type alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.lifecycle_types import Message
    from gateway.relay.state import Relay


class Messages(Protocol):
    """Where messages are recorded. Never waits and never raises."""

    def begin(self, relay: Relay) -> Recording | None:
        """Listen to a relay of a token that is to be recorded; `None` where that is not permitted, or no room left.

        Whoever began it must `end` it.
        """


class NoMessages:
    """Records nothing."""

    def begin(self, relay: Relay) -> Recording | None:
        """Do nothing."""
        del relay
        return None


@dataclass(slots=True)
class Room:
    """Bytes that recordings may hold in memory, all together."""

    left: int

    def take(self, size: int) -> bool:
        """Take `size` bytes if there are so many left."""
        if size > self.left:
            return False
        self.left -= size
        return True


@dataclass(slots=True, kw_only=True, eq=False)
class Recording:
    """One request as far as it has come. `request` are the client's bytes, or their beginning."""

    request_id: str
    user_id: int
    token_id: int
    format: str
    endpoint: str
    request: bytes
    request_bytes: int
    most: int
    """Bytes of the answer that are kept until it is over; of a stream less is stored than comes."""
    keep: int
    """Bytes of request and answer that are stored, each."""
    room: Room
    ended: Callable[[Recording], None]
    """Takes it over once it is over."""
    status: int = 0
    is_stream: bool = False
    answer: list[bytes] = field(default_factory=list)
    answer_bytes: int = 0
    """How many there were, kept or not."""
    held: int = 0
    """Bytes that were taken of the room."""
    whole: bool = False
    """The answer came to its end."""
    is_full: bool = False
    """The answer is longer than what is kept."""

    def hear(self, message: Message) -> None:
        """Take a message that goes out to the client."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            kind = dict(message["headers"]).get(b"content-type", b"")
            self.is_stream = b"event-stream" in kind
            return
        body: bytes = message["body"]
        self.answer_bytes += len(body)
        self.whole = not message.get("more_body", False)
        if self.is_full or not body:
            return
        kept = body[: self.most - self._answer_held()]
        if kept and self.room.take(len(kept)):
            self.held += len(kept)
            self.answer.append(kept)
        self.is_full = self._answer_held() < self.answer_bytes

    def end(self) -> None:
        """The request is over, however it ended."""
        self.ended(self)

    def release(self) -> None:
        """Give back what was held."""
        self.room.left += self.held
        self.held = 0

    def _answer_held(self) -> int:
        return self.held - len(self.request)
