"""A month of charges: every page and the management API say the same of it, to the unit, in every zone."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser

from storage.database import Database
from storage.dsn import parse_dsn
from storage.migrate import migrate
from tests.admin_ui.browser import PASSWORD, Site, running_site
from tests.admin_ui.conftest import furnish

pytestmark = pytest.mark.slow

ROWS = 3000
# The first has hours that begin at half past; clocks of the second were changed in the last weeks or will be.
ZONES = ["UTC", "Asia/Kolkata", "America/New_York", "Europe/Berlin"]
CUTS = ["model", "user", "channel", "token", "provider", "group", "format", "day", "week", "month"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the site's database is."""
    return tmp_path_factory.mktemp("month")


@pytest.fixture(scope="module")
def month(folder: Path, browser: Browser, provider: str) -> Iterator[Site]:
    """A site with charges of 29 days."""
    database = Database.open(parse_dsn("", sqlite_path=str(folder / "one.db")))
    migrate(database)
    database.close()
    # Before the gateway starts: it sums the log up then.
    _fill(folder / "one.db")
    with running_site(folder) as site:
        furnish(site, provider)
        yield site


def _fill(path: Path) -> None:
    rng, now = random.Random(5), int(time.time())
    rows = [
        (
            rng.choice([1, 3]), now - rng.randrange(60, 29 * 86_400), 2, "", rng.choice(["laptop", "small"]),
            rng.choice(["model-a", "model-b", "gpt-4o"]), rng.randrange(1, 5000), rng.randrange(500),
            rng.randrange(200), rng.randrange(1, 4), f"r{number}", rng.randrange(1, 9000), rng.randrange(50),
            number % 2,
        )
        for number in range(ROWS)
    ]  # fmt: skip
    with sqlite3.connect(path, timeout=20) as connection:
        connection.executemany(
            "INSERT INTO logs (user_id, created_at, type, content, token_name, model_name, quota, prompt_tokens,"
            " completion_tokens, channel_id, request_id, elapsed_time, cached_prompt_tokens, is_stream, username)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,'')",
            rows,
        )
        connection.executemany(
            "INSERT INTO gw_requests (request_id, finished_at, user_id, outcome, failed, logged, error, detail,"
            " list_units) VALUES (?, ?, ?, 'ok', 0, 1, '', '{}', ?)",
            # Every tenth has no list price; the others were sold at twice theirs.
            [(row[10], row[1] * 1000, row[0], row[6] // 2 if n % 10 else None) for n, row in enumerate(rows)],
        )
        connection.execute(
            "UPDATE logs SET username = CASE user_id WHEN 1 THEN 'root' ELSE 'user' END WHERE type = 2"
        )
    connection.close()


def _units(client: httpx2.Client, address: str) -> int:
    answer = client.get(address)
    assert answer.status_code == 200, address
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    return sum(int(row["quota"]) for row in rows)


def test_every_cut_in_every_zone_comes_to_what_the_log_has(month: Site) -> None:
    client = month.api("root", PASSWORD)
    whole = client.get("/api/log/stat?type=2").json()["data"]["quota"]
    mine = client.get("/api/log/stat?type=2&username=user").json()["data"]["quota"]
    assert whole > mine > 0
    for zone in ZONES:
        client.cookies.set("tz", zone, domain="127.0.0.1")
        for cut in CUTS if zone == "Asia/Kolkata" else CUTS[-3:]:
            assert _units(client, f"/cost/export.csv?range=30d&by={cut}") == whole, (zone, cut)
        for pair in ("by=model&and=user", "by=day&and=channel", "by=token&and=month"):
            assert _units(client, f"/cost/export.csv?range=30d&{pair}") == whole, (zone, pair)
            assert _units(client, f"/cost/export.csv?range=30d&{pair}&user=user") == mine, (zone, pair)


def test_charts_add_up_to_the_same(month: Site) -> None:
    client = month.api("root", PASSWORD)
    whole = client.get("/api/log/stat?type=2").json()["data"]["quota"]
    for zone in ZONES:
        client.cookies.set("tz", zone, domain="127.0.0.1")
        for by in ("", "&by=user", "&by=channel", "&by=token"):
            lines = client.get(f"/overview/export.jsonl?chart=cost&range=30d{by}").text.splitlines()
            values = [value for line in lines for name, value in json.loads(line).items() if name != "from"]
            assert round(sum(values) * 500_000) == whole, (zone, by)
        requests = client.get("/overview/export.jsonl?chart=requests&range=30d").text.splitlines()
        count = sum(value for line in requests for name, value in json.loads(line).items() if name != "from")
        assert count == ROWS, zone
        pace = client.get("/overview/export.jsonl?chart=pace").text
        assert "This month" in pace


def test_the_overview_and_the_log_show_what_the_cost_page_does(month: Site) -> None:
    client = month.api("root", PASSWORD)
    for query in ("range=30d", "range=30d&user=user", "range=30d&user=user&model=model-a", "range=7d&channel=2"):
        shown = set()
        for address, pattern in (
            (f"/?{query}", r"Cost</a></dt><dd class=\"figure\">(\$[\d.,]+)"),
            (f"/cost?{query}", r"big-figure\">(\$[\d.,]+)"),
        ):
            found = re.search(pattern, client.get(address).text)
            assert found is not None, address
            shown.add(found[1])
        assert len(shown) == 1, (query, shown)
        units = _units(client, f"/cost/export.csv?{query}")
        assert shown == {f"${units / 500_000:,.2f}" if units >= 500_000 else f"${units / 500_000:.6f}".rstrip("0")}


def test_administrators_see_what_is_left_above_list_prices(month: Site, folder: Path) -> None:
    client = month.api("root", PASSWORD)
    # Two days are read from the log with all that is known of its requests, until they are summed up.
    until = int(time.time()) // 60 * 60 - 3600
    since = until - 40 * 3600
    times = [time.strftime("%Y-%m-%dT%H:%M", time.gmtime(moment)) for moment in (since, until)]
    span = "range=custom&from={}&to={}".format(*times)
    answer = client.get(f"/cost/export.csv?{span}&by=model").text
    rows = list(csv.DictReader(io.StringIO(answer.removeprefix("\ufeff"))))
    charged, upstream, margin = (
        sum(int(row[name]) for row in rows) for name in ("quota", "upstream_quota", "margin_quota")
    )
    with sqlite3.connect(folder / "one.db", timeout=20) as connection:
        listed, sold = connection.execute(
            "SELECT sum(list_units), sum(quota) FROM gw_requests JOIN logs USING (request_id)"
            " WHERE list_units IS NOT NULL AND created_at >= ? AND created_at < ?",
            (since, until),
        ).fetchone()
    connection.close()
    assert (upstream, margin) == (listed, sold - listed)
    assert 0 < upstream + margin < charged
    page = client.get(f"/cost?{span}").text
    for word in ("Upstream cost", "Margin", "Of what was charged, $"):
        assert word in page, word
    line = client.get(f"/cost/chart.jsonl?{span}&measure=margin_units").text.splitlines()
    values = [value for part in line for name, value in json.loads(part).items() if name != "from" and value]
    assert round(sum(values) * 500_000) == margin
    mine = month.api("user", PASSWORD)
    assert "Margin" not in mine.get("/cost?range=30d&measure=margin_units").text
    assert "margin_quota" not in mine.get("/cost/export.csv?range=30d&by=model").text


def test_a_user_cuts_own_costs_alone(month: Site) -> None:
    client = month.api("user", PASSWORD)
    mine = sum(row["quota"] for row in [client.get("/api/log/self/stat?type=2").json()["data"]])
    for cut in ("model", "token", "group", "format", "day", "channel", "user", "provider"):
        assert _units(client, f"/cost/export.csv?range=30d&by={cut}&user=root&provider=OpenAI") == mine, cut
    assert client.get("/overview/table?chart=health").status_code == 404
