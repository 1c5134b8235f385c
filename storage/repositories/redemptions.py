"""Redemption codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, or_, update

from storage.records import Redemption, RedemptionStatus
from storage.repositories.rows import Page, Sort, as_id, begins_with, fetch_page, one, ordering, query
from storage.tables import redemptions

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

SORTABLE = ("id", "name", "status", "quota", "created_time", "redeemed_time", "created_at", "updated_at")
_ALLOWED = {name: redemptions.c[name] for name in SORTABLE}


def page(conn: Connection, keyword: str, sort: Sort, wanted: Page) -> tuple[list[Redemption], int]:
    """Return one page of codes, found by number or the beginning of their name, and their number."""
    where: list[ColumnElement[bool]] = []
    if keyword:
        matches = [begins_with(redemptions.c.name, keyword)]
        number = as_id(keyword)
        if number is not None:
            matches.append(redemptions.c.id == number)
        where.append(or_(*matches))
    order = ordering(conn, redemptions, sort, allowed=_ALLOWED)
    return fetch_page(conn, redemptions, Redemption, where=where, order=order, page=wanted)


def by_id(conn: Connection, code_id: int) -> Redemption | None:
    """Return one code."""
    return one(conn, Redemption, query(redemptions, Redemption).where(redemptions.c.id == code_id))


def by_key(conn: Connection, key: str) -> Redemption | None:
    """Return the code that reads `key`."""
    return one(conn, Redemption, query(redemptions, Redemption).where(redemptions.c.key == key))


def add(conn: Connection, rows: list[dict[str, object]]) -> None:
    """Store new codes."""
    conn.execute(insert(redemptions), rows)


def change_unused(conn: Connection, code_id: int, values: dict[str, object]) -> bool:
    """Write `values` to a code that was not used yet; `False` when there is none."""
    changed = conn.execute(
        update(redemptions)
        .where(redemptions.c.id == code_id, redemptions.c.status != RedemptionStatus.USED)
        .values(values)
    )
    return bool(changed.rowcount)


def use(conn: Connection, code_id: int, quota: int, *, now_s: int, now_ms: int) -> bool:
    """Mark an enabled code as used, if it is still worth `quota`; `False` when somebody was faster."""
    changed = conn.execute(
        update(redemptions)
        .where(
            redemptions.c.id == code_id,
            redemptions.c.status == RedemptionStatus.ENABLED,
            redemptions.c.quota == quota,
        )
        .values(status=RedemptionStatus.USED, redeemed_time=now_s, updated_at=now_ms)
    )
    return bool(changed.rowcount)


def remove(conn: Connection, code_id: int) -> bool:
    """Delete a code; `False` when there is none."""
    return bool(conn.execute(delete(redemptions).where(redemptions.c.id == code_id)).rowcount)
