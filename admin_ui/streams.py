"""Server-sent events for pages that change by themselves.

An open stream must never hold the process or a person back: it ends at once when the process drains, when its
reader signs out, or when the same person opened too many others.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import trio
from quart import Response, current_app, session

from gateway.accounts.sessions import by_session
from gateway.management.guard import actor, session_secret
from storage.errors import StorageError
from storage.records import UserStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from gateway.services import Services

# Open pages of one person in one process; beyond it the oldest is ended.
MOST_PER_PERSON: Final = 6
# Seconds between two looks, and between two checks of who looks.
EVERY_S: Final = 1.0
CHECK_S: Final = 15.0
# A line that nothing comes through is closed by proxies.
SILENCE_S: Final = 20.0


@dataclass(slots=True, eq=False)
class Seat:
    """One open stream."""

    taken: trio.Event = field(default_factory=trio.Event)
    """Set when somebody else needs the seat."""


class Seats:
    """Who has streams open in this process."""

    def __init__(self, *, most: int = MOST_PER_PERSON) -> None:
        self._most = most
        self._seats: dict[int, OrderedDict[Seat, None]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._seats.values()))

    @contextmanager
    def taken(self, user_id: int) -> Iterator[Seat]:
        """Hold a seat for the length of the block; the oldest of the same person may have to go."""
        seats = self._seats.setdefault(user_id, OrderedDict())
        while len(seats) >= self._most:
            oldest, _nothing = seats.popitem(last=False)
            oldest.taken.set()
        seat = Seat()
        seats[seat] = None
        try:
            yield seat
        finally:
            seats.pop(seat, None)
            if not seats:
                self._seats.pop(user_id, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Whose stream it is: an account, and the session that opened it."""

    user_id: int
    version: int
    role: int
    secret: str | None = None
    """Names the session's row, so that ending it alone ends the stream."""


def event(name: str, data: object) -> bytes:
    """Write one event; `data` becomes JSON."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


def stream_here(services: Services, seats: Seats, look: Callable[[], Awaitable[bytes]]) -> Response:
    """Answer whoever sent the request at hand, as `stream` does; `look` runs within the application's context."""
    viewer = actor()
    reader = Reader(user_id=viewer.id, version=session.get("v", 0), role=viewer.role, secret=session_secret())
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    async def look_within() -> bytes:
        async with app.app_context():
            return await look()

    return stream(services, seats, reader, look_within)


def stream(services: Services, seats: Seats, reader: Reader, look: Callable[[], Awaitable[bytes]]) -> Response:
    """Answer with events: `look` is called about once a second and returns those that are due, or nothing.

    The last event is `bye` with the reason: `draining`, `elsewhere` or `signed-out`. While the process drains the
    answer is 503, and the page asks again later. `look` runs outside of the request.
    """
    if not services.phase.is_ready:
        return Response(b"", status=503, headers={"Connection": "close", "Retry-After": "2"})

    async def events() -> AsyncIterator[bytes]:
        with seats.taken(reader.user_id) as seat:
            checked_at = spoke_at = trio.current_time()
            while (reason := _over(services, seat)) is None:
                now = trio.current_time()
                if now - checked_at >= CHECK_S:
                    checked_at = now
                    if not await _still_reads(services, reader):
                        reason = "signed-out"
                        break
                due = await look()
                if due or now - spoke_at >= SILENCE_S:
                    spoke_at = now
                    yield due or b": still here\n\n"
                with trio.move_on_after(EVERY_S):
                    await services.phase.draining.wait()
            yield event("bye", reason)

    response = Response(events(), content_type="text/event-stream; charset=utf-8")
    response.headers["Cache-Control"] = "no-store, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    # It ends when its reader wants, not by the clock.
    response.timeout = None
    return response


def _over(services: Services, seat: Seat) -> str | None:
    if services.phase.draining.is_set():
        return "draining"
    return "elsewhere" if seat.taken.is_set() else None


async def _still_reads(services: Services, reader: Reader) -> bool:
    try:
        user = await by_session(services, reader.user_id, reader.version, reader.secret)
    except StorageError:
        # Nobody can say; the pages that show the database's troubles must not be the first to go.
        return True
    return user is not None and user.status == UserStatus.ENABLED and user.role >= reader.role
