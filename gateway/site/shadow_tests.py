"""Shadow tests: begun, ended and deleted by administrators, and what came of them beside the original requests."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from gateway.accounts.clock import now_ms
from gateway.accounts.refusals import NotFound, Refused
from gateway.accounts.transactions import commit
from gateway.audit.trail import note
from gateway.relay.shadow.copies import LIMIT
from storage.repositories import shadows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from gateway.audit.author import Author
    from gateway.services import Services
    from storage.repositories.shadows import ShadowTest

MOST_RUNNING: Final = 20
COMPARED: Final = 5_000
"""Newest copies that are compared."""
_LISTED = 50
_LONGEST_MODEL = 191
_LEFT = ("client_gone", "cancelled", "drained", "quota")
"""Endings that nobody's channel is to blame for."""

State = Literal["runs", "time", "person", "copies", "cost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """How one side did. Times in milliseconds; `None`: nothing to say it of."""

    answered: int = 0
    failed: int = 0
    first_p50: float | None = None
    first_p95: float | None = None
    total_p50: float | None = None
    total_p95: float | None = None
    prompt_tokens: float | None = None
    """On average, as are the next two."""
    completion_tokens: float | None = None
    units: float | None = None

    @property
    def share(self) -> float | None:
        """Which part of the requests was answered."""
        return self.answered / (self.answered + self.failed) if self.answered + self.failed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One copy and what is known of its original. Times in milliseconds, `ended_at` in Unix seconds."""

    request_id: str
    ended_at: float
    outcome: str
    """The original's; empty: it is not known (any more)."""
    o_first_ms: int | None
    o_duration_ms: int
    o_units: int
    passed: bool
    kind: str
    status: int
    error: str
    first_ms: int | None
    duration_ms: int
    completion_tokens: int
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came of a test: both sides, by the newest copies, and the last of these.

    Times, tokens and cost are of those requests alone that both sides answered.
    """

    original: Side
    shadow: Side
    pairs: int = 0
    """Copies whose original is known."""
    both: int = 0
    last: Sequence[Pair] = ()


def state_of(test: ShadowTest, now: float) -> State:
    """Return whether a test runs, or what ended it. `now` in Unix seconds."""
    if test.ended_at:
        return "copies" if test.ended_by == "copies" else "cost" if test.ended_by == "cost" else "person"
    return "runs" if test.runs(int(now * 1000)) else "time"


async def list_tests(services: Services) -> list[ShadowTest]:
    """Return all tests, newest first."""
    return await services.database.read(shadows.everything)


async def read_test(services: Services, test_id: int) -> ShadowTest:
    """Return one test. Raises `NotFound`."""
    test = await services.database.read(lambda conn: shadows.by_id(conn, test_id))
    if test is None:
        raise NotFound(f"shadow test {test_id} was not found", status=404)
    return test


async def create_test(services: Services, author: Author, test: ShadowTest) -> int:
    """Begin a test and return its number. Raises `Refused`."""
    _check(services, test)

    def work(conn: Connection) -> int:
        now = now_ms()
        if sum(one.runs(now) for one in shadows.running(conn)) >= MOST_RUNNING:
            raise Refused(f"{MOST_RUNNING} shadow tests run already")
        test_id = shadows.add(conn, replace(test, created_at=now, created_by=author.username))
        changes: dict[str, list[object]] = {
            "channel": ["", test.channel_id],
            "group": ["", test.user_group],
            "share": ["", f"{test.per_mille / 10:g} %"],
            "until": ["", _moment(test.until_at)],
            "copies": ["", test.max_copies or ""],
            "limit": ["", test.max_units],
        }
        told = {name: pair for name, pair in changes.items() if pair[1]}
        note(conn, author, "shadow.create", object_id=test_id, name=test.model, changes=told)
        return test_id

    test_id = await commit(services, work)
    await services.registry.refresh()
    return test_id


async def stop_test(services: Services, author: Author, test_id: int) -> None:
    """End a test now; what came of it stays."""
    test = await read_test(services, test_id)

    def work(conn: Connection) -> None:
        if shadows.end(conn, test_id, at_ms=now_ms(), by="person"):
            note(conn, author, "shadow.end", object_id=test_id, name=test.model)

    await commit(services, work)
    await services.registry.refresh()


async def delete_test(services: Services, author: Author, test_id: int) -> None:
    """Delete a test and what came of it."""
    test = await read_test(services, test_id)

    def work(conn: Connection) -> None:
        shadows.remove(conn, test_id)
        note(conn, author, "shadow.delete", object_id=test_id, name=test.model)

    await commit(services, work)
    await services.registry.refresh()


async def compare(services: Services, test_id: int) -> Comparison:
    """Return what came of a test."""
    rows = await services.database.read(lambda conn: shadows.compared(conn, test_id, COMPARED))
    known = [row for row in rows if row.o_outcome is not None]
    both = [row for row in known if row.passed and row.o_outcome == "ok"]
    mine = [row for row in rows if row.kind != LIMIT]
    return Comparison(
        original=_side(
            answered=sum(row.o_outcome == "ok" for row in known),
            failed=sum(bool(row.o_failed) and row.o_outcome not in _LEFT for row in known),
            both=both,
            prefix="o_",
        ),
        shadow=_side(
            answered=sum(bool(row.passed) for row in mine),
            failed=sum(not row.passed for row in mine),
            both=both,
            prefix="",
        ),
        pairs=len(known),
        both=len(both),
        last=[_pair(row) for row in rows[:_LISTED]],
    )


def _check(services: Services, test: ShadowTest) -> None:
    if not test.model or len(test.model) > _LONGEST_MODEL:
        raise Refused("name the model whose requests are copied")
    view = services.registry.current.channels.get(test.channel_id)
    if view is None:
        raise Refused(f"channel {test.channel_id} was not found")
    if test.model not in view.models:
        raise Refused(
            f"{view.name} does not have the model {test.model}: add it there, if need be mapped to another name"
        )
    if not 1 <= test.per_mille <= 1000:
        raise Refused("the share must be between 0.1 and 100 percent")
    if test.max_units <= 0:
        raise Refused("the limit of cost must be above 0")
    if not test.until_at and not test.max_copies:
        raise Refused("say when the test ends: at a time, or after a number of requests")
    if test.until_at and test.until_at <= now_ms():
        raise Refused("the time of the end must be still to come")


def _moment(at_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at_ms / 1000)) if at_ms else ""


def _side(*, answered: int, failed: int, both: Sequence[Row[tuple[object, ...]]], prefix: str) -> Side:
    def values(name: str) -> list[float]:
        found = [row._mapping[prefix + name] for row in both]
        return sorted(float(value) for value in found if value is not None)

    first, total = values("first_ms"), values("duration_ms")
    return Side(
        answered=answered,
        failed=failed,
        first_p50=_percentile(first, 0.5),
        first_p95=_percentile(first, 0.95),
        total_p50=_percentile(total, 0.5),
        total_p95=_percentile(total, 0.95),
        prompt_tokens=_mean(values("prompt_tokens")),
        completion_tokens=_mean(values("completion_tokens")),
        units=_mean(values("units")),
    )


def _percentile(ordered: Sequence[float], part: float) -> float | None:
    return ordered[math.ceil(part * len(ordered)) - 1] if ordered else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _pair(row: Row[tuple[object, ...]]) -> Pair:
    return Pair(
        request_id=row.request_id,
        ended_at=row.ended_at / 1000,
        outcome=row.o_outcome or "",
        o_first_ms=row.o_first_ms,
        o_duration_ms=row.o_duration_ms or 0,
        o_units=row.o_units or 0,
        passed=bool(row.passed),
        kind=row.kind,
        status=row.status,
        error=row.error,
        first_ms=row.first_ms,
        duration_ms=row.duration_ms,
        completion_tokens=row.completion_tokens,
        units=row.units,
    )
