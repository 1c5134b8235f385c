"""Entries of the audit: who changed what.

An entry about several things has parts (`storage.audit_tables`). Lists hold what stands for itself, and find a whole
by what its parts say; the history of one thing holds parts, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, or_, select

from storage.audit_tables import gw_audit as audit
from storage.repositories.rows import Sort, as_id, begins_with, contains, fetch_page, many, ordering, query

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, FromClause

    from storage.repositories.rows import Page


MOST_SORTED = 10_000
"""Entries that are sorted by what no index has in order: a million take a second on SQLite, these 20 ms."""
_SORTS: Mapping[str, ColumnElement[Any]] = {
    "who": func.lower(audit.c.actor),
    "what": audit.c.kind + ":" + func.lower(audit.c.object_name),
    "action": audit.c.action,
}
SORTABLE = ("when", *_SORTS)
_AS_IT_COMES = Sort()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One change. `created_at` is Unix milliseconds, `changes` JSON: field to a pair of before and after."""

    id: int = 0
    created_at: int
    actor_id: int = 0
    actor: str = ""
    address: str = ""
    via: str = ""
    action: str
    kind: str
    object_id: int = 0
    object_name: str = ""
    changes: str = "{}"
    part_of: int = 0
    """The entry about several things that this is a part of, 0 for none."""
    batch: str | None = None
    """Only of an entry about several things; then `object_id` is 0 and its parts hold the changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries. `text` is looked for in names, and in numbers if it is one; empty values do not narrow."""

    text: str = ""
    actor_id: int | None = None
    actor: str = ""
    kind: str = ""
    action: str = ""
    actions: Sequence[str] = ()
    address: str = ""
    """How it begins."""
    via: str = ""
    field: str = ""
    """The name of something that was changed."""
    only_people: bool = False
    object_id: int = 0
    """Of one thing: what was done to it alone, and its parts of what was done to several."""
    part_of: int = 0
    """Only the parts of one entry."""
    since_ms: int = 0
    until_ms: int = 0


def add(conn: Connection, row: AuditRow) -> int:
    """Store an entry, whose `id` does not count, and return its number."""
    done = conn.execute(
        insert(audit).values(
            created_at=row.created_at,
            actor_id=row.actor_id,
            actor=row.actor[:191],
            address=row.address[:64],
            via=row.via,
            action=row.action,
            kind=row.kind,
            object_id=row.object_id,
            object_name=row.object_name[:191],
            changes=row.changes,
            part_of=row.part_of,
            batch=row.batch,
        )
    )
    return int(done.inserted_primary_key[0])  # type: ignore[index]


def whole(conn: Connection, row: AuditRow) -> int:
    """Return the number of the entry about several things that `row.batch` names, stored now if it is the first."""
    found = conn.execute(select(audit.c.id).where(audit.c.batch == row.batch)).scalar()
    return add(conn, row) if found is None else int(found)


def by_id(conn: Connection, entry_id: int) -> AuditRow | None:
    """Return one entry."""
    return next(iter(many(conn, AuditRow, query(audit, AuditRow).where(audit.c.id == entry_id))), None)


def count_parts(conn: Connection, entry_ids: Collection[int]) -> dict[int, int]:
    """Return how many parts each of some entries has."""
    if not entry_ids:
        return {}
    wanted = (
        select(audit.c.part_of, func.count()).where(audit.c.part_of.in_(list(entry_ids))).group_by(audit.c.part_of)
    )
    return {int(number): int(count) for number, count in conn.execute(wanted)}


def parts(conn: Connection, entry_id: int, *, after_id: int, limit: int) -> list[AuditRow]:
    """Return the next `limit` parts of an entry after one of them (0: from the first), in their order."""
    wanted = query(audit, AuditRow).where(audit.c.part_of == entry_id, audit.c.id > after_id)
    return many(conn, AuditRow, wanted.order_by(audit.c.id).limit(limit))


def was_done(conn: Connection, actor_id: int, action: str, *, since_ms: int) -> bool:
    """Return whether somebody did something of that kind since a moment."""
    c = audit.c
    wanted = select(c.id).where(c.created_at >= since_ms, c.actor_id == actor_id, c.action == action).limit(1)
    return conn.execute(wanted).first() is not None


