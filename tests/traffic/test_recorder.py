"""Requests that ended are remembered: soon, all of them, and never at a client's cost."""

from __future__ import annotations

from dataclasses import replace

import trio
from sqlalchemy import func, select

from gateway.traffic.recorder import BUFFERED, RequestRecorder
from storage.database import Database
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
