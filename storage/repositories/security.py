"""Session versions: sessions made under an older version are void."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from storage.account_tables import gw_user_security as security
from storage.repositories.rows import insert_unless_there
from storage.repositories.sign_ins import forget_sessions

if TYPE_CHECKING:
    from sqlalchemy import Connection


def session_version(conn: Connection, user_id: int) -> int:
    """Return the version that valid sessions of this account carry; 0 for an account that never ended any."""
    return conn.execute(select(security.c.session_version).where(security.c.user_id == user_id)).scalar() or 0


def end_sessions(conn: Connection, user_id: int, *, now_ms: int) -> int:
    """Make all sessions of an account void and return the new version."""
    forget_sessions(conn, user_id)
    changed = conn.execute(
        update(security)
        .where(security.c.user_id == user_id)
        .values(session_version=security.c.session_version + 1, updated_at=now_ms)
    )
    if not changed.rowcount:
        fresh = insert(security).values(user_id=user_id, session_version=1, updated_at=now_ms)
        if not insert_unless_there(conn, fresh):
            return end_sessions(conn, user_id, now_ms=now_ms)
    return session_version(conn, user_id)
