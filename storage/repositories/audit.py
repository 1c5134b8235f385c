"""Entries of the audit: who changed what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, or_, select

from storage.audit_tables import gw_audit as audit
from storage.repositories.rows import as_id, contains, fetch_page, many, query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Connection

    from storage.repositories.rows import Page


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries. `text` is looked for in names, and in numbers if it is one; empty values do not narrow."""

    text: str = ""
    actor_id: int | None = None
    kind: str = ""
    action: str = ""
    object_id: int = 0
    since_ms: int = 0
    until_ms: int = 0


def add(conn: Connection, row: AuditRow) -> None:
    """Store an entry; its `id` does not count."""
    conn.execute(
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
        )
    )


def page(conn: Connection, wanted: AuditFilter, part: Page) -> tuple[list[AuditRow], int]:
    """Return one page of entries, newest first, and their number."""
    return fetch_page(conn, audit, AuditRow, where=_where(wanted), order=[audit.c.id.desc()], page=part)


def all_of(conn: Connection, wanted: AuditFilter, *, before_id: int, limit: int) -> list[AuditRow]:
    """Return the next `limit` entries before an id (0: from the newest), newest first."""
    where = _where(wanted)
    if before_id:
        where.append(audit.c.id < before_id)
    return many(conn, AuditRow, query(audit, AuditRow).where(*where).order_by(audit.c.id.desc()).limit(limit))


def last_about(conn: Connection, kind: str, object_ids: list[int], actions: list[str]) -> Iterator[AuditRow]:
    """Return the last entry of one of the actions for each object that has any."""
    for object_id in object_ids:
        wanted = (
            query(audit, AuditRow)
            .where(audit.c.kind == kind, audit.c.object_id == object_id, audit.c.action.in_(actions))
            .order_by(audit.c.id.desc())
            .limit(1)
        )
        yield from many(conn, AuditRow, wanted)


def delete_old(conn: Connection, *, before_ms: int, limit: int) -> int:
    """Delete up to `limit` entries that are older and return how many."""
    # MySQL knows no limit in a subquery of IN, hence the ids first.
    ids = conn.execute(select(audit.c.id).where(audit.c.created_at < before_ms).limit(limit)).scalars().all()
    if ids:
        conn.execute(delete(audit).where(audit.c.id.in_(ids)))
    return len(ids)


def _where(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if wanted.text:
        number = as_id(wanted.text)
        looked = [contains(audit.c.object_name, wanted.text), contains(audit.c.actor, wanted.text)]
        if number is not None:
            looked.append(audit.c.object_id == number)
        where.append(or_(*looked))
    if wanted.actor_id is not None:
        where.append(audit.c.actor_id == wanted.actor_id)
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
