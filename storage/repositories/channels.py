"""Channels, as people edit them. The relay reads them through `relay_reads`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, or_, select, update

from storage.records import Channel
from storage.repositories import channel_keys
from storage.repositories.channel_secrets import opened, sealed
from storage.repositories.rows import Page, Sort, as_id, begins_with, fetch_page, many, one, ordering, query
from storage.tables import channels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection

    from storage.repositories.rows import RecordQuery

SORTABLE = (
    "id",
    "type",
    "name",
    "status",
    "weight",
    "priority",
    "created_time",
    "test_time",
    "response_time",
    "balance",
    "used_quota",
    "group",
    "created_at",
    "updated_at",
)
_ALLOWED = {name: channels.c[name] for name in SORTABLE}


def by_id(conn: Connection, channel_id: int) -> Channel | None:
    """Return one channel with its key."""
    return _one(conn, query(channels, Channel).where(channels.c.id == channel_id))


def locked(conn: Connection, channel_id: int) -> Channel | None:
    """Return one channel and hold its row until the transaction ends."""
    return _one(conn, query(channels, Channel).where(channels.c.id == channel_id).with_for_update())


def _one(conn: Connection, wanted: RecordQuery) -> Channel | None:
    found = one(conn, Channel, wanted)
    return None if found is None else opened(conn, [found])[0]


def page(conn: Connection, wanted: Page, sort: Sort) -> tuple[list[Channel], int]:
    """Return one page of channels and their number."""
    order = ordering(conn, channels, sort, allowed=_ALLOWED)
    rows, total = fetch_page(conn, channels, Channel, where=[], order=order, page=wanted)
    return opened(conn, rows), total


def search(conn: Connection, keyword: str, sort: Sort, wanted: Page | None) -> tuple[list[Channel], int]:
    """Find channels by number or by the beginning of their name."""
    where: list[ColumnElement[bool]] = []
    if keyword:
        matches = [begins_with(channels.c.name, keyword)]
        number = as_id(keyword)
        if number is not None:
            matches.append(channels.c.id == number)
        where.append(or_(*matches))
    order = ordering(conn, channels, sort, allowed=_ALLOWED)
    rows, total = fetch_page(conn, channels, Channel, where=where, order=order, page=wanted)
    return opened(conn, rows), total


def everything(conn: Connection, statuses: Sequence[int] = ()) -> list[Channel]:
    """Return all channels, or those in one of `statuses`, oldest first."""
    wanted = query(channels, Channel).order_by(channels.c.id)
    if statuses:
        wanted = wanted.where(channels.c.status.in_(statuses))
    return opened(conn, many(conn, Channel, wanted))


def ids(conn: Connection, statuses: Sequence[int] = ()) -> list[int]:
    """Return the ids of all channels, or of those in one of `statuses`, in order."""
    wanted = select(channels.c.id).order_by(channels.c.id)
    if statuses:
        wanted = wanted.where(channels.c.status.in_(statuses))
    return list(conn.execute(wanted).scalars())


def add(conn: Connection, values: dict[str, object]) -> int:
    """Store a new channel and return its id."""
    key = conn.execute(insert(channels).values(sealed(conn, values))).inserted_primary_key
    return int(key[0]) if key else 0


def change(conn: Connection, channel_id: int, values: dict[str, object]) -> bool:
    """Write `values` to a channel; never used for its counters. `False` when there is no such channel."""
    if "key" in values:
        channel_keys.first_changed(conn, channel_id)
    return bool(
        conn.execute(update(channels).where(channels.c.id == channel_id).values(sealed(conn, values))).rowcount
    )


def move(conn: Connection, channel_id: int, *, before: int, after: int, now_ms: int) -> bool:
    """Change the state from `before` to `after`; `False` when it was another one."""
    changed = conn.execute(
        update(channels)
        .where(channels.c.id == channel_id, channels.c.status == before)
        .values(status=after, updated_at=now_ms)
    )
    return bool(changed.rowcount)


def remove(conn: Connection, channel_id: int) -> bool:
    """Delete a channel; its abilities are the caller's to delete."""
    return bool(conn.execute(delete(channels).where(channels.c.id == channel_id)).rowcount)
