"""A channel is tested: before it is saved, with what it would get, and afterwards in every way that clients ask."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.admin_ui.browser import PASSWORD, Reader, Site, reader

pytestmark = pytest.mark.slow


def name_models(page: Page, names: str, *, script: bool = True) -> None:
    """Fill in models as people do: as tags, or without scripts as text."""
    if script:
        page.fill("[data-tag]", names)
        page.press("[data-tag]", "Enter")
    else:
        page.fill("#f-models", names)


@pytest.mark.parametrize("script", [True, False], ids=["with script", "plain forms"])
def test_a_channel_is_tested_before_it_is_saved(
    site: Site, browser: Browser, states: dict[str, Any], provider: str, script: bool
) -> None:
    with reader(browser, site, state=states["root"], script=script) as one:
        page = one.page
        page.goto("/channels/new")
        page.fill("#f-name", "Never saved")
        page.fill("#f-key", "sk-upstream")
        name_models(page, "model-a", script=script)
        page.fill("#f-base_url", "http://127.0.0.1:9")
        page.click("text=Test first")
        expect(page.locator("#tried")).to_contain_text("Failed with model-a")
        page.fill("#f-base_url", provider)
        page.click("text=Test first")
        expect(page.locator("#tried")).to_contain_text("Passed with model-a")
        expect(page.locator("#tried")).to_contain_text("Nothing is saved yet.")
        expect(page.locator("#f-name")).to_have_value("Never saved")
        expect(page.locator("#hints")).to_contain_text("own machine")
        assert one.complaints == []
    assert site.api("root", PASSWORD).get("/api/channel/search?keyword=Never").json()["data"] in ([], None)


def test_a_stored_key_is_not_sent_to_another_address(root: Reader) -> None:
    page = root.page
    page.goto("/channels/1/edit")
    page.click("text=Test first")
    expect(page.locator("#tried")).to_contain_text("Passed")
    page.fill("#f-base_url", "http://127.0.0.1:9")
    page.click("text=Test first")
    expect(page.locator("#f-key-error")).to_contain_text("Type the key again")
    root.complaints.clear()  # The browser notes the status 422.


def test_what_a_channel_would_get_follows_its_weight(root: Reader, site: Site) -> None:
    made = {"type": 1, "name": "Beside it", "key": "k", "models": "shared-one", "group": "default", "weight": 1}
    assert site.api("root", PASSWORD).post("/api/channel/", json=made).json()["success"]
    page = root.page
    page.goto("/channels/new")
    name_models(page, "shared-one only-mine")
    shares = page.locator("#shares li").first
    expect(page.locator("#outlook .tags")).to_have_text("only-mine")
    page.fill("#f-weight", "3")
    expect(shares).to_contain_text("75 %")
    expect(page.locator("#f-weight-help")).to_contain_text("75 % of its tier for shared-one, beside 1 more.")
    page.fill("#f-priority", "-1")
    expect(shares).to_contain_text("only after 1 other channel")
    page.fill("#f-priority", "99")
    expect(shares).to_contain_text("100 %")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "plain forms"])
def test_a_test_says_how_it_went_in_the_format_that_was_chosen(
    site: Site, browser: Browser, states: dict[str, Any], script: bool
) -> None:
    with reader(browser, site, state=states["root"], script=script) as one:
        page = one.page
        page.goto("/channels/1/test")
        page.select_option("#f-model", "model-a")
        page.select_option("#f-format", "anthropic")
        page.check("input[name=stream]")
        page.fill("#f-prompt", "Say three words.")
        page.click("main form button.first")
        outcome = page.locator("#outcome")
        expect(outcome).to_contain_text("Passed")
        expect(outcome).to_contain_text("Claude Messages · stream")
        expect(outcome).to_contain_text("word0 word1 word2")
        expect(outcome.locator(".measures")).to_contain_text("200")
        expect(outcome.locator(".measures")).to_contain_text("8 + 3")
        expect(outcome.locator("tbody tr").first).to_contain_text("Claude Messages")
        expect(page.locator("#f-prompt")).to_have_value("Say three words.")
        page.goto("/channels/1")
        expect(page.locator("main")).to_contain_text("word0 word1 word2")
        assert one.complaints == []


def test_a_failed_test_shows_what_the_provider_wrote_and_what_follows(
    site: Site, browser: Browser, states: dict[str, Any], provider: str
) -> None:
    made = {"type": 50, "name": "Busy one", "key": "k", "base_url": provider, "models": "busy-a", "group": "default"}
    client = site.api("root", PASSWORD)
    client.post("/api/channel/", json=made)
    number = client.get("/api/channel/search", params={"keyword": "Busy one"}).json()["data"][0]["id"]
    with reader(browser, site, state=states["root"]) as one:
        page = one.page
        page.goto("/channels")
        page.click(f"a[href='/channels/{number}/test']")
        page.click("#dialog button.first")
        outcome = page.locator("#dialog #outcome")
        expect(outcome).to_contain_text("Failed")
        expect(outcome.locator(".measures")).to_contain_text("429")
        expect(outcome).to_contain_text("does not switch the channel off")
        page.click("#dialog summary")
        expect(outcome.locator("pre")).to_contain_text('"message": "Rate limit reached"')
        assert one.violations() == []
    client.delete(f"/api/channel/{number}")
