"""Making, changing and removing budgets, and how they stand.

Administrators set those of groups, and those of accounts of a lower role and of their tokens. People set budgets for
their own tokens, but cannot touch what an administrator imposed on these.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from gateway.accounts.clock import now_ms
from gateway.accounts.people import MOST_UNITS
from gateway.accounts.refusals import NotAllowed, NotFound, Refused
from gateway.accounts.tokens import reached
from gateway.accounts.transactions import commit
from gateway.audit.trail import differences, note
from gateway.budgets.keeper import TOPIC, spent_so_far
from gateway.budgets.periods import MONTH, PERIODS, Span, span_at
from storage.errors import Conflict, TooSlow
from storage.records import Role, UserStatus
from storage.repositories import budgets, tokens, users
from storage.repositories.budget_subjects import Subject, subjects_of
from storage.repositories.budgets import GROUP, TOKEN, USER, Budget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from gateway.audit.author import Acting, Author
    from gateway.services import Services
    from storage.repositories.budgets import Scope

_NOTED = ("kind", "subject", "period", "soft_units", "hard_units")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A budget and how it stands, in quota units."""

    budget: Budget
    subject: Subject
    spent: int
    span: Span
    may_change: bool = False
    """Whether the one who asks may."""

    @property
    def left(self) -> int | None:
        """What may still be spent; `None` without a hard limit."""
        return max(self.budget.hard_units - self.spent, 0) if self.budget.hard_units else None

    @property
    def is_over_soft(self) -> bool:
        """Whether people should be told."""
        return bool(self.budget.soft_units) and self.spent >= self.budget.soft_units

    @property
    def is_spent(self) -> bool:
        """Whether requests are refused."""
        return bool(self.budget.hard_units) and self.spent >= self.budget.hard_units


async def standings(services: Services, actor: Acting, *, scopes: Sequence[Scope] | None = None) -> list[Standing]:
    """Return the budgets that `actor` may see, of some scopes or all, oldest first, as the books have them.

    Where a new one has more behind it than can be read in time, at least what is counted of it so far.
    """
    now = time.time()

    def work(conn: Connection, *, roughly: bool = False) -> list[Standing]:
        rows = budgets.everything(conn) if scopes is None else budgets.of_scopes(conn, scopes)
        subjects = subjects_of(conn, rows)
        rows = [one for one in rows if _may_see(actor, one, subjects[one.scope])]
        spans = {one.id: span_at(one.period, now) for one in rows}
        starts = {number: span.start for number, span in spans.items()}
        spent = spent_so_far(conn, rows, starts, int(now * 1000), roughly=roughly)
        return [
            Standing(
                budget=one,
                subject=subjects[one.scope],
                spent=max(spent[one.id], 0),
                span=spans[one.id],
                may_change=_may_change(actor, one, subjects[one.scope]),
            )
            for one in rows
        ]

    try:
        return await services.database.read(work)
    except TooSlow:
        return await services.database.read(partial(work, roughly=True))


async def standing(services: Services, actor: Acting, budget_id: int) -> Standing:
    """Return one budget that `actor` may see. Raises `NotFound`."""
    found = await services.database.read(lambda conn: budgets.by_id(conn, budget_id)) if budget_id else None
    if found is not None:
        for one in await standings(services, actor, scopes=[found.scope]):
            if one.budget.id == budget_id:
                return one
    raise NotFound("there is no such budget")


async def monthly_limit(services: Services, *, user_id: int, token_name: str = "", group: str = "") -> int:
    """Return the monthly limit of a user, of one of their tokens, or of a group: the smallest, hard first; 0: none.

    A name that several tokens have is nobody's.
    """

    def work(conn: Connection) -> int:
        if token_name:
            named = tokens.numbers_of(conn, user_id, token_name) if user_id else []
            scope = (TOKEN, str(named[0])) if len(named) == 1 else None
        else:
            scope = (USER, str(user_id)) if user_id else (GROUP, group) if group else None
        if scope is None:
            return 0
        rows = [one for one in budgets.of_scopes(conn, [scope]) if one.period == MONTH]
        hard = [one.hard_units for one in rows if one.hard_units]
        return min(hard or [one.soft_units for one in rows], default=0)

    return await services.database.read(work) if services.registry.current.budgets else 0


async def create_budget(services: Services, author: Author, new: Budget) -> Budget:
    """Store a budget. Raises `Refused`: what is not allowed, cannot be, or is there already."""
    if new.period not in PERIODS:
        raise Refused("the period must be day, week or month")
    _check_limits(new)

    def work(conn: Connection) -> Budget:
        subject, imposed = _reached(services, conn, author, new.kind, new.subject)
        fresh = Budget(
            kind=new.kind,
            subject=new.subject,
            period=new.period,
            soft_units=new.soft_units,
            hard_units=new.hard_units,
            imposed=imposed,
            created_at=now_ms(),
        )
        if any(
            (one.period, one.imposed) == (fresh.period, fresh.imposed)
            for one in budgets.of_scopes(conn, [fresh.scope])
        ):
            raise Refused("there is such a budget already")
        made = budgets.add(conn, fresh)
        note(conn, author, "budget.create", object_id=made.id, name=subject.text, changes=_changes(None, made))
        return made

    try:
        made = await commit(services, work)
    except Conflict as conflict:
        raise Refused("there is such a budget already") from conflict
    await _changed(services)
    return made


