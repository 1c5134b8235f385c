"""Sums of use and counts, straight from the log, the requests and the attempts.

Counts come several kinds at a time, as one look at the same rows gives them. `COUNTED` says which, and
`storage.traffic_tables.gw_usage` what their keys are.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, bindparam, case, exists, func, literal_column, or_, select, tuple_

from storage.records import LogType
from storage.repositories.rows import as_id, summed
from storage.repositories.steps import step_of, step_of_speed
from storage.repositories.usage import (
    LEAST_TOKENS,
    Buckets,
    Cells,
    Counts,
    Only,
    Spans,
    Sums,
    bound,
    bucket,
    fault_of,
    fitting,
    within,
)
from storage.tables import logs
from storage.traffic_tables import gw_attempts, gw_requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from sqlalchemy import BindParameter, Column, ColumnElement, Connection, Label, Select

_KEYS: dict[str, tuple[Column[Any], ...]] = {
    "model": (logs.c.model_name,),
    "user": (logs.c.user_id,),
    "channel": (logs.c.channel_id,),
    "token": (logs.c.user_id, logs.c.token_name),
}
_SUMMED = ("quota", "prompt_tokens", "completion_tokens", "cached_prompt_tokens")


def from_log(
    conn: Connection,
    *,
    by: str,
    spans: Spans,
    buckets: Buckets,
    only: Only,
    keys: Sequence[str] | None = None,
) -> Cells:
    """Sum up charges of some spans by one of `usage.LOGGED` or, with an empty `by`, all together.

    With `keys` only entries of these.
    """
    wanted = _of_keys(by, keys) if keys is not None and by else None
    statement = _from_log(conn.dialect.name, by, bool(buckets.step), len(spans), only.names, wanted is not None)
    width = len(_SUMMED) + 1
    cells: Cells = {}
    for row in conn.execute(statement, bound(spans, buckets, only, wanted)).all():
        values = list(row)
        number = int(values.pop(0)) if buckets.step else 0
        found = Sums(*(int(value) for value in values[-width:]))
        key = ":".join(str(value if value is not None else "") for value in values[:-width])
        if found.requests:
            cells[number, key] = cells.get((number, key), Sums()) + found
    return cells


@lru_cache(maxsize=256)
def _from_log(
    dialect: str, by: str, cut: bool, spans: int, names: tuple[str, ...], some: bool
) -> Select[*tuple[Any, ...]]:
    c = logs.c
    columns = _KEYS.get(by, ())
    where = _logged(spans, names)
    if some:
        where.append(among(columns, "keys"))
    groups = [*([bucket(dialect, c.created_at)] if cut else []), *(column.label(column.name) for column in columns)]
    sums = [func.count(), *(summed(dialect, c[name]) for name in _SUMMED)]
    return select(*groups, *sums).where(*where).group_by(*(group.name for group in groups))


def _of_keys(by: str, keys: Sequence[str]) -> list[object]:
    """Return keys as the columns have them; what cannot be one is nobody's."""
    if by == "model":
        return list(keys)
    if by == "token":
        pairs = [(as_id(owner), name) for owner, _, name in (key.partition(":") for key in keys)]
        return [pair for pair in pairs if pair[0] is not None]
    return [number for key in keys if (number := as_id(key)) is not None]


def among(columns: Sequence[ColumnElement[Any]], name: str) -> ColumnElement[bool]:
    """Match any of the values, or tuples of values, that are bound to a name."""
    values: BindParameter[Any] = bindparam(name, expanding=True)
    return columns[0].in_(values) if len(columns) == 1 else tuple_(*columns).in_(values)


