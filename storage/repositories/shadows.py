"""Shadow tests, and how their copies went."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from storage.repositories.ledger_rows import fit
from storage.repositories.rows import many, one, query
from storage.shadow_tables import gw_shadow_results as results
from storage.shadow_tables import gw_shadow_tests as tests
from storage.traffic_tables import gw_requests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

_LONGEST_ERROR = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowTest:
    """One test. Times are Unix milliseconds; 0 means that there is no such end, or that it has not ended."""

    id: int = 0
    model: str
    user_group: str = ""
    """Whose requests; empty: everybody's."""
    channel_id: int
    per_mille: int
    """Of a thousand requests, how many are copied."""
    until_at: int = 0
    max_copies: int = 0
    max_units: int
    """What copies may cost by the list, in quota units."""
    created_at: int
    created_by: str = ""
    ended_at: int = 0
    ended_by: str = ""
    """`person`, `copies` or `cost`; its time is known by `until_at`."""
    copies: int = 0
    dropped: int = 0
    units: int = 0

    def runs(self, now_ms: int) -> bool:
        """Whether requests are copied for it."""
        return not self.ended_at and not (self.until_at and self.until_at <= now_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowResult:
    """How one copy went. `first_ms` is `None` where no content came; `kind` is a word of `gateway.traffic.facts`."""

    test_id: int
    ended_at: int
    request_id: str
    passed: bool
    kind: str = ""
    status: int = 0
    error: str = ""
    first_ms: int | None = None
    duration_ms: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    units: int = 0
    """What the caller would have been charged."""
    list_units: int = 0


def everything(conn: Connection) -> list[ShadowTest]:
    """Return all tests, newest first."""
    return many(conn, ShadowTest, query(tests, ShadowTest).order_by(tests.c.id.desc()))


def running(conn: Connection) -> list[ShadowTest]:
    """Return the tests that have not ended; those whose time is over may be among them."""
    return many(conn, ShadowTest, query(tests, ShadowTest).where(tests.c.ended_at == 0).order_by(tests.c.id))


def by_id(conn: Connection, test_id: int) -> ShadowTest | None:
    """Return one test."""
    return one(conn, ShadowTest, query(tests, ShadowTest).where(tests.c.id == test_id))


def add(conn: Connection, test: ShadowTest) -> int:
    """Store a new test and return its id."""
    values = asdict(test)
    del values["id"]
    key = conn.execute(insert(tests).values(values)).inserted_primary_key
    return int(key[0]) if key else 0


def end(conn: Connection, test_id: int, *, at_ms: int, by: str) -> bool:
    """End a test; `False` when it had ended already."""
    done = conn.execute(
        update(tests).where(tests.c.id == test_id, tests.c.ended_at == 0).values(ended_at=at_ms, ended_by=by)
    )
    return bool(done.rowcount)


def remove(conn: Connection, test_id: int) -> None:
    """Delete a test and what came of it."""
    conn.execute(delete(results).where(results.c.test_id == test_id))
    conn.execute(delete(tests).where(tests.c.id == test_id))


def note(conn: Connection, result: ShadowResult, *, dropped: int) -> ShadowTest | None:
    """Store how a copy went, and count it and those that were `dropped` meanwhile.

    Returns the test as it is then, ended if this was its last copy; `None` when it was deleted.
    """
    column = tests.c
    counted = conn.execute(
        update(tests)
        .where(column.id == result.test_id)
        .values(copies=column.copies + 1, dropped=column.dropped + dropped, units=column.units + result.list_units)
    )
    if not counted.rowcount:
        return None
    conn.execute(insert(results).values(asdict(replace(result, error=fit(result.error, _LONGEST_ERROR)))))
    test = by_id(conn, result.test_id)
    if test is None or test.ended_at:
        return test
    by = "copies" if test.max_copies and test.copies >= test.max_copies else ""
    by = "cost" if test.units >= test.max_units else by
    if by:
        end(conn, test.id, at_ms=result.ended_at, by=by)
        return replace(test, ended_at=result.ended_at, ended_by=by)
    return test


def compared(conn: Connection, test_id: int, limit: int) -> Sequence[Row[tuple[object, ...]]]:
    """Return the newest copies of a test, each with what is known of the request that was copied."""
    theirs = gw_requests.c
    wanted = (
        select(
            results,
            theirs.outcome.label("o_outcome"),
            theirs.failed.label("o_failed"),
            theirs.first_ms.label("o_first_ms"),
            theirs.duration_ms.label("o_duration_ms"),
            theirs.prompt_tokens.label("o_prompt_tokens"),
            theirs.completion_tokens.label("o_completion_tokens"),
            theirs.units.label("o_units"),
        )
        .select_from(results.outerjoin(gw_requests, theirs.request_id == results.c.request_id))
        .where(results.c.test_id == test_id)
        .order_by(results.c.id.desc())
        .limit(limit)
    )
    return conn.execute(wanted).all()


def delete_old(conn: Connection, *, before_ms: int, limit: int) -> int:
    """Delete up to `limit` results from before a moment; return how many."""
    at = results.c.ended_at
    doomed = conn.execute(select(results.c.id).where(at < before_ms).order_by(at).limit(limit)).scalars().all()
    if doomed:
        conn.execute(delete(results).where(results.c.id.in_(doomed)))
    return len(doomed)
