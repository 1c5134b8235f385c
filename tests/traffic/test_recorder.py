"""Requests that ended are remembered: soon, all of them, and never at a client's cost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
import trio
from sqlalchemy import Connection, func, select

from gateway.traffic import recorder as recorders
from gateway.traffic.recorder import BUFFERED, RequestRecorder
from storage.database import Database
from storage.errors import DatabaseUnavailable, Rejected, Retryable, StorageError
from storage.repositories import requests
from storage.repositories.requests import FailedAttempt, FinishedRequest
from storage.traffic_tables import gw_attempts, gw_requests
from tests.management.site import Notes

ROW = FinishedRequest(request_id="r1", finished_at=1_700_000_000_000, user_id=3, outcome="ok")
FAILURE = FailedAttempt(request_id="r1", failed_at=1_700_000_000_000, channel_id=1, kind="server", error="boom")
DAY_MS = 86_400_000


def _count(database: Database) -> tuple[int, int]:
    def work(conn):  # type: ignore[no-untyped-def]
        return tuple(
            conn.execute(select(func.count()).select_from(t)).scalar_one() for t in (gw_requests, gw_attempts)
        )

    return database.read_sync(work)


async def test_what_was_noted_is_stored_before_the_service_is_closed(database: Database) -> None:
    recorder = RequestRecorder(database, journal=Notes(), now_ms=lambda: ROW.finished_at)
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: recorder.run(task_status=task_status))
        for number in range(1200):
            recorder.note(replace(ROW, request_id=f"r{number}"), [FAILURE])
        with trio.fail_after(10):
            await recorder.aclose()
    assert _count(database) == (1200, 1200)
    assert database.read_sync(lambda c: requests.by_request_id(c, "r7")).error == ""  # type: ignore[union-attr]


async def test_texts_that_no_engine_takes_are_bent_to_fit(database: Database) -> None:
    odd = replace(ROW, error="nul \x00 and \ud800" + "x" * 9000, model="m" * 900, username="ünï\U0001f600")
    database.write_sync(lambda c: requests.add(c, [odd], []))
    found = database.read_sync(lambda c: requests.by_request_id(c, "r1"))
    assert found is not None
    assert found.model == "m" * 191
    assert found.username == "ünï\U0001f600"
    assert found.first_ms is None


async def test_a_database_that_is_away_costs_the_oldest_rows_and_no_more(database: Database) -> None:
    notes = Notes()
    recorder = RequestRecorder(database, journal=notes)
    for number in range(BUFFERED + 5):
        recorder.note(replace(ROW, request_id=str(number)), [])
    assert recorder.dropped == 5


async def test_rows_older_than_a_month_are_deleted(database: Database) -> None:
    old = [replace(ROW, request_id=str(n)) for n in range(600)]
    database.write_sync(
        lambda c: requests.add(c, [*old, replace(ROW, finished_at=ROW.finished_at + DAY_MS)], [FAILURE])
    )
    recorder = RequestRecorder(database, journal=Notes(), now_ms=lambda: ROW.finished_at + 30 * DAY_MS + 1)
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: recorder.run(task_status=task_status))
        with trio.fail_after(10):
            while _count(database) != (1, 0):
                await trio.sleep(0.01)
        await recorder.aclose()


# --- what is written when writing fails


@dataclass
class Awkward:
    """A database whose first writes go as `plan` says: "late" fails after COMMIT, another error before it."""

    database: Database
    plan: list[StorageError | str] = field(default_factory=list)
    asked: trio.Event = field(default_factory=trio.Event)
    released: trio.Event = field(default_factory=trio.Event)

    async def write(self, work: Callable[[Connection], object]) -> object:
        how = self.plan.pop(0) if self.plan else ""
        self.asked.set()
        if how == "held":
            # As one whose turn does not come: cancelled, nothing is run.
            await self.released.wait()
        if isinstance(how, StorageError):
            raise how
        done = await self.database.write(work)
        if how == "late":
            raise DatabaseUnavailable("the connection broke", in_doubt=True)
        return done


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorders, "FLUSH_S", 0.0)
    monkeypatch.setattr(recorders, "RETRY_S", 0.0)


@asynccontextmanager
async def recording(
    database: Database, *plan: StorageError | str
) -> AsyncIterator[tuple[RequestRecorder, Awkward, Notes, trio.CancelScope]]:
    awkward, notes = Awkward(database, list(plan)), Notes()
    recorder = RequestRecorder(awkward, journal=notes, now_ms=lambda: ROW.finished_at)  # type: ignore[arg-type]
    # Nothing is old enough to be deleted, and nobody else writes.
    recorder._tidy = trio.sleep_forever  # type: ignore[method-assign]
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: recorder.run(task_status=task_status))
        yield recorder, awkward, notes, nursery.cancel_scope
        with trio.fail_after(10):
            await recorder.aclose()


def note(recorder: RequestRecorder, number: int) -> None:
    for one in range(number):
        recorder.note(replace(ROW, request_id=f"r{one}"), [replace(FAILURE, request_id=f"r{one}")])


async def test_a_writer_that_is_cancelled_before_its_turn_loses_nothing(database: Database, fast: None) -> None:
    async with recording(database, "held") as (recorder, awkward, _notes, scope):
        note(recorder, 700)
        with trio.fail_after(10):
            await awkward.asked.wait()
        scope.cancel()
    assert _count(database) == (700, 700)
    assert recorder.dropped == 0


@pytest.mark.parametrize("failure", [Retryable("busy"), DatabaseUnavailable(), DatabaseUnavailable(in_doubt=True)])
async def test_what_could_not_be_written_is_written_later_and_said_once(
    failure: StorageError, database: Database, fast: None
) -> None:
    async with recording(database, failure, failure, failure) as (recorder, _awkward, notes, _scope):
        note(recorder, 700)
    assert _count(database) == (700, 700)
    assert recorder.dropped == 0
    assert len(notes.named("requests.unrecorded")) == 1


async def test_what_may_be_stored_already_is_not_stored_twice(database: Database, fast: None) -> None:
    async with recording(database, "late", Retryable("busy"), "late") as (recorder, _awkward, _notes, _scope):
        note(recorder, 700)
    assert _count(database) == (700, 700)
    assert recorder.dropped == 0


async def test_one_that_the_database_refuses_costs_no_other(database: Database, fast: None) -> None:
    plan: list[StorageError | str] = [Rejected("no"), "", Rejected("no")]
    async with recording(database, *plan) as (recorder, _awkward, notes, _scope):
        note(recorder, 5)
    assert _count(database) == (4, 4)
    assert database.read_sync(lambda c: requests.by_request_id(c, "r1")) is None
    assert recorder.dropped == 1
    assert len(notes.named("requests.unrecorded")) == 1


async def test_what_is_being_written_is_not_dropped_for_want_of_room(
    database: Database, fast: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorders, "BUFFERED", 10)
    monkeypatch.setattr(recorders, "MOST_AT_ONCE", 4)
    async with recording(database, "held") as (recorder, awkward, _notes, _scope):
        note(recorder, 10)
        with trio.fail_after(10):
            await awkward.asked.wait()
        for number in range(10, 13):
            recorder.note(replace(ROW, request_id=f"r{number}"), [])
        awkward.released.set()
    kept = database.read_sync(lambda c: requests.known(c, [f"r{number}" for number in range(13)]))
    assert kept == {f"r{number}" for number in range(13)} - {"r4", "r5", "r6"}
    assert _count(database)[0] == 10
    assert recorder.dropped == 3


async def test_what_is_lost_at_the_end_is_said(database: Database, fast: None) -> None:
    away = [DatabaseUnavailable()] * 100
    async with recording(database, *away) as (recorder, _awkward, notes, _scope):
        note(recorder, 3)
    assert recorder.dropped == 3
    assert "before the end" in str(notes.named("requests.unrecorded")[-1])
