"""Bars of requests over time: as high as what happened, and links to exactly that."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

from quart import Quart, g

from admin_ui.histogram import HEIGHT, WIDTH, Histogram, histogram
from admin_ui.i18n import load_catalogue
from storage.repositories.usage import Sums

ZONE = ZoneInfo("Europe/Berlin")
START = 1_700_000_000 - 1_700_000_000 % 900


async def drawn(step: int, counts: list[int], failed: list[dict[str, int]]) -> Histogram:
    edges = [START + step * number for number in range(len(counts) + 1)]
    charged = [Sums(requests=count) for count in counts]
    async with Quart("test").app_context():
        g.catalogue = load_catalogue("en")
        return histogram(edges, charged, failed, zone=ZONE, link=lambda since, until: f"{since}/{until}")


async def test_the_highest_bar_fills_the_picture_and_errors_stand_on_top() -> None:
    picture = await drawn(900, [3, 0, 2], [{}, {}, {"upstream": 4, "logged": 1, "left": 2}])
    assert picture.most == 7
    first, nothing, last = picture.bars
    assert (first.parts[0][0], nothing.parts) == ("ok", [])
    assert [kind for kind, _y, _height in last.parts] == ["ok", "bad", "idle"]
    assert round(sum(height for _kind, _y, height in last.parts)) == HEIGHT
    assert (last.fine, last.failed, last.left) == (1, 4, 2)
    assert last.text.endswith(": 7 requests, 4 errors")
    assert last.x + last.width <= WIDTH


async def test_what_is_shorter_than_a_minute_leads_to_whole_minutes() -> None:
    picture = await drawn(15, [1] * 6, [{}] * 6)
    for bar in picture.bars:
        since, until = bar.link.split("/")
        assert since < until
    marks = json.loads(picture.marks)
    assert all(a < b for a, b in zip(marks["from"], marks["to"], strict=True))
