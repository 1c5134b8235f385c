"""What is old is counted for good a piece at a time: nothing twice, nothing left out, and no look waits for it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
import trio
from sqlalchemy import update

from gateway.audit.author import PROGRAM
from gateway.budgets import edits
from gateway.budgets.catching_up import BEHIND_MS, LAG_MS, LEAST_PIECE_MS, CatchingUp
from gateway.budgets.periods import span_at
from storage.errors import DatabaseUnavailable, StorageError, TooSlow
from storage.ledger_tables import gw_ledger
from storage.repositories import budgets
from storage.repositories.budgets import Budget
from storage.repositories.ledger import post
from storage.tables import users
from tests.budgets.test_keeper import NOW, add, process
from tests.ledger.conftest import Make, books, make_books, sqlite_books
from tests.ledger.support import NOW_MS, Accounts, Books

__all__ = ["Make", "books", "make_books", "sqlite_books"]

HOUR_MS = 3_600_000
BEGUN_MS = span_at("month", NOW).start * 1000


def charge(made: Books, who: Accounts, at_ms: int, units: int) -> None:
    made.database.write_sync(
        lambda conn: post(conn, kind="charge", at_ms=at_ms, user_id=who.user, user_units=-units, token_id=who.token)
    )


def crowd(made: Books, rng: Random, *, charges: int = 40) -> tuple[Accounts, dict[int, int]]:
    """A member of the group Vip, and what the group was charged this month, by moment."""
    who = made.accounts(10**9)
    made.database.write_sync(
        lambda conn: conn.execute(update(users).where(users.c.id == who.user).values(group="Vip"))
    )
    found = {rng.randrange(BEGUN_MS, NOW_MS - BEHIND_MS): rng.randint(1, 100) for _ in range(charges)}
    # On the edges of pieces as well.
    found |= {BEGUN_MS + hours * HOUR_MS: 7 for hours in (0, 1, 3, 7, 15)}
    for at_ms, units in found.items():
        charge(made, who, at_ms, units)
    return who, found


def row_of(made: Books, budget: Budget) -> Budget:
    row = made.database.read_sync(lambda conn: budgets.by_id(conn, budget.id))
    assert row is not None
    return row


def fail_long(made: Books, *, longest_ms: int) -> None:
    """Have statements that add up the ledger from further back than that take too long."""

    def before(_conn: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if gw_ledger.name in statement.lower() and any(
            BEGUN_MS <= one < NOW_MS - longest_ms for one in _moments(parameters)
        ):
            raise TooSlow("slow")

    made.database.on_statement(before)


def _moments(parameters: Any) -> list[int]:
    values = parameters.values() if isinstance(parameters, dict) else parameters
    return [one for one in values if isinstance(one, int) and one >= BEGUN_MS]


def fail_pieces(made: Books, refuse: Callable[[int], StorageError | None]) -> None:
    """Have statements that add up a piece of the ledger fail as `refuse` says of their length in milliseconds."""

    def before(_conn: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        text = statement.lower()
        if gw_ledger.name not in text or "sum(" not in text:
            return
        moments = _moments(parameters)
        if len(moments) == 2 and (error := refuse(max(moments) - min(moments))) is not None:
            raise error

    made.database.on_statement(before)


async def test_a_group_is_counted_in_pieces_that_the_database_reads_in_time(books: Books) -> None:
    _who, charged = crowd(books, Random(1))
    group = add(books, kind="group", subject="Vip", period="month", hard_units=10**6)
    longest: list[int] = []

    def refuse(length_ms: int) -> StorageError | None:
        longest.append(length_ms)
        return TooSlow("slow") if length_ms > 30 * HOUR_MS else None

    fail_pieces(books, refuse)
    async with process(books, "a", group) as a:
        for _ in range(20):
            await a.keeper.look()
            if row_of(books, group).counted_until == NOW_MS - LAG_MS:
                break
        assert row_of(books, group).counted_units == sum(charged.values())
        assert a.counts.at(group, NOW).spent == sum(charged.values())
        assert "budget.slow" in a.notes.names
    assert max(longest) > 30 * HOUR_MS, "pieces grow until they are too long"
    assert sum(length <= 30 * HOUR_MS for length in longest) > 10, "and then shrink"


async def test_whatever_fails_on_the_way_nothing_counts_twice_or_is_left_out(books: Books) -> None:
    """Several processes at once, beside charges, with pieces that fail: what is counted is always the ledger's."""
    rng = Random(5)
    who, charged = crowd(books, rng)
    some = [
        add(books, kind="group", subject="Vip", period="month", hard_units=10**6),
        add(books, kind="user", subject=str(who.user), period="month", hard_units=10**6),
        add(books, kind="group", subject="Vip", period="week", hard_units=10**6),
    ]

    is_bad = True

    def refuse(length_ms: int) -> StorageError | None:
        if length_ms > 50 * HOUR_MS or (is_bad and rng.random() < 0.2):
            return TooSlow("slow")
        return DatabaseUnavailable() if is_bad and rng.random() < 0.1 else None

    fail_pieces(books, refuse)
    async with process(books, "a", *some) as a, process(books, "b", *some) as b:

        async def look(one: CatchingUp) -> None:
            try:
                await one.go_on(NOW)
            except StorageError:
                return

        for number in range(200):
            is_bad = number < 30
            async with trio.open_nursery() as nursery:
                for one in (a, b):
                    nursery.start_soon(look, one.keeper._catching_up)
                # Charged now, and therefore not counted for good yet.
                nursery.start_soon(a.serve, who, str(number), 1)
            for budget in some:
                row = row_of(books, budget)
                start_ms = span_at(budget.period, NOW).start * 1000
                until_ms = row.counted_until if row.counted_from else start_ms
                assert row.counted_units == sum(u for at, u in charged.items() if start_ms <= at < until_ms)
            if all(row_of(books, budget).counted_until == NOW_MS - LAG_MS for budget in some):
                break
        else:
            pytest.fail("it never comes to an end")


