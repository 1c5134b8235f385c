"""The log by quarters of an hour and by everything at once: `gw_tallies`.

Made from the log and from what `gw_requests` knows of the same requests. Where both live in one database, that is one
statement; else rows come from the log's database and are looked up in the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, case, delete, func, insert, literal, select

from storage.records import LogType
from storage.repositories.ledger_rows import fit
from storage.repositories.ledger_sql import insert_many
from storage.repositories.rows import whole
from storage.repositories.steps import step_of, step_of_speed
from storage.repositories.usage import LEAST_TOKENS, QUARTER, SUMMED, Buckets, bound, bucket_of, fault_of, within
from storage.tables import logs
from storage.traffic_tables import gw_requests, gw_tallies

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from sqlalchemy import ColumnElement, Connection, Select

_LONGEST = 191

_DIMENSIONS = (
    "user_id",
    "token_name",
    "model",
    "channel_id",
    "user_group",
    "format",
    "is_stream",
    "fault",
    "first_step",
    "took_step",
    "speed_step",
    "tries",
)
_LOGGED = ("quota", "prompt_tokens", "completion_tokens", "cached_prompt_tokens")
_COUNTED = ("requests", "uncharged", *SUMMED[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What `gw_requests` knows of a charge that stands in a log elsewhere."""

    user_group: str = ""
    format: str = ""
    fault: str = ""
    first_step: int = -1
    speed_step: int = -1
    tries: int = 0
    reasoning_tokens: int = 0
    saved_units: int = 0
    list_units: int | None = None

    def margin(self, units: int) -> tuple[int, int]:
        """Return the list price and what more was charged; nothing where that is not known."""
        return (0, 0) if self.list_units is None else (self.list_units, units - self.list_units)


class Charge(NamedTuple):
    """An entry of a log elsewhere."""

    request_id: str
    second: int
    user_id: int
    token_name: str
    model: str
    channel_id: int
    is_stream: bool
    took_step: int
    units: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int


# --- writing ---------------------------------------------------------------------------------------------


def forget(conn: Connection, since: int, until: int) -> None:
    """Delete what is known of a span, whole quarters."""
    conn.execute(delete(gw_tallies).where(gw_tallies.c.start >= since, gw_tallies.c.start < until))


def store_charged(conn: Connection, since: int, until: int) -> None:
    """Add what the log of the same database has of a span."""
    names = ("start", *_DIMENSIONS, *_COUNTED)
    # What belongs together lies together: a chart of one user reads a third of the pages then.
    rows = charged().order_by("t_user_id", "t_model", "t_start").params(bound([(since, until)]))
    conn.execute(insert(gw_tallies).from_select(names, rows))


def store_uncharged(conn: Connection, since: int, until: int) -> None:
    """Add the requests that left nothing in the log."""
    c = gw_requests.c
    columns = {
        "user_id": c.user_id,
        "token_name": c.token_name,
        "model": c.sent_model,
        "channel_id": c.channel_id,
        "user_group": c.user_group,
        "format": c.endpoint,
        "is_stream": c.is_stream,
        "fault": case((c.failed.is_(True), fault_of()), else_=""),
        "first_step": _first(c.first_ms, c.failed),
        "took_step": literal(-1),
        "speed_step": literal(-1),
        "tries": c.attempts,
    }
    groups = [column.label(f"t_{name}") for name, column in columns.items()]
    second = _divided(conn, c.finished_at, 1000)
    counted = {"requests": literal(0), "uncharged": func.count()} | {name: literal(0) for name in SUMMED[1:]}
    wanted = (
        select(_quarter(second).label("t_start"), *groups, *(counted[name].label(name) for name in _COUNTED))
        .where(c.finished_at >= since * 1000, c.finished_at < until * 1000, c.logged.is_(False))
        .group_by("t_start", *(group.name for group in groups))
    )
    conn.execute(insert(gw_tallies).from_select(("start", *_DIMENSIONS, *_COUNTED), wanted))


def store(conn: Connection, rows: Iterable[tuple[Charge, Fate]]) -> None:
    """Add charges of a log elsewhere."""
    found: dict[tuple[object, ...], list[int]] = {}
    for one, fate in rows:
        place = (
            one.second - one.second % QUARTER,
            one.user_id,
            fit(one.token_name, _LONGEST),
            fit(one.model, _LONGEST),
            one.channel_id,
            fate.user_group,
            fate.format,
            one.is_stream,
            fate.fault,
            fate.first_step,
            one.took_step,
            fate.speed_step,
            fate.tries,
        )
        more = (
            1,
            0,
            one.units,
            one.prompt_tokens,
            one.completion_tokens,
            one.cached_tokens,
            fate.reasoning_tokens,
            fate.saved_units,
            *fate.margin(one.units),
        )
        known = found.get(place)
        found[place] = [a + b for a, b in zip(known, more, strict=True)] if known else list(more)
    names = ("start", *_DIMENSIONS, *_COUNTED)
    values = [dict(zip(names, (*place, *counts), strict=True)) for place, counts in found.items()]
    if values:
        insert_many(conn, gw_tallies, values)


