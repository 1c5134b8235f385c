"""The log as people page through it: by place instead of by page number, so that deep pages cost no more than others.

Entries come from `logs` and, where nothing was delivered and so nothing charged, from `gw_requests`. Both are read
newest first from a `Place`; whoever calls merges them. Within a second entries of `logs` come first, by type and id,
as its index (and the primary key that MySQL keeps in it) has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select, tuple_

from storage.records import LogRow
from storage.repositories.log_asked import SEARCHED, Asked, log_conditions, request_conditions
from storage.repositories.requests import FinishedRequest
from storage.repositories.rows import many, query
from storage.tables import logs
from storage.traffic_tables import gw_requests

if TYPE_CHECKING:
    from sqlalchemy import Column, ColumnElement, Connection

    from storage.repositories.log_asked import Asked

LOG, REQUEST = 0, 1
_LAST_ID = 10**17

SORTABLE = {
    "quota": logs.c.quota,
    "prompt_tokens": logs.c.prompt_tokens,
    "completion_tokens": logs.c.completion_tokens,
    "elapsed_time": logs.c.elapsed_time,
}


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


def log_entries(
    conn: Connection, asked: Asked, place: Place | None, *, newer: bool, limit: int, sort: str = ""
) -> list[LogRow]:
    """Return up to `limit` entries of `logs` that come after `place`, nearest first; `newer`: before it.

    Sorted by a column of `SORTABLE`, largest first, `place` holds that column's value as its `second`.
    """
    where = log_conditions(conn, asked)
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
    where = [gw_requests.c.failed.is_(True), gw_requests.c.logged.is_(False), *request_conditions(asked)]
    return _requests(conn, where, place, newer=newer, limit=limit)


def request_entries(
    conn: Connection, asked: Asked, place: Place | None, *, newer: bool, limit: int
) -> tuple[list[FinishedRequest], Place | None]:
    """Return up to `limit` requests, charged or not, in the same way.

    Where what fits may be rare, only so many rows are looked at; then there is also the place to go on from, which is
    `None` once all were looked at.
    """
    where = request_conditions(asked)
    if asked.fits_nothing:
        return [], None
    if not asked.is_slow_to_find:
        return _requests(conn, where, place, newer=newer, limit=limit), None
    at = gw_requests.c.finished_at
    begin = _start_of(asked, place)
    span = at.asc() if newer else at.desc()
    beyond = select(at).order_by(span).offset(SEARCHED).limit(1)
    if begin is not None:
        beyond = beyond.where(at >= begin if newer else at <= begin)
    end = conn.execute(beyond).scalar()
    if end is None:
        return _requests(conn, where, place, newer=newer, limit=limit), None
    rows = _requests(conn, [*where, at < end if newer else at > end], place, newer=newer, limit=limit)
    if newer or len(rows) == limit:
        return rows, None
    # Before whatever ended at that moment: none of it was looked at.
    return rows, Place(int(end) // 1000, REQUEST, int(end) % 1000, _LAST_ID)


def _start_of(asked: Asked, place: Place | None) -> int | None:
    """Return the moment (ms) from which on requests are looked at, `None`: from the newest."""
    moments = [asked.until * 1000] if asked.until else []
    if place is not None:
        moments.append(place.second * 1000 + (place.within if place.source == REQUEST else 999))
    return min(moments, default=None)


def place_of_log(row: LogRow, sort: str = "") -> Place:
    """Return where an entry stands."""
    return Place(int(getattr(row, sort)) if sort else row.created_at, LOG, row.type, row.id)


def place_of_request(row: FinishedRequest) -> Place:
    """Return where a request stands."""
    return Place(row.finished_at // 1000, REQUEST, row.finished_at % 1000, row.id)


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
