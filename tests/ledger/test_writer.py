"""The writer: many at once, callers that leave, databases that fail."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from gateway.ledger.types import (
    DuplicateRequest,
    InsufficientQuota,
    ReservationGone,
    TokenExhausted,
    Unavailable,
    UserExhausted,
)
from gateway.ledger.writer import LedgerWriter
from storage.engines import EngineOptions
from storage.ledger_tables import gw_parked
from storage.tables import logs, traces, user_request_costs
from tests.ledger.support import Books, Notes, writing
from tests.ledger.weather import Weather

if TYPE_CHECKING:
    from sqlalchemy import Connection


async def test_200_at_once_never_take_more_than_there_is(books: Books, notes: Notes) -> None:
    who = books.accounts(1000, 700)
    got: list[str] = []

    async def relay(request_id: str) -> None:
        try:
            await writer.reserve(who.reservation(request_id, 10))
        except InsufficientQuota:
            return
        got.append(request_id)

    async with writing(books.database, notes) as writer:
        async with trio.open_nursery() as nursery:
            for number in range(200):
                nursery.start_soon(relay, f"q{number}")
        assert len(got) == 70
        assert books.token(who.token).remain_quota == 0
        assert books.differences() == []
        async with trio.open_nursery() as nursery:
            for request_id in got:
                nursery.start_soon(writer.settle, who.settlement(request_id, 10))
    assert books.user(who.user).quota == 300
    assert books.user(who.user).request_count == 70
    assert writer.stats.batches < 20
    assert books.held() == []
    assert books.differences() == []


async def test_two_processes_share_one_balance(books: Books, notes: Notes) -> None:
    who = books.accounts(300)
    got: list[str] = []

    async def relay(writer: LedgerWriter, request_id: str) -> None:
        try:
            await writer.reserve(who.reservation(request_id, 10))
        except UserExhausted:
            return
        got.append(request_id)
        await writer.settle(who.settlement(request_id, 10))

    neighbour = books.fresh.open()
    async with (
        writing(books.database, notes) as one,
        writing(neighbour, notes) as two,
        trio.open_nursery() as nursery,
    ):
        for number in range(40):
            nursery.start_soon(relay, one, f"one{number}")
            nursery.start_soon(relay, two, f"two{number}")
    neighbour.close()
    assert len(got) == 30
    assert books.user(who.user).quota == 0
    assert books.differences() == []


async def test_what_is_left_to_another_process_is_not_remembered(books: Books, notes: Notes) -> None:
    who = books.accounts(300)
    neighbour = books.fresh.open()
    async with writing(books.database, notes) as one, writing(neighbour, notes) as two:
        await one.reserve(who.reservation("a", 10))
        one.leave("a")
        assert one._held == {}
        await two.settle(who.settlement("a", 7))
        await one.settle(who.settlement("a", 7))
    neighbour.close()
    assert books.held() == []
    assert books.user(who.user).quota == 293
    assert books.differences() == []


async def test_refusals_name_who_is_short_and_by_how_much(sqlite_books: Books, notes: Notes) -> None:
    who = sqlite_books.accounts(100, 10)
    async with writing(sqlite_books.database, notes) as writer:
        with pytest.raises(UserExhausted) as user:
            await writer.reserve(who.reservation("a", 101))
        with pytest.raises(TokenExhausted) as token:
            await writer.reserve(who.reservation("b", 12))
        await writer.reserve(who.reservation("c", 10))
        with pytest.raises(DuplicateRequest):
            await writer.reserve(who.reservation("c", 0))
        with pytest.raises(TokenExhausted):
            await writer.amend("c", channel_id=who.channel, add_units=1)
        with pytest.raises(ReservationGone):
            await writer.amend("a", channel_id=who.channel, add_units=1)
    assert (user.value.needed_units, token.value.needed_units) == (1, 2)


async def test_reservation_cancelled_in_the_queue_takes_nothing(sqlite_books: Books, notes: Notes) -> None:
    who = sqlite_books.accounts(100)
    weather = Weather(sqlite_books.database)
    async with writing(weather, notes) as writer:
        weather.hold = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer.reserve, who.reservation("first", 10))
            await trio.testing.wait_all_tasks_blocked()
            with trio.move_on_after(0.01):
                await writer.reserve(who.reservation("left", 10))
            weather.hold.set()
        assert sqlite_books.held() == ["first"]
    assert sqlite_books.user(who.user).quota == 90
    assert sqlite_books.differences() == []


async def test_reservation_stored_after_its_caller_left_is_undone(books: Books, notes: Notes) -> None:
    who = books.accounts(100, 100)
    weather = Weather(books.database)
    weather.hold_confirmation = trio.Event()
    async with writing(weather, notes) as writer:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer.reserve, who.reservation("a", 10))
            while not books.held():
                await trio.testing.wait_all_tasks_blocked(0.01)
            nursery.cancel_scope.cancel()
        weather.hold_confirmation.set()
    assert writer.stats.released == 1
    assert books.held() == []
    assert (books.user(who.user).quota, books.token(who.token).remain_quota) == (100, 100)
    assert books.differences() == []


async def test_answer_in_the_moment_of_cancellation_is_undone(sqlite_books: Books, notes: Notes) -> None:
    """The caller is cancelled first and answered before it runs again: it never learns that it holds anything."""
    who = sqlite_books.accounts(100)
    weather = Weather(sqlite_books.database)
    async with writing(weather, notes) as writer:
        with trio.CancelScope() as scope:
            weather.when_stored = scope.cancel
            await writer.reserve(who.reservation("a", 10))
        assert scope.cancelled_caught
    assert writer.stats.released == 1
    assert sqlite_books.held() == []
    assert sqlite_books.user(who.user).quota == 100


async def test_reservation_past_its_deadline_is_unavailable_at_once(sqlite_books: Books, notes: Notes) -> None:
    who = sqlite_books.accounts(100)
    weather = Weather(sqlite_books.database)
    weather.forecast.extend(["away"] * 5)
    async with writing(weather, notes, reserve_limit_s=0.05) as writer:
        with trio.fail_after(1), pytest.raises(Unavailable):
            await writer.reserve(who.reservation("a", 10))
    assert sqlite_books.held() == []
    assert notes.names[0] == "ledger.waiting"
    assert sqlite_books.user(who.user).quota == 100


async def test_settlement_outlives_its_waiter(sqlite_books: Books, notes: Notes) -> None:
    who = sqlite_books.accounts(100)
    weather = Weather(sqlite_books.database)
    async with writing(weather, notes) as writer:
        await writer.reserve(who.reservation("a", 10))
        weather.forecast.extend(["away", "away"])
        with trio.move_on_after(0.001) as scope:
            await writer.settle(who.settlement("a", 7))
        assert scope.cancelled_caught
    assert sqlite_books.user(who.user).quota == 93
    assert sqlite_books.count(logs) == 1


@pytest.mark.parametrize("bad", ["away", "busy", "in doubt"])
async def test_bad_weather_loses_and_doubles_nothing(books: Books, notes: Notes, bad: str) -> None:
    who = books.accounts(10_000, 10_000)
    weather = Weather(books.database)

    async def relay(request_id: str) -> None:
        await writer.reserve(who.reservation(request_id, 10))
        await writer.amend(request_id, channel_id=who.channel, add_units=5)
        await writer.settle(who.settlement(request_id, 12))

    async with writing(weather, notes) as writer:
        for _ in range(3):
            weather.forecast.extend([bad, "fair", bad, bad, "fair", bad, bad, bad, bad, "fair"])
        async with trio.open_nursery() as nursery:
            for number in range(30):
                nursery.start_soon(relay, f"q{number}")
    assert writer.stats.repeated_batches > 5
    assert books.user(who.user).quota == 10_000 - 30 * 12
    assert books.count(logs) == books.count(user_request_costs) == books.count(traces) == 30
    assert books.held() == []
    assert books.differences() == []


async def test_reservation_in_doubt_whose_caller_left_is_undone(sqlite_books: Books, notes: Notes) -> None:
    who = sqlite_books.accounts(100)
    weather = Weather(sqlite_books.database)
    weather.forecast.extend(["in doubt", *["away"] * 6])
    async with writing(weather, notes, reserve_limit_s=0.05) as writer:
        with pytest.raises(Unavailable):
            await writer.reserve(who.reservation("a", 10))
        assert sqlite_books.held() == ["a"]
    assert sqlite_books.held() == []
    assert sqlite_books.user(who.user).quota == 100


async def test_faulty_settlement_is_parked_alone_and_its_charge_is_booked(books: Books, notes: Notes) -> None:
    who = books.accounts(10_000, 10_000)
    books.database.write_sync(
        lambda conn: conn.execute(
            insert(traces), {"trace_id": "t-q7", "url": "", "method": "", "status": 0, "body_size": 0}
        )
    )

    async def relay(request_id: str) -> None:
        await writer.reserve(who.reservation(request_id, 10))
        await writer.settle(who.settlement(request_id, 12))

    with trio.fail_after(20):
        async with writing(books.database, notes) as writer, trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(relay, f"q{number}")
    [parked] = books.rows(gw_parked)
    assert parked.request_id == "q7"
    assert '"units": 12' in parked.payload
    assert writer.stats.parked == 1
    assert "ledger.parked" in notes.names
    assert books.user(who.user).quota == 10_000 - 20 * 12
    assert books.count(logs) == 19
    assert books.held() == []
    assert books.differences() == []


async def test_charge_that_no_column_can_hold_is_parked_and_stays_reserved(books: Books, notes: Notes) -> None:
    who = books.accounts(10_000, 10_000)
    async with writing(books.database, notes) as writer:
        await writer.reserve(who.reservation("good", 10))
        await writer.reserve(who.reservation("bad", 10))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer.settle, who.settlement("bad", 2**70))
            nursery.start_soon(writer.settle, who.settlement("good", 5))
    [parked] = books.rows(gw_parked)
    assert str(2**70) in parked.payload
    assert books.held() == ["bad"]
    assert books.user(who.user).quota == 10_000 - 10 - 5
    assert books.differences() == []


async def test_faulty_reservation_fails_alone(sqlite_books: Books, notes: Notes) -> None:
    who = sqlite_books.accounts(100)
    errors: list[Exception] = []

    async def relay(request_id: str, units: int) -> None:
        try:
            await writer.reserve(who.reservation(request_id, units))
        except Unavailable as error:
            errors.append(error)

    async with writing(sqlite_books.database, notes) as writer, trio.open_nursery() as nursery:
        nursery.start_soon(relay, "good", 10)
        nursery.start_soon(relay, "bad", -10)
        nursery.start_soon(relay, "fine", 10)
    assert len(errors) == 1
    assert sorted(sqlite_books.held()) == ["fine", "good"]


async def test_killed_connections_are_replaced(server_books: Books, notes: Notes) -> None:
    """The server ends all sessions in the middle of the work; nothing is lost and nothing is double."""
    books = server_books
    who = books.accounts(100_000, 100_000)
    served = 0

    async def relay(name: str) -> None:
        nonlocal served
        for number in range(10):
            request_id = f"{name}-{number}"
            await writer.reserve(who.reservation(request_id, 10))
            await writer.settle(who.settlement(request_id, 12))
            served += 1

    async with writing(books.database, notes) as writer, trio.open_nursery() as nursery:
        for number in range(8):
            nursery.start_soon(relay, f"q{number}")
        for goal in (20, 40, 60):
            while served < goal:
                await trio.sleep(0.002)
            await trio.to_thread.run_sync(kill_sessions, books)
    assert writer.stats.repeated_batches > 0
    books.database.close()
    assert books.user(who.user).quota == 100_000 - 80 * 12
    assert books.count(logs) == 80
    assert books.held() == []
    assert books.differences() == []


def kill_sessions(books: Books) -> None:
    """End every other session on the database of `books`."""

    def kill(conn: Connection) -> None:
        if books.fresh.engine == "postgresql":
            conn.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
            return
        query = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        for id_ in list(conn.execute(text(query)).scalars()):
            # It may have ended by itself.
            with suppress(DBAPIError):
                conn.execute(text(f"KILL {id_}"))

    administrator = books.fresh.open()
    administrator.write_sync(kill)
    administrator.close()


async def test_locked_sqlite_file_holds_settlements_until_it_is_free(sqlite_books: Books, notes: Notes) -> None:
    who = sqlite_books.accounts(100)
    impatient = sqlite_books.fresh.open(EngineOptions(busy_timeout_ms=20))
    async with writing(impatient, notes, reserve_limit_s=0.2) as writer:
        await writer.reserve(who.reservation("a", 10))
        stranger = sqlite3.connect(sqlite_books.fresh.sqlite_path, isolation_level=None)
        stranger.execute("BEGIN IMMEDIATE")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer.settle, who.settlement("a", 7))
            with pytest.raises(Unavailable):
                await writer.reserve(who.reservation("b", 10))
            stranger.execute("ROLLBACK")
        stranger.close()
    impatient.close()
    assert writer.stats.repeated_batches > 0
    assert sqlite_books.user(who.user).quota == 93
    assert sqlite_books.held() == []


async def test_closing_writes_what_waits_and_takes_nothing_new(sqlite_books: Books, notes: Notes) -> None:
    who = sqlite_books.accounts(1000)
    weather = Weather(sqlite_books.database)
    writer = LedgerWriter(weather, replica_id="r", journal=notes)
    async with trio.open_nursery() as nursery:
        await nursery.start(writer.run)
        for number in range(5):
            await writer.reserve(who.reservation(f"q{number}", 10))
        weather.hold = trio.Event()
        for number in range(5):
            nursery.start_soon(writer.settle, who.settlement(f"q{number}", 10))
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(writer.aclose)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(Unavailable):
            await writer.reserve(who.reservation("late", 10))
        weather.hold.set()
    assert sqlite_books.held() == []
    assert sqlite_books.user(who.user).quota == 950
    with pytest.raises(Unavailable):
        await writer.settle(who.settlement("q0", 10))


async def test_cancelled_writer_still_writes_what_waits(sqlite_books: Books, notes: Notes) -> None:
    who = sqlite_books.accounts(1000)
    weather = Weather(sqlite_books.database)
    writer = LedgerWriter(weather, replica_id="r", journal=notes)
    async with trio.open_nursery() as callers, trio.open_nursery() as nursery:
        await nursery.start(writer.run)
        await writer.reserve(who.reservation("a", 10))
        await writer.reserve(who.reservation("b", 10))
        weather.hold = trio.Event()
        callers.start_soon(writer.settle, who.settlement("a", 4))
        await trio.testing.wait_all_tasks_blocked()
        callers.start_soon(writer.settle, who.settlement("b", 4))
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        weather.hold.set()
    assert sqlite_books.user(who.user).quota == 992
    assert sqlite_books.held() == []


async def test_unwritten_settlements_are_reported_when_the_database_stays_away(
    sqlite_books: Books, notes: Notes
) -> None:
    who = sqlite_books.accounts(1000)
    weather = Weather(sqlite_books.database)
    writer = LedgerWriter(weather, replica_id="r", journal=notes)

    async def settle() -> None:
        with pytest.raises(Unavailable):
            await writer.settle(who.settlement("a", 4))

    with trio.fail_after(5):
        async with trio.open_nursery() as callers, trio.open_nursery() as nursery:
            await nursery.start(writer.run)
            await writer.reserve(who.reservation("a", 10))
            weather.forecast.extend(["away"] * 1000)
            callers.start_soon(settle)
            await trio.testing.wait_all_tasks_blocked()
            with trio.move_on_after(0.05):
                await writer.aclose()
            nursery.cancel_scope.cancel()
    assert sqlite_books.held() == ["a"]
    assert ("ledger.unwritten", 1) in [(name, fields.get("requests")) for name, fields in notes.events]