def page(conn: Connection, wanted: AuditFilter, part: Page, sort: Sort = _AS_IT_COMES) -> tuple[list[AuditRow], int]:
    """Return one page of entries and their number: newest first, only the parts of one entry in their order.

    By anything but the time they are sorted only where they are no more than `MOST_SORTED`.
    """
    where = _where(wanted)
    if sort.column not in SORTABLE:
        order = [audit.c.id.asc() if wanted.part_of else audit.c.id.desc()]
        return fetch_page(conn, audit, AuditRow, where=where, order=order, page=part)
    total = int(conn.execute(select(func.count()).select_from(audit).where(*where)).scalar_one())
    by = _SORTS.get(sort.column, audit.c.id) if total <= MOST_SORTED else audit.c.id
    ordered = ordering(conn, audit, Sort("by", sort.ascending), allowed={"by": by})
    found = query(audit, AuditRow).where(*where).order_by(*ordered).limit(part.limit).offset(part.offset)
    return many(conn, AuditRow, found), total


def all_of(conn: Connection, wanted: AuditFilter, *, before_id: int, limit: int) -> list[AuditRow]:
    """Return the next `limit` entries before an id (0: from the newest), newest first."""
    where = _where(wanted)
    if before_id:
        where.append(audit.c.id < before_id)
    return many(conn, AuditRow, query(audit, AuditRow).where(*where).order_by(audit.c.id.desc()).limit(limit))


def last_about(conn: Connection, kind: str, object_ids: Sequence[int], actions: Sequence[str]) -> list[AuditRow]:
    """Return the last entry of one of the actions for each object that has any."""
    c = audit.c
    last = (
        select(func.max(c.id).label("last_id"))
        .where(c.kind == kind, c.object_id.in_(list(object_ids)), c.action.in_(list(actions)))
        .group_by(c.object_id)
        .subquery()
    )
    return many(conn, AuditRow, query(audit, AuditRow).join(last, last.c.last_id == c.id)) if object_ids else []


def delete_old(conn: Connection, *, before_ms: int, limit: int) -> int:
    """Delete up to `limit` entries that are older and return how many."""
    # MySQL knows no limit in a subquery of IN, hence the ids first.
    ids = conn.execute(select(audit.c.id).where(audit.c.created_at < before_ms).limit(limit)).scalars().all()
    if ids:
        conn.execute(delete(audit).where(audit.c.id.in_(ids)))
    return len(ids)


def _where(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if wanted.part_of:
        where.append(audit.c.part_of == wanted.part_of)
    elif not wanted.object_id:
        where.append(audit.c.part_of == 0)
    if wanted.text:
        where.append(_either(wanted, lambda of: _about(of, wanted.text), contains(audit.c.actor, wanted.text)))
    if wanted.actor_id is not None:
        where.append(audit.c.actor_id == wanted.actor_id)
    if wanted.actor:
        where.append(func.lower(audit.c.actor) == wanted.actor.lower())
    if wanted.only_people:
        where.append(audit.c.actor_id != 0)
    if wanted.actions:
        where.append(audit.c.action.in_(wanted.actions))
    if wanted.address:
        where.append(begins_with(audit.c.address, wanted.address))
    if wanted.via:
        where.append(audit.c.via == wanted.via)
    if wanted.field:
        # Names of fields are keys of an object: `"name": [`.
        where.append(_either(wanted, lambda of: contains(of.c.changes, f'"{wanted.field}": [')))
    if wanted.kind:
        where.append(audit.c.kind == wanted.kind)
    if wanted.action:
        where.append(audit.c.action == wanted.action)
    if wanted.object_id:
        where.append(audit.c.object_id == wanted.object_id)
    if wanted.since_ms:
        where.append(audit.c.created_at >= wanted.since_ms)
    if wanted.until_ms:
        where.append(audit.c.created_at < wanted.until_ms)
    return where


def _about(of: FromClause, text: str) -> ColumnElement[bool]:
    """Whether an entry is about something that is called so, or has that number."""
    number = as_id(text)
    named = contains(of.c.object_name, text)
    return named if number is None else or_(named, of.c.object_id == number)


def _either(
    wanted: AuditFilter, says: Callable[[FromClause], ColumnElement[bool]], *more: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Whether an entry says something or, where it stands for several, one of its parts does."""
    itself = or_(says(audit), *more)
    if wanted.part_of or wanted.object_id:
        return itself
    part = audit.alias("part")
    return or_(itself, audit.c.id.in_(select(part.c.part_of).where(part.c.part_of > 0, says(part))))
