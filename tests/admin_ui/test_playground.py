"""The playground: real requests with somebody's own token, in every format, streamed and whole."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.playground.conversation import FORMATS
from tests.admin_ui.browser import PASSWORD, Reader, Site, reader

pytestmark = pytest.mark.slow

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


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
        expect(pane.locator("[data-cell=input]")).to_have_text("8")
        expect(pane.locator("[data-cell=output]")).to_have_text("3")
        expect(pane.locator("[data-cell=cost]")).to_contain_text("$0.0000")
        pane.locator("[data-part=request] summary").click()
        expect(pane.locator("[data-cell=request]")).to_contain_text("What is 2+2?")
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
        panes = page.locator(".pane")
        expect(panes).to_have_count(2)
        for number in range(2):
            expect(panes.nth(number).locator("[data-answer]")).to_have_text("4")
            expect(panes.nth(number).locator("[data-cell=output]")).to_have_text("1")
            panes.nth(number).locator("summary", has_text="Request").click()
        expect(panes.nth(0)).to_contain_text("POST /v1/chat/completions")
        expect(panes.nth(1)).to_contain_text("POST /v1/messages")
        expect(page.locator("[name=said]").first).to_have_value("What is 2+2?")
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
    expect(pane.locator("[data-cell=cost]")).to_contain_text("$0.0")
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
        page.click("#ask details.section >> nth=0 >> summary")
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
    expect(page.locator(".pane pre").first).to_contain_text("curl")
    text = page.content()
    assert "ONE_API_KEY" in text
    assert all(key.removeprefix("sk-") not in text for key in keys)
    page.locator(".pane details", has_text="curl").get_by_role("button").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("curl ")
    assert "/v1/chat/completions" in copied


def test_models_and_channels_are_compared_side_by_side(root: Reader) -> None:
    page = root.page
    page.goto("/playground?model=model-a&channel=1")
    page.fill("#f-message", "Hello")
    page.locator("#ask summary", has_text="Compare with").click()
    page.fill("#f-rival-1", "no-such-model")
    page.select_option("#f-over-2", "1")
    page.click("button[value=send]")
    rows = page.locator("#results tbody tr")
    expect(rows).to_have_count(3)
    for number, (name, state) in enumerate(
        (("model-a · Answers#1", "Answered"), ("no-such-model", "Failed (503)"), ("model-a · Answers#1", "Answered"))
    ):
        expect(rows.nth(number)).to_contain_text(name)
        expect(rows.nth(number)).to_contain_text(state)
    expect(rows.nth(0).locator("[data-cell=first_byte]")).to_contain_text("s")
    expect(rows.nth(0).locator("[data-cell=cost]")).to_contain_text("$0.0")


def test_a_channel_is_tried_without_a_charge(root: Reader, site: Site) -> None:
    page, before = root.page, spent(site)
    page.goto("/playground?model=model-a")
    page.select_option("#f-token", "0")
    page.fill("#f-message", "Hello")
    page.click("button[value=send]")
    expect(page.locator(".pane")).to_contain_text("name the channel")
    page.select_option("#f-channel", label="Answers#1")
    page.click("button[value=send]")
    pane = page.locator(".pane")
    expect(pane.locator("[data-answer]")).to_contain_text("word0")
    expect(pane.locator("[data-cell=cost]")).to_contain_text("not charged")
    assert spent(site) == before
    pane.get_by_role("link", name="Open its trace").click()
    expect(page.locator("table.log tbody tr").first).to_contain_text("not charged")


def test_only_administrators_ask_without_a_charge(site: Site, browser: Browser, states: dict[str, Any]) -> None:
    with reader(browser, site, state=states["user"], script=False) as one:
        one.page.goto("/playground?channel=1")
        assert one.page.locator("#f-token option[value='0']").count() == 0
        assert one.page.locator("#f-channel").count() == 0
        token = one.page.locator("meta[name=csrf-token]").get_attribute("content") or ""
        fields: dict[str, str | float | bool] = {
            "csrf": token, "model": "model-a", "message": "x", "token": "0", "channel": "1", "as": "openai_chat",
        }  # fmt: skip
        answer = one.page.request.post("/playground/stream", form=fields)
        assert "Choose one of your tokens." in answer.text()


def test_pictures_and_turns_go_along_in_each_format(
    site: Site, browser: Browser, states: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "dot.png").write_bytes(PNG)
    (tmp_path / "page.txt").write_text("no picture")
    with reader(browser, site, state=states["user"], script=False) as one:
        page = one.page
        page.goto("/playground?model=model-a")
        page.click("button[value=turn]")
        page.locator("[name=said]").nth(0).fill("I am Ann.")
        page.locator("[name=said]").nth(1).fill("Hello Ann.")
        page.fill("#f-message", "What is this?")
        page.set_input_files("#f-pictures", tmp_path / "page.txt")
        page.click("button[value=send]")
        expect(page.locator("#f-pictures-error")).to_contain_text("Only PNG")
        page.set_input_files("#f-pictures", tmp_path / "dot.png")
        page.click("button[value=all]")
        panes = page.locator(".pane")
        expect(panes).to_have_count(4)
        written = base64.b64encode(PNG).decode()
        for number in range(4):
            request = panes.nth(number).locator("[data-cell=request]").text_content() or ""
            assert written in request
            assert "Hello Ann." in request
            expect(panes.nth(number).locator("[data-kind]")).to_have_text("Answered")


def test_what_a_format_cannot_carry_is_marked(root: Reader) -> None:
    page = root.page
    page.goto("/playground?model=gpt-5&format=openai_chat&format=gemini")
    page.fill("#f-message", "Hello")
    page.locator("#ask summary", has_text="Settings of the request").click()
    page.select_option("#f-effort", "high")
    page.click("button[value=code]")
    expect(page.locator(".pane", has_text="Gemini").locator(".dropped")).to_contain_text("thinkingConfig")
    expect(page.locator(".pane", has_text="OpenAI Chat Completions").locator(".dropped")).to_have_count(0)


def test_nothing_is_stored_unless_asked_and_then_only_for_oneself(
    site: Site, browser: Browser, states: dict[str, Any]
) -> None:
    with reader(browser, site, state=states["user"]) as one:
        page = one.page
        ask(page, "model-a", "Remember this", "openai_chat")
        expect(page.locator("[data-answer]").first).to_contain_text("word0")
        expect(page.locator("[name=said]")).to_have_count(2)
        assert page.locator(".kept-list").count() == 0
        page.locator("#ask summary", has_text="Keep this conversation").click()
        page.fill("#f-title", "About words")
        page.click("button[value=keep]")
        expect(page.locator(".banner.info")).to_contain_text("Kept: About words")
        expect(page.locator(".pane")).to_contain_text("word0")
        expect(page.locator("[name=said]").first).to_have_value("Remember this")
        address = page.url
        assert one.complaints == []
        with reader(browser, site, state=states["root"]) as other:
            answer = other.page.goto(address)
            assert answer is not None
            assert answer.status == 404
        page.click("text=Delete it")
        assert page.goto(address).status == 404  # type: ignore[union-attr]


def test_a_request_of_the_log_fills_the_form(root: Reader, site: Site) -> None:
    page = root.page
    ask(page, "model-a", "Hello", "anthropic")
    pane = page.locator("[data-pane=anthropic]")
    expect(pane.locator("[data-kind]")).to_have_text("Answered")
    request_id = pane.locator("[data-cell=id]").inner_text()
    pane.get_by_role("link", name="Open its trace").click()
    page.wait_for_url("**/requests/*")
    page.get_by_role("link", name="Open in the playground").click()
    page.wait_for_url(f"**/playground?request={request_id}")
    expect(page.locator("#f-model")).to_have_value("model-a")
    expect(page.locator("[value=anthropic]")).to_be_checked()
    expect(page.locator("[value=openai_chat]")).not_to_be_checked()
    expect(page.locator(".banner.info")).to_contain_text("messages were not recorded")


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
