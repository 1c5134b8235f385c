"""Options as stored: texts by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from storage.tables import options

if TYPE_CHECKING:
    from sqlalchemy import Connection


def everything(conn: Connection) -> dict[str, str]:
    """Return all stored options."""
    return {row.key: row.value or "" for row in conn.execute(select(options.c.key, options.c.value))}


def put(conn: Connection, key: str, value: str, *, now_ms: int) -> None:
    """Store one option. Raises a conflict when another transaction stores the same new one at this moment."""
    if conn.execute(select(options.c.key).where(options.c.key == key).with_for_update()).first() is None:
        conn.execute(insert(options).values(key=key, value=value, created_at=now_ms, updated_at=now_ms))
    else:
        conn.execute(update(options).where(options.c.key == key).values(value=value, updated_at=now_ms))
