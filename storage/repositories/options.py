"""Options as stored: texts by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from storage.repositories.rows import insert_unless_there
from storage.tables import options

if TYPE_CHECKING:
    from sqlalchemy import Connection


def everything(conn: Connection) -> dict[str, str]:
    """Return all stored options."""
    return {row.key: row.value or "" for row in conn.execute(select(options.c.key, options.c.value))}


def put(conn: Connection, key: str, value: str, *, now_ms: int) -> None:
    """Store one option."""
    change = update(options).where(options.c.key == key).values(value=value, updated_at=now_ms)
    if conn.execute(change).rowcount:
        return
    fresh = insert(options).values(key=key, value=value, created_at=now_ms, updated_at=now_ms)
    if not insert_unless_there(conn, fresh):
        conn.execute(change)
