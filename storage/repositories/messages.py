"""Recorded messages: `gw_messages`. What is said is sealed on its way into the table and opened on its way out."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from storage.message_tables import gw_messages
from storage.repositories.rows import many, one, query
from storage.sealing import sealer_of
from storage.tables import users

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

_c = gw_messages.c


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessages:
    """What one request said and was answered; `created_at` in Unix milliseconds.

    `content` is the business of `gateway.recordings`; empty when it was read and no secret opens it.
    """

    request_id: str
    user_id: int
    token_id: int
    created_at: int
    format: str = ""
    endpoint: str = ""
    status: int = 0
    request_bytes: int = 0
    answer_bytes: int = 0
    request_cut: bool = False
    answer_cut: bool = False
    whole: bool = True
    content: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """That something is kept of a request, and whose it is."""

    request_id: str
    user_id: int
    token_id: int
    created_at: int
    request_bytes: int = 0
    answer_bytes: int = 0


def add(conn: Connection, rows: Sequence[StoredMessages]) -> None:
    """Store recordings. Raises a conflict for a request that has one."""
    seal = sealer_of(conn).seal_bytes
    values = [{field.name: getattr(row, field.name) for field in fields(row)} for row in rows]
    for value, row in zip(values, rows, strict=True):
        value["content"] = seal(row.content)
    if values:
        conn.execute(insert(gw_messages), values)


def about(conn: Connection, request_id: str) -> Kept | None:
    """Return whose recording there is of a request, without what it says."""
    return one(conn, Kept, query(gw_messages, Kept).where(_c.request_id == request_id)) if request_id else None


def of_request(conn: Connection, request_id: str) -> StoredMessages | None:
    """Return the recording of a request."""
    found = one(conn, StoredMessages, query(gw_messages, StoredMessages).where(_c.request_id == request_id))
    return None if found is None else _opened(conn, found)


def newest(
    conn: Connection,
    *,
    user_id: int | None,
    reader: tuple[int, int] | None = None,
    since_ms: int,
    until_ms: int,
    before: tuple[int, str] | None,
    limit: int,
) -> list[StoredMessages]:
    """Return recordings from the newest on, of one user or of all, within a time (0: any) and after a place.

    `reader`, an account and its role: only its own, and those of accounts of lower roles.
    """
    wanted = query(gw_messages, StoredMessages)
    if reader is not None:
        own, role = reader
        # Here, so that what somebody may not read is not opened, and does not fill the pages that are looked through.
        below = select(users.c.id).where(func.coalesce(users.c.role, 0) < role)
        wanted = wanted.where((_c.user_id == own) | _c.user_id.in_(below))
    if user_id is not None:
        wanted = wanted.where(_c.user_id == user_id)
    if since_ms:
        wanted = wanted.where(_c.created_at >= since_ms)
    if until_ms:
        wanted = wanted.where(_c.created_at < until_ms)
    if before is not None:
        at, request_id = before
        wanted = wanted.where((_c.created_at < at) | ((_c.created_at == at) & (_c.request_id < request_id)))
        wanted = wanted.where(_c.created_at <= at)
    order = (_c.created_at.desc(), _c.request_id.desc())
    return [_opened(conn, row) for row in many(conn, StoredMessages, wanted.order_by(*order).limit(limit))]


def remove(conn: Connection, request_id: str) -> bool:
    """Delete the recording of a request; `False` when there is none."""
    return conn.execute(delete(gw_messages).where(_c.request_id == request_id)).rowcount > 0


def remove_of_user(conn: Connection, user_id: int) -> None:
    """Delete everything that is recorded of somebody."""
    conn.execute(delete(gw_messages).where(_c.user_id == user_id))


def delete_before(conn: Connection, *, before_ms: int, limit: int) -> int:
    """Delete up to `limit` recordings from before a moment; return how many."""
    wanted = select(_c.request_id).where(_c.created_at < before_ms).order_by(_c.created_at).limit(limit)
    doomed = conn.execute(wanted).scalars().all()
    if doomed:
        conn.execute(delete(gw_messages).where(_c.request_id.in_(doomed)))
    return len(doomed)


def count(conn: Connection) -> int:
    """Return how many recordings there are."""
    return int(conn.execute(select(func.count()).select_from(gw_messages)).scalar_one())


def _opened(conn: Connection, row: StoredMessages) -> StoredMessages:
    return replace(row, content=sealer_of(conn).open_bytes(row.content) or b"")
