"""Sums of use, straight from the log and the requests. `usage_rolled` has what was summed up before.

Everything is a `Sums` by bucket and key. Buckets are counted from a moment in steps of equal length; whoever wants
days of a calendar asks for hours and adds them up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, case, func, or_, select

from storage.records import LogType
from storage.repositories.rows import as_id, whole
from storage.repositories.steps import step_of
from storage.tables import logs
from storage.traffic_tables import gw_attempts, gw_requests

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy import Column, ColumnElement, Connection, Label

HOUR, DAY = 3600, 86_400
KINDS = ("model", "user", "channel", "token")
"""What sums can be told apart by."""
HOURLY = ("model", "user", "channel")
"""Those of which there are sums by hour; of the others there are by day."""

_LEFT = ("client_gone", "cancelled", "drained")
# What a provider says of a request that is wrong in itself, whoever is asked.
_OWN_FAULT = (400, 404, 405, 409, 413, 415, 422)


class Sums(NamedTuple):
    """How much there was of everything. A tuple, since a page adds up tens of thousands of them."""

    requests: int = 0
    units: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Sums) -> Sums:  # type: ignore[override]  # not longer, but larger
        """Return both together."""
        a, b, c, d, e = self
        f, g, h, i, j = other
        return Sums(a + f, b + g, c + h, d + i, e + j)

    def __sub__(self, other: Sums) -> Sums:
        """Return what is left without the other."""
        a, b, c, d, e = self
        f, g, h, i, j = other
        return Sums(a - f, b - g, c - h, d - i, e - j)


_KEYS: dict[str, tuple[Column[Any], ...]] = {
    "model": (logs.c.model_name,),
    "user": (logs.c.user_id,),
    "channel": (logs.c.channel_id,),
    "token": (logs.c.user_id, logs.c.token_name),
}
# As division has it, so that a difference on its left stands in brackets.
AS_TIGHT = 8
_SUMMED = ("quota", "prompt_tokens", "completion_tokens", "cached_prompt_tokens")

Cells = dict[tuple[int, str], Sums]
"""By bucket and key. Without buckets the bucket is 0, without keys the key is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """Whose use counts; zero and empty mean anybody's."""

    user_id: int = 0
    token_name: str = ""
    model: str = ""
    channel_id: int = 0

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return not (self.user_id or self.token_name or self.model or self.channel_id)


@dataclass(frozen=True, slots=True)
class Buckets:
    """Steps of `step` seconds from `start` (Unix seconds) on; `step` 0: all in one."""

    start: int = 0
    step: int = 0


# --- from the log ----------------------------------------------------------------------------------------


def from_log(
    conn: Connection,
    *,
    by: str,
    since: int,
    until: int,
    buckets: Buckets,
    only: Only,
    keys: Sequence[str] | None = None,
) -> Cells:
    """Sum up charges from `since` to before `until`, by one of `KINDS` or, with an empty `by`, all together.

    With `keys` only entries of these.
    """
    c = logs.c
    where = [c.type == LogType.CONSUME, c.created_at >= since, c.created_at < until]
    if only.user_id:
        where.append(c.user_id == only.user_id)
    if only.token_name:
        where.append(c.token_name == only.token_name)
    if only.model:
        where.append(c.model_name == only.model)
    if only.channel_id:
        where.append(c.channel_id == only.channel_id)
    if keys is not None and by:
        where.append(_one_of(by, keys))
    groups = [*_bucket(conn, c.created_at, buckets), *(column.label(column.name) for column in _KEYS.get(by, ()))]
    sums = [func.count(), *(whole(func.sum(c[name])) for name in _SUMMED)]
    rows = conn.execute(select(*groups, *sums).where(*where).group_by(*(group.name for group in groups)))
    cells: Cells = {}
    for row in rows:
        values = list(row)
        number = int(values.pop(0)) if buckets.step else 0
        found = Sums(*(int(value) for value in values[-len(sums) :]))
        key = ":".join(str(value if value is not None else "") for value in values[: -len(sums)])
        if found.requests:
            cells[number, key] = cells.get((number, key), Sums()) + found
    return cells


def _one_of(by: str, keys: Sequence[str]) -> ColumnElement[bool]:
    column = _KEYS[by][0]
    if by == "model":
        return column.in_(list(keys))
    if by == "token":
        pairs = [(as_id(owner), name) for owner, _, name in (key.partition(":") for key in keys)]
        return or_(*(and_(column == owner, _KEYS[by][1] == name) for owner, name in pairs))
    return column.in_([number for key in keys if (number := as_id(key)) is not None])


