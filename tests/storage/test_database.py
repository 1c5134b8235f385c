"""Units of work: one transaction each, in lanes that do not wait for each other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio
from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, func, insert, select, text, update

from storage.database import Database, Lane
from storage.engines import EngineOptions
from storage.errors import Conflict, DatabaseUnavailable, Rejected, Retryable
from tests.support.engines import FreshDatabase

metadata = MetaData()
notes = Table(
    "notes",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(8), unique=True),
    Column("units", BigInteger, nullable=False, server_default=text("0")),
)


servers_only = pytest.mark.parametrize("engine", ["postgresql", "mysql"], indirect=True)


@pytest.fixture
def notebook(fresh: FreshDatabase) -> Iterator[Database]:
    opened = fresh.open(EngineOptions(pool_size=6, busy_timeout_ms=300, connect_timeout_s=2))
    opened.write_sync(metadata.create_all)
    yield opened
    opened.close()


def _add(number: int, name: str | None = None) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(insert(notes), {"id": number, "name": name})


def _count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(notes)).scalar_one()


@pytest.mark.parametrize("lane", list(Lane))
async def test_what_is_written_can_be_read_in_each_lane(notebook: Database, lane: Lane) -> None:
    await notebook.write(_add(1), lane)
    assert await notebook.read(_count, lane) == 1
    assert await notebook.read(_count, lane, snapshot=True) == 1


async def test_error_of_the_work_rolls_back_and_comes_out(notebook: Database) -> None:
    def work(connection: Connection) -> None:
        connection.execute(insert(notes), {"id": 1})
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await notebook.write(work)
    assert await notebook.read(_count) == 0


async def test_unique_key_is_a_conflict_without_the_value(notebook: Database) -> None:
    await notebook.write(_add(1, "secret"))
    with pytest.raises(Conflict) as caught:
        await notebook.write(_add(2, "secret"))
    assert "name" in caught.value.where
    assert "secret" not in str(caught.value)
    assert await notebook.read(_count) == 1


async def test_refused_values_are_rejected(notebook: Database) -> None:
    with pytest.raises(Rejected):
        await notebook.write(lambda c: c.execute(text("INSERT INTO notes (id, units) VALUES (1, NULL)")))
    with pytest.raises(Rejected):
        await notebook.write(lambda c: c.execute(text("INSERT INTO nowhere VALUES (1)")))


async def test_too_long_value_is_rejected_by_servers(notebook: Database) -> None:
    if notebook.dialect == "sqlite":
        await notebook.write(_add(1, "longer than eight"))
        return
    with pytest.raises(Rejected):
        await notebook.write(_add(1, "longer than eight"))


async def test_lanes_do_not_wait_for_each_other(notebook: Database) -> None:
    """All connections of the control lane are busy, and the others still read and (on servers) write."""
    release = threading.Event()
    started = threading.Semaphore(0)

    def hold(connection: Connection) -> None:
        connection.execute(select(1))
        started.release()
        assert release.wait(10)

    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(notebook.read, hold)
        try:
            assert await trio.to_thread.run_sync(started.acquire, True, 5)
            with trio.fail_after(5):
                assert await notebook.read(_count, Lane.HOT) == 0
                await notebook.write(_add(1), Lane.LEDGER)
                assert await notebook.read(_count, Lane.LEDGER) == 1
        finally:
            release.set()


async def test_cancelled_before_its_turn_is_not_run(notebook: Database) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await notebook.write(_add(1))
    assert scope.cancelled_caught
    assert await notebook.read(_count) == 0


async def test_concurrent_conditional_updates_lose_nothing(notebook: Database) -> None:
    """A balance of 50 pays for 50 of 80 takers, whichever lane they come from."""
    await notebook.write(lambda c: c.execute(insert(notes), {"id": 1, "units": 50}))
    taken: list[int] = []

    def take(connection: Connection) -> int:
        statement = update(notes).where(notes.c.id == 1, notes.c.units >= 1).values(units=notes.c.units - 1)
        return connection.execute(statement).rowcount

    async def taker(lane: Lane) -> None:
        for _ in range(10):
            taken.append(await notebook.write(take, lane))  # noqa: PERF401 - one after another

    async with trio.open_nursery() as nursery:
        for number in range(8):
            nursery.start_soon(taker, list(Lane)[number % 3])
    assert sum(taken) == 50
    assert await notebook.read(lambda c: c.execute(select(notes.c.units)).scalar_one()) == 0


async def test_locked_row_is_retryable(fresh: FreshDatabase, notebook: Database) -> None:
    """Two transactions take two rows in opposite order; one of them must give way."""
    await notebook.write(lambda c: c.execute(insert(notes), [{"id": 1}, {"id": 2}]))
    other = fresh.open(EngineOptions(busy_timeout_ms=300))
    both = threading.Barrier(2, timeout=10)
    outcomes: list[str] = []

    def take(first: int, second: int) -> Callable[[Connection], None]:
        def work(connection: Connection) -> None:
            connection.execute(update(notes).where(notes.c.id == first).values(units=1))
            if fresh.engine == "sqlite":
                both.abort()
                threading.Event().wait(1)  # longer than the other one's busy timeout
            else:
                both.wait()
            connection.execute(update(notes).where(notes.c.id == second).values(units=2))

        return work

    async def run(database: Database, first: int, second: int) -> None:
        try:
            await database.write(take(first, second))
            outcomes.append("stored")
        except Retryable:
            outcomes.append("retryable")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, notebook, 1, 2)
        nursery.start_soon(run, other, 2, 1)
    other.close()
    assert sorted(outcomes) == ["retryable", "stored"]


async def test_snapshot_sees_one_moment(notebook: Database) -> None:
    stored = threading.Event()
    looked = threading.Event()

    def look_twice(connection: Connection) -> tuple[int, int]:
        first = _count(connection)
        looked.set()
        assert stored.wait(5)
        return first, _count(connection)

    results: list[tuple[int, int]] = []

    async def look() -> None:
        results.append(await notebook.read(look_twice, snapshot=True))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look)
        await trio.to_thread.run_sync(looked.wait, 5)
        await notebook.write(_add(1), Lane.LEDGER)
        stored.set()
    assert results == [(0, 0)]


@servers_only
async def test_broken_connections_are_replaced(notebook: Database) -> None:
    """After a restart of the server, one unit of work may fail, the next works."""

    def die(connection: Connection) -> None:
        if notebook.dialect == "postgresql":
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        else:
            connection.execute(text("KILL CONNECTION CONNECTION_ID()"))
        connection.execute(select(1))

    with pytest.raises(DatabaseUnavailable) as caught:
        await notebook.write(die)
    assert not caught.value.in_doubt
    await notebook.write(_add(1))
    assert await notebook.read(_count) == 1


@servers_only
async def test_rested_connection_that_died_is_noticed_before_its_use(
    fresh: FreshDatabase, notebook: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.engines._PING_AFTER_S", 0)
    ask = "SELECT pg_backend_pid()" if notebook.dialect == "postgresql" else "SELECT CONNECTION_ID()"
    kill = "SELECT pg_terminate_backend({}, 1000)" if notebook.dialect == "postgresql" else "KILL CONNECTION {}"
    number = await notebook.write(lambda c: c.execute(text(ask)).scalar_one(), Lane.LEDGER)
    killer = fresh.open()
    killer.write_sync(lambda c: c.execute(text(kill.format(number))))
    killer.close()
    await notebook.write(_add(1), Lane.LEDGER)
    assert await notebook.read(_count) == 1


@servers_only
async def test_connection_lost_in_commit_leaves_it_in_doubt(fresh: FreshDatabase, notebook: Database) -> None:
    killer = fresh.open()

    def lose(connection: Connection) -> None:
        connection.execute(insert(notes), {"id": 1})
        if notebook.dialect == "postgresql":
            number = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            killer.write_sync(lambda c: c.execute(text(f"SELECT pg_terminate_backend({number}, 1000)")))
        else:
            number = connection.execute(text("SELECT CONNECTION_ID()")).scalar_one()
            killer.write_sync(lambda c: c.execute(text(f"KILL CONNECTION {number}")))

    with pytest.raises(DatabaseUnavailable) as caught:
        await notebook.write(lose)
    killer.close()
    assert caught.value.in_doubt


@pytest.mark.parametrize("address", ["postgres://u:hidden@127.0.0.1:1/n", "u:hidden@tcp(127.0.0.1:1)/n"])
async def test_no_server_is_unavailable_and_tells_no_password(address: str) -> None:
    database = Database.open(address, options=EngineOptions(connect_timeout_s=2))
    with pytest.raises(DatabaseUnavailable) as caught:
        await database.read(lambda c: c.execute(select(1)))
    assert "hidden" not in str(caught.value)


async def test_file_in_a_missing_folder_is_unavailable(tmp_path: Path) -> None:
    database = Database.open("", sqlite_path=str(tmp_path / "none" / "one-api.db"))
    with pytest.raises(DatabaseUnavailable):
        await database.read(lambda c: c.execute(select(1)))


@servers_only
async def test_sessions_of_servers_carry_limits_and_isolation(notebook: Database) -> None:
    def look(connection: Connection) -> tuple[object, ...]:
        if notebook.dialect == "postgresql":
            names = "statement_timeout", "lock_timeout", "transaction_isolation"
            return tuple(connection.execute(text(f"SHOW {name}")).scalar_one() for name in names)
        maria = connection.execute(text("SELECT VERSION() LIKE '%MariaDB%'")).scalar_one()
        limit = "@@max_statement_time" if maria else "@@max_execution_time / 1000"
        isolation = "@@tx_isolation" if maria else "@@transaction_isolation"
        row = connection.execute(text(f"SELECT {limit}, @@innodb_lock_wait_timeout, {isolation}, @@time_zone"))
        return tuple(row.one())

    found = await notebook.write(look, Lane.LEDGER)
    if notebook.dialect == "postgresql":
        assert found == ("10s", "5s", "read committed")
    else:
        assert found == (10, 5, "READ-COMMITTED", "+00:00")
