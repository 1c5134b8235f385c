"""The log that people read: top-ups, charges, management, system entries, channel tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from storage.ledger_tables import gw_outbox
from storage.records import LogRow, LogType
from storage.repositories.ledger_rows import log_values, outbox_values
from storage.repositories.rows import Page, Sort, contains, fetch_page, many, one, ordering, query, whole
from storage.tables import logs

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

_ALLOWED = {
    "created_time": logs.c.created_at,
    "prompt_tokens": logs.c.prompt_tokens,
    "completion_tokens": logs.c.completion_tokens,
    "quota": logs.c.quota,
    "elapsed_time": logs.c.elapsed_time,
}
SORTABLE = tuple(_ALLOWED)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """Which entries are wanted; zero and empty mean any. Times are Unix seconds, both ends included."""

    type: int = LogType.UNKNOWN
    user_id: int | None = None
    username: str = ""
    token_name: str = ""
    model_name: str = ""
    channel_id: int = 0
    since: int = 0
    until: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfUse:
    """What was charged for one model on one day. `day` counts days since 1970-01-01, in UTC."""

    day: int
    model_name: str
    requests: int
    quota: int
    prompt_tokens: int
    completion_tokens: int


def add(conn: Connection, row: LogRow, *, elsewhere: bool, now_ms: int) -> None:
    """Store an entry; its `id` is the database's to choose.

    `elsewhere`: logs live in another database, so the entry goes into the outbox of this one.
    """
    values = log_values(row, quota=row.quota)
    if elsewhere:
        conn.execute(insert(gw_outbox).values(outbox_values(values, now_ms=now_ms)))
    else:
        conn.execute(insert(logs).values(values))


def by_id(conn: Connection, log_id: int) -> LogRow | None:
    """Return one entry."""
    return one(conn, LogRow, query(logs, LogRow).where(logs.c.id == log_id))


def of_trace(conn: Connection, trace_id: str) -> list[LogRow]:
    """Return the entries that belong to a trace."""
    return many(conn, LogRow, query(logs, LogRow).where(logs.c.trace_id == trace_id).limit(100))


def page(conn: Connection, wanted: LogFilter, sort: Sort, page: Page) -> tuple[list[LogRow], int]:
    """Return one page of entries and their number."""
    order = ordering(conn, logs, sort, allowed=_ALLOWED)
    return fetch_page(conn, logs, LogRow, where=_where(wanted), order=order, page=page)


def charged(conn: Connection, wanted: LogFilter) -> int:
    """Return the sum of all charges that fit, whatever type the filter names."""
    where = [*_where(wanted, any_type=True), logs.c.type == LogType.CONSUME]
    return int(conn.execute(select(whole(func.sum(logs.c.quota))).where(*where)).scalar_one())


def remove_before(conn: Connection, moment: int, limit: int) -> int:
    """Delete up to `limit` entries older than `moment` (Unix seconds), the oldest first, and return their number."""
    old = select(logs.c.id).where(logs.c.created_at < moment).order_by(logs.c.created_at).limit(limit)
    doomed = conn.execute(old).scalars().all()
    if doomed:
        conn.execute(delete(logs).where(logs.c.id.in_(doomed)))
    return len(doomed)


def count_before(conn: Connection, moment: int) -> int:
    """Return how many entries are older than `moment`."""
    return int(conn.execute(select(func.count()).select_from(logs).where(logs.c.created_at < moment)).scalar_one())


def days_of_use(conn: Connection, *, user_id: int | None, since: int, until: int) -> list[DayOfUse]:
    """Sum up charges by day and model, sorted by both; `since` and `until` in Unix seconds, both included."""
    # Integer division is `/` on whole numbers of SQLite and PostgreSQL, and DIV on MySQL.
    divide = logs.c.created_at.op("DIV" if conn.dialect.name == "mysql" else "/")
    day = divide(86_400).label("day")
    where: list[ColumnElement[bool]] = [
        logs.c.type == LogType.CONSUME,
        logs.c.created_at >= since,
        logs.c.created_at <= until,
    ]
    if user_id is not None:
        where.append(logs.c.user_id == user_id)
    rows = conn.execute(
        select(
            day,
            logs.c.model_name,
            func.count(),
            whole(func.sum(logs.c.quota)),
            whole(func.sum(logs.c.prompt_tokens)),
            whole(func.sum(logs.c.completion_tokens)),
        )
        .where(*where)
        .group_by("day", logs.c.model_name)
        .order_by("day", logs.c.model_name)
    )
    return [
        DayOfUse(
            day=int(row[0]),
            model_name=row[1] or "",
            requests=int(row[2]),
            quota=int(row[3]),
            prompt_tokens=int(row[4]),
            completion_tokens=int(row[5]),
        )
        for row in rows
    ]


def _where(wanted: LogFilter, *, any_type: bool = False) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if wanted.type and not any_type:
        where.append(logs.c.type == wanted.type)
    if wanted.user_id is not None:
        where.append(logs.c.user_id == wanted.user_id)
    for name in ("username", "token_name", "model_name", "channel_id"):
        value = getattr(wanted, name)
        if value:
            where.append(logs.c[name] == value)
    if wanted.since:
        where.append(logs.c.created_at >= wanted.since)
    if wanted.until:
        where.append(logs.c.created_at <= wanted.until)
    if wanted.text:
        where.append(contains(logs.c.content, wanted.text))
    return where
