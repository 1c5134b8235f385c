"""Budgets over real books: what is counted there, by whom, and who is told of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random

import pytest
import trio
from sqlalchemy import func, select, update

from gateway.budgets.catching_up import LAG_MS
from gateway.budgets.count import Counts
from gateway.budgets.index import BudgetIndex
from gateway.budgets.keeper import BudgetKeeper
from gateway.budgets.ledger import BudgetedLedger, BudgetSpent
from gateway.budgets.periods import PERIODS, span_at
from gateway.cluster.local import LocalBus
from gateway.cluster.subscriptions import Subscriptions
from gateway.ledger.writer import LedgerWriter
from gateway.registry.options import Options
from storage.database import Database
from storage.ledger_tables import gw_ledger
from storage.repositories import budgets
from storage.repositories.budgets import Budget
from storage.repositories.ledger import post
from storage.repositories.ledger_batch import apply
from storage.repositories.ledger_ops import Reap
from storage.repositories.users import set_unlimited
from storage.tables import users
from tests.ledger.conftest import Make, books, make_books, sqlite_books
from tests.ledger.support import NOW_MS, Accounts, Books, Notes

__all__ = ["Make", "books", "make_books", "sqlite_books"]

# Friday, 2027-01-15, 08:00.
NOW = NOW_MS // 1000
DAY_S = 86_400


@dataclass
class Registry:
    budgets: BudgetIndex = field(default_factory=BudgetIndex)
    options: Options = field(default_factory=lambda: Options.from_rows({}))

    @property
    def current(self) -> Registry:
        return self


@dataclass
class Process:
    """One replica: its ledger with budgets, and the keeper, which looks when it is told to."""

    database: Database
    name: str
    registry: Registry
    now: float = NOW

    def __post_init__(self) -> None:
        self.notes = Notes()
        self.counts = Counts()
        self.writer = LedgerWriter(
            self.database, replica_id=self.name, journal=self.notes, now_ms=lambda: int(self.now * 1000)
        )
        self.ledger = BudgetedLedger(
            self.writer,
            registry=self.registry,
            counts=self.counts,
            now=lambda: self.now,  # type: ignore[arg-type]
        )
        self.keeper = BudgetKeeper(
            self.database,
            registry=self.registry,  # type: ignore[arg-type]
            counts=self.counts,
            bus=LocalBus(Subscriptions(self.notes)),
            journal=self.notes,
            now=lambda: self.now,
        )

    def check(self, who: Accounts, group: str = "default") -> None:
        self.ledger.check(user_id=who.user, token_id=who.token, group=group)

    def is_full(self, who: Accounts, group: str = "default") -> bool:
        try:
            self.check(who, group)
        except BudgetSpent:
            return True
        return False

    async def serve(self, who: Accounts, name: str, units: int, *, reserved: int = 1) -> None:
        await self.reserve(who, name, reserved)
        await self.ledger.settle(who.settlement(name, units))

    async def reserve(self, who: Accounts, name: str, units: int, *, group: str = "default") -> None:
        await self.ledger.reserve(replace(who.reservation(name, units), group=group))

    def told(self) -> list[str]:
        return [name for name in self.notes.names if name.startswith("budget.")]


@asynccontextmanager
async def process(made: Books, name: str, *some: Budget) -> AsyncIterator[Process]:
    one = Process(made.database, name, Registry(BudgetIndex(some)))
    async with trio.open_nursery() as nursery:
        await nursery.start(one.writer.run)
        yield one
        with trio.fail_after(20):
            await one.writer.aclose()


def add(made: Books, **values: object) -> Budget:
    budget = Budget(**({"kind": "user", "period": "day"} | values))  # type: ignore[arg-type]
    return made.database.write_sync(lambda conn: budgets.add(conn, budget))


def spent(made: Books, budget: Budget, now: float = NOW) -> int:
    """What a person would find by adding up the ledger."""
    c = gw_ledger.c
    start = span_at(budget.period, now).start * 1000
    wanted = select(func.coalesce(func.sum(-c.user_units), 0)).where(
        c.kind.in_(("charge", "estimate", "late")), c.created_at >= start
    )
    return int(made.database.read_sync(lambda conn: conn.execute(wanted).scalar_one()))


async def test_processes_see_what_others_spent_and_hold(books: Books) -> None:
    who = books.accounts(10_000)
    budget = add(books, subject=str(who.user), hard_units=100)
    async with process(books, "a", budget) as a, process(books, "b", budget) as b:
        await a.serve(who, "1", 60)
        await b.keeper.look()
        assert not b.is_full(who)
        await a.reserve(who, "2", 50)
        await b.keeper.look()
        with pytest.raises(BudgetSpent) as refused:
            b.check(who)
        assert not refused.value.full.is_spent
        await a.ledger.settle(who.settlement("2", 10))
        await b.keeper.look()
        assert not b.is_full(who)
        await b.serve(who, "3", 30)
        await a.keeper.look()
        for one in (a, b):
            with pytest.raises(BudgetSpent) as refused:
                one.check(who)
            assert refused.value.full.is_spent
            assert refused.value.wait_s == 16 * 3600
        assert spent(books, budget) == 100
    assert books.differences() == []


async def test_users_tokens_and_groups_are_counted_apart(books: Books) -> None:
    one, other = books.accounts(10_000), books.accounts(10_000)
    books.database.write_sync(lambda conn: conn.execute(update(users).values(group="Vip")))
    kinds = [
        add(books, kind="user", subject=str(one.user), hard_units=1000),
        add(books, kind="token", subject=str(other.token), hard_units=1000),
        add(books, kind="group", subject="Vip", hard_units=1000),
        add(books, kind="group", subject="vip", hard_units=1000),
    ]
    async with process(books, "a", *kinds) as a:
        await a.serve(one, "1", 5)
        await a.serve(other, "2", 70)
        await a.keeper.look()
        found = [a.counts.at(budget, a.now).spent for budget in kinds]
    assert found == [5, 70, 75, 0]


async def test_what_the_reaper_and_late_settlements_book_counts(sqlite_books: Books) -> None:
    who = sqlite_books.accounts(10_000)
    budget = add(sqlite_books, subject=str(who.user), hard_units=100)
    async with process(sqlite_books, "a", budget) as a:
        await a.reserve(who, "1", 80)
        a.ledger.leave("1")
        await a.keeper.look()
        assert a.counts.at(budget, NOW).used == 80
        reap = Reap(request_id="1", replica_id="a", user_id=who.user, token_id=who.token)
        sqlite_books.database.write_sync(lambda conn: apply(conn, [reap], now_ms=NOW_MS))
        await a.keeper.look()
        assert (a.counts.at(budget, NOW).spent, a.counts.at(budget, NOW).used) == (80, 80)
        await a.ledger.settle(who.settlement("1", 30))
        await a.keeper.look()
        assert (a.counts.at(budget, NOW).spent, a.counts.at(budget, NOW).used) == (30, 30)
    assert sqlite_books.differences() == []


async def test_what_is_no_spending_does_not_count(sqlite_books: Books) -> None:
    who = sqlite_books.accounts(10_000)
    budget = add(sqlite_books, subject=str(who.user), hard_units=100)
    sqlite_books.database.write_sync(
        lambda conn: post(conn, kind="admin", at_ms=NOW_MS, user_id=who.user, user_units=-500)
    )
    async with process(sqlite_books, "a", budget) as a:
        await a.keeper.look()
        assert a.counts.at(budget, NOW).used == 0


async def test_a_new_period_begins_at_nothing_in_every_process(sqlite_books: Books) -> None:
    who = sqlite_books.accounts(10_000)
    budget = add(sqlite_books, subject=str(who.user), hard_units=100)
    async with process(sqlite_books, "a", budget) as a, process(sqlite_books, "b", budget) as b:
        await a.serve(who, "1", 100)
        await b.keeper.look()
        assert a.is_full(who)
        assert b.is_full(who)
        for one in (a, b):
            one.now += 16 * 3600
            assert not one.is_full(who)
            await one.keeper.look()
            assert not one.is_full(who)
        await a.serve(who, "2", 40)
        await b.keeper.look()
        assert b.counts.at(budget, b.now).spent == 40


async def test_a_limit_is_told_once_a_period_by_one_process(books: Books) -> None:
    who = books.accounts(10_000)
    budget = add(books, subject=str(who.user), soft_units=50, hard_units=100)
    async with process(books, "a", budget) as a, process(books, "b", budget) as b:
        await a.serve(who, "1", 49)
        await a.keeper.look()
        assert a.told() == []
        await a.serve(who, "2", 1)
        for _ in range(2):
            await b.keeper.look()
            await a.keeper.look()
        assert (a.told(), b.told()) == ([], ["budget.soft"])
        await a.serve(who, "3", 50)
        for _ in range(2):
            await a.keeper.look()
            await b.keeper.look()
        assert (a.told(), b.told()) == (["budget.hard"], ["budget.soft"])
        name = books.user(who.user).username
        assert a.notes.events[-1][1]["message"] == (
            f"the daily budget of the user {name} has passed its hard limit of $0.000200: "
            "requests are refused until it renews"
        )
        a.now += DAY_S
        await a.serve(who, "4", 60)
        await a.keeper.look()
        assert a.told() == ["budget.hard", "budget.soft"]


async def test_a_process_that_starts_knows_what_was_spent(sqlite_books: Books) -> None:
    who = sqlite_books.accounts(10_000)
    budget = add(sqlite_books, subject=str(who.user), period="month", hard_units=100)
    async with process(sqlite_books, "a", budget) as a:
        a.now = NOW - 9 * DAY_S
        await a.serve(who, "1", 100)
    async with process(sqlite_books, "b", budget) as b, trio.open_nursery() as nursery:
        await nursery.start(b.keeper.run)
        assert b.is_full(who)
        nursery.cancel_scope.cancel()
    # Counted for good, so that the next one reads minutes and no month.
    row = sqlite_books.database.read_sync(lambda conn: budgets.by_id(conn, budget.id))
    assert row is not None
    assert (row.counted_units, row.counted_until) == (100, NOW_MS - LAG_MS)


async def test_a_change_elsewhere_is_looked_at_at_once(sqlite_books: Books) -> None:
    who = sqlite_books.accounts(10_000)
    async with process(sqlite_books, "a") as a:
        await a.serve(who, "1", 100)
        bus = LocalBus(Subscriptions(a.notes))
        keeper = BudgetKeeper(
            a.database, registry=a.registry, counts=a.counts, bus=bus, journal=a.notes, every_s=3600,  # type: ignore[arg-type]
            now=lambda: a.now,
        )  # fmt: skip
        async with trio.open_nursery() as nursery:
            await nursery.start(keeper.run)
            budget = add(sqlite_books, subject=str(who.user), hard_units=100)
            a.registry.budgets = BudgetIndex([budget])
            bus.publish("budget", "")
            with trio.fail_after(5):
                while not a.is_full(who):
                    await trio.sleep(0.01)
            nursery.cancel_scope.cancel()


def test_the_count_is_the_ledgers_however_it_is_cut(books: Books) -> None:
    """Random charges over two months, counted for good at random moments, by several that race."""
    who = books.accounts(10**9)
    rng = Random(7)
    some = [add(books, subject=str(who.user), period=period, hard_units=1) for period in PERIODS]
    now_ms = NOW_MS - 45 * DAY_S * 1000
    while now_ms < NOW_MS:
        now_ms += rng.choice([1000, 60_000, 3_600_000, 20 * 3_600_000])
        units = rng.randint(-5, 100)
        books.database.write_sync(
            lambda conn, at=now_ms, units=units: post(
                conn, kind="charge", at_ms=at, user_id=who.user, user_units=-units, token_id=who.token
            )
        )
        starts = {one.id: span_at(one.period, now_ms / 1000).start for one in some}
        rows = books.database.read_sync(budgets.everything)
        if rng.random() < 0.4:
            until_ms = now_ms - LAG_MS
            known = books.database.read_sync(
                lambda conn, rows=rows, at=now_ms, starts=starts, until=until_ms: budgets.spent(
                    conn, rows, starts, now_ms=at, until_ms=until
                )
            )
            for _ in range(2):
                books.database.write_sync(
                    lambda conn, rows=rows, starts=starts, known=known, until=until_ms: budgets.count_for_good(
                        conn, rows, starts, known, until_ms=until
                    )
                )
            rows = books.database.read_sync(budgets.everything)
        found = books.database.read_sync(
            lambda conn, rows=rows, at=now_ms, starts=starts: budgets.spent(conn, rows, starts, now_ms=at)
        )
        assert found == {one.id: spent(books, one, now_ms / 1000) for one in some}


async def test_what_somebody_wrote_into_the_table_by_hand_harms_nothing(sqlite_books: Books) -> None:
    who = sqlite_books.accounts(10_000)
    good = add(sqlite_books, subject=str(who.user), hard_units=100)
    odd = [add(sqlite_books, subject=subject, hard_units=1, soft_units=1) for subject in ("abc", "9" * 40, "")]
    odd += [add(sqlite_books, kind="channel", subject="1", hard_units=1)]
    odd += [add(sqlite_books, kind="token", subject="x", period="year", hard_units=1)]
    async with process(sqlite_books, "a", good, *odd) as a:
        await a.serve(who, "1", 100)
        await a.keeper.look()
        assert a.is_full(who)
        assert a.told() == ["budget.hard"]


async def test_an_account_without_a_balance_has_budgets_all_the_same(books: Books) -> None:
    who = books.accounts(0)
    books.database.write_sync(lambda conn: set_unlimited(conn, who.user, True, now_ms=NOW_MS))
    budget = add(books, subject=str(who.user), hard_units=100)
    async with process(books, "a", budget) as a, process(books, "b", budget) as b:
        await a.reserve(who, "1", 100)
        await b.keeper.look()
        with pytest.raises(BudgetSpent) as refused:
            b.check(who)
        assert not refused.value.full.is_spent
        await a.ledger.settle(who.settlement("1", 120))
        for one in (a, b):
            await one.keeper.look()
            assert one.counts.at(budget, NOW).used == 120
            assert one.is_full(who)
    assert books.differences() == []
