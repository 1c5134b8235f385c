"""Sums of use by hour and day, made once and read often: `gw_usage`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, func, insert, literal, or_, select

from storage.repositories.ledger_rows import fit
from storage.repositories.rows import whole
from storage.repositories.usage import AS_TIGHT, DAY, HOUR, Buckets, Cells, Sums
from storage.tables import logs
from storage.traffic_tables import gw_usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from sqlalchemy import Connection, Label

_LONGEST_KEY = 255
# To MySQL and MariaDB blanks at the end of a word are none.
_PADS = ("mysql", "mariadb")
_SUMMED = ("requests", "units", "prompt_tokens", "completion_tokens", "cached_tokens")


def rolled_hours(conn: Connection) -> tuple[int, int]:
    """Return from when until when hours are summed up without a gap; (0, 0): none is."""
    first, last = conn.execute(
        select(func.min(gw_usage.c.start), func.max(gw_usage.c.start)).where(
            gw_usage.c.span == HOUR, gw_usage.c.kind == "all"
        )
    ).one()
    return (0, 0) if last is None else (int(first), int(last) + HOUR)


def from_hours(
    conn: Connection, *, kind: str, since: int, until: int, buckets: Buckets, keys: Sequence[str] | None = None
) -> Cells:
    """Add up whole hours, of all keys or of some."""
    return _from_spans(conn, HOUR, kind, since, until, buckets, keys)


def from_days(conn: Connection, *, kind: str, since: int, until: int, keys: Sequence[str] | None = None) -> Cells:
    """Add up whole days of UTC into one bucket."""
    return _from_spans(conn, DAY, kind, since, until, Buckets(), keys)


def store_hour(conn: Connection, start: int, rows: Iterable[tuple[str, str, Sums]]) -> None:
    """Store the sums of one hour (kind, key, sums) in place of those that there may be."""
    conn.execute(delete(gw_usage).where(gw_usage.c.span == HOUR, gw_usage.c.start == start))
    _insert(conn, HOUR, start, rows)


def store_day(conn: Connection, start: int, rows: Sequence[tuple[str, str, Sums]]) -> None:
    """Add the hours of one day of UTC up, in place of the sums that there may be. `rows`: what hours do not have."""
    c = gw_usage.c
    conn.execute(delete(gw_usage).where(c.span == DAY, c.start == start))
    hours = (
        select(literal(DAY), c.kind, literal(start), c.key, *(whole(func.sum(c[name])) for name in _SUMMED))
        .where(c.span == HOUR, c.start >= start, c.start < start + DAY)
        .group_by(c.kind, c.key)
    )
    conn.execute(insert(gw_usage).from_select(("span", "kind", "start", "key", *_SUMMED), hours))
    _insert(conn, DAY, start, rows)


def _insert(conn: Connection, span: int, start: int, rows: Iterable[tuple[str, str, Sums]]) -> None:
    cells: dict[tuple[str, str], Sums] = {}
    for kind, key, sums in rows:
        # What the primary key takes for one must be one: two keys that it cannot tell apart would keep the hour out.
        plain = fit(key, _LONGEST_KEY)
        place = kind, plain.rstrip(" ") if conn.dialect.name in _PADS else plain
        cells[place] = cells.get(place, Sums()) + sums
    values = [
        {"span": span, "kind": kind, "start": start, "key": key} | sums._asdict()
        for (kind, key), sums in cells.items()
    ]
    if values:
        conn.execute(insert(gw_usage), values)


def forget_usage(conn: Connection, before: int) -> None:
    """Delete the sums of all hours and days that begin before a moment, and of those that hold it."""
    hour, day = before - before % HOUR, before - before % DAY
    c = gw_usage.c
    conn.execute(
        delete(gw_usage).where(or_(and_(c.span == HOUR, c.start <= hour), and_(c.span == DAY, c.start <= day)))
    )


def drop_hours(conn: Connection, before: int) -> None:
    """Delete the sums of hours that begin before a moment; those of their days stay."""
    conn.execute(delete(gw_usage).where(gw_usage.c.span == HOUR, gw_usage.c.start < before))


def rolled_totals(conn: Connection, since: int, until: int) -> dict[int, tuple[int, int]]:
    """Return requests and units of each hour that was summed up, by its beginning."""
    c = gw_usage.c
    rows = conn.execute(
        select(c.start, c.requests, c.units).where(c.span == HOUR, c.kind == "all", c.start >= since, c.start < until)
    )
    return {int(start): (int(requests), int(units)) for start, requests, units in rows}


def first_charge(conn: Connection) -> int:
    """Return when the oldest entry of the log was written, 0 for an empty log."""
    return int(conn.execute(select(func.min(logs.c.created_at)).where(logs.c.created_at > 0)).scalar() or 0)


def _from_spans(
    conn: Connection, span: int, kind: str, since: int, until: int, buckets: Buckets, keys: Sequence[str] | None
) -> Cells:
    c = gw_usage.c
    where = [c.span == span, c.kind == kind, c.start >= since, c.start < until]
    if keys is not None:
        where.append(c.key.in_(list(keys)))
    groups: list[Label[Any]] = [c.key.label("word")]
    if buckets.step:
        divide = (c.start - buckets.start).op("DIV" if conn.dialect.name == "mysql" else "/", precedence=AS_TIGHT)
        groups.insert(0, divide(buckets.step).label("bucket"))
    sums = (whole(func.sum(c[name])) for name in _SUMMED)
    rows = conn.execute(select(*groups, *sums).where(*where).group_by(*(group.name for group in groups)))
    cells: Cells = {}
    for row in rows:
        number, key, *values = row if buckets.step else (0, *row)
        cells[int(number), str(key)] = Sums(*(int(value) for value in values))
    return cells
