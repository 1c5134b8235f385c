"""How a channel does, at a glance in the list and on its own page."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.admin_ui.browser import Site, reader
from tests.admin_ui.looks import LOOKS, Look, faults_of, name_of
from tests.admin_ui.traffic import ask

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("look", LOOKS, ids=name_of)
def test_pages_are_whole(traffic: Site, browser: Browser, busy_states: dict[str, Any], look: Look) -> None:
    width, language, theme = look
    with reader(browser, traffic, width=width, language=language, theme=theme, state=busy_states["admin"]) as one:
        wrong = faults_of(one, "/channels", role="admin", look=look)
        for path in ("/channels/5", "/channels/3?range=30d", "/channels/5/requests", "/channels/5/models"):
            wrong += faults_of(one, path, role="admin", look=look)
    assert not wrong, "\n".join(wrong)


def test_a_suspension_tells_its_reason_counts_down_and_is_cleared(
    traffic: Site, browser: Browser, busy_states: dict[str, Any]
) -> None:
    with reader(browser, traffic, state=busy_states["admin"]) as one:
        page = one.page
        page.goto("/channels/5/health")
        assert page.url.endswith("/channels/5")
        if page.locator("main button", has_text="Clear suspension").count():
            page.locator(".rests button").click()
        assert ask(traffic, "root", "hopeless-root").status_code == 429
        page.goto("/channels")
        row = page.locator("tbody tr", has_text="Busy")
        expect(row).to_contain_text("Suspended 1/")
        left = int(row.locator(".countdown").inner_text().split(" ")[0].split(".")[0])
        assert 0 < left <= 60
        row.locator("td.name a").click()
        rests = page.locator(".rests")
        expect(rests.locator("tbody tr")).to_have_count(1)
        expect(rests).to_contain_text("hopeless-root")
        expect(rests).to_contain_text("429 rate limit")
        rests.locator("button").click()
        expect(rests).to_have_count(0)
        assert page.url.endswith("/channels/5")
        page.locator("td.name a").first.click()
        expect(page.locator("table.log tbody tr").first).to_contain_text("hopeless-root")
        assert one.complaints == []


def test_what_a_channel_did_with_each_model_is_counted(
    traffic: Site, browser: Browser, busy_states: dict[str, Any]
) -> None:
    with reader(browser, traffic, state=busy_states["admin"]) as one:
        page = one.page
        page.goto("/channels/5/models?sort=failed&order=desc")
        row = page.locator("tbody tr", has_text="rescued-root").first
        expect(row).to_contain_text("busy-rescued-root")
        expect(row.locator("td").last).to_have_text("100.0 %")
        page.fill("[data-search]", "hopeless-user")
        expect(page.locator("tbody tr")).to_have_count(1)
        page.goto("/channels/1/requests")
        expect(page.locator("tbody tr", has_text="model-a").first).to_contain_text("200")
        page.click("text=All requests of this channel")
        assert page.url.endswith("/requests?channel=1")
        assert one.complaints == []


def test_a_channel_s_pages_are_for_administrators(
    traffic: Site, browser: Browser, busy_states: dict[str, Any]
) -> None:
    with reader(browser, traffic, state=busy_states["user"]) as one:
        for path in ("", "/edit", "/models", "/requests", "/history", "/health"):
            answer = one.page.goto(f"/channels/5{path}")
            assert answer is not None
            assert answer.status == 403
