"""What people see of relays that run, and what ending one does: on a clock that jumps, with real relays."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import trio

from gateway.cluster.poll import Poll
from gateway.live.board import Board, Vitals, Wanted
from tests.cluster.members import redis_members, worker_members
from tests.relay.harness import DONE, ROLE, STOP, Got, Reply, delta, plane

if TYPE_CHECKING:
    from trio.testing import MockClock

    from adapters.transport.types import UpstreamRequest
    from gateway.cluster.types import Bus
    from gateway.ledger.types import Reservation, Settlement
    from tests.relay.harness import Plane

STREAM = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}


def board(p: Plane, bus: Bus | None = None, *, process: str = "here/0") -> Board:
    return Board(running=p.running, bus=bus or p.bus, journal=p.journal, process=process, is_alone=bus is None)


def silent_after(*pieces: bytes | float) -> Reply:
    return Reply(pieces=[ROLE, *pieces], ends="silent")


async def test_a_running_relay_shows_how_far_it_is(autojump_clock: MockClock) -> None:
    async with plane() as p, trio.open_nursery() as nursery:
        p.transport.script.append(silent_after(5.0, delta("one two three four five six")))
        nursery.start_soon(lambda: p.ask(STREAM))
        await trio.sleep(2)
        one = board(p)
        (row,) = (await one.look()).rows
        assert (row.user, row.token, row.model, row.endpoint) == ("ann", "tok", "m", "chat_completions")
        assert (row.state, row.tokens, row.quiet_s, round(row.age_s)) == ("waiting", 0, None, 2)
        await trio.sleep(6)
        (later,) = (await one.look()).rows
        assert (later.state, later.attempt, later.process) == ("streaming", 1, "here/0")
        assert later.tokens
        assert later.units > row.units
        assert later.quiet_s == 3
        nursery.cancel_scope.cancel()


async def test_a_cancelled_relay_tells_its_client_and_is_charged(autojump_clock: MockClock) -> None:
    got = Got()
    async with plane() as p, trio.open_nursery() as nursery:
        p.transport.script.append(silent_after(delta("one two three")))
        nursery.start_soon(lambda: p.ask(STREAM, got=got))
        await trio.sleep(2)
        one = board(p)
        (row,) = (await one.look()).rows
        assert await one.end(row.request_id, by="root")
        assert not await one.end("unknown", by="root")
    assert b'"cancelled"' in got.body
    assert got.complete
    assert DONE not in got.body
    (settled,) = p.books.settled
    assert settled.units > 0
    assert settled.log is not None
    assert settled.log.completion_tokens == 3
    assert ("relay.cancelled", "root ended a request of ann to m") in p.journal.events


async def test_people_see_and_end_only_what_is_theirs(autojump_clock: MockClock) -> None:
    async with plane() as p, trio.open_nursery() as nursery:
        p.transport.script.append(silent_after(delta("one")))
        nursery.start_soon(lambda: p.ask(STREAM))
        await trio.sleep(1)
        one = board(p)
        (row,) = (await one.look(p.accounts.account.user.id)).rows
        stranger = p.accounts.account.user.id + 1
        assert (await one.look(stranger)).total == 0
        assert not await one.end(row.request_id, by="eve", user_id=stranger)
        assert await one.end_all([row.request_id], by="eve", user_id=stranger) == 0
        assert len(p.running) == 1
        assert await one.end_all([row.request_id, "unknown"], by="ann", user_id=row.user_id) == 1


@pytest.mark.parametrize("way", ["workers", "redis"])
async def test_relays_of_another_process_are_seen_and_ended(way: str) -> None:
    got = Got()
    async with AsyncExitStack() as stack:
        url = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
        members = worker_members() if way == "workers" else redis_members(url)
        first, second = await stack.enter_async_context(members)
        if way == "redis" and not first.windows.is_connected:  # type: ignore[attr-defined]
            pytest.skip("no Redis here")
        p, idle = await stack.enter_async_context(plane()), await stack.enter_async_context(plane())
        here, _there = board(idle, first.bus, process="a/0"), board(p, second.bus, process="a/1")
        p.transport.script.append(silent_after(delta("one two")))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: p.ask(STREAM, got=got))
            with trio.fail_after(10):
                while not (picture := await here.look()).rows or picture.rows[0].state != "streaming":
                    await trio.sleep(0.01)
            assert list(picture.processes) == ["a/0", "a/1"]
            assert picture.rows[0].process == "a/1"
            assert not await here.end("unknown", by="root")
            assert await here.end(picture.rows[0].request_id, by="root")
    assert b'"cancelled"' in got.body
    assert p.books.settled[0].units > 0


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Wanted(), 2),
        (Wanted(model="M"), 2),
        (Wanted(model="other"), 0),
        (Wanted(channel="c1"), 2),
        (Wanted(channel="c1", sees_channels=False), 0),
        (Wanted(text="ann c1"), 2),
        (Wanted(text="ann c1", sees_channels=False), 0),
        (Wanted(text="ann tok", sees_channels=False), 2),
        (Wanted(group="default", user="an", token="to"), 2),
        (Wanted(state="streaming"), 1),
        (Wanted(state="waiting"), 1),
        (Wanted(endpoint="chat_completions", streams=True), 2),
        (Wanted(streams=False), 0),
        (Wanted(least_s=2), 1),
    ],
)
async def test_each_filter_shows_what_fits(autojump_clock: MockClock, wanted: Wanted, count: int) -> None:
    async with plane() as p, trio.open_nursery() as nursery:
        p.transport.script += [silent_after(delta("one")), silent_after()]
        nursery.start_soon(lambda: p.ask(STREAM))
        await trio.sleep(2)
        nursery.start_soon(lambda: p.ask(STREAM))
        await trio.sleep(1)
        picture = await board(p).look(wanted)
        assert (len(picture.rows), picture.total) == (count, count)
        # What is looked for does not change what there is.
        assert (picture.running, picture.channels, round(picture.oldest_s)) == (2, {"c1#1": 2}, 3)
        nursery.cancel_scope.cancel()


async def test_a_relay_is_seen_from_its_admission_to_its_settlement(autojump_clock: MockClock) -> None:
    states: list[str] = []
    async with plane() as p:
        one = board(p)

        async def noted() -> None:
            (row,) = (await one.look()).rows
            states.append(row.state)

        reserve, settle, send = p.books.reserve, p.books.settle, p.transport.send

        async def slow_reserve(reservation: Reservation) -> None:
            await noted()
            await reserve(reservation)

        async def slow_send(request: UpstreamRequest) -> Reply:
            await noted()
            return await send(request)

        async def slow_settle(settlement: Settlement) -> None:
            await noted()
            (row,) = (await one.look()).rows
            assert not await one.end(row.request_id, by="root")
            await settle(settlement)

        p.books.reserve, p.books.settle, p.transport.send = slow_reserve, slow_settle, slow_send  # type: ignore[method-assign]
        p.transport.script.append(Reply(pieces=[delta("one"), STOP, DONE]))
        await p.ask(STREAM)
        assert (await one.look()).running == 0
    assert states == ["admitted", "connecting", "settling"]


async def test_one_that_is_ended_before_it_is_sent_costs_nothing(autojump_clock: MockClock) -> None:
    got = Got()
    async with plane() as p:
        one, reserve = board(p), p.books.reserve

        async def reserve_late(reservation: Reservation) -> None:
            assert await one.end(reservation.request_id, by="root")
            await reserve(reservation)

        p.books.reserve = reserve_late  # type: ignore[method-assign]
        await p.ask(STREAM, got=got)
        assert b'"cancelled"' in got.body
        assert p.transport.requests == []
        assert [settled.units for settled in p.books.settled] == [0]


async def test_speed_is_measured_from_the_first_content_on(autojump_clock: MockClock) -> None:
    async with plane() as p, trio.open_nursery() as nursery:
        p.transport.script.append(silent_after(10.0, delta("one two three four " * 10)))
        nursery.start_soon(lambda: p.ask(STREAM))
        await trio.sleep(12)
        (row,) = (await board(p).look()).rows
        assert row.content_s == 2
        assert row.sent_bytes > 100
        assert row.speed == (row.tokens or 0) / 2
        nursery.cancel_scope.cancel()


async def test_connections_and_what_waits_for_the_books_are_summed(autojump_clock: MockClock) -> None:
    async with plane() as p:
        vitals = Vitals(connections=lambda: 5, backlog=lambda: 2)
        one = Board(running=p.running, bus=p.bus, journal=p.journal, process="a/0", is_alone=True, vitals=vitals)
        picture = await one.look()
    assert (picture.connections, picture.backlog) == (5, 2)


async def test_a_process_of_another_version_does_not_spoil_the_picture(autojump_clock: MockClock) -> None:
    async with plane() as p, trio.open_nursery() as nursery:
        p.transport.script.append(silent_after(delta("one")))
        nursery.start_soon(lambda: p.ask(STREAM))
        await trio.sleep(2)
        one = board(p, p.bus)
        Poll(p.bus, "live", lambda _question: '{"total": "many"}', is_alone=False)
        picture = await one.look()
        assert (len(picture.rows), picture.processes) == (1, ["here/0"])
        nursery.cancel_scope.cancel()
