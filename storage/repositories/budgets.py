"""Budgets, and what was spent of them: a view of the ledger, which charging knows nothing of.

Of each budget a row keeps what the ledger's older rows add up to; what is newer is added up anew each time. So the
count is the ledger's to the unit, whoever settled: a relay, the reaper, or a person with a parked settlement.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import and_, case, delete, func, insert, or_, select, update

from storage.budget_tables import gw_budgets
from storage.ledger_tables import gw_ledger, gw_reservations
from storage.repositories.ledger import CHARGE, ESTIMATE, LATE
from storage.repositories.rows import many, query
from storage.tables import users

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection

USER: Final = "user"
TOKEN: Final = "token"  # noqa: S105 - a kind of budget
GROUP: Final = "group"
_SPENDING: Final = (CHARGE, ESTIMATE, LATE)
# From further back than this the ledger is read by account, of which it has an index; else by time.
_NEAR_MS: Final = 3_600_000
_MOST_NAMED: Final = 500
_LONGEST_NUMBER: Final = 18

Scope = tuple[str, str]
"""Kind and subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A limit on what a user, a token or a group may spend in a period; units are quota units, 0 sets no limit.

    `subject` is a number or a group's name. `imposed`: by an administrator, so a token's owner may not change it.
    """

    id: int = 0
    kind: str
    subject: str
    period: str
    soft_units: int = 0
    hard_units: int = 0
    imposed: bool = True
    counted_from: int = 0
    counted_until: int = 0
    counted_units: int = 0
    soft_told: int = 0
    """The beginning of the period in which people were last told, Unix seconds."""
    hard_told: int = 0
    created_at: int = 0
    """Unix milliseconds."""

    @property
    def scope(self) -> Scope:
        """Whose it is."""
        return self.kind, self.subject

    @property
    def number(self) -> int:
        """That of the user or token; 0, which nothing has, for what somebody wrote into the table by hand."""
        text = self.subject
        return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else 0


class Held(NamedTuple):
    """What a running request has reserved."""

    request_id: str
    user_id: int
    token_id: int
    group: str
    units: int


# --- the budgets -----------------------------------------------------------------------------------------


def everything(conn: Connection) -> list[Budget]:
    """Return all budgets, oldest first."""
    return many(conn, Budget, query(gw_budgets, Budget).order_by(gw_budgets.c.id))


def of_scopes(conn: Connection, scopes: Sequence[Scope]) -> list[Budget]:
    """Return the budgets of some users, tokens and groups, oldest first."""
    found: list[Budget] = []
    for start in range(0, len(scopes), _MOST_NAMED):
        subjects: defaultdict[str, list[str]] = defaultdict(list)
        for kind, subject in scopes[start : start + _MOST_NAMED]:
            subjects[kind].append(subject)
        c = gw_budgets.c
        wanted = or_(*(and_(c.kind == kind, c.subject.in_(names)) for kind, names in subjects.items()))
        found += many(conn, Budget, query(gw_budgets, Budget).where(wanted))
    return sorted(found, key=lambda one: one.id)


def by_id(conn: Connection, budget_id: int, *, lock: bool = False) -> Budget | None:
    """Return one budget; with `lock` its row is held until the transaction ends."""
    wanted = query(gw_budgets, Budget).where(gw_budgets.c.id == budget_id)
    found = many(conn, Budget, wanted.with_for_update() if lock else wanted)
    return found[0] if found else None


def add(conn: Connection, budget: Budget) -> Budget:
    """Store a new budget. Raises `Conflict` where there is one of that period already."""
    values = asdict(budget)
    del values["id"]
    key = conn.execute(insert(gw_budgets).values(values)).inserted_primary_key
    return replace(budget, id=int(key[0]) if key else 0)


def change(conn: Connection, budget: Budget) -> None:
    """Store other limits of a budget. What people were told is told again if its limit moved."""
    values = {name: getattr(budget, name) for name in ("soft_units", "hard_units", "soft_told", "hard_told")}
    conn.execute(update(gw_budgets).where(gw_budgets.c.id == budget.id).values(values))


def remove(conn: Connection, budget_id: int) -> None:
    """Delete a budget."""
    conn.execute(delete(gw_budgets).where(gw_budgets.c.id == budget_id))


def forget(conn: Connection, kind: str, subject: str) -> None:
    """Delete the budgets of somebody or something that is deleted."""
    conn.execute(delete(gw_budgets).where(gw_budgets.c.kind == kind, gw_budgets.c.subject == subject))


def tell(conn: Connection, budget_id: int, *, hard: bool, period_start: int) -> bool:
    """Note that people are told of a limit passed in a period; `False` when somebody told them already."""
    column = gw_budgets.c.hard_told if hard else gw_budgets.c.soft_told
    noted = (
        update(gw_budgets)
        .where(gw_budgets.c.id == budget_id, column < period_start)
        .values({column.name: period_start})
    )
    return bool(conn.execute(noted).rowcount)


# --- what was spent --------------------------------------------------------------------------------------


def spent(
    conn: Connection,
    budgets: Sequence[Budget],
    starts: Mapping[int, int],
    *,
    now_ms: int | None,
    until_ms: int | None = None,
) -> dict[int, int]:
    """Return what each budget has spent since its period began, by id; `starts`: the beginnings in Unix seconds.

    With `until_ms` only what was settled before that moment. Without `now_ms` everything is read by time.
    """
    found: dict[int, int] = {}
    begun: defaultdict[int, list[Budget]] = defaultdict(list)
    for one in budgets:
        found[one.id] = _counted_units(one, starts)
        begun[counted_until(one, starts)].append(one)
    for since_ms, some in begun.items():
        if now_ms is None or now_ms - since_ms < _NEAR_MS:
            sums = _summed(conn, since_ms, until_ms)
            for one in some:
                found[one.id] += sums.get(one.scope, 0)
        else:
            for one in some:
                found[one.id] += _summed(conn, since_ms, until_ms, only=one).get(one.scope, 0)
    return found


def spent_at_least(
    conn: Connection, budgets: Sequence[Budget], starts: Mapping[int, int], *, recent_ms: int
) -> dict[int, int]:
    """Return what is counted of each budget and what was settled since `recent_ms`: quick, however far behind it is.

    What lies between the two is left out.
    """
    sums = _summed(conn, recent_ms, None) if budgets else {}
    return {one.id: _counted_units(one, starts) + sums.get(one.scope, 0) for one in budgets}


def count_for_good(
    conn: Connection, budgets: Sequence[Budget], starts: Mapping[int, int], found: Mapping[int, int], *, until_ms: int
) -> list[Budget]:
    """Keep what `spent` found until a moment that no running transaction reaches back to, so nobody reads it again.

    Return those that it was kept for, as they are now: not those that somebody else counted meanwhile.
    """
    c = gw_budgets.c
    counted: list[Budget] = []
    for one in budgets:
        if starts[one.id] * 1000 < until_ms and counted_until(one, starts) < until_ms:
            now = replace(one, counted_from=starts[one.id], counted_until=until_ms, counted_units=found[one.id])
            done = conn.execute(
                update(gw_budgets)
                .where(c.id == one.id, c.counted_from == one.counted_from, c.counted_until == one.counted_until)
                .values(
                    counted_from=now.counted_from, counted_until=now.counted_until, counted_units=now.counted_units
                )
            )
            if done.rowcount:
                counted.append(now)
    return counted


def counted_until(budget: Budget, starts: Mapping[int, int]) -> int:
    """Return until when the period that began at `starts` is counted for good, Unix milliseconds."""
    start = starts[budget.id]
    return budget.counted_until if budget.counted_from == start else start * 1000


def is_far(budget: Budget, starts: Mapping[int, int], now_ms: int) -> bool:
    """Whether more of the ledger is not counted than is quickly read by time."""
    return now_ms - counted_until(budget, starts) >= _NEAR_MS


def held(conn: Connection) -> list[Held]:
    """Return what running requests have reserved, those of all processes."""
    c = gw_reservations.c
    rows = conn.execute(
        select(c.request_id, c.user_id, c.token_id, func.coalesce(users.c.group, ""), c.user_units + c.free_units)
        .select_from(gw_reservations.outerjoin(users, users.c.id == c.user_id))
        .where(c.user_units + c.free_units > 0)
    )
    return [Held(*row) for row in rows]


def scopes_of(user_id: int, token_id: int, group: str) -> tuple[Scope, Scope, Scope]:
    """Return whose budgets concern a request."""
    return (USER, str(user_id)), (TOKEN, str(token_id)), (GROUP, group)


def _counted_units(budget: Budget, starts: Mapping[int, int]) -> int:
    return budget.counted_units if budget.counted_from == starts[budget.id] else 0


def _summed(
    conn: Connection, since_ms: int, until_ms: int | None, *, only: Budget | None = None
) -> Mapping[Scope, int]:
    """Return what was charged in a span by user, token and group; of one budget's if `only` is given."""
    c = gw_ledger.c
    where: list[ColumnElement[bool]] = [c.kind.in_(_SPENDING), c.created_at >= since_ms]
    if until_ms is not None:
        where.append(c.created_at < until_ms)
    if only is not None and only.kind == TOKEN:
        where.append(c.token_id == only.number)
    elif only is not None and only.kind == USER:
        where.append(c.user_id == only.number)
    elif only is not None:
        where.append(c.user_id.in_(select(users.c.id).where(users.c.group == only.subject)))
    # What a channel served is there whoever paid for it: unlimited accounts do not.
    units = case((c.channel_id == 0, -c.user_units), else_=c.channel_units)
    sums = (
        select(c.user_id, c.token_id, func.sum(units).label("units"))
        .where(*where)
        .group_by(c.user_id, c.token_id)
        .subquery()
    )
    rows = conn.execute(
        select(sums.c.user_id, sums.c.token_id, func.coalesce(users.c.group, ""), sums.c.units).select_from(
            sums.outerjoin(users, users.c.id == sums.c.user_id)
        )
    )
    return _by_scope((int(user), int(token), str(group), int(units)) for user, token, group, units in rows)


def _by_scope(rows: Iterable[tuple[int, int, str, int]]) -> dict[Scope, int]:
    found: defaultdict[Scope, int] = defaultdict(int)
    for user_id, token_id, group, units in rows:
        for scope in scopes_of(user_id, token_id, group):
            found[scope] += units
    return dict(found)
