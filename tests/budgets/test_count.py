"""What is counted of budgets in memory, beside books that others write in, too."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import trio
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from trio.testing import MockClock

from gateway.budgets.count import Counts
from gateway.budgets.index import BudgetIndex
from gateway.budgets.ledger import BudgetedLedger, BudgetSpent
from gateway.budgets.periods import span_at
from gateway.ledger.types import Reservation, Settlement, UserExhausted
from storage.records import LogRow
from storage.repositories.budgets import Budget, Held

DAY_S = 86_400
START = 20_000 * DAY_S
USER, TOKEN, GROUP = 3, 7, "default"
BUDGETS = (
    Budget(id=1, kind="user", subject="3", period="day", hard_units=100),
    Budget(id=2, kind="token", subject="7", period="month", hard_units=1000),
    Budget(id=3, kind="group", subject="default", period="week", hard_units=500),
)
INDEX = BudgetIndex(BUDGETS)


@dataclass
class Ours:
    """A running request of this process. `left`: only its reservation is there any more."""

    units: int
    left: bool = False


class Counting(RuleBasedStateMachine):
    """The count beside exact books. Looks take two steps, between which anything happens."""

    def __init__(self) -> None:
        super().__init__()
        self.counts = Counts()
        self.now = float(START)
        self.ours: dict[str, Ours] = {}
        self.others: dict[str, int] = {}
        self.charged: list[tuple[float, int]] = []
        """All that was settled by anybody: when, and how much."""
        self.look: list[str] | None = None
        self.looked_at = 0.0
        self.held: list[Held] = []
        self.found: dict[int, int] = {}
        self.starts: dict[int, int] = {}
        self.has_read = False
        self.number = 0
        self.sure: dict[int, set[int]] = {one.id: set() for one in BUDGETS}
        """Which of `charged` the count must have by now: own ones at once, others' after a look."""
        self.seen: set[int] = set()

    def spent(self, budget: Budget, at: float) -> int:
        start = span_at(budget.period, at).start
        return sum(units for when, units in self.charged if when >= start)

    @rule(units=st.integers(1, 40))
    def reserve(self, units: int) -> None:
        self.number += 1
        self.counts.hold(f"o{self.number}", BUDGETS, units, self.now)
        self.ours[f"o{self.number}"] = Ours(units)

    @rule(units=st.integers(1, 40))
    def reserve_and_fail(self, units: int) -> None:
        self.counts.hold("failed", BUDGETS, units, self.now)
        self.counts.drop("failed")

    @rule(data=st.data(), units=st.integers(0, 20))
    def amend(self, data: st.DataObject, units: int) -> None:
        running = [name for name, one in self.ours.items() if not one.left]
        if running:
            name = data.draw(st.sampled_from(running))
            self.ours[name].units += units
            self.counts.grow(name, units)

    @rule(data=st.data(), units=st.integers(0, 60))
    def settle(self, data: st.DataObject, units: int) -> None:
        if self.ours:
            name = data.draw(st.sampled_from(sorted(self.ours)))
            self.charged.append((self.now, units))
            was_left = self.ours[name].left
            del self.ours[name]
            if not was_left:
                self.counts.settle(name, units, self.now)
                for known in self.sure.values():
                    known.add(len(self.charged) - 1)

    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        running = [name for name, one in self.ours.items() if not one.left]
        if running:
            name = data.draw(st.sampled_from(running))
            self.ours[name].left = True
            self.counts.leave(name)

    @rule(units=st.integers(1, 40))
    def another_process_reserves(self, units: int) -> None:
        self.number += 1
        self.others[f"x{self.number}"] = units

    @rule(data=st.data(), units=st.integers(0, 60))
    def another_process_settles(self, data: st.DataObject, units: int) -> None:
        if self.others:
            del self.others[data.draw(st.sampled_from(sorted(self.others)))]
            self.charged.append((self.now, units))

    @rule(seconds=st.sampled_from([1, 3600, DAY_S, 8 * DAY_S]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @precondition(lambda self: self.look is None)
    @rule()
    def a_look_begins(self) -> None:
        self.look = self.counts.begin_look()
        self.looked_at = self.now
        self.starts = {one.id: span_at(one.period, self.now).start for one in BUDGETS}
        self.has_read = False

    @precondition(lambda self: self.look is not None and not self.has_read)
    @rule()
    def it_reads(self) -> None:
        rows = {name: one.units for name, one in self.ours.items()} | self.others
        self.held = [Held(name, USER, TOKEN, GROUP, units) for name, units in rows.items()]
        self.found = {one.id: self.spent(one, self.looked_at) for one in BUDGETS}
        self.seen = set(range(len(self.charged)))
        self.has_read = True

    @precondition(lambda self: self.look is not None and self.has_read)
    @rule(fails=st.sampled_from([False, False, True]))
    def it_ends(self, fails: bool) -> None:
        assert self.look is not None
        if fails:
            self.counts.fail_look(self.look)
        else:
            self.counts.end_look(
                self.look,
                index=INDEX,
                budgets=BUDGETS,
                starts=self.starts,
                spent=self.found,
                held=self.held,
                now=self.now,
            )
            for budget in BUDGETS:
                if span_at(budget.period, self.now).start == self.starts[budget.id]:
                    self.sure[budget.id] |= self.seen
        self.look = None

    @invariant()
    def nothing_that_is_known_is_ever_left_out(self) -> None:
        running = sum(one.units for one in self.ours.values() if not one.left)
        for budget in BUDGETS:
            count = self.counts.at(budget, self.now)
            known = [self.charged[number] for number in self.sure[budget.id]]
            assert count.held >= running
            assert count.spent >= sum(units for when, units in known if when >= count.start)

    def teardown(self) -> None:
        """Once nothing happens any more, two looks later, the count is the books'."""
        for _ in range(2):
            if self.look is None:
                self.a_look_begins()
            if not self.has_read:
                self.it_reads()
            self.it_ends(fails=False)
        for budget in BUDGETS:
            count = self.counts.at(budget, self.now)
            assert count.spent == self.spent(budget, self.now)
            assert count.held == sum(one.units for one in self.ours.values() if not one.left)
            left = sum(one.units for one in self.ours.values() if one.left)
            assert count.elsewhere == left + sum(self.others.values())
        assert len(self.counts) == sum(not one.left for one in self.ours.values())


TestCounting = Counting.TestCase
TestCounting.settings = hypothesis_settings(max_examples=60, stateful_step_count=40, deadline=None)


@dataclass
class Registry:
    budgets: BudgetIndex

    @property
    def current(self) -> Registry:
        return self


@dataclass
class Books:
    """A ledger that takes a second for everything."""

    short: bool = False
    asked: list[str] = field(default_factory=list)

    async def reserve(self, reservation: Reservation) -> None:
        self.asked.append(reservation.request_id)
        await trio.sleep(1)
        if self.short:
            raise UserExhausted(needed_units=1)

    async def amend(self, request_id: str, *, channel_id: int, add_units: int) -> None:
        await trio.sleep(1)
        if self.short:
            raise UserExhausted(needed_units=1)

    async def settle(self, settlement: Settlement) -> None:
        await trio.sleep(1)

    def leave(self, request_id: str) -> None:
        """Nothing is kept."""


def reservation(request_id: str, units: int = 10) -> Reservation:
    return Reservation(
        request_id=request_id, user_id=USER, token_id=TOKEN, token_limited=False, channel_id=1, model="m",
        units=units, log_seed=LogRow(user_id=USER), group=GROUP,
    )  # fmt: skip


def settlement(request_id: str, units: int) -> Settlement:
    return Settlement(
        request_id=request_id, user_id=USER, token_id=TOKEN, token_limited=False, channel_id=1, units=units,
        counted=True, log=None, trace=None,
    )  # fmt: skip


def ledger(*budgets: Budget, books: Books | None = None, short_of_midnight_s: int = 60) -> BudgetedLedger:
    begin = START + DAY_S - short_of_midnight_s
    registry = Registry(BudgetIndex(budgets))
    return BudgetedLedger(
        books or Books(),
        registry=registry,
        counts=Counts(),
        now=lambda: begin + trio.current_time(),  # type: ignore[arg-type]
    )


def check(kept: BudgetedLedger) -> None:
    kept.check(user_id=USER, token_id=TOKEN, group=GROUP)


async def test_a_spent_budget_refuses_until_its_day_is_over(autojump_clock: MockClock) -> None:
    kept = ledger(BUDGETS[0])
    await kept.reserve(reservation("a"))
    check(kept)
    await kept.settle(settlement("a", 100))
    with pytest.raises(BudgetSpent) as refused:
        check(kept)
    assert refused.value.full.is_spent
    assert refused.value.full.renews_at == START + DAY_S
    with pytest.raises(BudgetSpent):
        await kept.reserve(reservation("b"))
    await trio.sleep(57.9)  # to the last tenth of a second of the day
    with pytest.raises(BudgetSpent):
        check(kept)
    await trio.sleep(0.2)
    check(kept)
    await kept.reserve(reservation("c"))


async def test_what_runs_over_midnight_counts_in_the_day_in_which_it_is_charged(autojump_clock: MockClock) -> None:
    kept = ledger(BUDGETS[0])
    await kept.reserve(reservation("a", 50))
    await trio.sleep(120)
    check(kept)
    await kept.settle(settlement("a", 100))
    with pytest.raises(BudgetSpent) as refused:
        check(kept)
    assert refused.value.full.renews_at == START + 2 * DAY_S


async def test_a_week_and_a_month_do_not_end_with_the_day(autojump_clock: MockClock) -> None:
    kept = ledger(*BUDGETS)
    await kept.reserve(reservation("a"))
    await kept.settle(settlement("a", 500))
    await trio.sleep(120)
    with pytest.raises(BudgetSpent) as refused:
        check(kept)
    assert refused.value.full.budget.period == "week"


async def test_a_hundred_requests_at_once_hold_the_budget_together(autojump_clock: MockClock) -> None:
    books = Books()
    kept = ledger(BUDGETS[0], books=books)
    refusals: list[BudgetSpent] = []

    async def ask(number: int) -> None:
        try:
            await kept.reserve(reservation(f"r{number}", 30))
        except BudgetSpent as error:
            refusals.append(error)

    async with trio.open_nursery() as nursery:
        for number in range(100):
            nursery.start_soon(ask, number)
    # The fourth reaches the limit of 100.
    assert len(books.asked) == 4
    assert len(refusals) == 96
    assert not any(one.full.is_spent for one in refusals)
    await kept.settle(settlement(books.asked[0], 5))
    check(kept)


async def test_what_could_not_be_reserved_is_not_held(autojump_clock: MockClock) -> None:
    kept = ledger(BUDGETS[0], books=Books(short=True))
    with pytest.raises(UserExhausted):
        await kept.reserve(reservation("a", 100))
    check(kept)
    with trio.move_on_after(0.5):
        await kept.reserve(reservation("b", 100))
    check(kept)


async def test_a_settlement_that_nobody_waits_for_counts(autojump_clock: MockClock) -> None:
    kept = ledger(BUDGETS[0])
    await kept.reserve(reservation("a", 10))
    with trio.move_on_after(0.5):
        await kept.settle(settlement("a", 100))
    with pytest.raises(BudgetSpent):
        check(kept)


async def test_what_a_running_stream_takes_on_top_is_held(autojump_clock: MockClock) -> None:
    kept = ledger(BUDGETS[0])
    await kept.reserve(reservation("a", 10))
    await kept.amend("a", channel_id=1, add_units=90)
    with pytest.raises(BudgetSpent) as refused:
        check(kept)
    assert not refused.value.full.is_spent


async def test_what_began_free_is_held_from_the_moment_it_costs_something(autojump_clock: MockClock) -> None:
    kept = ledger(BUDGETS[0])
    await kept.reserve(reservation("a", 0))
    check(kept)
    async with trio.open_nursery() as nursery:
        # Another channel takes over, and somebody asks while the books are still asked.
        nursery.start_soon(lambda: kept.amend("a", channel_id=2, add_units=100))
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(BudgetSpent) as refused:
            check(kept)
        assert not refused.value.full.is_spent
    await kept.settle(settlement("a", 40))
    assert kept._counts.at(BUDGETS[0], START).used == 40


async def test_what_could_not_be_taken_on_top_is_not_held(autojump_clock: MockClock) -> None:
    books = Books()
    kept = ledger(BUDGETS[0], books=books)
    await kept.reserve(reservation("a", 10))
    books.short = True
    with pytest.raises(UserExhausted):
        await kept.amend("a", channel_id=1, add_units=90)
    check(kept)
    assert kept._counts.at(BUDGETS[0], START).used == 10


async def test_what_goes_on_is_asked_about_what_it_used_and_not_about_what_is_held(autojump_clock: MockClock) -> None:
    kept = ledger(BUDGETS[0])
    await kept.reserve(reservation("a", 100))
    for used in (0, 99):
        kept.check(user_id=USER, token_id=TOKEN, group=GROUP, running_units=used)
    with pytest.raises(BudgetSpent) as refused:
        kept.check(user_id=USER, token_id=TOKEN, group=GROUP, running_units=100)
    assert refused.value.full.is_spent


async def test_without_a_hard_limit_nothing_is_refused_and_others_are_not_concerned(
    autojump_clock: MockClock,
) -> None:
    soft = Budget(id=4, kind="user", subject="3", period="day", soft_units=1)
    kept = ledger(soft, Budget(id=5, kind="user", subject="4", period="day", hard_units=1))
    await kept.reserve(reservation("a"))
    await kept.settle(settlement("a", 1000))
    check(kept)


async def test_where_nobody_has_a_budget_nothing_is_remembered(autojump_clock: MockClock) -> None:
    books, counts = Books(), Counts()
    kept = BudgetedLedger(books, registry=Registry(BudgetIndex()), counts=counts)  # type: ignore[arg-type]
    await kept.reserve(reservation("a"))
    await kept.settle(settlement("a", 10))
    assert len(counts) == 0


def test_a_budget_that_is_made_during_a_look_keeps_what_runs_of_it() -> None:
    counts, late = Counts(), Budget(id=9, kind="user", subject="3", period="day", hard_units=100)
    index = BudgetIndex((*BUDGETS, late))
    starts = {one.id: span_at(one.period, START).start for one in (*BUDGETS, late)}

    def look(ended: list[str], *budgets: Budget, held: tuple[Held, ...] = ()) -> None:
        spent = dict.fromkeys(starts, 0)
        counts.end_look(ended, index=index, budgets=budgets, starts=starts, spent=spent, held=held, now=START)

    ended = counts.begin_look()
    # The books have been read; the budget is made, and a long answer begins.
    counts.hold("a", (late,), 60, START)
    look(ended, *BUDGETS)
    assert counts.at(late, START).used == 60
    look(counts.begin_look(), *BUDGETS, late, held=(Held("a", USER, TOKEN, GROUP, 60),))
    assert counts.at(late, START).used == 60
    counts.settle("a", 70, START)
    assert counts.at(late, START).used == 70


def test_a_budget_that_is_removed_is_forgotten_with_what_ran_of_it() -> None:
    counts, starts = Counts(), {one.id: span_at(one.period, START).start for one in BUDGETS}
    counts.hold("a", BUDGETS, 60, START)
    counts.settle("a", 60, START)
    for _ in range(2):
        counts.end_look(
            counts.begin_look(), index=BudgetIndex(), budgets=(), starts=starts, spent={}, held=(), now=START
        )
    assert not counts._counts