async def change_budget(
    services: Services, author: Author, budget_id: int, *, soft_units: int, hard_units: int
) -> Budget:
    """Store other limits. What was told of a limit that moves is told again. Raises `Refused`."""

    def work(conn: Connection) -> Budget:
        before, subject = _held(conn, author, budget_id)
        after = replace(before, soft_units=soft_units, hard_units=hard_units)
        _check_limits(after)
        after = replace(
            after,
            soft_told=before.soft_told if soft_units == before.soft_units else 0,
            hard_told=before.hard_told if hard_units == before.hard_units else 0,
        )
        budgets.change(conn, after)
        note(conn, author, "budget.update", object_id=budget_id, name=subject.text, changes=_changes(before, after))
        return after

    changed = await commit(services, work)
    await _changed(services)
    return changed


async def delete_budget(services: Services, author: Author, budget_id: int) -> Budget:
    """Remove a budget and return what it was. Raises `Refused`."""

    def work(conn: Connection) -> Budget:
        before, subject = _held(conn, author, budget_id)
        budgets.remove(conn, budget_id)
        note(conn, author, "budget.delete", object_id=budget_id, name=subject.text, changes=_changes(before, None))
        return before

    removed = await commit(services, work)
    await _changed(services)
    return removed


def may_set(actor: Acting, kind: str, owner_id: int, owner_role: int) -> bool:
    """Whether `actor` may give a budget to a group, to an account, or to a token of an account."""
    if kind == GROUP:
        return actor.role >= Role.ADMIN
    return _is_above(actor, owner_role) or (kind == TOKEN and owner_id == actor.id)


async def _changed(services: Services) -> None:
    await services.registry.refresh()
    services.bus.publish(TOPIC, "")


def _check_limits(budget: Budget) -> None:
    for units in (budget.soft_units, budget.hard_units):
        if not 0 <= units <= MOST_UNITS:
            raise Refused(f"a limit must be between 0 and {MOST_UNITS}")
    if not budget.soft_units and not budget.hard_units:
        raise Refused("a budget needs a soft or a hard limit")
    if budget.hard_units and budget.soft_units > budget.hard_units:
        raise Refused("the soft limit cannot be above the hard one")


def _reached(services: Services, conn: Connection, actor: Author, kind: str, subject: str) -> tuple[Subject, bool]:
    """Return whose budget it is to be, and whether it is imposed. Raises `Refused`."""
    if kind == GROUP:
        if actor.role < Role.ADMIN:
            raise NotAllowed("only administrators set budgets of groups")
        if subject not in services.registry.current.options.group_ratio:
            raise NotFound("there is no such group")
        return Subject(subject), True
    if kind not in (USER, TOKEN):
        raise Refused("a budget is for a user, a token or a group")
    number = Budget(kind=kind, subject=subject, period="").number
    if not number or str(number) != subject:
        raise NotFound("there is no such user or token")
    if kind == TOKEN:
        token = reached(conn, actor, number, others=True)
        return Subject(token.name, token.user_id), token.user_id != actor.id
    user = users.by_id(conn, number)
    if user is None or user.status == UserStatus.DELETED:
        raise NotFound("there is no such user or token")
    if not _is_above(actor, user.role):
        raise NotAllowed("only administrators set budgets of accounts, and only of a lower role")
    return Subject(user.username, user.id), True


def _held(conn: Connection, actor: Acting, budget_id: int) -> tuple[Budget, Subject]:
    """Return a budget that `actor` may change. Raises `NotFound` and `NotAllowed`."""
    found = budgets.by_id(conn, budget_id, lock=True) if budget_id else None
    subject = subjects_of(conn, [found])[found.scope] if found is not None else None
    if found is None or subject is None or not _may_see(actor, found, subject):
        raise NotFound("there is no such budget")
    if not _may_change(actor, found, subject):
        raise NotAllowed("this budget was set by an administrator")
    return found, subject


def _may_see(actor: Acting, budget: Budget, subject: Subject) -> bool:
    if budget.kind == GROUP:
        return actor.role >= Role.ADMIN
    return subject.owner_id == actor.id or _is_above(actor, subject.role)


def _may_change(actor: Acting, budget: Budget, subject: Subject) -> bool:
    if budget.kind == GROUP:
        return actor.role >= Role.ADMIN
    if _is_above(actor, subject.role):
        return True
    return budget.kind == TOKEN and not budget.imposed and subject.owner_id == actor.id


def _is_above(actor: Acting, role: int) -> bool:
    return actor.role == Role.ROOT or (actor.role >= Role.ADMIN and role < actor.role)


def _changes(before: Budget | None, after: Budget | None) -> dict[str, list[object]]:
    facts = [{} if one is None else {name: asdict(one)[name] for name in _NOTED} for one in (before, after)]
    return differences(*facts)
