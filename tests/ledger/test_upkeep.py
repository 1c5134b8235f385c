"""Log rows reach another database once; old rows go and leave every balance explained."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio
from sqlalchemy import func, insert, select

from gateway.ledger.outbox import Outbox
from gateway.ledger.retention import Keep, Retention
from storage.ledger_tables import gw_delivered, gw_ledger, gw_outbox
from storage.repositories.ledger_batch import apply
from storage.repositories.ledger_upkeep import deliver, fold_ledger, prepare_log_database, read_outbox
from storage.tables import logs, traces, user_request_costs
from tests.ledger.support import NOW_MS, Books, Notes
from tests.ledger.weather import Weather
from tests.support.engines import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storage.database import Database

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def log_database(books: Books, tmp_path: Path) -> Iterator[Database]:
    """The database of `LOG_SQL_DSN`, on the same engine: as it is made, with the log table alone."""
    with fresh_database(books.fresh.engine, tmp_path) as fresh:
        database = fresh.open()
        database.write_sync(logs.create)
        yield database
        database.close()


def fill_outbox(books: Books, count: int) -> None:
    who = books.accounts(1_000_000)
    names = [f"q{number}" for number in range(count)]
    books.database.write_sync(
        partial(
            apply,
            ops=[op for name in names for op in (who.reserve_op(name, 1), who.settle_op(name, 7))],
            now_ms=NOW_MS,
            outbox=True,
        )
    )


def delivered(log_database: Database) -> list[str]:
    return log_database.read_sync(
        lambda conn: list(conn.execute(select(logs.c.request_id).order_by(logs.c.id)).scalars())
    )


async def test_outbox_is_emptied_into_the_log_database(books: Books, log_database: Database, notes: Notes) -> None:
    fill_outbox(books, 450)
    outbox = Outbox(books.database, log_database, journal=notes, now_ms=lambda: NOW_MS)
    assert await outbox.empty() == 450
    assert delivered(log_database) == [f"q{number}" for number in range(450)]
    assert books.count(gw_outbox) == 0
    row = log_database.read_sync(lambda conn: conn.execute(select(logs).limit(1)).one())
    assert (row.quota, row.model_name, row.is_stream) == (7, "m", False)


async def test_row_sent_before_a_crash_arrives_once(books: Books, log_database: Database, notes: Notes) -> None:
    fill_outbox(books, 5)
    parcels = books.database.read_sync(partial(read_outbox, limit=3))
    log_database.write_sync(prepare_log_database)
    log_database.write_sync(partial(deliver, parcels=parcels, now_ms=NOW_MS))
    # Here the process died, before it took them out of the outbox.
    outbox = Outbox(books.database, log_database, journal=notes, now_ms=lambda: NOW_MS)
    await outbox.empty()
    assert sorted(delivered(log_database)) == [f"q{number}" for number in range(5)]
    outbox = Outbox(books.database, log_database, journal=notes, now_ms=lambda: NOW_MS + 2 * DAY_MS)
    await outbox.empty()
    keys = log_database.read_sync(
        lambda conn: conn.execute(select(func.count()).select_from(gw_delivered)).scalar_one()
    )
    assert keys == 0


async def test_two_senders_deliver_each_row_once(books: Books, log_database: Database, notes: Notes) -> None:
    fill_outbox(books, 300)
    neighbour = books.fresh.open()
    log_database.write_sync(prepare_log_database)
    async with trio.open_nursery() as nursery:
        for database in (books.database, neighbour):
            nursery.start_soon(Outbox(database, log_database, journal=notes).empty)
    neighbour.close()
    assert len(delivered(log_database)) == 300
    assert books.count(gw_outbox) == 0


async def test_unreadable_row_does_not_hold_up_the_others(sqlite_books: Books, tmp_path: Path, notes: Notes) -> None:
    sqlite_books.database.write_sync(
        lambda conn: conn.execute(insert(gw_outbox), {"key": "bad", "payload": "{", "created_at": 1})
    )
    fill_outbox(sqlite_books, 3)
    with fresh_database("sqlite", tmp_path) as fresh:
        log_database = fresh.open()
        log_database.write_sync(logs.create)
        outbox = Outbox(sqlite_books.database, log_database, journal=notes)
        with trio.fail_after(5):
            assert await outbox.empty() == 3
            assert await outbox.empty() == 0
        log_database.close()
    assert sqlite_books.count(gw_outbox) == 1
    assert notes.names == ["outbox.refused"]


async def test_log_database_that_is_away_is_waited_for(sqlite_books: Books, notes: Notes) -> None:
    fill_outbox(sqlite_books, 3)
    weather = Weather(sqlite_books.database)
    weather.forecast.extend(["away", "away"])
    outbox = Outbox(sqlite_books.database, weather, journal=notes, interval_s=0.01)
    async with trio.open_nursery() as nursery:
        await nursery.start(outbox.run)
        with trio.fail_after(5):
            while sqlite_books.count(gw_outbox):
                await trio.sleep(0.01)
            while "outbox.recovered" not in notes.names:
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    assert sqlite_books.count(logs) == 3


async def test_folding_keeps_every_balance_explained(books: Books, notes: Notes) -> None:
    old, young = NOW_MS - 100 * DAY_MS, NOW_MS - DAY_MS
    one, two = books.accounts(10_000, 10_000), books.accounts(10_000)
    for at, day in ((old, "old"), (young, "young")):
        names = [f"{day}{number}" for number in range(30)]
        ops = [op for name in names for who in (one, two) for op in _relay(who, f"{name}-{who.user}")]
        books.database.write_sync(partial(apply, ops=ops, now_ms=at))
    assert books.differences() == []
    before = books.count(gw_ledger)
    while books.database.write_sync(partial(fold_ledger, before_ms=NOW_MS - 90 * DAY_MS, limit=7)):
        assert books.differences() == []
    assert books.count(gw_ledger) == before - 60
    kinds = [row.kind for row in books.rows(gw_ledger)]
    assert kinds.count("opening") == 6
    assert kinds.count("charge") == 60
    assert books.differences() == []


async def test_retention_deletes_what_is_old_and_nothing_else(books: Books, notes: Notes) -> None:
    who = books.accounts(10_000)
    for age in (8, 6):
        at = NOW_MS - age * DAY_MS
        books.database.write_sync(partial(apply, ops=_relay(who, f"a{age}"), now_ms=at))
        books.database.write_sync(
            lambda conn, at=at: conn.execute(
                insert(traces),
                {"trace_id": f"x{at}", "url": "", "method": "", "body_size": 0, "status": 0, "created_at": at},
            )
        )
    retention = Retention(
        books.database, journal=notes, keep=Keep(ledger_days=7, trace_days=7), now_ms=lambda: NOW_MS
    )
    assert await retention.tidy() == 3
    assert [row.request_id for row in books.rows(user_request_costs)] == ["a6"]
    assert f"x{NOW_MS - 8 * DAY_MS}" not in [row.trace_id for row in books.rows(traces)]
    assert books.count(traces) == 3
    assert books.count(logs) == 2
    assert books.differences() == []
    assert await retention.tidy() == 0


def _relay(who, request_id: str):
    return (who.reserve_op(request_id, 10), who.settle_op(request_id, 7))
