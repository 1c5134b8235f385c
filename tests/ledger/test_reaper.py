"""Who counts as dead, and that the dead are settled for once."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio
from sqlalchemy import update

from gateway.ledger.presence import Presence
from gateway.ledger.processes import host_identity, is_alive, new_replica_id, process_identity
from gateway.ledger.reaper import Reaper
from storage.errors import Retryable
from storage.ledger_tables import gw_reaped, gw_replicas, gw_reservations
from storage.repositories.ledger_batch import apply
from storage.repositories.ledger_leases import Replica, end_lease, read_orphans, read_replicas, reap, renew_lease
from storage.tables import logs
from tests.ledger.support import NOW_MS, Books, Notes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.repositories.ledger_ops import Op


def do(books: Books, *ops: Op) -> None:
    books.database.write_sync(partial(apply, ops=ops, now_ms=NOW_MS))


def lease(books: Books, replica_id: str, *, seconds: float = 60, process: str = "", host: str = "elsewhere") -> None:
    replica = Replica(replica_id=replica_id, host=host, process=process)
    books.database.write_sync(partial(renew_lease, replica=replica, lease_ms=int(seconds * 1000)))


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


async def test_reservations_of_a_lapsed_lease_are_settled_and_marked(books: Books, notes: Notes) -> None:
    who = books.accounts(1000, 1000)
    lease(books, "dead", seconds=-1)
    lease(books, "alive")
    do(
        books,
        who.reserve_op("a", 100, "dead"),
        who.reserve_op("b", 10, "alive"),
        who.reserve_op("c", 1, "never-there"),
    )
    reaper = Reaper(books.database, replica_id="me", journal=notes)
    assert await reaper.reap() == 2
    assert books.held() == ["b"]
    assert sorted((row.request_id, row.units) for row in books.rows(gw_reaped)) == [("a", 100), ("c", 1)]
    assert all("estimate" in row.content for row in books.rows(logs))
    assert [row.replica_id for row in books.rows(gw_replicas)] == ["alive"]
    assert books.user(who.user).used_quota == 101
    assert books.differences() == []
    assert await reaper.reap() == 0


async def test_reaper_never_touches_its_own(sqlite_books: Books, notes: Notes) -> None:
    who = sqlite_books.accounts(1000)
    lease(sqlite_books, "me", seconds=-1)
    do(sqlite_books, who.reserve_op("a", 100, "me"))
    assert await Reaper(sqlite_books.database, replica_id="me", journal=notes).reap() == 0
    assert sqlite_books.held() == ["a"]


async def test_lease_renewed_after_it_was_read_saves_its_reservations(books: Books) -> None:
    """Between looking for the dead and settling for them, one may come back."""
    who = books.accounts(1000)
    lease(books, "slow", seconds=-1)
    do(books, who.reserve_op("a", 100, "slow"))
    [seen] = books.database.read_sync(read_replicas)
    assert seen.expired
    orphans = books.database.read_sync(partial(read_orphans, replica_id="slow", limit=10))
    lease(books, "slow")
    assert books.database.write_sync(partial(reap, ops=orphans, replica=seen, now_ms=NOW_MS, outbox=False)) is None
    assert books.held() == ["a"]


async def test_racing_reapers_settle_once(books: Books, notes: Notes) -> None:
    who = books.accounts(100_000)
    lease(books, "dead", seconds=-1)
    do(books, *(who.reserve_op(f"q{number}", 10, "dead") for number in range(250)))
    neighbour = books.fresh.open()
    one = Reaper(books.database, replica_id="one", journal=notes)
    two = Reaper(neighbour, replica_id="two", journal=notes)

    async def reap_all(reaper: Reaper) -> None:
        while True:
            try:
                await reaper.reap()
            except Retryable:
                # SQLite lets nobody queue: on a busy machine one may not get a turn in time.
                continue
            return

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reap_all, one)
        nursery.start_soon(reap_all, two)
    neighbour.close()
    assert one.reaped + two.reaped == 250
    assert books.user(who.user).used_quota == 2500
    assert books.count(gw_reaped) == books.count(logs) == 250
    assert books.held() == []
    assert books.differences() == []


async def test_dead_neighbour_is_seen_before_its_lease_ends(
    sqlite_books: Books, notes: Notes, child: subprocess.Popen[bytes]
) -> None:
    who = sqlite_books.accounts(1000)
    lease(sqlite_books, "child", host=host_identity(), process=process_identity(child.pid))
    do(sqlite_books, who.reserve_op("a", 100, "child"))
    reaper = Reaper(sqlite_books.database, replica_id="me", journal=notes)
    assert await reaper.reap() == 0
    child.kill()
    # Still a zombie: nobody has waited for it.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert await reaper.reap() == 1
    assert sqlite_books.held() == []


def test_pid_that_another_process_got_is_not_alive(child: subprocess.Popen[bytes]) -> None:
    identity = process_identity(child.pid)
    assert is_alive(identity)
    assert not is_alive(f"{child.pid}:1")
    assert not is_alive("999999999:5")
    assert is_alive(process_identity())
    # What cannot be read is left to the lease.
    assert is_alive("")
    child.kill()
    child.wait()
    assert not is_alive(identity)


async def test_one_faulty_reservation_does_not_keep_the_others(sqlite_books: Books, notes: Notes) -> None:
    who = sqlite_books.accounts(1000)
    lease(sqlite_books, "dead", seconds=-1)
    do(sqlite_books, *(who.reserve_op(name, 10, "dead") for name in "abc"))
    sqlite_books.database.write_sync(
        lambda conn: conn.execute(
            update(gw_reservations).where(gw_reservations.c.request_id == "b").values(user_units=-5)
        )
    )
    # An id that is marked already cannot be marked again.
    sqlite_books.database.write_sync(
        lambda conn: conn.execute(
            gw_reaped.insert(),
            {
                "request_id": "b",
                "user_id": 0,
                "token_id": 0,
                "channel_id": 0,
                "units": 0,
                "log_seed": "{}",
                "reaped_at": 0,
            },
        )
    )
    reaper = Reaper(sqlite_books.database, replica_id="me", journal=notes)
    with trio.fail_after(5):
        await reaper.reap()
    assert reaper.reaped == 2
    assert "reaper.refused" in notes.names


async def test_seed_that_cannot_be_read_is_settled_all_the_same(sqlite_books: Books, notes: Notes) -> None:
    who = sqlite_books.accounts(1000)
    lease(sqlite_books, "dead", seconds=-1)
    op = who.reserve_op("a", 10, "dead")
    op.log_seed = '{"user_id": "?"'
    do(sqlite_books, op)
    assert await Reaper(sqlite_books.database, replica_id="me", journal=notes).reap() == 1
    [log] = sqlite_books.rows(logs)
    assert (log.user_id, log.quota, log.request_id) == (who.user, 10, "a")


async def test_presence_holds_its_lease_and_gives_it_up(books: Books, notes: Notes) -> None:
    name = new_replica_id()
    presence = Presence(books.database, replica_id=name, journal=notes, lease_s=0.3)
    async with trio.open_nursery() as nursery:
        await nursery.start(presence.run)
        [first] = books.rows(gw_replicas)
        with trio.fail_after(5):
            while books.rows(gw_replicas)[0].lease_until == first.lease_until:
                await trio.sleep(0.02)
        assert not books.database.read_sync(read_replicas)[0].expired
        # Somebody thought that it was dead.
        books.database.write_sync(partial(end_lease, replica_id=name))
        with trio.fail_after(5):
            while not books.rows(gw_replicas):
                await trio.sleep(0.02)
        await presence.aclose()
        nursery.cancel_scope.cancel()
    assert books.rows(gw_replicas) == []
    assert "presence.lost" in notes.names


async def test_reaper_works_before_it_reports_started(sqlite_books: Books, notes: Notes) -> None:
    who = sqlite_books.accounts(1000)
    do(sqlite_books, who.reserve_op("a", 10, "gone"))
    async with trio.open_nursery() as nursery:
        await nursery.start(Reaper(sqlite_books.database, replica_id="me", journal=notes).run)
        assert sqlite_books.held() == []
        nursery.cancel_scope.cancel()
