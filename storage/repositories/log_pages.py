"""The log as people page through it: by place instead of by page number, so that deep pages cost no more than others.

Entries come from `logs` and, where nothing was delivered and so nothing charged, from `gw_requests`. Both are read
newest first from a `Place`; whoever calls merges them. Within a second entries of `logs` come first, by type and id,
as its index (and the primary key that MySQL keeps in it) has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, func, or_, select, tuple_

from storage.records import LogRow, LogType
from storage.repositories.requests import FinishedRequest
from storage.repositories.rows import contains, many, query, whole
from storage.tables import logs
from storage.traffic_tables import gw_requests

if TYPE_CHECKING:
    from sqlalchemy import Column, ColumnElement, Connection

LOG, REQUEST = 0, 1

SORTABLE = {
    "quota": logs.c.quota,
    "prompt_tokens": logs.c.prompt_tokens,
    "completion_tokens": logs.c.completion_tokens,
    "elapsed_time": logs.c.elapsed_time,
}
# Of rows that must be looked at one by one, no more than this: about a fifth of a second.
SEARCHED = 100_000
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands in the log. `within` a second: the type of an entry, the milliseconds of a request."""

    second: int
    source: int
    within: int
    id: int

    def __str__(self) -> str:
        """Write it as `read_place` reads it."""
        return f"{self.second}.{self.source}.{self.within}.{self.id}"


