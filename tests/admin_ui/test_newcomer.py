"""The whole way of somebody who has just installed the gateway, through the pages alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from adapters.providers.catalogue import load_catalogue
from admin_ui.views.welcome import offered
from tests.admin_ui.browser import PASSWORD, Reader, Site, reader, running_site

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("width", "script"), [(1440, True), (390, True), (1440, False)], ids=["desktop", "phone", "plain forms"]
)
def test_a_newcomer_gets_from_nothing_to_a_charge_in_the_log_and_its_trace(
    tmp_path: Path, browser: Browser, provider: str, width: int, script: bool
) -> None:
    with running_site(tmp_path) as site, reader(browser, site, width=width, script=script) as one:
        change_the_password(one)
        add_a_channel(one, provider)
        try_the_channel(one)
        key = create_a_token(one)
        request_id = use_the_playground(one, script=script)
        see_the_charge(one, site, key, request_id)
        one.page.goto("/")
        expect(one.page.locator("main .steps")).to_have_count(0)
        assert one.complaints == []


def test_the_first_channel_may_be_one_of_the_commonest_kinds() -> None:
    found = [provider.key for provider in offered(load_catalogue().providers)]
    assert found[:5] == ["openai", "anthropic", "gemini", "deepseek", "openaicompatible"]
    # These need more than a key.
    assert not {"azure", "awsclaude", "vertextai", "cloudflare", "coze"} & set(found)


def stays_within(one: Reader) -> None:
    assert not one.scrolls_sideways(), one.page.url


def change_the_password(one: Reader) -> None:
    page = one.page
    one.sign_in("root", "123456")
    assert page.url.endswith("/welcome")
    page.fill("#f-password", "123456")
    page.click("main button.first")
    page.fill("#f-password", PASSWORD)
    stays_within(one)
    page.click("main button.first")
    expect(page.locator("[aria-current=step] h2")).to_have_text("Connect a provider")


def add_a_channel(one: Reader, provider: str) -> None:
    page = one.page
    page.goto("/")
    expect(page.locator(".empty h2")).to_have_text("No requests yet")
    page.click("main .steps >> text=Add a channel")
    page.click("#f-type summary")
    page.click("#f-type button:has-text('OpenAI Compatible')")
    expect(page.locator("#f-base_url")).to_have_attribute("required", "")
    page.fill("#f-name", "First")
    page.fill("#f-key", "sk-upstream")
    page.fill("#f-base_url", provider)
    page.click("text=Fetch from provider")
    expect(page.locator("#f-models")).to_have_value(re.compile("model-a\nmodel-b$"))
    stays_within(one)
    page.click("main button.first")
    expect(page.locator("#toasts")).to_contain_text("1 channel was created.")


def try_the_channel(one: Reader) -> None:
    page = one.page
    page.goto("/channels/1/test")
    page.click("main button.first")
    expect(page.locator("#outcome")).to_contain_text("Passed")
    stays_within(one)


def create_a_token(one: Reader) -> str:
    page = one.page
    page.goto("/tokens/new")
    page.fill("#f-name", "laptop")
    page.click("main button.first")
    key = page.locator("#key").inner_text()
    assert key.startswith("sk-")
    stays_within(one)
    return key


def use_the_playground(one: Reader, *, script: bool) -> str:
    page = one.page
    page.goto("/playground")
    page.fill("#f-model", "model-a")
    page.select_option("#f-token", label="laptop · no limit")
    page.fill("#f-message", "What is 2+2?")
    page.click("button[value=send]")
    pane = page.locator(".pane")
    expect(pane.locator("[data-kind]")).to_have_text("Answered")
    expect(pane.locator("[data-answer]")).to_contain_text("word0" if script else "4")
    expect(pane.locator("[data-cell=cost]")).to_contain_text("$0.00002")
    stays_within(one)
    return pane.locator("[data-cell=id]").inner_text()


def see_the_charge(one: Reader, site: Site, key: str, request_id: str) -> None:
    page = one.page
    page.locator(".pane").get_by_role("link", name="Open its trace").click()
    expect(page.locator("main")).to_contain_text("What happened when")
    expect(page.locator("main")).to_contain_text(request_id)
    expect(page.locator(".bill .sum")).to_contain_text("$0.00002")
    stays_within(one)
    page.goto("/requests")
    row = page.locator("tbody tr", has_text="model-a").first
    expect(row).to_contain_text("$0.00002")
    tokens = site.api("root", PASSWORD).get("/api/token/?p=0").json()["data"]
    (laptop,) = [token for token in tokens if token["name"] == "laptop"]
    assert laptop["used_quota"] > 0
    assert laptop["key"].removeprefix("sk-") == key.removeprefix("sk-")
