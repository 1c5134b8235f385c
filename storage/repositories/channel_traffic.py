"""How channels have done: what they answered, and what they failed at, by channel and time."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from storage.repositories.steps import step_of
from storage.repositories.usage import AS_TIGHT
from storage.traffic_tables import gw_attempts, gw_requests

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy import ColumnElement, Connection, Label

Counts = dict[tuple[int, int], int]
"""By channel and bucket."""


def answered(conn: Connection, *, channels: Sequence[int] | None, since: int, until: int, step: int) -> Counts:
    """Count the requests that channels answered, by channel and bucket of `step` seconds from `since` on."""
    c = gw_requests.c
    where = [c.finished_at >= since * 1000, c.finished_at < until * 1000, c.failed.is_(False)]
    return _counts(conn, c.channel_id, c.finished_at, [*where, *_one_of(c.channel_id, channels)], since, step)


def failed(conn: Connection, *, channels: Sequence[int] | None, since: int, until: int, step: int) -> Counts:
    """Count the attempts at which channels failed, in the same way."""
    c = gw_attempts.c
    where = [c.failed_at >= since * 1000, c.failed_at < until * 1000]
    return _counts(conn, c.channel_id, c.failed_at, [*where, *_one_of(c.channel_id, channels)], since, step)


def waits(conn: Connection, *, channels: Sequence[int], since: int, until: int) -> dict[int, dict[int, int]]:
    """Count how long requests waited for their first content, by channel and step."""
    c = gw_requests.c
    step = step_of(c.first_ms).label("step")
    rows = conn.execute(
        select(c.channel_id, step, func.count())
        .where(
            c.finished_at >= since * 1000,
            c.finished_at < until * 1000,
            c.failed.is_(False),
            c.first_ms.is_not(None),
            *_one_of(c.channel_id, channels),
        )
        .group_by(c.channel_id, "step")
    )
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for channel, number, count in rows:
        found[int(channel)][int(number)] = int(count)
    return dict(found)


def _one_of(column: ColumnElement[int], channels: Sequence[int] | None) -> list[ColumnElement[bool]]:
    return [] if channels is None else [column.in_(list(channels))]


def _counts(
    conn: Connection,
    channel: ColumnElement[int],
    at: ColumnElement[int],
    where: Sequence[ColumnElement[bool]],
    since: int,
    step: int,
) -> Counts:
    divide = (at - since * 1000).op("DIV" if conn.dialect.name == "mysql" else "/", precedence=AS_TIGHT)
    bucket: Label[Any] = divide(step * 1000).label("bucket")
    rows = conn.execute(select(channel.label("of"), bucket, func.count()).where(*where).group_by("of", "bucket"))
    return {(int(of), int(number)): int(count) for of, number, count in rows}
