"""Logs, costs and traces belong to their owners."""

from __future__ import annotations

import json
import time

import pytest
from sqlalchemy import Connection, insert

from storage.records import LogRow
from storage.repositories import logs
from storage.tables import traces, user_request_costs
from tests.management.site import Site

NOW = int(time.time())


async def _entries(site: Site, *rows: LogRow) -> None:
    def work(conn: Connection) -> None:
        for row in rows:
            logs.add(conn, row, elsewhere=False, now_ms=NOW * 1000)

    await site.services.database.write(work)


async def test_people_see_their_own_entries_whatever_they_ask_for(site_everywhere: Site) -> None:
    site = site_everywhere
    mia, _ = await site.user("mia"), await site.user("eve")
    mine, theirs = await site.number_of("mia"), await site.number_of("eve")
    await _entries(
        site,
        LogRow(user_id=mine, username="mia", type=2, quota=5, created_at=NOW, content="mine 100%", model_name="m"),
        LogRow(user_id=theirs, username="eve", type=2, quota=50, created_at=NOW, content="theirs", model_name="m"),
        # Written before mia was renamed: still hers. And eve's, from a time when she was called mia.
        LogRow(user_id=mine, username="old", type=2, quota=7, created_at=NOW, content="mine", model_name="n"),
        LogRow(user_id=theirs, username="mia", type=2, quota=500, created_at=NOW, content="theirs"),
    )
    for query in ({}, {"username": "eve"}, {"channel": "1"}):
        shown = await mia.call("GET", "/api/log/self", params=query)
        assert [row["content"] for row in shown] == ["mine", "mine 100%"]
        assert (await mia.call("GET", "/api/log/self/stat", params=query))["quota"] == 12
    assert [r["content"] for r in await mia.call("GET", "/api/log/self/search", params={"keyword": "THE"})] == []
    assert [r["content"] for r in await mia.call("GET", "/api/log/self/search", params={"keyword": "0%"})] == [
        "mine 100%"
    ]
    everything = await site.root.call("GET", "/api/log/", params={"model_name": "m", "sort": "quota"})
    assert [row["quota"] for row in everything] == [50, 5]
    assert (await site.root.call("GET", "/api/log/stat", params={"username": "mia"}))["quota"] == 505


async def test_sorting_a_long_range_is_refused(site: Site) -> None:
    query = {"sort": "quota", "start_timestamp": NOW - 40 * 86_400, "end_timestamp": NOW}
    await site.root.refused("GET", "/api/log/", params=query)
    await site.root.call("GET", "/api/log/", params=query | {"sort": ""})


async def test_old_entries_go_and_balances_stay(site: Site) -> None:
    await _entries(site, LogRow(user_id=1, type=2, created_at=100), LogRow(user_id=1, type=2, created_at=NOW))
    await site.root.refused("DELETE", "/api/log/")
    assert await site.root.call("DELETE", "/api/log/", params={"target_timestamp": 1000}) == 1
    assert len(await site.root.call("GET", "/api/log/")) == 1
    await site.books_add_up()


async def test_a_trace_is_its_owners_and_the_administrators(site: Site) -> None:
    mia, eve = await site.user("mia"), await site.user("eve")
    mine = await site.number_of("mia")
    await _entries(
        site, LogRow(user_id=mine, username="mia", type=2, content="secret talk", created_at=NOW, trace_id="t1")
    )
    stamps = {"request_received": 1000, "request_forwarded": 1014, "request_completed": 1046}
    row = {"trace_id": "t1", "url": "/v1/x", "method": "POST", "timestamps": json.dumps(stamps), "created_at": 1}
    await site.services.database.write(lambda conn: conn.execute(insert(traces).values(row)))
    (entry,) = await site.root.call("GET", "/api/log/")
    for person in (mia, site.root):
        assert (await person.call("GET", "/api/trace/t1"))["timestamps"] == stamps
        found = await person.call("GET", f"/api/trace/log/{entry['id']}")
        assert found["durations"] == {"processing_time": 14, "total_time": 46}
        assert found["log"]["content"] == "secret talk"
    for path in ("/api/trace/t1", f"/api/trace/log/{entry['id']}"):
        answer = await eve.send("GET", path)
        assert answer.status_code == 404
        assert "secret" not in answer.text


async def test_whoever_holds_a_request_id_learns_the_cost_and_not_whose(site: Site) -> None:
    mia, eve = await site.user("mia"), await site.user("eve")
    row = {"request_id": "r1", "user_id": await site.number_of("mia"), "quota": 4, "created_time": NOW}
    await site.services.database.write(lambda conn: conn.execute(insert(user_request_costs).values(row)))
    for person, knows in ((site.visitor(), False), (eve, False), (mia, True), (site.root, True)):
        shown = (await person.send("GET", "/api/cost/request/r1")).json()
        assert (shown["quota"], shown["cost_usd"]) == (4, 8e-06)
        assert ("user_id" in shown) is knows
    assert (await site.visitor().send("GET", "/api/cost/request/r2")).json()["success"] is False


@pytest.mark.parametrize(("path", "status"), [("abc", 400), ("999999", 404)])
async def test_a_log_number_is_one(site: Site, path: str, status: int) -> None:
    assert (await site.root.send("GET", f"/api/trace/log/{path}")).status_code == status
