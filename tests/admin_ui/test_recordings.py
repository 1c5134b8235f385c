"""Recording messages, as people switch it on, read what was said, open it in the playground and delete it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from tests.admin_ui.browser import PASSWORD, Site, reader
from tests.admin_ui.looks import LOOKS, Look, faults_of, name_of
from tests.support.tls import no_tls

pytestmark = pytest.mark.slow

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
ASKED = [
    {"role": "system", "content": "Answer in a word. " * 40},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is 2+2 <b>here</b>?"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
            {"type": "image_url", "image_url": {"url": "https://elsewhere.invalid/cat.png"}},
        ],
    },
]


@pytest.fixture
def permitted(site: Site) -> Iterator[httpx2.Client]:
    """Root on a site that permits recording while the test runs."""
    root = site.api("root", PASSWORD)
    assert root.put("/api/option/", json={"key": "MessageRecordingEnabled", "value": "true"}).json()["success"]
    yield root
    assert root.put("/api/option/", json={"key": "MessageRecordingEnabled", "value": "false"}).json()["success"]


def token_of(client: httpx2.Client, name: str, *, records: bool) -> dict[str, Any]:
    body = {"name": name, "unlimited_quota": True, "record_messages": records}
    made = client.post("/api/token/", json=body).json()
    assert made["success"], made
    found: dict[str, Any] = made["data"]
    return found


def ask(site: Site, key: str) -> str:
    """Ask something and return the id of the request, once its recording is there."""
    answer = httpx2.post(
        f"{site.url}/v1/chat/completions",
        headers={"Authorization": f"Bearer {key}"},
        json={"model": "model-a", "temperature": 0.5, "messages": ASKED},
        trust_env=False,
        verify=no_tls(),
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return answer.headers["x-oneapi-request-id"]


def wait_for(client: httpx2.Client, request_id: str) -> None:
    for _ in range(100):
        if client.get(f"/api/messages/{request_id}").status_code == 200:
            return
        time.sleep(0.1)
    raise AssertionError("not recorded")


def test_the_owner_switches_it_on_reads_what_was_said_asks_again_and_deletes_it(
    site: Site, browser: Browser, states: dict[str, Any], permitted: httpx2.Client
) -> None:
    user = site.api("user", PASSWORD)
    token = token_of(user, "listened", records=False)
    with reader(browser, site, state=states["user"]) as one:
        page = one.page
        page.goto(f"/tokens/{token['id']}/edit")
        page.check("#f-records")
        page.click("button.first[value=save]")
        page.wait_for_url(f"**/tokens/{token['id']}")
        expect(page.locator(".head .state", has_text="recorded")).to_be_visible()
        page.goto("/tokens")
        row = page.locator("tbody tr", has_text="listened")
        expect(row.locator(".state", has_text="recorded")).to_be_visible()

        request_id = ask(site, token["key"])
        wait_for(user, request_id)
        page.goto(f"/playground/request/{request_id}")
        expect(page.locator(".lead .state", has_text="messages recorded")).to_be_visible()
        said = page.locator("#messages")
        expect(said.locator(".turn.system details")).not_to_have_attribute("open", "")
        expect(said.locator(".turn.user")).to_contain_text("What is 2+2 <b>here</b>?")
        expect(said.locator("img.thumb")).to_have_attribute("src", f"data:image/png;base64,{PIXEL}")
        expect(said.locator(".turn.user a")).to_have_attribute("href", "https://elsewhere.invalid/cat.png")
        expect(said.locator(".turn.assistant")).to_contain_text("4")
        said.locator("summary", has_text="Request as it was sent").click()
        expect(said.locator("pre").first).to_contain_text('"temperature": 0.5')

        page.get_by_role("link", name="Open in the playground").click()
        expect(page.locator("#f-message")).to_have_value("What is 2+2 <b>here</b>?")
        expect(page.locator("#f-temperature")).to_have_value("0.5")
        expect(page.locator("#f-system")).to_have_value(("Answer in a word. " * 40).strip() + " ")

        page.goto("/requests?said=IN%20a%20word")
        expect(page.locator(".log tbody tr")).to_have_count(1)
        expect(page.locator("#list")).to_contain_text("recording of messages was looked through")
        page.goto("/requests?said=never%20said")
        expect(page.locator("#list")).to_contain_text("Nothing matches")

        page.goto(f"/playground/request/{request_id}")
        page.locator("#messages").get_by_role("button", name="Delete this recording").click()
        assert "The recording was deleted." in one.toast()
        expect(page.locator("#messages")).to_have_count(0)
        assert one.complaints == []
    assert user.delete(f"/api/token/{token['id']}").json()["success"]


@pytest.mark.parametrize("look", LOOKS, ids=name_of)
def test_somebody_else_s_messages_are_read_on_purpose_and_are_in_the_audit_log(
    look: Look, site: Site, browser: Browser, states: dict[str, Any], permitted: httpx2.Client
) -> None:
    width, language, theme = look
    user = site.api("user", PASSWORD)
    token = token_of(user, f"heard {width}", records=True)
    request_id = ask(site, token["key"])
    wait_for(user, request_id)
    with reader(browser, site, state=states["admin"]) as one:
        page = one.page
        page.goto(f"/playground/request/{request_id}")
        page.wait_for_url("**/requests/*")
        key = page.url.rpartition("/")[2]
        expect(page.locator("#messages")).to_contain_text("Only who said it and root can read it.")
        expect(page.locator("body")).not_to_contain_text("What is 2+2")
        assert page.goto(f"/requests/{key}/messages").status == 404  # type: ignore[union-attr]
    with reader(browser, site, width=width, language=language, theme=theme, state=states["root"]) as one:
        page = one.page
        wrong = faults_of(one, f"/requests/{key}", role="root", look=look)
        expect(page.locator("body")).not_to_contain_text("What is 2+2")
        read = page.locator(f"a[href='/requests/{key}/messages']")
        expect(read).to_be_visible()
        wrong += faults_of(one, f"/requests/{key}/messages", role="root", look=look)
        expect(page.locator(".turn.user")).to_contain_text("What is 2+2")
        wrong += faults_of(one, "/settings/messages", role="root", look=look)
        wrong += faults_of(one, f"/tokens/{token['id']}/edit", role="root", look=look)
        page.goto("/audit?kind=messages")
        expect(page.locator("tbody tr").first).to_contain_text(request_id)
        assert not wrong, "\n".join(wrong)
    assert user.delete(f"/api/token/{token['id']}").json()["success"]


def test_a_site_that_does_not_permit_it_says_so_at_the_switch(
    site: Site, browser: Browser, states: dict[str, Any]
) -> None:
    with reader(browser, site, state=states["user"], script=False) as one:
        one.page.goto("/tokens/new")
        expect(one.page.locator("#f-records")).to_be_disabled()
        expect(one.page.locator("#f-records ~ .help, #f-records-help")).to_contain_text("does not permit it")
