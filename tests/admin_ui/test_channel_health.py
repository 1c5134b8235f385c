"""How channels do, at a glance in their list and on a page of each."""

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
        wrong += faults_of(one, "/channels/5/health", role="admin", look=look)
        wrong += faults_of(one, "/channels/3/health", role="admin", look=look)
    assert not wrong, "\n".join(wrong)


def test_a_suspension_counts_down_and_is_cleared(
    traffic: Site, browser: Browser, busy_states: dict[str, Any]
) -> None:
    with reader(browser, traffic, state=busy_states["admin"]) as one:
        page = one.page
        page.goto("/channels/5/health")
        if page.locator("button", has_text="Clear suspension").count():
            page.click("text=Clear suspension")
        assert ask(traffic, "root", "hopeless-root").status_code == 429
        page.goto("/channels")
        row = page.locator("tbody tr", has_text="Busy")
        expect(row).to_contain_text("Suspended 1/")
        left = int(row.locator(".countdown").inner_text().split(" ")[0])
        assert 0 < left <= 60
        expect(row.locator(".countdown")).not_to_have_text(f"{left} s")
        row.locator(".health-link").click()
        expect(page.locator("main")).to_contain_text("Rate limit reached")
        expect(page.locator("table").first).to_contain_text("hopeless-root")
        page.click("text=Clear suspension")
        expect(page.locator("main")).to_contain_text("It is tried for every group and model that it serves.")
        assert page.url.endswith("/channels/5/health")
        page.locator("td.name a").first.click()
        expect(page.locator("tbody tr")).to_have_count(1)
        assert one.complaints == []


def test_health_is_for_administrators(traffic: Site, browser: Browser, busy_states: dict[str, Any]) -> None:
    with reader(browser, traffic, state=busy_states["user"]) as one:
        answer = one.page.goto("/channels/5/health")
        assert answer is not None
        assert answer.status == 403
