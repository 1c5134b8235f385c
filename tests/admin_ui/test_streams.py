"""How an open stream of events ends, on a clock that jumps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
import trio
from trio.testing import MockClock

from admin_ui import streams
from gateway.lifecycle_types import Phase
from gateway.services import Services
from storage.errors import DatabaseUnavailable
from storage.records import User, UserStatus

READER = streams.Reader(user_id=1, version=1, role=10)


class Database:
    """Answers who the reader is by now."""

    def __init__(self, found: User | Exception | None) -> None:
        self.found = found

    async def read(self, _work: object) -> tuple[User | None, int]:
        await trio.lowlevel.checkpoint()
        if isinstance(self.found, Exception):
            raise self.found
        return self.found, 0


def services(found: User | Exception | None, phase: Phase | None = None) -> Services:
    return cast("Services", SimpleNamespace(database=Database(found), phase=phase or Phase()))


def saying(*texts: bytes) -> Callable[[], Awaitable[bytes]]:
    left = list(texts)

    async def look() -> bytes:
        await trio.lowlevel.checkpoint()
        return left.pop(0) if left else b""

    return look


async def heard(response: Any, *, limit_s: float) -> list[tuple[float, bytes]]:
    began, got = trio.current_time(), []
    with trio.move_on_after(limit_s):
        async with response.response as body:
            async for data in body:
                got.append((trio.current_time() - began, data))  # noqa: PERF401 - what came before the limit counts
    return got


@pytest.mark.parametrize(
    "found", [None, User(id=1, username="x", role=1), User(id=1, username="x", role=10, status=UserStatus.DISABLED)]
)
async def test_who_signed_out_or_lost_the_role_hears_no_more(found: User | None, autojump_clock: MockClock) -> None:
    seats = streams.Seats()
    response = streams.stream(services(found), seats, READER, saying(b"one"))
    assert await heard(response, limit_s=100) == [(0, b"one"), (15, streams.event("bye", "signed-out"))]
    assert len(seats) == 0


async def test_a_database_that_is_away_ends_nothing(autojump_clock: MockClock) -> None:
    response = streams.stream(services(DatabaseUnavailable("gone")), streams.Seats(), READER, saying(b"one"))
    got = await heard(response, limit_s=50)
    assert got == [(0, b"one"), (20, b": still here\n\n"), (40, b": still here\n\n")]


async def test_a_drain_ends_it_at_once(autojump_clock: MockClock) -> None:
    phase, seats = Phase(), streams.Seats()
    user = User(id=1, username="x", role=10)
    async with trio.open_nursery() as nursery:
        got: list[tuple[float, bytes]] = []

        async def listen() -> None:
            got.extend(await heard(streams.stream(services(user, phase), seats, READER, saying()), limit_s=100))

        nursery.start_soon(listen)
        await trio.sleep(3.5)
        assert len(seats) == 1
        phase.advance("draining")
    assert got == [(3.5, streams.event("bye", "draining"))]
    assert streams.stream(services(user, phase), seats, READER, saying()).status_code == 503


async def test_a_reader_who_leaves_gives_the_seat_back(autojump_clock: MockClock) -> None:
    seats = streams.Seats()
    response = streams.stream(services(None), seats, READER, saying(b"one"))
    assert await heard(response, limit_s=2) == [(0, b"one")]
    assert len(seats) == 0
