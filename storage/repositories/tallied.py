"""Sums of use by any one or two kinds, of anybody: read from `gw_tallies`, or from the log in the same shape."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, case, func, literal_column, or_, select

from storage.repositories.rows import as_id, summed
from storage.repositories.tallies import charged
from storage.repositories.usage import (
    SUMMED,
    Buckets,
    Cells,
    Counts,
    Only,
    Spans,
    Sums,
    bound,
    bucket,
    fitting,
    within,
)
from storage.repositories.usage_rows import add, among
from storage.tables import channels
from storage.traffic_tables import gw_tallies

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import Any

    from sqlalchemy import ColumnElement, Connection, FromClause, Label, Select

SEPARATOR = "\x1f"
"""Between the keys of two kinds."""
_NUMBERED = ("user", "channel", "provider")
_COLUMNS: dict[str, tuple[str, ...]] = {
    "model": ("model",),
    "user": ("user_id",),
    "channel": ("channel_id",),
    "token": ("user_id", "token_name"),
    "group": ("user_group",),
    "format": ("format",),
}


def read(
    conn: Connection,
    *,
    by: str,
    spans: Spans,
    buckets: Buckets,
    only: Only,
    keys: Sequence[str] | None = None,
    live: bool = False,
    most: int = 0,
) -> Cells:
    """Sum up charges by one or two kinds (`model`, `user+model`), or all together.

    `live`: from the log itself, in the same database, for what is not tallied yet. `most`: only so many, the dearest.
    """
    kinds = [kind for kind in by.split("+") if kind]
    wanted = _of_keys(kinds, keys) if keys is not None and kinds else None
    cut = bool(buckets.step)
    statement = _read(conn.dialect.name, by, cut, len(spans), only.names, wanted is not None, live, most)
    width = len(SUMMED)
    cells: Cells = {}
    for row in conn.execute(statement, bound(spans, buckets, only, wanted)).all():
        found = Sums(*map(int, row[-width:]))
        if found.requests:
            values = row[:-width]
            number, named = (int(values[0]), values[1:]) if cut else (0, values)
            cells[number, _key(kinds, named)] = found
    return cells


@lru_cache(maxsize=256)
def _read(
    dialect: str, by: str, cut: bool, spans: int, names: tuple[str, ...], some: bool, live: bool, most: int
) -> Select[*tuple[Any, ...]]:
    source: FromClause = gw_tallies if not live else charged(spans, is_exact=True).subquery()
    c = source.c
    pre = "t_" if live else ""
    where: list[ColumnElement[bool]] = [] if live else [within(c.start, spans)]
    where += [c.requests > 0, *_fitting(source, names, pre)]
    kinds = [kind for kind in by.split("+") if kind]
    columns: list[ColumnElement[Any]] = []
    for kind in kinds:
        if kind == "provider":
            source = source.outerjoin(channels, channels.c.id == c[f"{pre}channel_id"])
            columns.append(func.coalesce(channels.c.type, 0))
        else:
            columns += [c[f"{pre}{name}"] for name in _COLUMNS[kind]]
    if some:
        where.append(among(columns, "keys"))
    groups = [column.label(f"k{number}") for number, column in enumerate(columns)]
    if cut:
        groups.insert(0, bucket(dialect, c[f"{pre}start"]))
    sums = [summed(dialect, c[name]) for name in SUMMED]
    wanted = select(*groups, *sums).select_from(source).where(*where).group_by(*(group.name for group in groups))
    return wanted.order_by(sums[1].desc()).limit(most) if most else wanted


def _key(kinds: Sequence[str], values: Sequence[Any]) -> str:
    if len(kinds) == len(values) == 1:
        return str(values[0])
    parts = []
    for kind in kinds:
        width = len(_COLUMNS.get(kind, (kind,)))
        parts.append(":".join(str(value) for value in values[:width]))
        values = values[width:]
    return SEPARATOR.join(parts)


def _fitting(source: FromClause, names: Iterable[str], pre: str = "") -> list[ColumnElement[bool]]:
    columns = {name: source.c[f"{pre}{column}"] for name, column in _FILTERED.items()}
    return fitting(columns, names)


_FILTERED = {
    "user_id": "user_id",
    "token_name": "token_name",
    "model": "model",
    "channel_id": "channel_id",
    "channels": "channel_id",
    "group": "user_group",
    "format": "format",
}


def _of_keys(kinds: Sequence[str], keys: Sequence[str]) -> list[object]:
    """Return keys of one or two kinds as the columns have them."""
    if len(kinds) == 1 and kinds[0] != "token":
        if kinds[0] in _NUMBERED:
            return [number for key in keys if (number := as_id(key)) is not None]
        return list(keys)
    found: list[object] = []
    for key in keys:
        parts: list[object] = []
        for kind, text in zip(kinds, key.split(SEPARATOR), strict=True):
            if kind == "token":
                owner, _sep, name = text.partition(":")
                parts += [as_id(owner) or 0, name]
            else:
                parts.append((as_id(text) or 0) if kind in _NUMBERED else text)
        found.append(tuple(parts))
    return found


# --- counts ----------------------------------------------------------------------------------------------


def ends(
    conn: Connection,
    *,
    spans: Spans,
    buckets: Buckets,
    only: Only,
    kinds: Collection[str] = ("outcome", "tries", "first"),
) -> dict[str, Counts]:
    """Count requests by how they ended, as `usage_rows.ends` does: of all that fit, charged or not."""
    told = tuple(kind for kind in ("outcome", "tries", "first") if kind in kinds)
    statement = _ends(conn.dialect.name, bool(buckets.step), len(spans), only.names, told)
    outcome: Counts = {}
    tries: Counts = {}
    first: Counts = {}
    for at, fault, tried, step, counted, logged in conn.execute(statement, bound(spans, buckets, only)).all():
        number, count = int(at), int(counted)
        if fault:
            add(outcome, (number, fault), count)
            if logged:
                add(outcome, (number, "logged"), int(logged))
        if tried > 1:
            add(tries, (number, f"{tried}:{'bad' if fault else 'ok'}"), count)
        if step >= 0:
            add(first, (number, str(step)), count)
    return {"outcome": outcome, "tries": tries, "first": first}


@lru_cache(maxsize=256)
def _ends(
    dialect: str, cut: bool, spans: int, names: tuple[str, ...], kinds: tuple[str, ...]
) -> Select[*tuple[Any, ...]]:
    c = gw_tallies.c
    says = {"outcome": c.fault != "", "tries": c.tries > 1, "first": c.first_step >= 0}
    # What nobody asks for makes no groups.
    tried = case((c.tries > 1, c.tries), else_=0) if "tries" in kinds else literal_column("0")
    step = c.first_step if "first" in kinds else literal_column("-1")
    keys = [c.fault.label("k_fault"), tried.label("k_tried"), step.label("k_step")]
    sums = [c.requests + c.uncharged, c.requests]
    return _grouped(dialect, cut, spans, names, keys, sums, [or_(*(says[kind] for kind in kinds))])


def durations(conn: Connection, *, spans: Spans, buckets: Buckets, only: Only) -> dict[str, Counts]:
    """Count how long charged requests took, as `usage_rows.durations` does."""
    statement = _durations(conn.dialect.name, bool(buckets.step), len(spans), only.names)
    found: dict[str, Counts] = {"took": {}, "flow": {}}
    for number, is_stream, step, count in conn.execute(statement, bound(spans, buckets, only)).all():
        if count:
            found["flow" if is_stream else "took"][int(number), str(step)] = int(count)
    return found


@lru_cache(maxsize=256)
def _durations(dialect: str, cut: bool, spans: int, names: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    c = gw_tallies.c
    keys = [c.is_stream.label("k_flows"), c.took_step.label("k_step")]
    return _grouped(dialect, cut, spans, names, keys, [c.requests], [c.took_step >= 0])


def speeds(
    conn: Connection, *, spans: Spans, buckets: Buckets, only: Only, models: Iterable[str] | None = None
) -> dict[str, Counts]:
    """Count streams by how quick they were, as `usage_rows.speeds` does."""
    statement = _speeds(conn.dialect.name, bool(buckets.step), len(spans), only.names, models is not None)
    values = bound(spans, buckets, only, sorted(models) if models is not None else None)
    rows = conn.execute(statement, values).all()
    return {"speed": {(int(at), f"{model}:{step}"): int(count) for at, model, step, count in rows if count}}


@lru_cache(maxsize=256)
def _speeds(dialect: str, cut: bool, spans: int, names: tuple[str, ...], some: bool) -> Select[*tuple[Any, ...]]:
    c = gw_tallies.c
    where = [c.speed_step >= 0, *([c.model.in_(bindparam("keys", expanding=True))] if some else [])]
    keys = [c.model.label("k_model"), c.speed_step.label("k_step")]
    return _grouped(dialect, cut, spans, names, keys, [c.requests + c.uncharged], where)


COUNTED: Final[Mapping[tuple[str, ...], Callable[..., dict[str, Counts]]]] = {
    ("outcome", "tries", "first"): ends,
    ("speed",): speeds,
    ("took", "flow"): durations,
}
"""Kinds of counts, and what reads them. Attempts are not told apart by whose they were."""


def _grouped(
    dialect: str,
    cut: bool,
    spans: int,
    names: tuple[str, ...],
    keys: Sequence[Label[Any]],
    counts: Sequence[ColumnElement[int]],
    where: Sequence[ColumnElement[bool]],
) -> Select[*tuple[Any, ...]]:
    groups = [*([bucket(dialect, gw_tallies.c.start)] if cut else []), *keys]
    shown = groups if cut else [literal_column("0"), *keys]
    sums = [summed(dialect, count) for count in counts]
    conditions = [within(gw_tallies.c.start, spans), *_fitting(gw_tallies, names), *where]
    return select(*shown, *sums).where(*conditions).group_by(*(group.name for group in groups))
