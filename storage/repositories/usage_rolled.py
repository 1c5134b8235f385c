"""Sums of use by hour and day, made once and read often: `gw_usage`."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import String, and_, bindparam, cast, delete, func, insert, literal, literal_column, or_, select

from storage.repositories.ledger_rows import fit
from storage.repositories.rows import summed, whole
from storage.repositories.usage import DAY, HOUR, SUMMED, Buckets, Cells, Counts, Spans, Sums, bound, bucket, within
from storage.tables import channels, logs
from storage.traffic_tables import gw_tallies, gw_usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from sqlalchemy import ColumnElement, Connection, FromClause, Select

_LONGEST_KEY = 255
_Text = String(20)
# To MySQL and MariaDB blanks at the end of a word are none.
_PADS = ("mysql", "mariadb")


def rolled_hours(conn: Connection) -> tuple[int, int]:
    """Return from when until when hours are summed up without a gap; (0, 0): none is."""
    first, last = conn.execute(
        select(func.min(gw_usage.c.start), func.max(gw_usage.c.start)).where(
            gw_usage.c.span == HOUR, gw_usage.c.kind == "all"
        )
    ).one()
    return (0, 0) if last is None else (int(first), int(last) + HOUR)


def read(
    conn: Connection,
    span: int,
    *,
    kind: str,
    spans: Spans,
    buckets: Buckets,
    keys: Sequence[str] | None = None,
    most: int = 0,
) -> Cells:
    """Add up whole hours or days of UTC (`span`, in seconds), of all keys, of some, or of the `most` dearest."""
    statement = _read(conn.dialect.name, bool(buckets.step), len(spans), keys is not None, most)
    values = bound(spans, buckets, keys=keys) | {"span": span, "kind": kind}
    return {(number, key): Sums(*map(int, sums)) for number, key, *sums in conn.execute(statement, values).all()}


@lru_cache(maxsize=32)
def _read(dialect: str, cut: bool, spans: int, some: bool, most: int) -> Select[*tuple[Any, ...]]:
    c = gw_usage.c
    at = bucket(dialect, c.start) if cut else literal_column("0").label("bucket")
    where = [c.span == bindparam("span"), within(c.start, spans), c.kind == bindparam("kind"), *_some(some)]
    sums = [summed(dialect, c[name]) for name in SUMMED]
    wanted = select(at, c.key, *sums).where(*where).group_by(*(["bucket"] if cut else []), c.key)
    return wanted.order_by(sums[1].desc()).limit(most) if most else wanted


def counts(
    conn: Connection,
    span: int,
    *,
    kinds: Sequence[str],
    spans: Spans,
    buckets: Buckets,
    keys: Sequence[str] | None = None,
) -> dict[str, Counts]:
    """Add up whole hours or days (`span`) of several kinds that are only counted; with `keys` only theirs."""
    statement = _counts(conn.dialect.name, bool(buckets.step), len(spans), keys is not None)
    values = bound(spans, buckets, keys=keys) | {"span": span, "kinds": list(kinds)}
    found: dict[str, Counts] = {kind: {} for kind in kinds}
    for kind, number, key, count in conn.execute(statement, values).all():
        found[kind][number, key] = int(count)
    return found


@lru_cache(maxsize=32)
def _counts(dialect: str, cut: bool, spans: int, some: bool) -> Select[*tuple[Any, ...]]:
    c = gw_usage.c
    where = [
        c.span == bindparam("span"),
        within(c.start, spans),
        c.kind.in_(bindparam("kinds", expanding=True)),
        *_some(some),
    ]
    at = bucket(dialect, c.start) if cut else literal_column("0").label("bucket")
    wanted = select(c.kind, at, c.key, summed(dialect, c.requests)).where(*where)
    return wanted.group_by(c.kind, *(["bucket"] if cut else []), c.key)


def _some(some: bool) -> list[ColumnElement[bool]]:
    return [gw_usage.c.key.in_(bindparam("keys", expanding=True))] if some else []


# --- writing ---------------------------------------------------------------------------------------------


def store_hour(conn: Connection, start: int, rows: Iterable[tuple[str, str, Sums]]) -> None:
    """Store the sums of one hour (kind, key, sums) in place of those that there may be."""
    conn.execute(delete(gw_usage).where(gw_usage.c.span == HOUR, gw_usage.c.start == start))
    _insert(conn, HOUR, start, rows)


def sum_up_hour(conn: Connection, start: int, rows: Iterable[tuple[str, str, Sums]]) -> None:
    """Sum up the tallies of one hour in place of the sums that there may be. `rows`: what tallies do not have."""
    conn.execute(delete(gw_usage).where(gw_usage.c.span == HOUR, gw_usage.c.start == start))
    c = gw_tallies.c
    within = [c.start >= start, c.start < start + HOUR]
    for kind, key in (
        ("model", c.model),
        ("user", cast(c.user_id, _Text)),
        ("channel", cast(c.channel_id, _Text)),
        ("group", c.user_group),
        ("format", c.format),
    ):
        _add(conn, HOUR, kind, start, key, [*within, c.requests > 0])
    # A channel that is gone has no provider any more.
    provider = cast(func.coalesce(channels.c.type, 0), _Text)
    source = gw_tallies.outerjoin(channels, channels.c.id == c.channel_id)
    _add(conn, HOUR, "provider", start, provider, [*within, c.requests > 0], source=source)
    step = cast(c.took_step, _Text)
    for kind, is_stream in (("took", False), ("flow", True)):
        where = [*within, c.requests > 0, c.took_step >= 0, c.is_stream.is_(is_stream)]
        _add(conn, HOUR, kind, start, step, where, counted=("requests",))
    # The row that says that the hour was looked at, even if nothing is in it.
    whole_hour = select(literal(HOUR), literal("all"), literal(start), literal(""), *_sums()).where(*within)
    conn.execute(insert(gw_usage).from_select(("span", "kind", "start", "key", *SUMMED), whole_hour))
    _insert(conn, HOUR, start, rows)


def _add(
    conn: Connection,
    span: int,
    kind: str,
    start: int,
    key: ColumnElement[Any],
    where: Sequence[ColumnElement[bool]],
    *,
    counted: Sequence[str] = SUMMED,
    source: FromClause = gw_tallies,
) -> None:
    names = ("span", "kind", "start", "key", *counted)
    word = key.label("t_key")
    sums = list(_sums())[: len(counted)]
    rows = (
        select(literal(span), literal(kind), literal(start), word, *sums)
        .select_from(source)
        .where(*where)
        .group_by("t_key")
    )
    conn.execute(insert(gw_usage).from_select(names, rows))


def _sums() -> Iterator[ColumnElement[int]]:
    return (whole(func.sum(gw_tallies.c[name])) for name in SUMMED)


def sum_up_day(conn: Connection, start: int) -> None:
    """Add the hours of one day of UTC up, and the tallies by token, in place of the sums that there may be."""
    store_day(conn, start, ())
    c = gw_tallies.c
    token = cast(c.user_id, _Text).concat(":").concat(c.token_name)
    _add(conn, DAY, "token", start, token, [c.start >= start, c.start < start + DAY, c.requests > 0])


def store_day(conn: Connection, start: int, rows: Sequence[tuple[str, str, Sums]]) -> None:
    """Add the hours of one day of UTC up, in place of the sums that there may be. `rows`: what hours do not have."""
    c = gw_usage.c
    conn.execute(delete(gw_usage).where(c.span == DAY, c.start == start))
    hours = (
        select(literal(DAY), c.kind, literal(start), c.key, *(whole(func.sum(c[name])) for name in SUMMED))
        .where(c.span == HOUR, c.start >= start, c.start < start + DAY)
        .group_by(c.kind, c.key)
    )
    conn.execute(insert(gw_usage).from_select(("span", "kind", "start", "key", *SUMMED), hours))
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
    conn.execute(delete(gw_tallies).where(gw_tallies.c.start < hour + HOUR))


def drop_hours(conn: Connection, before: int) -> None:
    """Delete the sums and tallies of hours that begin before a moment; the sums of their days stay."""
    conn.execute(delete(gw_usage).where(gw_usage.c.span == HOUR, gw_usage.c.start < before))
    conn.execute(delete(gw_tallies).where(gw_tallies.c.start < before))


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