def _logged(spans: int, names: tuple[str, ...]) -> list[ColumnElement[bool]]:
    c = logs.c
    where: list[ColumnElement[bool]] = [
        c.type == LogType.CONSUME,
        within(c.created_at, spans),
    ]
    columns = {"user_id": c.user_id, "token_name": c.token_name, "model": c.model_name, "channel_id": c.channel_id}
    where += fitting(columns | {"channels": c.channel_id}, names)
    if "group" in names or "format" in names:
        # What its group or format was, stands with the request.
        r = gw_requests.c
        near = within(r.finished_at, spans, "_near")
        known = select(r.request_id).where(near, r.logged.is_(True), *_of_request(names))
        where.append(c.request_id.in_(known))
    return where


# --- counts ----------------------------------------------------------------------------------------------


def durations(conn: Connection, *, spans: Spans, buckets: Buckets, only: Only) -> dict[str, Counts]:
    """Count how long charged requests took, by bucket and step: `flow` streams, `took` the others."""
    statement = _durations(conn.dialect.name, bool(buckets.step), len(spans), only.names)
    found: dict[str, Counts] = {"took": {}, "flow": {}}
    for number, is_stream, step, count in conn.execute(statement, bound(spans, buckets, only)).all():
        found["flow" if is_stream else "took"][int(number), str(step)] = int(count)
    return found


