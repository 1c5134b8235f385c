"""The status page: models for everybody, channels for nobody."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from admin_ui.views.status import bars, percent
from gateway.site.uptime import Day, ModelStatus
from tests.admin_ui.browser import PASSWORD, Site, reader, running_site
from tests.admin_ui.conftest import furnish
from tests.support.tls import no_tls

DAY_S = 86_400


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory, provider: str) -> Iterator[Site]:
    """A site whose model-a answered 99 of 100 requests yesterday, and 5 of 10 three days ago."""
    folder = tmp_path_factory.mktemp("status")
    with running_site(folder) as site:
        furnish(site, provider)
        _fill(folder / "one.db")
        yield site


def _fill(path: Path) -> None:
    today = int(time.time()) // DAY_S * DAY_S
    with closing(sqlite3.connect(path)) as db, db:
        for days, answered, failed in ((1, 99, 1), (3, 5, 5)):
            at = today - days * DAY_S + 60
            db.executemany(
                "INSERT INTO logs (user_id, created_at, type, model_name, quota) VALUES (1, ?, 2, 'model-a', 1)",
                [(at,)] * answered,
            )
            # A client's own mistake is no failure of the model.
            for outcome, count in (("upstream_failed", failed), ("refused", 7)):
                db.executemany(
                    "INSERT INTO gw_requests (request_id, finished_at, user_id, model, outcome, failed, logged, error,"
                    " detail) VALUES ('x', ?, 1, 'model-a', ?, 1, 0, '', '{}')",
                    [(at * 1000, outcome)] * count,
                )


def test_strangers_see_it_only_where_that_is_switched_on(busy: Site) -> None:
    client = busy.api("root", PASSWORD)
    with httpx2.Client(base_url=busy.url, trust_env=False, verify=no_tls()) as stranger:
        client.put("/api/option/", json={"key": "StatusPageEnabled", "value": "false"})
        assert stranger.get("/status").headers["location"] == "/login?next=%2Fstatus"
        client.put("/api/option/", json={"key": "StatusPageEnabled", "value": "true"})
        page = stranger.get("/status")
        assert page.status_code == 200
        assert "model-a" in page.text
        for secret in ("Answers", "Azure with", "Fell out", "127.0.0.1"):
            assert secret not in page.text


def test_channels_are_shown_only_under_their_public_names(busy: Site) -> None:
    client = busy.api("root", PASSWORD)
    names = json.dumps({"1": "Europe", "2": "Europe", "4": "Asia <1>"})
    for key, value in (
        ("StatusPageEnabled", "true"),
        ("StatusPageModels", "false"),
        ("StatusPageChannels", names),
    ):
        assert client.put("/api/option/", json={"key": key, "value": value}).json()["success"]
    with httpx2.Client(
        base_url=busy.url, trust_env=False, verify=no_tls(), headers={"Accept-Language": "en"}
    ) as stranger:
        text = stranger.get("/status").text
    assert "model-a" not in text
    assert text.count("<strong>Europe</strong>") == 1
    assert "Asia &lt;1&gt;" in text
    assert text.index("Not available") < text.index("Europe")
    for secret in ("Answers", "Azure with", "Fell out"):
        assert secret not in text
    client.put("/api/option/", json={"key": "StatusPageModels", "value": "true"})
    client.put("/api/option/", json={"key": "StatusPageChannels", "value": "{}"})


@pytest.mark.slow
def test_days_are_drawn_and_told(busy: Site, browser: Browser) -> None:
    busy.api("root", PASSWORD).put("/api/option/", json={"key": "StatusPageEnabled", "value": "true"})
    with reader(browser, busy) as one:
        page = one.page
        page.goto("/status")
        row = page.locator(".uptimes li", has_text="model-a")
        expect(row).to_contain_text("Available")
        expect(row).to_contain_text("94.55 %")
        picture = row.locator("svg.uptime")
        expect(picture).to_have_attribute("aria-label", re.compile(r"94.55 % of requests .* worst day .* with 50 %"))
        assert picture.locator("path.ok").count() == 1
        assert picture.locator("path.bad").count() == 1
        expect(page.locator(".uptimes li", has_text="claude-sonnet-4-5")).to_contain_text("Not available")
        page.fill("[data-search]", "model-b")
        expect(page.locator(".uptimes li")).to_have_count(1)
        assert one.violations() == []
        assert one.complaints == []


@pytest.mark.parametrize(
    ("share", "text"), [(None, "—"), (1.0, "100 %"), (0.99999, "99.99 %"), (0.5, "50 %"), (0.0, "0 %")]
)
def test_what_is_not_whole_is_not_called_whole(share: float | None, text: str) -> None:
    assert percent(share) == text


def test_days_of_one_kind_are_one_path() -> None:
    days = [
        Day(start=0, answered=99, failed=1),
        Day(start=1, answered=9, failed=1),
        Day(start=2, failed=1),
        Day(start=3),
    ]
    found = bars(ModelStatus(model="m", state="up", days=days))
    assert {kind: path.count("M") for kind, path in found.items()} == {"ok": 1, "warn": 1, "bad": 1, "none": 1}
