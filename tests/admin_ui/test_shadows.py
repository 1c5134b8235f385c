"""Shadow tests as an administrator begins, follows, stops and deletes them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from tests.admin_ui.browser import PASSWORD, Reader, Site, reader
from tests.admin_ui.looks import LOOKS, Look, faults_of, name_of

pytestmark = pytest.mark.slow

MODEL = "shadowed-model"
ONE = re.compile(r"/routing/shadows/\d+$")


@pytest.fixture
def api(site: Site) -> httpx2.Client:
    return site.api("root", PASSWORD)


@pytest.fixture
def channels(api: httpx2.Client, provider: str) -> Iterator[list[int]]:
    """One that answers the model, and one that is off and has it as well."""
    found = []
    for name, status in (("Live one", 1), ("Other one", 2)):
        body = {"type": 1, "name": name, "key": "k", "base_url": provider, "models": MODEL, "status": status}
        assert api.post("/api/channel/", json=body).json()["success"]
        found.append(int(api.get("/api/channel/search", params={"keyword": name}).json()["data"][0]["id"]))
    yield found
    for number in found:
        api.delete(f"/api/channel/{number}")


def ask(api: httpx2.Client, count: int) -> None:
    made = {"name": "shadows", "unlimited_quota": True, "expired_time": -1}
    token = api.post("/api/token/", json=made).json()["data"]
    headers = {"Authorization": f"Bearer sk-{token['key'].removeprefix('sk-')}"}
    for _ in range(count):
        asked = {"model": MODEL, "messages": [{"role": "user", "content": "2+2"}]}
        assert api.post("/v1/chat/completions", json=asked, headers=headers).status_code == 200
    api.delete(f"/api/token/{token['id']}")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "plain forms"])
def test_a_test_is_begun_followed_stopped_and_deleted(
    site: Site, browser: Browser, states: dict[str, Any], api: httpx2.Client, channels: list[int], script: bool
) -> None:
    with reader(browser, site, state=states["root"], script=script) as one:
        page = one.page
        page.goto("/routing")
        page.get_by_role("link", name="Shadow tests").click()
        page.get_by_role("link", name="New shadow test").first.click()
        page.wait_for_url("**/routing/shadows/new")
        page.fill("#f-model", MODEL)
        page.select_option("#f-channel", str(channels[1]))
        page.fill("#f-share", "100")
        page.fill("#f-copies", "50")
        page.fill("#f-limit", "1")
        page.get_by_role("button", name="Begin").click()
        page.wait_for_url(ONE)
        expect(page.locator("main")).to_contain_text("No copy has ended yet")
        ask(api, 3)
        # Copies and the memory of requests are written a moment later.
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and "of the 3 requests that both answered" not in page.content():
            page.reload()
        rows = page.locator("table").first.locator("tbody tr")
        expect(rows.nth(0)).to_contain_text("100.0 %")
        expect(rows.filter(has_text="Tokens in, on average")).to_contain_text("8")
        expect(page.locator("table").last.locator("tbody tr")).to_have_count(3)
        page.get_by_role("button", name="Stop").click()
        expect(page.locator("main")).to_contain_text("Stopped")
        ask(api, 1)
        page.reload()
        expect(page.locator("table").last.locator("tbody tr")).to_have_count(3)
        page.get_by_role("link", name="Delete").click()
        expect(page.locator("h1, dialog h1").last).to_contain_text(f"Delete the shadow test of {MODEL}?")
        page.locator("button.danger").last.click()
        page.wait_for_url("**/routing/shadows")
        expect(page.locator("main")).not_to_contain_text(MODEL)


def test_what_cannot_be_tested_is_said_at_its_field(root: Reader, channels: list[int]) -> None:
    page = root.page
    page.goto("/routing/shadows/new")
    page.fill("#f-model", "another-model")
    page.select_option("#f-channel", str(channels[1]))
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#f-channel")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".summary")).to_contain_text("Other one does not have the model another-model")
    page.fill("#f-model", MODEL)
    page.fill("#f-copies", "")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#f-until")).to_have_attribute("aria-invalid", "true")
    root.complaints.clear()  # The browser notes the status 422.


@pytest.mark.parametrize("look", LOOKS, ids=name_of)
def test_the_pages_of_shadow_tests_are_whole(
    site: Site, browser: Browser, states: dict[str, Any], api: httpx2.Client, channels: list[int], look: Look
) -> None:
    width, language, theme = look
    with reader(browser, site, width=width, language=language, theme=theme, state=states["root"]) as one:
        page = one.page
        page.goto(f"/routing/shadows/new?model={MODEL}&channel={channels[1]}")
        page.fill("#f-share", "100")
        page.locator("main form button.first").click()
        page.wait_for_url(ONE)
        ask(api, 2)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and page.locator("table").count() < 2:
            page.reload()
        wrong = []
        for path in (page.url.removeprefix(site.url), "/routing/shadows", "/routing/shadows/new"):
            wrong += faults_of(one, path, role="root", look=look)
            assert not one.scrolls_sideways()
    assert not wrong, "\n".join(wrong)
