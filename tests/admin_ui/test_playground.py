"""The playground: real requests with somebody's own token, in every format, streamed and whole."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.playground.conversation import FORMATS
from tests.admin_ui.browser import PASSWORD, Reader, Site, reader

pytestmark = pytest.mark.slow


def ask(page: Page, model: str, message: str, *formats: str) -> None:
    page.goto("/playground")
    page.fill("#f-model", model)
    page.select_option("#f-token", index=0)
    for name in FORMATS:
        page.set_checked(f"[name=format][value={name}]", name in formats)
    page.fill("#f-message", message)
    page.click("button[value=send]")


def spent(site: Site) -> int:
    return int(site.api("root", PASSWORD).get("/api/user/self").json()["data"]["used_quota"])


def test_one_conversation_is_answered_in_every_format_at_once(root: Reader, site: Site) -> None:
    page = root.page
    before = spent(site)
    ask(page, "model-a", "What is 2+2?", *FORMATS)
    for name in FORMATS:
        pane = page.locator(f"[data-pane={name}]")
        expect(pane.locator("[data-kind]")).to_have_text("Answered")
        expect(pane.locator("[data-answer]")).to_contain_text("word0 word1 word2")
        expect(pane.locator("[data-cell=facts]")).to_contain_text("8 tokens in, 3 out")
        expect(pane.locator("[data-cell=facts]")).to_contain_text("$0.0000")
        pane.locator("[data-part=raw] summary").click()
        expect(pane.locator("[data-cell=raw]")).to_contain_text("data: ")
    assert spent(site) > before
    # The next message goes on from what was said.
    expect(page.locator(".turns .turn")).to_have_count(2)
    page.fill("#f-message", "And then?")
    page.click("button[value=send]")
    expect(page.locator(".turns .turn")).to_have_count(4)


def test_without_script_the_answer_comes_whole(site: Site, browser: Browser, states: dict[str, Any]) -> None:
    with reader(browser, site, state=states["user"], script=False) as one:
        page = one.page
        ask(page, "model-a", "What is 2+2?", "openai_chat", "anthropic")
        panes = page.locator("[data-pane]")
        expect(panes).to_have_count(2)
        for number in range(2):
            expect(panes.nth(number).locator("[data-answer]")).to_have_text("4")
            expect(panes.nth(number).locator("[data-cell=facts]")).to_contain_text("8 tokens in, 1 out")
            panes.nth(number).locator("summary", has_text="Request").click()
        expect(panes.nth(0)).to_contain_text("POST /v1/chat/completions")
        expect(panes.nth(1)).to_contain_text("POST /v1/messages")
        expect(page.locator(".turns")).to_contain_text("What is 2+2?")
        page.fill("#f-message", "And 3+3?")
        page.click("button[value=send]")
        expect(page.locator(".turns .turn")).to_have_count(4)
        assert one.complaints == []


def test_a_stream_is_stopped_and_charged_for_what_came(root: Reader, site: Site) -> None:
    page = root.page
    ask(page, "model-b", "Go on for ever.", "openai_chat")
    pane = page.locator("[data-pane=openai_chat]")
    expect(pane.locator("[data-answer]")).to_contain_text("word3")
    page.click("#stop")
    expect(pane.locator("[data-kind]")).to_have_text("Stopped")
    expect(pane.locator("[data-cell=facts]")).to_contain_text("charged: $0.0")
    request_id = pane.locator("[data-cell=id]").inner_text()
    expect(page.locator("#stop")).to_be_hidden()
    page.goto("/live")
    expect(page.locator(f"[data-row='{request_id}']")).to_have_count(0)
    assert site.api("root", PASSWORD).get(f"/api/cost/request/{request_id}").json()["quota"] > 0


def test_leaving_the_page_ends_the_request(root: Reader) -> None:
    page = root.page
    ask(page, "model-b", "Go on for ever.", "openai_chat")
    expect(page.locator("[data-pane=openai_chat] [data-answer]")).to_contain_text("word1")
    page.goto("/live")
    expect(page.locator("#nothing")).to_be_visible()


def test_what_is_refused_is_said_in_its_pane(root: Reader) -> None:
    page = root.page
    ask(page, "no-such-model", "Hello", "openai_chat", "gemini")
    for name in ("openai_chat", "gemini"):
        expect(page.locator(f"[data-pane={name}]")).to_contain_text("No available channels for Model no-such-model")
        expect(page.locator(f"[data-pane={name}] [data-kind]")).to_have_text("Failed (503)")
    expect(page.locator("#f-message")).to_have_value("Hello")


def test_faults_are_told_at_their_fields(site: Site, browser: Browser, states: dict[str, Any]) -> None:
    with reader(browser, site, state=states["root"], script=False) as one:
        page = one.page
        page.goto("/playground")
        page.fill("#f-model", "model-a")
        page.fill("#f-message", "Hello")
        page.click("#ask details.section > summary")
        page.fill("#f-temperature", "9")
        page.click("button[value=send]")
        expect(page.locator("#f-temperature-error")).to_be_visible()
        page.fill("#f-temperature", "1")
        page.fill("#f-tools", "no JSON")
        page.click("button[value=send]")
        expect(page.locator("#f-tools-error")).to_be_visible()
        expect(page.locator("#f-message")).to_have_value("Hello")


def test_the_token_is_paid_with_and_never_shown(root: Reader, site: Site) -> None:
    page = root.page
    keys = [token["key"] for token in site.api("root", PASSWORD).get("/api/token/?p=0").json()["data"]]
    page.goto("/playground")
    page.fill("#f-model", "model-a")
    page.fill("#f-message", "It's 2+2?")
    page.click("button[value=code]")
    text = page.content()
    assert "ONE_API_KEY" in text
    assert all(key.removeprefix("sk-") not in text for key in keys)
    page.locator(".pane details", has_text="curl").get_by_role("button").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("curl ")
    assert "/v1/chat/completions" in copied


def test_other_people_s_tokens_and_costs_stay_theirs(site: Site, browser: Browser, states: dict[str, Any]) -> None:
    roots = site.api("root", PASSWORD).get("/api/token/?p=0").json()["data"][0]["id"]
    with reader(browser, site, state=states["user"], script=False) as one:
        one.page.goto("/playground")
        token = one.page.locator("meta[name=csrf-token]").get_attribute("content") or ""
        fields: dict[str, str | float | bool] = {
            "csrf": token,
            "model": "model-a",
            "message": "x",
            "token": str(roots),
            "as": "openai_chat",
        }
        answer = one.page.request.post("/playground/stream", form=fields)
        assert "Choose one of your tokens." in answer.text()
        costs = site.api("root", PASSWORD)
        deadline = time.monotonic() + 10
        while (
            not (rows := costs.get("/api/log/?type=2&username=root").json()["data"]) and time.monotonic() < deadline
        ):
            time.sleep(0.1)
        assert one.page.request.get(f"/playground/cost/{rows[0]['request_id']}").status == 404
