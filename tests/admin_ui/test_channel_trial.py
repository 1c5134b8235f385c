"""The form of a channel: tested before it is saved, with what it would get."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.admin_ui.browser import PASSWORD, Reader, Site, reader

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("script", [True, False], ids=["with script", "plain forms"])
def test_a_channel_is_tested_before_it_is_saved(
    site: Site, browser: Browser, states: dict[str, Any], provider: str, script: bool
) -> None:
    with reader(browser, site, state=states["root"], script=script) as one:
        page = one.page
        page.goto("/channels/new?type=1")
        page.fill("#f-name", "Never saved")
        page.fill("#f-key", "sk-upstream")
        page.fill("#f-models", "model-a")
        page.fill("#f-base_url", "http://127.0.0.1:9")
        page.click("text=Test first")
        expect(page.locator("#tried")).to_contain_text("Failed with model-a")
        page.fill("#f-base_url", provider)
        page.click("text=Test first")
        expect(page.locator("#tried")).to_contain_text("Passed with model-a")
        expect(page.locator("#tried")).to_contain_text("Nothing is saved yet.")
        expect(page.locator("#f-name")).to_have_value("Never saved")
        expect(page.locator(".hint")).to_contain_text("own machine")
        assert one.complaints == []
    assert site.api("root", PASSWORD).get("/api/channel/search?keyword=Never").json()["data"] in ([], None)


def test_a_stored_key_is_not_sent_to_another_address(root: Reader, provider: str) -> None:
    page = root.page
    page.goto("/channels/1")
    page.click("text=Test first")
    expect(page.locator("#tried")).to_contain_text("Passed")
    page.fill("#f-base_url", "http://127.0.0.1:9")
    page.click("text=Test first")
    expect(page.locator("#f-key-error")).to_contain_text("type the key again")
    root.complaints.clear()  # The browser notes the status 422.


def test_what_a_channel_would_get_follows_its_weight(root: Reader) -> None:
    page = root.page
    page.goto("/channels/new?type=1")
    page.fill("#f-models", "model-a")
    page.fill("#f-weight", "3")
    page.locator("#f-weight").blur()
    expect(page.locator("#shares")).to_contain_text("model-a in default: 75 % of first attempts")
    page.fill("#f-priority", "-1")
    page.locator("#f-priority").blur()
    expect(page.locator("#shares")).to_contain_text("model-a in default: only after 1 other channel")
    page.fill("#f-priority", "99")
    page.locator("#f-priority").blur()
    expect(page.locator("#shares")).to_contain_text("model-a in default: all first attempts")