def charges(conn: Connection, since: int, until: int, *, after: int, limit: int) -> list[tuple[int, Charge]]:
    """Return entries of a log with their ids, in the order of these; `after`: the last one of before."""
    c = logs.c
    rows = conn.execute(
        select(
            c.id,
            func.coalesce(c.request_id, ""),
            c.created_at,
            func.coalesce(c.user_id, 0),
            func.coalesce(c.token_name, ""),
            func.coalesce(c.model_name, ""),
            func.coalesce(c.channel_id, 0),
            func.coalesce(c.is_stream, False),
            _took(c.elapsed_time),
            *(func.coalesce(c[name], 0) for name in _LOGGED),
        )
        .where(c.type == LogType.CONSUME, c.created_at >= since, c.created_at < until, c.id > after)
        .order_by(c.id)
        .limit(limit)
    )
    return [(int(number), Charge(*values)) for number, *values in rows]


def fates(conn: Connection, request_ids: Sequence[str]) -> dict[str, Fate]:
    """Return what is known of some charged requests."""
    known = _known().where(gw_requests.c.request_id.in_(list(request_ids)))
    names = (
        "user_group", "format", "fault", "first_step", "speed_step", "tries", "reasoning_tokens", "saved_units",
        "list_units",
    )  # fmt: skip
    return {str(row[0]): Fate(**dict(zip(names, row[1:], strict=True))) for row in conn.execute(known)}


# --- what is there ---------------------------------------------------------------------------------------


def charged(spans: int = 1, *, is_exact: bool = False) -> Select[*tuple[Any, ...]]:
    """Select what the log of the same database has of some spans, in the shape of the table; `is_exact`: by seconds.

    The spans are bound to it (`usage.bound`).
    """
    c = logs.c
    near = within(gw_requests.c.finished_at, spans, "_near")
    known = _known().where(near).subquery()
    k = known.c
    columns = {
        "user_id": func.coalesce(c.user_id, 0),
        "token_name": func.substr(func.coalesce(c.token_name, ""), 1, _LONGEST),
        "model": func.substr(func.coalesce(c.model_name, ""), 1, _LONGEST),
        "channel_id": func.coalesce(c.channel_id, 0),
        "user_group": func.coalesce(k.k_group, ""),
        "format": func.coalesce(k.k_format, ""),
        "is_stream": func.coalesce(c.is_stream, False),
        "fault": func.coalesce(k.k_fault, ""),
        "first_step": func.coalesce(k.k_first, -1),
        "took_step": _took(c.elapsed_time),
        "speed_step": func.coalesce(k.k_speed, -1),
        "tries": func.coalesce(k.k_tries, 0),
    }
    groups = [column.label(f"t_{name}") for name, column in columns.items()]
    sums: list[ColumnElement[Any]] = [func.count().label("requests"), literal(0).label("uncharged")]
    sums += [whole(func.sum(c[name])).label(own) for name, own in zip(_LOGGED, SUMMED[1:], strict=False)]
    sums += [
        whole(func.sum(k.k_reasoning)).label("reasoning_tokens"),
        whole(func.sum(k.k_saved)).label("saved_units"),
        whole(func.sum(k.k_list)).label("upstream_units"),
        # Nothing is known of the difference where one of the two is not.
        whole(func.sum(c.quota - k.k_list)).label("margin_units"),
    ]
    start = (c.created_at if is_exact else _quarter(c.created_at)).label("t_start")
    return (
        select(start, *groups, *sums)
        .select_from(logs.outerjoin(known, known.c.k_id == c.request_id))
        .where(c.type == LogType.CONSUME, within(c.created_at, spans))
        .group_by("t_start", *(group.name for group in groups))
    )


def _known() -> Select[*tuple[Any, ...]]:
    """Select what is known of charged requests, once for each id."""
    c = gw_requests.c
    flow = c.duration_ms - c.first_ms
    told = and_(c.is_stream.is_(True), c.completion_tokens >= LEAST_TOKENS, c.first_ms.is_not(None), flow > 0)
    return (
        select(
            c.request_id.label("k_id"),
            func.min(c.user_group).label("k_group"),
            func.min(c.endpoint).label("k_format"),
            func.min(case((c.failed.is_(True), fault_of()), else_="")).label("k_fault"),
            func.min(_first(c.first_ms, c.failed)).label("k_first"),
            func.min(case((told, step_of_speed(c.completion_tokens, flow)), else_=-1)).label("k_speed"),
            func.min(c.attempts).label("k_tries"),
            func.min(c.reasoning_tokens).label("k_reasoning"),
            func.min(c.saved_units).label("k_saved"),
            func.min(c.list_units).label("k_list"),
        )
        .where(c.logged.is_(True), c.request_id != "")
        .group_by(c.request_id)
    )


def _first(column: ColumnElement[Any], failed: ColumnElement[Any]) -> ColumnElement[int]:
    return case((and_(column.is_not(None), failed.is_(False)), step_of(column)), else_=-1)


def _took(column: ColumnElement[Any]) -> ColumnElement[int]:
    return case((column > 0, step_of(column)), else_=-1)


def _quarter(second: ColumnElement[Any]) -> ColumnElement[int]:
    return second - second % QUARTER


def _divided(conn: Connection, column: ColumnElement[Any], by: int) -> ColumnElement[int]:
    return bucket_of(conn, column, Buckets(0, 1), unit=by)
