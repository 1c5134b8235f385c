"""How tests of channels went: the last of each channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from storage.channel_tables import gw_channel_tests as tests
from storage.repositories.rows import many, query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

KEPT = 50
"""Tests of one channel that are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRow:
    """One test. `tested_at` in Unix milliseconds; `said` is the answer, or what went wrong."""

    __test__ = False  # the name is the domain's, not pytest's

    id: int = 0
    channel_id: int
    tested_at: int
    model: str = ""
    passed: bool = False
    duration_ms: int = 0
    first_ms: int | None = None
    status: int = 0
    format: str = ""
    is_stream: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    units: int = 0
    said: str = ""


def add(conn: Connection, row: TestRow) -> None:
    """Remember a test, and forget those of the channel that are too many; its `id` does not count."""
    conn.execute(
        insert(tests).values(
            channel_id=row.channel_id,
            tested_at=row.tested_at,
            model=row.model[:191],
            passed=row.passed,
            duration_ms=row.duration_ms,
            first_ms=row.first_ms,
            status=row.status,
            format=row.format,
            is_stream=row.is_stream,
            prompt_tokens=row.prompt_tokens,
            completion_tokens=row.completion_tokens,
            units=row.units,
            said=row.said,
        )
    )
    of_channel = select(tests.c.id).where(tests.c.channel_id == row.channel_id).order_by(tests.c.id.desc())
    surplus = conn.execute(of_channel.offset(KEPT).limit(1)).scalar()
    if surplus is not None:
        conn.execute(delete(tests).where(tests.c.channel_id == row.channel_id, tests.c.id <= surplus))


def of_channel(conn: Connection, channel_id: int, limit: int) -> list[TestRow]:
    """Return the last tests of a channel, newest first."""
    wanted = query(tests, TestRow).where(tests.c.channel_id == channel_id)
    return many(conn, TestRow, wanted.order_by(tests.c.id.desc()).limit(limit))


def last_of_several(conn: Connection, channel_ids: Sequence[int]) -> dict[int, TestRow]:
    """Return the last test of each of some channels that has been tested."""
    if not channel_ids:
        return {}
    newest = (
        select(func.max(tests.c.id))
        .where(tests.c.channel_id.in_(list(channel_ids)))
        .group_by(tests.c.channel_id)
        .scalar_subquery()
    )
    return {row.channel_id: row for row in many(conn, TestRow, query(tests, TestRow).where(tests.c.id.in_(newest)))}


def tested_since(conn: Connection, moment_ms: int, limit: int) -> list[TestRow]:
    """Return tests of all channels since a moment: failed ones first, the newest first among each."""
    wanted = query(tests, TestRow).where(tests.c.tested_at >= moment_ms)
    return many(conn, TestRow, wanted.order_by(tests.c.passed, tests.c.id.desc()).limit(limit))


def count_since(conn: Connection, moment_ms: int) -> tuple[int, int, int]:
    """Return how many channels passed and failed a test since a moment, and when the last was made (0: never)."""
    wanted = (
        select(tests.c.passed, func.count(tests.c.channel_id.distinct()), func.max(tests.c.tested_at))
        .where(tests.c.tested_at >= moment_ms)
        .group_by(tests.c.passed)
    )
    found = {bool(passed): (int(number), int(last)) for passed, number, last in conn.execute(wanted)}
    passed, failed = found.get(True, (0, 0)), found.get(False, (0, 0))
    return passed[0], failed[0], max(passed[1], failed[1])


def forget(conn: Connection, channel_ids: Sequence[int]) -> None:
    """Forget the tests of channels that are gone for good."""
    if channel_ids:
        conn.execute(delete(tests).where(tests.c.channel_id.in_(list(channel_ids))))