@lru_cache(maxsize=256)
def _durations(dialect: str, cut: bool, spans: int, names: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    c = logs.c
    keys = [func.coalesce(c.is_stream, False).label("flows"), step_of(c.elapsed_time).label("step")]
    return _counted(_bucket(dialect, cut, c.created_at, ""), keys, [*_logged(spans, names), c.elapsed_time > 0])


def ends(conn: Connection, *, spans: Spans, buckets: Buckets, only: Only) -> dict[str, Counts]:
    """Count requests by how they ended, how long their first content took, and how many attempts that needed.

    Keys of `outcome`: `left` (the client went, or somebody ended it), `client` (refused, or wrong in itself),
    `upstream` (all other), and `logged`: those of the three that were charged all the same. Of `tries`: `2:ok` ended
    well, `3:bad` did not. Of `first`, of what ended well: the step.
    """
    statement = _ends(conn.dialect.name, bool(buckets.step), len(spans), only.names)
    outcome: Counts = {}
    tries: Counts = {}
    first: Counts = {}
    for at, fault, logged, attempts, step, count in conn.execute(statement, bound(spans, buckets, only)).all():
        number = int(at)
        if fault:
            add(outcome, (number, str(fault)), int(count))
            if logged:
                add(outcome, (number, "logged"), int(count))
        if attempts > 1:
            add(tries, (number, f"{attempts}:{'bad' if fault else 'ok'}"), int(count))
        if step >= 0:
            add(first, (number, str(step)), int(count))
    return {"outcome": outcome, "tries": tries, "first": first}


@lru_cache(maxsize=256)
def _ends(dialect: str, cut: bool, spans: int, names: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    c = gw_requests.c
    answered = and_(c.failed.is_(False), c.first_ms.is_not(None))
    keys = [
        case((c.failed.is_(True), fault_of()), else_="").label("fault"),
        c.logged.label("kept"),
        c.attempts.label("tried"),
        case((answered, step_of(c.first_ms)), else_=-1).label("step"),
    ]
    return _counted(_bucket(dialect, cut, c.finished_at), keys, _finished(spans, names))


def speeds(
    conn: Connection,
    *,
    spans: Spans,
    buckets: Buckets,
    only: Only,
    models: Iterable[str] | None = None,
) -> dict[str, Counts]:
    """Count streams of some length by bucket and by how quick they were: `model:step`. `models`: only these."""
    statement = _speeds(conn.dialect.name, bool(buckets.step), len(spans), only.names, models is not None)
    values = bound(spans, buckets, only, sorted(models) if models is not None else None)
    rows = conn.execute(statement, values).all()
    return {"speed": {(int(at), f"{model}:{step}"): int(count) for at, model, step, count in rows}}


@lru_cache(maxsize=256)
def _speeds(dialect: str, cut: bool, spans: int, names: tuple[str, ...], some: bool) -> Select[*tuple[Any, ...]]:
    c = gw_requests.c
    flow = c.duration_ms - c.first_ms
    where = [
        *_finished(spans, names), c.logged.is_(True), c.is_stream.is_(True),
        c.completion_tokens >= LEAST_TOKENS, c.first_ms.is_not(None), flow > 0,
    ]  # fmt: skip
    if some:
        where.append(c.sent_model.in_(bindparam("keys", expanding=True)))
    keys = [c.sent_model.label("word"), step_of_speed(c.completion_tokens, flow).label("step")]
    return _counted(_bucket(dialect, cut, c.finished_at), keys, where)


def attempts(conn: Connection, *, spans: Spans, buckets: Buckets, only: Only) -> dict[str, Counts]:
    """Count failed attempts by bucket: `error` by their kind, `lost` by channel."""
    statement = _attempts(conn.dialect.name, bool(buckets.step), len(spans), only.names)
    found: dict[str, Counts] = {"error": {}, "lost": {}}
    for number, kind, channel, count in conn.execute(statement, bound(spans, buckets, only)).all():
        add(found["error"], (int(number), str(kind)), int(count))
        add(found["lost"], (int(number), str(channel)), int(count))
    return found


@lru_cache(maxsize=256)
def _attempts(dialect: str, cut: bool, spans: int, names: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    c = gw_attempts.c
    where: list[ColumnElement[bool]] = [within(c.failed_at, spans, "_ms")]
    where += fitting({"channel_id": c.channel_id, "channels": c.channel_id, "model": c.model}, names)
    # Whose it was, stands with the request.
    rest = [name for name in names if name in ("user_id", "token_name", "group", "format")]
    if rest:
        where.append(exists().where(gw_requests.c.request_id == c.request_id, *_of_request(rest)))
    return _counted(
        _bucket(dialect, cut, c.failed_at), [c.kind.label("word"), c.channel_id.label("of_channel")], where
    )


COUNTED: Final[Mapping[tuple[str, ...], Callable[..., dict[str, Counts]]]] = {
    ("outcome", "tries", "first"): ends,
    ("speed",): speeds,
    ("error", "lost"): attempts,
    ("took", "flow"): durations,
}
"""Kinds of counts, and what reads them: durations from the log, the others from requests and attempts."""


def add(counts: Counts, place: tuple[int, str], count: int) -> None:
    """Add to a count that may not be there yet."""
    counts[place] = counts.get(place, 0) + count


def _finished(spans: int, names: tuple[str, ...]) -> list[ColumnElement[bool]]:
    c = gw_requests.c
    where: list[ColumnElement[bool]] = [within(c.finished_at, spans, "_ms")]
    if "model" in names:
        model: BindParameter[str] = bindparam("only_model")
        where.append(or_(c.model == model, c.sent_model == model))
    return where + fitting({"channel_id": c.channel_id}, names) + _of_request(names)


def _of_request(names: Iterable[str]) -> list[ColumnElement[bool]]:
    c = gw_requests.c
    columns = {
        "user_id": c.user_id,
        "token_name": c.token_name,
        "group": c.user_group,
        "format": c.endpoint,
        "channels": c.channel_id,
    }
    return fitting(columns, names)


def _bucket(dialect: str, cut: bool, column: ColumnElement[int], unit: str = "_ms") -> Label[Any] | None:
    return bucket(dialect, column, unit=unit) if cut else None


def _counted(
    cut: Label[Any] | None, keys: Sequence[Label[Any]], where: Sequence[ColumnElement[bool]]
) -> Select[*tuple[Any, ...]]:
    groups = [*([cut] if cut is not None else []), *keys]
    # Always a number of a bucket in the first place.
    shown = groups if cut is not None else [literal_column("0"), *keys]
    return select(*shown, func.count()).where(*where).group_by(*(group.name for group in groups))