def steps_from_log(conn: Connection, *, since: int, until: int, buckets: Buckets, only: Only) -> Cells:
    """Count how long charged requests took, by bucket and step."""
    c = logs.c
    where = [c.type == LogType.CONSUME, c.created_at >= since, c.created_at < until, c.elapsed_time > 0]
    if only.user_id:
        where.append(c.user_id == only.user_id)
    if only.token_name:
        where.append(c.token_name == only.token_name)
    if only.model:
        where.append(c.model_name == only.model)
    if only.channel_id:
        where.append(c.channel_id == only.channel_id)
    return _counted(conn, _bucket(conn, c.created_at, buckets), step_of(c.elapsed_time), where)


# --- from the requests -----------------------------------------------------------------------------------


def first_steps(conn: Connection, *, since: int, until: int, buckets: Buckets, only: Only) -> Cells:
    """Count how long requests that ended well waited for their first content, by bucket and step."""
    c = gw_requests.c
    where = [*_finished(since, until, only), c.failed.is_(False), c.first_ms.is_not(None)]
    return _counted(conn, _bucket(conn, c.finished_at, buckets, unit=1000), step_of(c.first_ms), where)


def failures(conn: Connection, *, since: int, until: int, buckets: Buckets, only: Only) -> Cells:
    """Count requests that failed, by bucket and by whose fault it was.

    Keys: `left` (the client went, or somebody ended it), `client` (refused, or wrong in itself), `upstream` (all
    other), and `logged`: those of the three that were charged all the same.
    """
    c = gw_requests.c
    where = [*_finished(since, until, only), c.failed.is_(True)]
    own = or_(
        and_(c.outcome.in_(("refused", "quota")), c.status < 500),
        and_(c.outcome == "upstream_failed", c.status.in_(_OWN_FAULT)),
    )
    fault = case((c.outcome.in_(_LEFT), "left"), (own, "client"), else_="upstream")
    bucket = _bucket(conn, c.finished_at, buckets, unit=1000)
    cells = _counted(conn, bucket, fault, where)
    charged = _counted(conn, bucket, None, [*where, c.logged.is_(True)])
    return cells | {(number, "logged"): sums for (number, _), sums in charged.items()}


def attempts_by_kind(conn: Connection, *, since: int, until: int, buckets: Buckets, channel_id: int) -> Cells:
    """Count failed attempts by bucket and kind, of one channel or of all."""
    c = gw_attempts.c
    where = [c.failed_at >= since * 1000, c.failed_at < until * 1000]
    if channel_id:
        where.append(c.channel_id == channel_id)
    return _counted(conn, _bucket(conn, c.failed_at, buckets, unit=1000), c.kind, where)


def _finished(since: int, until: int, only: Only) -> list[ColumnElement[bool]]:
    c = gw_requests.c
    where: list[ColumnElement[bool]] = [c.finished_at >= since * 1000, c.finished_at < until * 1000]
    if only.user_id:
        where.append(c.user_id == only.user_id)
    if only.token_name:
        where.append(c.token_name == only.token_name)
    if only.model:
        where.append(or_(c.model == only.model, c.sent_model == only.model))
    if only.channel_id:
        where.append(c.channel_id == only.channel_id)
    return where


def _counted(
    conn: Connection,
    bucket: list[Label[Any]],
    key: ColumnElement[Any] | None,
    where: Sequence[ColumnElement[bool]],
) -> Cells:
    groups = [*bucket, *([key.label("word")] if key is not None else [])]
    rows = conn.execute(select(*groups, func.count()).where(*where).group_by(*(group.name for group in groups)))
    cells: Cells = {}
    for row in rows:
        values = list(row)
        number = int(values.pop(0)) if bucket else 0
        word = str(values.pop(0)) if key is not None else ""
        if values[0]:
            cells[number, word] = Sums(requests=int(values[0]))
    return cells


def _bucket(conn: Connection, column: ColumnElement[int], buckets: Buckets, *, unit: int = 1) -> list[Label[Any]]:
    """Return the number of the bucket of a moment, if there are any; `unit`: how many of the column make a second."""
    if not buckets.step:
        return []
    # Integer division is `/` on whole numbers of SQLite and PostgreSQL, and DIV on MySQL.
    divide = (column - buckets.start * unit).op("DIV" if conn.dialect.name == "mysql" else "/", precedence=AS_TIGHT)
    return [divide(buckets.step * unit).label("bucket")]