async def test_what_takes_too_long_holds_up_no_other_budget(books: Books) -> None:
    who, _charged = crowd(books, Random(1), charges=5)
    other = books.accounts(10_000)
    group = add(books, kind="group", subject="Vip", period="month", hard_units=10**6)
    single = add(books, kind="token", subject=str(other.token), period="day", hard_units=100)
    fail_pieces(books, lambda length_ms: TooSlow("slow") if length_ms >= LEAST_PIECE_MS else None)
    async with process(books, "a", group, single) as a, process(books, "b", group, single) as b:
        await a.serve(other, "1", 60)
        await a.serve(who, "2", 30)
        await b.keeper.look()
        assert b.counts.at(single, NOW).spent == 60
        assert b.counts.at(group, NOW).spent == 30, "what is new counts already"
        await a.serve(other, "3", 40)
        await b.keeper.look()
        assert b.is_full(other)


async def test_a_look_does_not_wait_for_all_that_is_old(sqlite_books: Books) -> None:
    who, charged = crowd(sqlite_books, Random(2))
    group = add(sqlite_books, kind="group", subject="Vip", period="month", hard_units=10**6)
    async with process(sqlite_books, "a", group) as a:
        a.keeper._catching_up = CatchingUp(a.database, journal=a.notes, limit_s=0.0)
        await a.serve(who, "1", 11)
        await a.keeper.look()
        assert row_of(sqlite_books, group).counted_until == 0
        assert a.counts.at(group, NOW).spent == 11
        a.keeper._catching_up = CatchingUp(a.database, journal=a.notes, limit_s=60.0)
        await a.keeper.look()
        assert a.counts.at(group, NOW).spent == sum(charged.values()) + 11


async def test_how_a_budget_stands_is_told_though_its_past_cannot_be_read_in_time(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edits, "time", SimpleNamespace(time=lambda: NOW))
    who, charged = crowd(books, Random(4))
    add(books, kind="group", subject="Vip", period="month", hard_units=10**6)
    charge(books, who, NOW_MS - 1000, 30)
    services: Any = SimpleNamespace(database=books.database)
    (exact,) = await edits.standings(services, PROGRAM)
    assert exact.spent == sum(charged.values()) + 30
    fail_long(books, longest_ms=HOUR_MS)
    (rough,) = await edits.standings(services, PROGRAM)
    assert rough.spent == 30


async def test_a_user_whose_past_is_too_long_for_one_statement_is_read_in_pieces(sqlite_books: Books) -> None:
    who, charged = crowd(sqlite_books, Random(3))
    budget = add(sqlite_books, subject=str(who.user), period="month", hard_units=10**6)
    fail_pieces(sqlite_books, lambda length_ms: TooSlow("slow") if length_ms > 200 * HOUR_MS else None)
    async with process(sqlite_books, "a", budget) as a:
        for _ in range(10):
            await a.keeper.look()
        assert row_of(sqlite_books, budget).counted_until == NOW_MS - LAG_MS
        assert a.counts.at(budget, NOW).spent == sum(charged.values())
