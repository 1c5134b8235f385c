"""Finding anything by name, with the keyboard alone and without scripts."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, expect

from tests.admin_ui.browser import PASSWORD, Reader, Site, reader


def test_ctrl_k_finds_a_channel_by_its_name(root: Reader) -> None:
    page = root.page
    page.goto("/tokens")
    page.keyboard.press("Control+k")
    page.wait_for_selector("#palette[open] .item")
    page.keyboard.type("azure")
    page.wait_for_selector("#palette .item:has-text('Azure with a long name')")
    assert root.violations() == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/channels/2")


def test_a_command_disables_a_channel_and_leads_back(root: Reader) -> None:
    page = root.page
    page.goto("/tokens?status=1")
    page.click("a[data-palette]")
    page.wait_for_selector("#palette[open] .item")
    page.keyboard.type("disable azure")
    page.wait_for_selector("#palette .item:has-text('Disable Azure')")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast")
    assert page.url.endswith("/tokens?status=1")
    page.goto("/palette?q=enable+azure")
    page.click(".found .item:has-text('Enable Azure')")
    page.wait_for_selector(".toast")


def test_it_is_a_page_without_scripts(site: Site, browser: Browser, states: dict[str, Any]) -> None:
    with reader(browser, site, script=False, state=states["user"]) as one:
        one.page.goto("/tokens")
        one.page.click(".rail a.find")
        one.page.fill("main input[type=search]", "lapt")
        one.page.click("main form[role=search] button")
        expect(one.page.locator("main .found a")).to_have_text(["laptop"])


def test_people_find_nothing_that_is_not_theirs(site: Site) -> None:
    found = site.api("user", PASSWORD).get("/palette", params={"q": "a"}).text
    assert "/channels/" not in found
    assert "/users/" not in found
    assert "/settings/" not in found
