"""Sending a conversation and reading what comes back, with what it took and what it cost."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import trio

from gateway.accounts.refusals import NotAllowed, Refused
from gateway.playground.inside import InsideAnswer, InsideRequest, asked
from gateway.playground.reading import Reading, Said
from storage.errors import StorageError
from storage.records import Role
from storage.repositories import costs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.lifecycle_types import AsgiApp
    from gateway.playground.conversation import Written
    from gateway.playground.relays import FreeRelay, InsideRelays
    from gateway.services import Services
    from storage.records import Token, User

# Characters of a raw answer that are kept for a person to read.
MOST_RAW: Final = 200_000
# A relay that has sent its last byte settles within this time, or its cost is told later, in the log.
SETTLE_LIMIT_S: Final = 10.0
# Of a shorter answer a speed says nothing.
LEAST_FOR_SPEED: Final = 20
SHORTEST_FOR_SPEED_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a request went. Times in seconds; `units` is `None` where the cost is not known yet."""

    format: str
    status: int
    request_id: str
    text: str
    thought: str
    raw: str
    error: str
    input_tokens: int | None
    output_tokens: int | None
    units: int | None
    first_byte_s: float | None
    first_s: float | None
    """When the first word, thought or call was there."""
    total_s: float
    is_free: bool = False
    """Nobody pays; `units` is what it would have cost."""

    @property
    def tokens_per_s(self) -> float | None:
        """How fast the answer came once it had begun, where that can be told: streams of some length."""
        took = self.total_s - self.first_s if self.first_s is not None else 0.0
        if not self.output_tokens or self.output_tokens < LEAST_FOR_SPEED or took < SHORTEST_FOR_SPEED_S:
            return None
        return self.output_tokens / took


@dataclass(frozen=True, slots=True)
class Step:
    """What one piece of the answer brought."""

    said: Said
    raw: str


@dataclass(slots=True, eq=False)
class Play:
    """One request whose answer is being read."""

    answer: InsideAnswer
    reading: Reading
    began_at: float
    services: Services
    free: FreeRelay | None = None
    first_byte_s: float | None = None
    first_s: float | None = None
    raw: list[str] = field(default_factory=list)
    _raw_chars: int = 0
    _is_over: bool = False

    async def next(self) -> Step | None:
        """Return the next step, `None` at the end."""
        if self._is_over:
            return None
        data = await self.answer.receive_some()
        self._is_over = not data
        # Comments keep a stream awake, and say nothing.
        if self.first_byte_s is None and data and not data.startswith(b":"):
            self.first_byte_s = trio.current_time() - self.began_at
        said = self.reading.feed(data) if data else self.reading.close()
        if self.first_s is None and (said.text or said.thought):
            self.first_s = trio.current_time() - self.began_at
        text = data.decode(errors="replace")[: MOST_RAW - self._raw_chars]
        self._raw_chars += len(text)
        self.raw.append(text)
        return Step(said, text)

    async def outcome(self) -> Outcome:
        """Return how it went; only after the last step."""
        total_s = trio.current_time() - self.began_at
        with trio.move_on_after(SETTLE_LIMIT_S):
            await self.answer.over.wait()
        reading, usage = self.reading, self.reading.usage
        return Outcome(
            format=reading.name,
            status=self.answer.status,
            request_id=self.answer.request_id,
            text=reading.text,
            thought=reading.thought,
            raw="".join(self.raw),
            error=reading.error,
            input_tokens=usage.prompt_total if usage is not None else None,
            output_tokens=usage.completion_total if usage is not None else None,
            units=await self._units() if self.free is None else self.free.units,
            first_byte_s=self.first_byte_s,
            first_s=self.first_s,
            total_s=total_s,
            is_free=self.free is not None,
        )

    async def _units(self) -> int | None:
        request_id = self.answer.request_id
        try:
            cost = await self.services.database.read(lambda conn: costs.by_request_id(conn, request_id))
        except StorageError:
            return None
        if cost is None:
            # Nothing was delivered, so nothing was charged.
            return 0 if self.reading.error else None
        return cost.quota


class Playground:
    """Made once for each process. Without `relays` nothing can be sent."""

    def __init__(self, services: Services, relays: InsideRelays | None) -> None:
        self._services = services
        self._relays = relays

    @asynccontextmanager
    async def playing(
        self, written: Written, token: Token, *, address: str, channel_id: int = 0
    ) -> AsyncIterator[Play]:
        """Send a request with somebody's own token. Leaving the block early is a client that leaves."""
        if self._relays is None:
            raise Refused("nothing can be sent from here")
        prefix = self._services.settings.token_key_prefix
        key = f"{prefix}{token.key}{f'-{channel_id}' if channel_id else ''}"
        async with self._asked(self._relays.paid, written, key, address) as play:
            yield play

    @asynccontextmanager
    async def playing_free(
        self, written: Written, user: User, *, address: str, channel_id: int
    ) -> AsyncIterator[Play]:
        """Send a request over a channel without a charge, for administrators. Raises `Refused` for others."""
        if self._relays is None:
            raise Refused("nothing can be sent from here")
        if user.role < Role.ADMIN:
            raise NotAllowed("only administrators may ask a channel without a charge", status=403)
        free = self._relays.free(user)
        key = f"{self._services.settings.token_key_prefix}{free.key}-{channel_id}"
        async with self._asked(free.app, written, key, address, free) as play:
            yield play

    @asynccontextmanager
    async def _asked(
        self, app: AsgiApp, written: Written, key: str, address: str, free: FreeRelay | None = None
    ) -> AsyncIterator[Play]:
        request = InsideRequest(path=written.path, query=written.query, body=written.body, key=key, address=address)
        began_at = trio.current_time()
        async with asked(app, request) as answer:
            kind = answer.headers.get(b"content-type", b"")
            reading = Reading(written.format, b"event-stream" in kind, answer.status)
            yield Play(answer, reading, began_at, self._services, free)
