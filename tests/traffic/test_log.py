"""Paging through the log shows every entry once, in one order, whatever the direction."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert

from gateway.accounts import history
from gateway.audit.author import PROGRAM
from gateway.traffic import log
from gateway.traffic.log import Entry, Look
from storage.database import Database
from storage.records import User
from storage.repositories import requests
from storage.repositories.log_pages import Asked, Place, read_place
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
        found = await everything(site, Look(asked=Asked(), sort=sort), size=7)
        values = [getattr(entry, names.get(sort, sort)) for entry in found]
        assert values == sorted(values, reverse=True)
        assert len({entry.key for entry in found}) == 60


async def test_owners_see_their_own_and_no_channel(filled: Database, site: Site) -> None:
    asked = Asked(user_id=8, username="bob", channel_id=1)
    found = await everything(site, Look(asked=asked), size=50, actor=OWNER)
    assert {entry.username for entry in found} == {"ann"}
    assert {entry.channel for entry in found} == {""}
    sums, failed = await log.sum_up(site.services, OWNER, Look(asked=asked))
    mine = [entry for entry in found if entry.is_request and not entry.key.startswith("f")]
    assert (sums.charged, sums.units) == (len(mine), sum(entry.units for entry in mine))
    assert failed == len([entry for entry in found if entry.key.startswith("f")])


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
    for view, count in (("failed", 41), ("retried", 40)):
        found = await everything(site, Look(asked=Asked(), view=view), size=6)
        assert len({entry.key for entry in found}) == len(found) == count


async def test_csv_holds_everything_and_no_formula(filled: Database, site: Site) -> None:
    odd = log_row(61, content='=HYPERLINK("x")', token_name='a,b\n"c"')
    filled.write_sync(lambda c: c.execute(insert(logs), [odd]))
    text = "".join([piece async for piece in log.export_csv(site.services, ADMIN, Look(asked=Asked()))])
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(rows) == 101
    (found,) = [row for row in rows if row["token"] == 'a,b\n"c"']
    assert found["content"] == '\'=HYPERLINK("x")'
    own = "".join([piece async for piece in log.export_csv(site.services, OWNER, Look(asked=Asked()))])
    assert "channel" not in own.split("\r\n")[0]


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
