"""Sums over what somebody asks for of the log: all of it, and by bucket of time. They read every entry that fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, func, select

from storage.records import LogType
from storage.repositories.log_asked import log_conditions, request_conditions
from storage.repositories.rows import whole
from storage.repositories.steps import step_of
from storage.repositories.usage import bucket_of, fault_of
from storage.tables import logs
from storage.traffic_tables import gw_requests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Connection

    from storage.repositories.log_asked import Asked
    from storage.repositories.usage import Buckets


@dataclass(frozen=True, slots=True)
class Total:
    """Sums over the entries of a filter; `requests` counts those that were requests."""

    requests: int = 0
    units: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Total) -> Total:
        """Return both together."""
        return Total(
            self.requests + other.requests,
            self.units + other.units,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
        )


Steps = dict[int, int]
"""How many took how long: by the number of a step of `storage.repositories.steps`."""


def total_of_log(conn: Connection, asked: Asked) -> tuple[Total, Steps]:
    """Sum up the charges of `logs` that fit, and count how long they took."""
    c = logs.c
    where = [*log_conditions(conn, asked), c.type == LogType.CONSUME]
    columns = (c.quota, c.prompt_tokens, c.completion_tokens, c.cached_prompt_tokens)
    step = step_of(c.elapsed_time).label("step")
    found = select(step, func.count(), *(whole(func.sum(column)) for column in columns)).where(*where)
    total, steps = Total(), Steps()
    for number, *values in conn.execute(found.group_by("step")):
        total += Total(*(int(value) for value in values))
        steps[int(number)] = int(values[0])
    return total, steps


def total_of_requests(conn: Connection, asked: Asked, *, uncharged: bool = False) -> tuple[Total, Steps, Steps]:
    """Sum up the rows of `gw_requests` that fit, and count how long they and their first contents took.

    `uncharged`: only those that left nothing in `logs`.
    """
    c = gw_requests.c
    where = _requests(asked, uncharged=uncharged)
    columns = (c.units, c.prompt_tokens, c.completion_tokens, c.cached_tokens)
    step = step_of(c.duration_ms).label("step")
    found = select(step, func.count(), *(whole(func.sum(column)) for column in columns)).where(*where)
    total, steps = Total(), Steps()
    for number, *values in conn.execute(found.group_by("step")):
        total += Total(*(int(value) for value in values))
        steps[int(number)] = int(values[0])
    return total, steps, first_steps(conn, asked)


def first_steps(conn: Connection, asked: Asked) -> Steps:
    """Count how long the requests that fit waited for their first content."""
    c = gw_requests.c
    step = step_of(c.first_ms).label("step")
    wanted = select(step, func.count()).where(*_requests(asked), c.first_ms.is_not(None)).group_by("step")
    return {int(number): int(count) for number, count in conn.execute(wanted)}


def logs_by_bucket(conn: Connection, asked: Asked, buckets: Buckets) -> dict[int, int]:
    """Count the entries of `logs` that fit by bucket: requests, unless another type is asked for."""
    bucket = bucket_of(conn, logs.c.created_at, buckets).label("bucket")
    where = log_conditions(conn, asked)
    if not asked.type:
        where.append(logs.c.type == LogType.CONSUME)
    wanted = select(bucket, func.count()).where(*where).group_by("bucket")
    return {int(number): int(count) for number, count in conn.execute(wanted)}


def requests_by_bucket(
    conn: Connection, asked: Asked, buckets: Buckets, *, failed: bool | None = None
) -> dict[int, Mapping[str, int]]:
    """Count the rows of `gw_requests` that fit by bucket and by whose fault it was, as `usage.failures` says.

    `ok` counts those that ended well, `logged` those that failed and were charged all the same. `failed`: only these.
    """
    c = gw_requests.c
    bucket = bucket_of(conn, c.finished_at, buckets, unit=1000).label("bucket")
    fault = case((c.failed.is_(False), "ok"), else_=fault_of()).label("word")
    logged = func.sum(case((and_(c.failed.is_(True), c.logged.is_(True)), 1), else_=0))
    where = _requests(asked)
    if failed:
        where.append(c.failed.is_(True))
    wanted = select(bucket, fault, func.count(), whole(logged)).where(*where)
    found: dict[int, dict[str, int]] = {}
    for number, word, count, charged in conn.execute(wanted.group_by("bucket", "word")):
        cell = found.setdefault(int(number), {})
        cell[str(word)] = int(count)
        cell["logged"] = cell.get("logged", 0) + int(charged)
    return dict(found)


def _requests(asked: Asked, *, uncharged: bool = False) -> list[ColumnElement[bool]]:
    where = request_conditions(asked)
    if uncharged:
        where += [gw_requests.c.failed.is_(True), gw_requests.c.logged.is_(False)]
    return where
