"""Browsers that are signed in, and the codes that let people in who lost their authenticator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from storage.people_tables import gw_recovery_codes, gw_sessions
from storage.repositories.rows import many, query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One browser. `id` is a hash; times are Unix milliseconds."""

    id: str
    user_id: int
    created_at: int
    seen_at: int
    address: str = ""
    agent: str = ""
    version: int = 0


def add_session(conn: Connection, row: SessionRow, *, most: int) -> None:
    """Store a session. Of one account's only `most` stay: those that were seen last."""
    beyond = many(
        conn,
        SessionRow,
        query(gw_sessions, SessionRow)
        .where(gw_sessions.c.user_id == row.user_id)
        .order_by(gw_sessions.c.seen_at.desc())
        .offset(most - 1)
        .limit(most),
    )
    if beyond:
        conn.execute(delete(gw_sessions).where(gw_sessions.c.id.in_([old.id for old in beyond])))
    conn.execute(
        insert(gw_sessions).values(
            id=row.id,
            user_id=row.user_id,
            created_at=row.created_at,
            seen_at=row.seen_at,
            address=row.address[:64],
            agent=row.agent[:255],
            version=row.version,
        )
    )


def seen_at(conn: Connection, session_id: str, user_id: int) -> int | None:
    """Return when a session was last seen, `None` when it is over."""
    c = gw_sessions.c
    found = conn.execute(select(c.seen_at).where(c.id == session_id, c.user_id == user_id)).scalar()
    return None if found is None else int(found)


def touch(conn: Connection, session_id: str, *, now_ms: int, address: str) -> None:
    """Note that a session is in use, and from where."""
    conn.execute(
        update(gw_sessions).where(gw_sessions.c.id == session_id).values(seen_at=now_ms, address=address[:64])
    )


def sessions_of(conn: Connection, user_id: int, *, version: int, limit: int) -> list[SessionRow]:
    """Return the sessions of an account that are not void, the last seen first."""
    c = gw_sessions.c
    wanted = query(gw_sessions, SessionRow).where(c.user_id == user_id, c.version == version)
    return many(conn, SessionRow, wanted.order_by(c.seen_at.desc(), c.id).limit(limit))


def end_session(conn: Connection, user_id: int, session_id: str) -> bool:
    """End one session of an account; `False` when it has none of this id."""
    c = gw_sessions.c
    return bool(conn.execute(delete(gw_sessions).where(c.id == session_id, c.user_id == user_id)).rowcount)


def forget_sessions(conn: Connection, user_id: int) -> None:
    """Drop all sessions of an account; what voids their cookies is its version."""
    conn.execute(delete(gw_sessions).where(gw_sessions.c.user_id == user_id))


def delete_unseen(conn: Connection, *, before_ms: int, limit: int) -> int:
    """Delete up to `limit` sessions that nobody used since; return how many."""
    # MySQL knows no limit in a subquery of IN, hence the ids first.
    ids = conn.execute(select(gw_sessions.c.id).where(gw_sessions.c.seen_at < before_ms).limit(limit)).scalars().all()
    if ids:
        conn.execute(delete(gw_sessions).where(gw_sessions.c.id.in_(ids)))
    return len(ids)


# --- recovery codes


def set_recovery_codes(conn: Connection, user_id: int, hashes: Sequence[str]) -> None:
    """Give an account these codes in place of all others."""
    conn.execute(delete(gw_recovery_codes).where(gw_recovery_codes.c.user_id == user_id))
    if hashes:
        conn.execute(insert(gw_recovery_codes), [{"user_id": user_id, "code_hash": text} for text in hashes])


def spend_recovery_code(conn: Connection, user_id: int, code_hash: str) -> bool:
    """Use a code up; of two at the same time one gets `True`."""
    c = gw_recovery_codes.c
    return bool(
        conn.execute(delete(gw_recovery_codes).where(c.user_id == user_id, c.code_hash == code_hash)).rowcount
    )


def recovery_codes_left(conn: Connection, user_id: int) -> int:
    """Return how many codes an account has left."""
    wanted = select(func.count()).select_from(gw_recovery_codes).where(gw_recovery_codes.c.user_id == user_id)
    return int(conn.execute(wanted).scalar_one())
