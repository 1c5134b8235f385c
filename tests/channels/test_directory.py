"""Lists of channels: what they are narrowed by, how they are sorted, and what is known of each row."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import insert

from gateway.audit.author import Author
from gateway.channels import bulk, directory, edits
from gateway.channels.edits import ChannelEdit
from storage.channel_tables import gw_channel_tests
from storage.records import ChannelStatus
from storage.repositories.channel_lists import WantedChannels
from storage.repositories.rows import Page, Sort
from storage.tables import logs
from storage.traffic_tables import gw_attempts, gw_requests
from tests.management.conftest import site_everywhere
from tests.management.site import Site

__all__ = ["site_everywhere"]

ROOT = Author(id=1, username="root", role=100, via="page")
CHANNELS = (
    {"name": "plain", "models": "m", "tag": "eu", "note": "bought in May"},
    {"name": "mapped", "models": "m,n", "group": "vip", "model_mapping": '{"m": "x"}', "priority": 5},
    {"name": "asked", "models": "n", "system_prompt": "Be brief.", "base_url": "https://eu.example", "weight": 2},
    {"name": "priced", "models": "n", "model_configs": '{"n": {"ratio": 1}}', "type": 14, "tag": "eu"},
)


async def furnished(site: Site) -> Site:
    for fields in CHANNELS:
        await edits.create_channels(site.services, ROOT, ChannelEdit(**({"type": 1, "key": "k"} | fields)))  # type: ignore[arg-type]
    return site


async def names(site: Site, wanted: WantedChannels, sort: Sort = Sort()) -> list[str]:  # noqa: B008 - frozen
    rows, total = await directory.list_channels(site.services, wanted, sort, Page(0, 10))
    assert total == len(rows)
    return [row.name for row in rows]


async def test_every_filter_narrows(site_everywhere: Site) -> None:
    site = await furnished(site_everywhere)
    for wanted, expected in (
        (WantedChannels(), ["mapped", "asked", "plain", "priced"]),
        (WantedChannels(text="EU"), ["asked", "plain", "priced"]),
        (WantedChannels(text="in may"), ["plain"]),
        (WantedChannels(text="2"), ["mapped"]),
        (WantedChannels(id=3), ["asked"]),
        (WantedChannels(type=14), ["priced"]),
        (WantedChannels(group="vip"), ["mapped"]),
        (WantedChannels(model="m"), ["mapped", "plain"]),
        (WantedChannels(group="vip", model="n"), ["mapped"]),
        (WantedChannels(tag="eu"), ["plain", "priced"]),
        (WantedChannels(own="mapping"), ["mapped"]),
        (WantedChannels(own="prompt"), ["asked"]),
        (WantedChannels(own="prices"), ["priced"]),
        (WantedChannels(untested_since=int(time.time())), ["mapped", "asked", "plain", "priced"]),
        (WantedChannels(status=ChannelStatus.DISABLED), []),
        (WantedChannels(among=[1, 4]), ["plain", "priced"]),
        (WantedChannels(among=[]), []),
    ):
        assert await names(site, wanted) == expected, wanted


async def busy(site: Site) -> None:
    """Channel 1 answered three of four attempts, at a cost of 30; channel 2 one of one, slowly, at 500."""
    now = int(time.time())
    ended: dict[str, Any] = {"user_id": 1, "finished_at": now * 1000, "outcome": "ok", "error": "", "detail": ""}
    shown = [(1, 100), (1, 100), (1, 120), (2, 9_000)]
    rows = [
        ended | {"request_id": f"r{n}", "channel_id": channel, "first_ms": first, "failed": False, "logged": True}
        for n, (channel, first) in enumerate(shown)
    ]
    lost = {"request_id": "x", "failed_at": now * 1000, "channel_id": 1, "kind": "server", "error": ""}
    charged = [
        {
            "type": 2,
            "user_id": 1,
            "created_at": now,
            "channel_id": c,
            "quota": q,
            "model_name": "m",
            "token_name": "t",
        }
        for c, q in ((1, 10), (1, 10), (1, 10), (2, 500))
    ]

    def work(conn: Any) -> None:
        conn.execute(insert(gw_requests), rows)
        conn.execute(insert(gw_attempts).values(lost))
        conn.execute(insert(logs), charged)

    await site.services.database.write(work)


async def test_what_happened_in_the_last_day_is_known_and_sorted_by(site_everywhere: Site) -> None:
    site = await furnished(site_everywhere)
    await busy(site)
    everything = WantedChannels()
    rows, _total = await directory.list_channels(site.services, everything, Sort(), Page(0, 10))
    known = await directory.know(site.services, rows)
    assert (known[1].day.answered, known[1].day.failed, known[1].used.units, known[1].used.requests) == (3, 1, 30, 3)
    assert known[2].day.p95_ms == pytest.approx(9_000, rel=0.2)
    assert (known[3].day.share, known[3].used.units) == (None, 0)
    assert known[1].label.note == "bought in May"
    for column, up, expected in (
        ("cost", False, ["mapped", "plain"]),
        ("requests", False, ["plain", "mapped"]),
        ("share", True, ["plain", "mapped", "asked", "priced"]),
        ("share", False, ["mapped", "plain", "asked", "priced"]),
        ("first", False, ["mapped", "plain", "asked", "priced"]),
        ("name", True, ["asked", "mapped", "plain", "priced"]),
    ):
        assert (await names(site, everything, Sort(column, up)))[: len(expected)] == expected, column


async def test_whoever_is_off_says_since_when_by_whom_and_why(site_everywhere: Site) -> None:
    site = await furnished(site_everywhere)
    await bulk.switch_channels(site.services, ROOT, [1], enabled=False)
    await site.services.registry.auto_disable(2, "invalid key")

    async def known() -> dict[int, directory.Known]:
        found = [await edits.read_channel(site.services, number) for number in (1, 2, 3)]
        return await directory.know(site.services, found)

    now = await known()
    assert now[1].switch is not None
    assert now[2].switch is not None
    assert (now[1].switch.by, now[1].switch.reason) == ("root", "")
    assert (now[2].switch.by, now[2].switch.reason) == ("", "invalid key")
    assert now[3].switch is None


async def test_troubles_are_failing_suspended_unready_and_those_that_fail_their_test(site_everywhere: Site) -> None:
    site = await furnished(site_everywhere)
    now = int(time.time() * 1000)
    lost = {"request_id": "x", "failed_at": now, "channel_id": 1, "kind": "server", "error": ""}
    tests = [{"channel_id": 3, "tested_at": now, "passed": passed, "said": ""} for passed in (True, False)]
    tests += [{"channel_id": 4, "tested_at": now, "passed": passed, "said": ""} for passed in (False, True)]

    def work(conn: Any) -> None:
        conn.execute(insert(gw_attempts), [lost] * 10)
        conn.execute(insert(gw_channel_tests), tests)

    await site.services.database.write(work)
    found = await directory.troubles(site.services)
    assert found == {1: "failing", 3: "test"}
    assert await names(site, WantedChannels(troubled=found)) == ["asked", "plain"]
    await site.services.registry.auto_disable(2, "invalid key")
    assert await names(site, WantedChannels(troubled=found)) == ["mapped", "asked", "plain"]
