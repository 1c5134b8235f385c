"""Requests that ended, and attempts that failed: `gw_requests` and `gw_attempts`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from storage.repositories.ledger_rows import fit
from storage.repositories.ledger_sql import insert_many
from storage.repositories.rows import many, one, query
from storage.traffic_tables import gw_attempts, gw_requests

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Table

_LONGEST_ERROR = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRequest:
    """How one relay ended. `finished_at` in Unix milliseconds; `first_ms` `None`: nothing was delivered."""

    id: int = 0
    request_id: str
    trace_id: str = ""
    finished_at: int
    user_id: int
    username: str = ""
    token_name: str = ""
    user_group: str = ""
    session: str = ""
    model: str = ""
    sent_model: str = ""
    channel_id: int = 0
    endpoint: str = ""
    is_stream: bool = False
    status: int = 0
    outcome: str = "ok"
    failed: bool = False
    logged: bool = True
    attempts: int = 0
    first_ms: int | None = None
    duration_ms: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    units: int = 0
    saved_units: int = 0
    list_units: int | None = None
    error: str = ""
    detail: str = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAttempt:
    """One try with one channel that came to nothing. `kind` is a word of `gateway.traffic.facts`."""

    id: int = 0
    request_id: str
    failed_at: int
    channel_id: int
    model: str = ""
    status: int = 0
    kind: str = ""
    duration_ms: int = 0
    error: str = ""


def add(conn: Connection, requests: Sequence[FinishedRequest], attempts: Sequence[FailedAttempt]) -> None:
    """Store what ended; ids are the database's to choose."""
    if requests:
        insert_many(conn, gw_requests, [_values(row, gw_requests) for row in requests])
    if attempts:
        insert_many(conn, gw_attempts, [_values(row, gw_attempts) for row in attempts])


def known(conn: Connection, request_ids: Iterable[str]) -> frozenset[str]:
    """Return which of some requests are stored."""
    ids = gw_requests.c.request_id
    return frozenset(conn.execute(select(ids).where(ids.in_(list(request_ids)))).scalars())


def by_id(conn: Connection, number: int) -> FinishedRequest | None:
    """Return one request."""
    return one(conn, FinishedRequest, query(gw_requests, FinishedRequest).where(gw_requests.c.id == number))


def by_request_id(conn: Connection, request_id: str) -> FinishedRequest | None:
    """Return the request of that id."""
    wanted = query(gw_requests, FinishedRequest).where(gw_requests.c.request_id == request_id)
    return one(conn, FinishedRequest, wanted)


def of_requests(conn: Connection, request_ids: Iterable[str]) -> dict[str, FinishedRequest]:
    """Return what is known of some requests, by their ids."""
    wanted = [request_id for request_id in request_ids if request_id]
    if not wanted:
        return {}
    rows = many(
        conn, FinishedRequest, query(gw_requests, FinishedRequest).where(gw_requests.c.request_id.in_(wanted))
    )
    return {row.request_id: row for row in rows}


def of_session(conn: Connection, session: str, *, user_id: int | None, limit: int) -> list[FinishedRequest]:
    """Return the newest requests of a session, of one user or of all."""
    wanted = query(gw_requests, FinishedRequest).where(gw_requests.c.session == session)
    if user_id is not None:
        wanted = wanted.where(gw_requests.c.user_id == user_id)
    return many(conn, FinishedRequest, wanted.order_by(gw_requests.c.finished_at.desc()).limit(limit))


def failures_of_channel(conn: Connection, channel_id: int, limit: int) -> list[FailedAttempt]:
    """Return the newest failed attempts on a channel."""
    wanted = (
        query(gw_attempts, FailedAttempt)
        .where(gw_attempts.c.channel_id == channel_id)
        .order_by(gw_attempts.c.failed_at.desc(), gw_attempts.c.id.desc())
        .limit(limit)
    )
    return many(conn, FailedAttempt, wanted)


def delete_requests(conn: Connection, *, before_ms: int, limit: int) -> int:
    """Delete up to `limit` requests that ended before a moment; return how many."""
    return _delete_some(conn, gw_requests, "finished_at", before_ms, limit)


def delete_attempts(conn: Connection, *, before_ms: int, limit: int) -> int:
    """Delete up to `limit` failed attempts from before a moment; return how many."""
    return _delete_some(conn, gw_attempts, "failed_at", before_ms, limit)


def _delete_some(conn: Connection, table: Table, column: str, before_ms: int, limit: int) -> int:
    at = table.c[column]
    doomed = conn.execute(select(table.c.id).where(at < before_ms).order_by(at).limit(limit)).scalars().all()
    if doomed:
        conn.execute(delete(table).where(table.c.id.in_(doomed)))
    return len(doomed)


def _values(row: FinishedRequest | FailedAttempt, table: Table) -> dict[str, Any]:
    """Return the row as every engine takes it."""
    values: dict[str, Any] = {}
    for field in fields(row):
        value = getattr(row, field.name)
        if field.name == "id":
            continue
        if isinstance(value, str):
            length = getattr(table.c[field.name].type, "length", None)
            value = fit(value, length or (_LONGEST_ERROR if field.name == "error" else None))
        values[field.name] = value
    return values
