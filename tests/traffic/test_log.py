"""Paging through the log shows every entry once, in one order, whatever the direction."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import insert

from gateway.accounts import history
from gateway.audit.author import PROGRAM
from gateway.exports import csv_lines
from gateway.traffic import log, totals
from gateway.traffic.export import columns_for, export
from gateway.traffic.log import Entry, Look
from storage.database import Database
from storage.records import User
from storage.repositories import log_pages, requests
from storage.repositories.log_asked import Asked
from storage.repositories.log_pages import Place, read_place
from storage.repositories.requests import FinishedRequest
from storage.tables import logs, traces
from tests.management.site import Site

ADMIN = User(id=1, username="root", role=100)
OWNER = User(id=7, username="ann", role=1)
START = 1_700_000_000


def log_row(number: int, **values: Any) -> dict[str, Any]:
    """An entry, of which several fall into one second."""
    row = {
        "id": number,
        "user_id": 7 if number % 3 else 8,
        "username": "ann" if number % 3 else "bob",
        "created_at": START + number // 4,
        "type": 2 if number % 5 else 3,
        "content": f"entry {number}",
        "token_name": "laptop",
        "model_name": "gpt-4o" if number % 2 else "claude",
        "quota": number * 10,
        "prompt_tokens": number,
        "completion_tokens": 2,
        "channel_id": 1,
        "request_id": f"r{number}",
        "trace_id": f"t{number}",
        "elapsed_time": number * 7 % 100,
    }
    return row | values


def request(number: int, **values: Any) -> FinishedRequest:
    """A request that failed without a charge."""
    row = FinishedRequest(
        request_id=f"f{number}",
        finished_at=(START + number // 3) * 1000 + number % 3 * 300,
        user_id=7 if number % 3 else 8,
        username="ann" if number % 3 else "bob",
        model="gpt-4o",
        outcome="upstream_failed",
        failed=True,
        logged=False,
        status=502,
        attempts=2,
        error="the provider fell silent",
    )
    return replace(row, **values)


@pytest.fixture
def filled(database: Database) -> Database:
    """A log of 60 entries, and 40 requests that failed."""
    database.write_sync(lambda c: c.execute(insert(logs), [log_row(n) for n in range(1, 61)]))
    database.write_sync(lambda c: requests.add(c, [request(n) for n in range(40)], []))
    return database


async def everything(site: Site, look: Look, *, size: int, actor: User = ADMIN) -> list[Entry]:
    """All entries, page by page."""
    found: list[Entry] = []
    place: Place | None = None
    while True:
        page = await log.read_page(site.services, actor, look, place=place, size=size)
        found += page.entries
        if page.older is None:
            return found
        place = page.older


async def test_all_entries_come_once_newest_first(filled: Database, site: Site) -> None:
    for size in (1, 7, 200):
        found = await everything(site, Look(asked=Asked()), size=size)
        assert len({entry.key for entry in found}) == len(found) == 100
        assert [int(entry.at) for entry in found] == sorted((int(entry.at) for entry in found), reverse=True)


async def test_going_back_shows_the_page_before(filled: Database, site: Site) -> None:
    look = Look(asked=Asked())
    pages, place = [], None
    for _ in range(4):
        page = await log.read_page(site.services, ADMIN, look, place=place, size=13)
        pages.append(page)
        place = page.older
    for earlier, later in zip(reversed(pages[:-1]), reversed(pages[1:]), strict=True):
        back = await log.read_page(site.services, ADMIN, look, place=later.newer, newer=True, size=13)
        assert [entry.key for entry in back.entries] == [entry.key for entry in earlier.entries]
    assert pages[0].newer is None


async def test_a_sorted_log_is_paged_by_that_order(filled: Database, site: Site) -> None:
    names = {"quota": "units", "elapsed_time": "took_ms"}
    for sort in ("quota", "prompt_tokens", "completion_tokens", "elapsed_time"):
        largest = await everything(site, Look(asked=Asked(), sort=sort), size=7)
        values = [getattr(entry, names.get(sort, sort)) for entry in largest]
        assert values == sorted(values, reverse=True)
        assert len({entry.key for entry in largest}) == 60
        smallest = await everything(site, Look(asked=Asked(), sort=sort, ascending=True), size=7)
        assert [entry.key for entry in smallest] == [entry.key for entry in reversed(largest)]


async def test_owners_see_their_own_and_no_channel(filled: Database, site: Site) -> None:
    asked = Asked(user_id=8, username="bob", channel_id=1)
    found = await everything(site, Look(asked=asked), size=50, actor=OWNER)
    assert {entry.username for entry in found} == {"ann"}
    assert {entry.channel for entry in found} == {""}
    sums = await totals.sum_up(site.services, OWNER, asked)
    mine = [entry for entry in found if entry.is_request]
    assert (sums.requests, sums.units) == (len(mine), sum(entry.units for entry in mine))
    assert sums.failed == len([entry for entry in found if entry.key.startswith("f")])


FILTERS: list[tuple[Asked, Callable[[Entry], bool]]] = [
    (Asked(type=3), lambda e: e.type == 3),
    (Asked(username="bob"), lambda e: e.username == "bob"),
    (Asked(model="gpt-4o"), lambda e: "gpt-4o" in (e.model, e.asked_model)),
    (Asked(since=START + 3, until=START + 9), lambda e: START + 3 <= e.at < START + 9),
    (Asked(least_units=300), lambda e: e.units >= 300),
    (Asked(least_ms=50), lambda e: e.took_ms >= 50),
    (Asked(text="ENTRY 1"), lambda e: "entry 1" in e.content),
    (Asked(text="silent"), lambda e: "silent" in e.error),
    (Asked(id="t17"), lambda e: e.trace_id == "t17"),
    (Asked(id="f17"), lambda e: e.request_id == "f17"),
    (Asked(content="ENTRY 2"), lambda e: "entry 2" in e.content),
    (Asked(most_units=120, type=3), lambda e: e.type == 3 and e.units <= 120),
    (Asked(has_failed=True), lambda e: e.key.startswith("f")),
    (Asked(has_failed=True, username="bob"), lambda e: e.key.startswith("f") and e.username == "bob"),
    (Asked(is_retried=True), lambda e: e.attempts > 1),
    (Asked(status=5), lambda e: e.status == 502),
    (Asked(status=502, model="gpt-4o"), lambda e: e.status == 502),
    (Asked(error="FELL silent"), lambda e: "silent" in e.error),
]


async def test_each_filter_leaves_what_fits(filled: Database, site: Site) -> None:
    whole = await everything(site, Look(asked=Asked()), size=200)
    for asked, fits in FILTERS:
        found = await everything(site, Look(asked=asked), size=9)
        assert [entry.key for entry in found] == [entry.key for entry in whole if fits(entry)], asked
        assert 0 < len(found) < 100, asked


async def test_a_request_is_found_by_its_id(filled: Database, site: Site) -> None:
    number = "20231114221320" + "0" * 17
    filled.write_sync(lambda c: c.execute(insert(logs), [log_row(99, request_id=number)]))
    found = await everything(site, Look(asked=Asked(id=number)), size=5)
    assert [entry.key for entry in found] == ["99"]


async def test_entries_tell_what_is_known_of_their_requests(filled: Database, site: Site) -> None:
    known = request(
        1, request_id="r59", failed=False, logged=True, outcome="ok", status=200, first_ms=120, model="asked"
    )
    filled.write_sync(lambda c: requests.add(c, [known], []))
    stamps = '{"request_received": 1000, "first_client_response": 1090}'
    trace = {"trace_id": "t58", "url": "/", "method": "POST", "status": 200, "timestamps": stamps}
    filled.write_sync(lambda c: c.execute(insert(traces), [trace]))
    found = {entry.key: entry for entry in await everything(site, Look(asked=Asked()), size=200)}
    assert (found["59"].first_ms, found["59"].status, found["59"].asked_model) == (120, 200, "asked")
    assert (found["58"].first_ms, found["58"].status, found["58"].outcome) == (90, 200, "")
    assert found["57"].first_ms is None


async def test_views_of_requests_page_like_the_log(filled: Database, site: Site) -> None:
    cut = request(7, request_id="r58", logged=True, attempts=1, outcome="deadline")
    filled.write_sync(lambda c: requests.add(c, [cut], []))
    for asked, count in ((Asked(has_failed=True), 41), (Asked(is_retried=True), 40)):
        found = await everything(site, Look(asked=asked), size=6)
        assert len({entry.key for entry in found}) == len(found) == count


def ended(number: int, **values: Any) -> FinishedRequest:
    """A request that went well, of which `logs` tells as well."""
    well = {
        "failed": False,
        "logged": True,
        "outcome": "ok",
        "status": 200,
        "attempts": 1,
        "error": "",
        "first_ms": 80,
    }
    return request(number, **(well | {"duration_ms": 100 + number, "units": number * 10} | values))


async def test_what_only_requests_know_is_looked_for_among_them(filled: Database, site: Site) -> None:
    rows = [
        ended(
            n,
            request_id=f"r{n}",
            endpoint="messages" if n % 2 else "chat_completions",
            user_group="vip" if n < 9 else "",
        )
        for n in range(1, 31)
    ]
    filled.write_sync(lambda c: requests.add(c, [*rows, replace(rows[0], request_id="s", session="one")], []))
    for asked, count in (
        (Asked(endpoints=("messages",)), 16),
        (Asked(group="vip"), 9),
        (Asked(session="one"), 1),
        (Asked(is_retried=False), 31),
        (Asked(status=2), 31),
        (Asked(least_first_ms=80), 31),
        (Asked(least_first_ms=81), 0),
        (Asked(group="vip", least_units=50), 4),
        (Asked(group="vip", type=3), 0),
        (Asked(group="vip", content="entry"), 0),
    ):
        assert len(await everything(site, Look(asked=asked), size=7)) == count, asked
        assert (await totals.sum_up(site.services, ADMIN, asked)).requests == count, asked


async def test_what_is_rare_is_found_by_going_on(
    filled: Database, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [ended(n, request_id=f"r{n}", user_group="vip" if n in (3, 90) else "") for n in range(100)]
    filled.write_sync(lambda c: requests.add(c, rows, []))
    monkeypatch.setattr(log_pages, "SEARCHED", 20)
    first = await log.read_page(site.services, ADMIN, Look(asked=Asked(group="vip")), size=5)
    assert (len(first.entries), first.reached is not None) == (1, True)
    found = await everything(site, Look(asked=Asked(group="vip")), size=5)
    assert [entry.request_id for entry in found] == ["r90", "r3"]


async def test_sums_and_bars_count_what_the_log_shows(filled: Database, site: Site) -> None:
    edges = [START, START + 5, START + 10, START + 15]
    left = request(99, request_id="left", outcome="client_gone", status=499)
    filled.write_sync(lambda c: requests.add(c, [left], []))
    for asked in (
        Asked(),
        Asked(username="bob"),
        Asked(text="e"),
        Asked(least_ms=0, most_units=10**9),
        Asked(status=5),
    ):
        shown = [e for e in await everything(site, Look(asked=asked), size=200) if e.is_request]
        sums = await totals.sum_up(site.services, ADMIN, asked)
        assert sums.requests == len(shown), asked
        assert sums.units == sum(e.units for e in shown), asked
        assert sums.left == len([e for e in shown if e.outcome == "client_gone"]), asked
        charged, failed = await totals.spread(site.services, ADMIN, asked, edges)
        counted = [
            done.requests + sum(bad.values()) - 2 * bad.get("logged", 0)
            for done, bad in zip(charged, failed, strict=True)
        ]
        wanted = [len([e for e in shown if a <= e.at < b]) for a, b in pairwise(edges)]
        assert counted == wanted, asked


async def test_new_entries_are_counted(filled: Database, site: Site) -> None:
    look = Look(asked=Asked())
    page = await log.read_page(site.services, ADMIN, look, size=30)
    assert await log.count_newer(site.services, ADMIN, look, page.entries[0].place, most=50) == 0
    assert await log.count_newer(site.services, ADMIN, look, page.entries[25].place, most=50) == 25
    assert await log.count_newer(site.services, ADMIN, look, page.entries[25].place, most=9) == 9


async def test_neighbours_are_those_of_the_list(filled: Database, site: Site) -> None:
    for look in (
        Look(asked=Asked()),
        Look(asked=Asked(), sort="quota"),
        Look(asked=Asked(), sort="quota", ascending=True),
        Look(asked=Asked(has_failed=True)),
    ):
        found = await everything(site, look, size=200)
        for at in (0, 5, len(found) - 1):
            around = await log.neighbours(site.services, ADMIN, look, found[at])
            before = found[at - 1].key if at else ""
            after = found[at + 1].key if at + 1 < len(found) else ""
            assert around == (before, after), (look, at)


async def test_csv_holds_everything_and_no_formula(filled: Database, site: Site) -> None:
    odd = log_row(61, content='=HYPERLINK("x")', token_name='a,b\n"c"')
    filled.write_sync(lambda c: c.execute(insert(logs), [odd]))
    cells = [row async for part in export(site.services, ADMIN, Look(asked=Asked())) for row in part]
    rows = list(csv.DictReader(io.StringIO(csv_lines([columns_for(ADMIN), *cells]))))
    assert len(rows) == 101
    (found,) = [row for row in rows if row["token"] == 'a,b\n"c"']
    assert found["content"] == '\'=HYPERLINK("x")'
    assert "channel" not in columns_for(OWNER)
    own = [row async for part in export(site.services, OWNER, Look(asked=Asked())) for row in part]
    assert {row[columns_for(OWNER).index("user")] for row in own} == {"ann"}


async def test_deleting_takes_what_is_older_and_nothing_else(filled: Database, site: Site) -> None:
    whole = await everything(site, Look(asked=Asked()), size=200)
    moment = START + 8
    assert await history.count_before(site.services, moment) == 31
    assert await history.forget_before(site.services, PROGRAM, moment) == 31
    left = await everything(site, Look(asked=Asked()), size=200)
    assert [entry.key for entry in left] == [entry.key for entry in whole if entry.at >= moment]
    assert await history.forget_before(site.services, PROGRAM, 2**62) == len(
        [e for e in left if not e.key.startswith("f")]
    )


@pytest.mark.parametrize("text", ["", "1.2.3", "a.b.c.d", "1.2.3.4.5", "-1.0.0.0", "1." + "9" * 30 + ".0.0"])
def test_a_place_that_is_none_is_not_read(text: str) -> None:
    assert read_place(text) is None


def test_a_place_is_read_as_it_is_written() -> None:
    assert read_place(str(Place(5, 1, 999, 2**60 % 10**17))) == Place(5, 1, 999, 2**60 % 10**17)
