"""The keys that one channel uses in turn, as an administrator makes, sees, tests, clears and removes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.admin_ui.browser import PASSWORD, Reader, Site, reader
from tests.admin_ui.looks import LOOKS, Look, faults_of, name_of

pytestmark = pytest.mark.slow

BAD, GOOD, MORE = "sk-refused-00000-bad1", "sk-works-0000000-good", "sk-works-0000000-more"


@pytest.fixture
def api(site: Site) -> httpx2.Client:
    return site.api("root", PASSWORD)


@pytest.fixture
def number(api: httpx2.Client, provider: str) -> Iterator[int]:
    """A channel with three keys, of which the provider refuses one."""
    keys = "\n".join((BAD, GOOD, MORE))
    made = {"type": 1, "name": "Ringed", "key": keys, "base_url": provider, "models": "gpt-4o", "keys_in_turn": True}
    assert api.post("/api/channel/", json=made).json()["success"]
    found = api.get("/api/channel/search", params={"keyword": "Ringed"}).json()["data"][0]["id"]
    yield int(found)
    api.delete(f"/api/channel/{found}")


def row(page: Page, key: str) -> Any:
    return page.locator("tbody tr").filter(has_text=f"…{key[-4:]}")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "plain forms"])
def test_a_key_is_tested_cleared_removed_and_added(
    site: Site, browser: Browser, states: dict[str, Any], number: int, script: bool
) -> None:
    with reader(browser, site, state=states["root"], script=script) as one:
        page = one.page
        page.goto(f"/channels/{number}/keys")
        expect(page.locator("tbody tr")).to_have_count(3)
        row(page, BAD).get_by_role("button", name="Test").click()
        expect(page.locator("#toasts")).to_contain_text("…bad1 failed with gpt-4o: Incorrect API key")
        expect(row(page, BAD)).to_contain_text("Refused")
        expect(row(page, BAD)).to_contain_text("Incorrect API key")
        row(page, GOOD).get_by_role("button", name="Test").click()
        expect(page.locator("#toasts")).to_contain_text("…good passed with gpt-4o")
        row(page, BAD).locator("summary").click()
        row(page, BAD).get_by_role("button", name="Use it again").click()
        expect(row(page, BAD)).to_contain_text("Good")
        row(page, BAD).locator("summary").click()
        row(page, BAD).get_by_role("link", name="Remove").click()
        expect(page.locator("h1, dialog h1").last).to_contain_text("Remove the key …bad1 of Ringed?")
        page.locator("button.danger").last.click()
        expect(page.locator("tbody tr")).to_have_count(2)
        expect(row(page, GOOD)).to_contain_text("the channel's own")
        page.fill("#f-keys", f"{GOOD}\nsk-works-0000000-last")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.locator("tbody tr")).to_have_count(3)
        assert not any(key in page.content() for key in (BAD, GOOD, MORE))


def test_the_form_makes_one_channel_of_several_lines(root: Reader, api: httpx2.Client, provider: str) -> None:
    page = root.page
    page.goto("/channels/new?type=1")
    page.fill("#f-name", "Turning")
    page.fill("#f-base_url", provider)
    page.fill("#f-key", f"{GOOD}\n{MORE}")
    page.check("[name=lines][value=turn]")
    expect(page.locator("#key-lines")).to_contain_text("2 keys: one channel uses them in turn.")
    page.click("main .sticky-foot button.first")
    expect(page.locator("main h1")).to_contain_text("Turning")
    page.get_by_role("link", name="Keys", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(2)
    number = page.url.split("/")[-2]
    page.goto(f"/channels/{number}/edit")
    page.get_by_role("link", name="It is the first of 2 keys").click()
    page.wait_for_url(f"**/channels/{number}/keys")
    api.delete(f"/api/channel/{number}")


def test_a_request_says_which_keys_it_was_tried_with(root: Reader, api: httpx2.Client, number: int) -> None:
    made = {"name": "ring", "unlimited_quota": True, "expired_time": -1, "models": "gpt-4o"}
    token = api.post("/api/token/", json=made).json()["data"]
    headers = {"Authorization": f"Bearer sk-{token['key'].removeprefix('sk-')}-{number}"}
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "2+2"}]}
    answer = api.post("/v1/chat/completions", json=asked, headers=headers)
    assert answer.status_code == 200, answer.text
    request_id = answer.headers["x-oneapi-request-id"]
    page = root.page
    page.goto(f"/playground/request/{request_id}")
    expect(page.locator(".waterfall")).to_contain_text("Ringed · …bad1 · 401 key refused · key left out")
    expect(page.locator(".waterfall")).to_contain_text("Ringed · …good · 200")
    expect(page.locator("#why")).to_contain_text("refused, and left out")
    page.goto("/")
    expect(page.locator(".attention")).to_contain_text("Ringed: 1 of 3 keys are refused, and left out.")
    api.delete(f"/api/token/{token['id']}")


@pytest.mark.parametrize("look", LOOKS, ids=name_of)
def test_the_page_of_keys_is_whole(
    site: Site, browser: Browser, states: dict[str, Any], number: int, api: httpx2.Client, look: Look
) -> None:
    width, language, theme = look
    first = api.get(f"/api/channel/{number}/keys").json()["data"][0]["id"]
    api.post(f"/api/channel/{number}/keys/{first}/test")
    with reader(browser, site, width=width, language=language, theme=theme, state=states["root"]) as one:
        wrong = faults_of(one, f"/channels/{number}/keys", role="root", look=look)
        assert not one.scrolls_sideways()
    assert not wrong, "\n".join(wrong)