def read_place(text: str) -> Place | None:
    """Return the place that a text names, if it names one."""
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
        return None
    return Place(*(int(part) for part in parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which entries are wanted; zero, empty and `None` mean any. Times in Unix seconds, `until` not included."""

    type: int = 0
    user_id: int | None = None
    username: str = ""
    token_name: str = ""
    model: str = ""
    channel_id: int = 0
    since: int = 0
    until: int = 0
    text: str = ""
    id: str = ""
    """Of a request or a trace."""
    least_units: int = 0
    least_ms: int = 0
    is_stream: bool | None = None

    @property
    def wants_failures(self) -> bool:
        """Whether a request that was not charged can be meant."""
        return self.type in (0, LogType.CONSUME) and not self.least_units


def log_entries(
    conn: Connection, asked: Asked, place: Place | None, *, newer: bool, limit: int, sort: str = ""
) -> list[LogRow]:
    """Return up to `limit` entries of `logs` that come after `place`, nearest first; `newer`: before it.

    Sorted by a column of `SORTABLE`, largest first, `place` holds that column's value as its `second`.
    """
    where = _log_conditions(conn, asked)
    at: Column[int] = SORTABLE.get(sort, logs.c.created_at)
    if sort:
        order: list[Column[int]] = [at, logs.c.id]
        if place is not None:
            where.append(_beyond(order, (place.second, place.id), newer=newer))
    else:
        order = [at, logs.c.type, logs.c.id]
        if place is not None and place.source == LOG:
            where.append(_beyond(order, (place.second, place.within, place.id), newer=newer))
        elif place is not None:
            # A request stands after all entries of its second.
            where.append(at >= place.second if newer else at < place.second)
    wanted = query(logs, LogRow).where(*where).order_by(*(c.asc() if newer else c.desc() for c in order)).limit(limit)
    return many(conn, LogRow, wanted)


def uncharged_requests(
    conn: Connection, asked: Asked, place: Place | None, *, newer: bool, limit: int
) -> list[FinishedRequest]:
    """Return up to `limit` requests that left nothing in `logs`, in the same way."""
    where = [gw_requests.c.failed.is_(True), gw_requests.c.logged.is_(False), *_request_conditions(asked)]
    return _requests(conn, where, place, newer=newer, limit=limit)


def failed_requests(
    conn: Connection, asked: Asked, place: Place | None, *, newer: bool, limit: int
) -> list[FinishedRequest]:
    """Return up to `limit` requests that failed, charged or not, in the same way."""
    where = [gw_requests.c.failed.is_(True), *_request_conditions(asked)]
    return _requests(conn, where, place, newer=newer, limit=limit)


def retried_requests(
    conn: Connection, asked: Asked, place: Place | None, *, newer: bool, limit: int
) -> list[FinishedRequest]:
    """Return up to `limit` requests that needed more than one attempt, in the same way."""
    where = [gw_requests.c.attempts > 1, *_request_conditions(asked)]
    return _requests(conn, where, place, newer=newer, limit=limit)


def place_of_log(row: LogRow, sort: str = "") -> Place:
    """Return where an entry stands."""
    return Place(int(getattr(row, sort)) if sort else row.created_at, LOG, row.type, row.id)


def place_of_request(row: FinishedRequest) -> Place:
    """Return where a request stands."""
    return Place(row.finished_at // 1000, REQUEST, row.finished_at % 1000, row.id)


@dataclass(frozen=True, slots=True)
class Total:
    """Sums over the entries of a filter; `charged` counts those that were requests."""

    entries: int = 0
    charged: int = 0
    units: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


def total(conn: Connection, asked: Asked) -> Total:
    """Sum up all entries of `logs` that fit. Reads each of them."""
    is_charge = logs.c.type == LogType.CONSUME
    row = conn.execute(
        select(
            func.count(),
            whole(func.sum(_if(is_charge, 1))),
            whole(func.sum(_if(is_charge, logs.c.quota))),
            whole(func.sum(_if(is_charge, logs.c.prompt_tokens))),
            whole(func.sum(_if(is_charge, logs.c.completion_tokens))),
            whole(func.sum(_if(is_charge, logs.c.cached_prompt_tokens))),
        ).where(*_log_conditions(conn, asked))
    ).one()
    return Total(*(int(value) for value in row))


def count_uncharged(conn: Connection, asked: Asked) -> int:
    """Count the requests that fit and left nothing in `logs`."""
    where = [gw_requests.c.failed.is_(True), gw_requests.c.logged.is_(False), *_request_conditions(asked)]
    return int(conn.execute(select(func.count()).select_from(gw_requests).where(*where)).scalar_one())


def _if(condition: ColumnElement[bool], value: ColumnElement[int] | int) -> ColumnElement[int]:
    return case((condition, value), else_=0)


def size(conn: Connection) -> int:
    """Return about how many entries there are: numbers are given in turn, and only the oldest are ever deleted."""
    first, last = conn.execute(select(func.min(logs.c.id), func.max(logs.c.id))).one()
    return 0 if last is None else int(last) - int(first) + 1


def _requests(
    conn: Connection, where: list[ColumnElement[bool]], place: Place | None, *, newer: bool, limit: int
) -> list[FinishedRequest]:
    order: list[Column[int]] = [gw_requests.c.finished_at, gw_requests.c.id]
    if place is not None and place.source == REQUEST:
        where.append(_beyond(order, (place.second * 1000 + place.within, place.id), newer=newer))
    elif place is not None:
        # All requests of a second stand after its entries, that is, are older.
        end_ms = place.second * 1000 + 1000
        where.append(order[0] >= end_ms if newer else order[0] < end_ms)
    wanted = query(gw_requests, FinishedRequest).where(*where)
    wanted = wanted.order_by(*(c.asc() if newer else c.desc() for c in order)).limit(limit)
    return many(conn, FinishedRequest, wanted)


def _beyond(order: list[Column[int]], values: tuple[int, ...], *, newer: bool) -> ColumnElement[bool]:
    left, right = tuple_(*order), tuple_(*values)
    # The first alone as well: MySQL does not use an index for a comparison of rows.
    if newer:
        return and_(order[0] >= values[0], left > right)
    return and_(order[0] <= values[0], left < right)


def _log_conditions(conn: Connection, asked: Asked) -> list[ColumnElement[bool]]:
    c = logs.c
    where: list[ColumnElement[bool]] = []
    if asked.type:
        where.append(c.type == asked.type)
    if asked.user_id is not None:
        where.append(c.user_id == asked.user_id)
    if asked.username:
        where.append(c.username == asked.username)
    if asked.token_name:
        where.append(c.token_name == asked.token_name)
    if asked.model:
        where.append(c.model_name == asked.model)
    if asked.channel_id:
        where.append(c.channel_id == asked.channel_id)
    if asked.since:
        where.append(c.created_at >= asked.since)
    if asked.until:
        where.append(c.created_at < asked.until)
    if asked.least_units:
        where.append(c.quota >= asked.least_units)
    if asked.least_ms:
        where.append(c.elapsed_time >= asked.least_ms)
    if asked.is_stream is not None:
        where.append(c.is_stream.is_(asked.is_stream))
    if asked.id:
        where.append(_has_id(asked.id))
    if asked.text:
        where.append(contains(c.content, asked.text))
        newest = conn.execute(select(func.max(c.id))).scalar() or 0
        where.append(c.id > newest - SEARCHED)
    return where


def _has_id(text: str) -> ColumnElement[bool]:
    """Match a trace id, or a request id: those are in no index, but begin with the time."""
    try:
        begun = datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return logs.c.trace_id == text
    # Of any zone, and relays may take their time.
    around = logs.c.created_at.between(int(begun) - _DAY_S, int(begun) + 2 * _DAY_S)
    return or_(and_(logs.c.request_id == text, around), logs.c.trace_id == text)


def _request_conditions(asked: Asked) -> list[ColumnElement[bool]]:
    c = gw_requests.c
    where: list[ColumnElement[bool]] = []
    if asked.user_id is not None:
        where.append(c.user_id == asked.user_id)
    if asked.username:
        where.append(c.username == asked.username)
    if asked.token_name:
        where.append(c.token_name == asked.token_name)
    if asked.model:
        where.append(or_(c.model == asked.model, c.sent_model == asked.model))
    if asked.channel_id:
        where.append(c.channel_id == asked.channel_id)
    if asked.since:
        where.append(c.finished_at >= asked.since * 1000)
    if asked.until:
        where.append(c.finished_at < asked.until * 1000)
    if asked.least_ms:
        where.append(c.duration_ms >= asked.least_ms)
    if asked.is_stream is not None:
        where.append(c.is_stream.is_(asked.is_stream))
    if asked.id:
        where.append(or_(c.request_id == asked.id, c.trace_id == asked.id))
    if asked.text:
        where.append(contains(c.error, asked.text))
    return where
