"""What was spent of each budget and what is held of it, in memory, so that asking costs a request nothing.

What the books had when they were last looked at is the base. On top of it stands what this process has done since:

    spent     stored (the books) + fresh (settled here since the look)
    reserved  elsewhere (reservations of other processes) + held (requests that run here)

A look takes a while, in which requests end. Whatever ended before it began is in what it finds, and is dropped from
`fresh` when it is over; what ended meanwhile may count twice until the next look, never less than once. Nothing here
waits or reads a clock: `now` comes in, Unix seconds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.budgets.periods import span_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.budgets.index import BudgetIndex
    from storage.repositories.budgets import Budget, Held


@dataclass(frozen=True, slots=True)
class Full:
    """A budget that lets no request in."""

    budget: Budget
    is_spent: bool
    """Otherwise what is left is held by requests that run now."""
    renews_at: int
    """Unix seconds."""


@dataclass(slots=True, eq=False)
class Count:
    """One period of one budget, in quota units."""

    start: int
    end: int
    stored: int = 0
    fresh: int = 0
    elsewhere: int = 0
    held: int = 0

    @property
    def spent(self) -> int:
        """What was charged."""
        return self.stored + self.fresh

    @property
    def used(self) -> int:
        """What was charged and what running requests have reserved."""
        return self.stored + self.fresh + self.elsewhere + self.held


@dataclass(slots=True, eq=False)
class _Entry:
    """A request of this process, until a look has found it in the books."""

    budgets: tuple[Budget, ...]
    counts: list[Count]
    units: int
    is_over: bool = False
    is_settled: bool = False


@dataclass(slots=True)
class Counts:
    """The counts of all budgets in this process."""

    _counts: dict[int, Count] = field(default_factory=dict)
    _entries: dict[str, _Entry] = field(default_factory=dict)
    _over: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        """Return how many requests are remembered."""
        return len(self._entries)

    def full(self, budgets: Iterable[Budget], now: float, *, running_units: int | None = None) -> Full | None:
        """Return the budget that forbids another request, the one that does so for longest; `None`: there is none.

        `running_units`: for a request that goes on, which has used up that much; what is held is not looked at then.
        """
        found: Full | None = None
        for budget in budgets:
            if not budget.hard_units:
                continue
            count = self.at(budget, now)
            spent = count.spent + (running_units or 0)
            if (count.used if running_units is None else spent) < budget.hard_units:
                continue
            one = Full(budget, spent >= budget.hard_units, count.end)
            if found is None or (one.is_spent, one.renews_at) > (found.is_spent, found.renews_at):
                found = one
        return found

    def at(self, budget: Budget, now: float) -> Count:
        """Return the count of the period that `now` lies in."""
        count = self._counts.get(budget.id)
        if count is None or now >= count.end:
            count = self._begin(budget, now, before=count)
        return count

    # --- what requests do

    def hold(self, request_id: str, budgets: tuple[Budget, ...], units: int, now: float) -> None:
        """Count what a request is about to reserve."""
        entry = _Entry(budgets, [self.at(budget, now) for budget in budgets], units)
        for count in entry.counts:
            count.held += units
        self._entries[request_id] = entry

    def grow(self, request_id: str, units: int) -> None:
        """Count what a running request reserves on top; less than 0 where that was refused."""
        entry = self._entries.get(request_id)
        if entry is None or entry.is_over:
            return
        entry.units += units
        for count in entry.counts:
            count.held += units

    def drop(self, request_id: str) -> None:
        """Forget a request whose reservation failed."""
        entry = self._entries.pop(request_id, None)
        if entry is not None:
            _uncount(entry)

    def leave(self, request_id: str) -> None:
        """Leave a request to the books: its reservation outlives it."""
        entry = self._entries.get(request_id)
        if entry is not None and not entry.is_over:
            entry.is_over = True
            self._over.append(request_id)

    def settle(self, request_id: str, units: int, now: float) -> None:
        """Count what a request was charged in place of what it held. What is not known here is found by a look."""
        entry = self._entries.get(request_id)
        if entry is None or entry.is_over:
            return
        for budget in entry.budgets:
            # In the period in which it is charged, as in the books.
            self.at(budget, now)
        _uncount(entry)
        entry.units = units
        entry.is_over = entry.is_settled = True
        for count in entry.counts:
            count.fresh += units
        self._over.append(request_id)

    # --- looks at the books

    def begin_look(self) -> list[str]:
        """Return the requests that the books tell of from now on, for `end_look` or `fail_look`."""
        ended, self._over = self._over, []
        return ended

    def fail_look(self, ended: list[str]) -> None:
        """The books could not be read: all stays as it was."""
        self._over = ended + self._over

    def end_look(
        self,
        ended: list[str],
        *,
        index: BudgetIndex,
        budgets: Iterable[Budget],
        starts: Mapping[int, int],
        spent: Mapping[int, int],
        held: Iterable[Held],
        now: float,
        partly: frozenset[int] = frozenset(),
    ) -> None:
        """Take over what a look found: `spent` since `starts` by budget, and all reservations.

        Of the budgets `partly` more may be spent than was found.
        """
        for request_id in ended:
            self.drop(request_id)
        known: dict[int, Count] = {}
        for budget in budgets:
            count = known[budget.id] = self.at(budget, now)
            if count.start == starts[budget.id]:
                found = spent[budget.id]
                count.stored = max(found, count.stored) if budget.id in partly else found
        # A budget that was made during the look has requests already, which go on counting in what they began with.
        in_use = {budget.id for entry in self._entries.values() for budget in entry.budgets}
        self._counts = {number: one for number, one in self._counts.items() if number in in_use} | known
        elsewhere: defaultdict[int, int] = defaultdict(int)
        for one in held:
            entry = self._entries.get(one.request_id)
            ours = {budget.id for budget in entry.budgets} if entry is not None else ()
            for budget in index.of(one.user_id, one.token_id, one.group):
                if budget.id not in ours:
                    elsewhere[budget.id] += one.units
        for number, count in known.items():
            count.elsewhere = elsewhere[number]

    def _begin(self, budget: Budget, now: float, *, before: Count | None) -> Count:
        """Begin a period. What still runs will be charged in it."""
        span = span_at(budget.period, now)
        count = self._counts[budget.id] = Count(span.start, span.end)
        if before is None:
            return count
        count.elsewhere = before.elsewhere
        for entry in self._entries.values():
            if not entry.is_settled and before in entry.counts:
                entry.counts[entry.counts.index(before)] = count
                before.held -= entry.units
                count.held += entry.units
        return count


def _uncount(entry: _Entry) -> None:
    for count in entry.counts:
        if entry.is_settled:
            count.fresh -= entry.units
        else:
            count.held -= entry.units
