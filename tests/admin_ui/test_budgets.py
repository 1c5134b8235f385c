"""Budgets on the pages: set by an administrator, spent through the gateway, seen by whom they limit."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from tests.admin_ui.browser import PASSWORD, Reader, Site, reader

pytestmark = pytest.mark.slow


def _account(site: Site, name: str) -> tuple[int, httpx2.Client]:
    root = site.api("root", PASSWORD)
    root.post("/api/user/", json={"username": name, "display_name": name, "password": PASSWORD})
    (found,) = root.get("/api/user/search", params={"keyword": name}).json()["data"]
    root.post("/api/topup", json={"user_id": found["id"], "quota": 5_000_000})
    return int(found["id"]), site.api(name, PASSWORD)


def _ask(site: Site, key: str) -> httpx2.Response:
    body: dict[str, Any] = {"model": "model-a", "messages": [{"role": "user", "content": "Hello"}]}
    return httpx2.post(
        f"{site.url}/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}, timeout=30
    )


def _fill(one: Reader, where: str = "#dialog", **limits: str) -> None:
    for name, text in limits.items():
        one.page.fill(f"{where} #f-{name}", text)
    one.page.click(f"{where} form button.first")


def test_an_administrators_budget_is_set_spent_told_and_removed(root: Reader, site: Site, browser: Browser) -> None:
    number, thrifty = _account(site, "thrifty")
    token = thrifty.post("/api/token/", json={"name": "tool", "unlimited_quota": True}).json()["data"]
    page = root.page
    page.goto(f"/users/{number}")
    page.click("text=Set a budget")
    page.select_option("#dialog #f-period", "month")
    _fill(root, soft="2", hard="1")
    expect(page.locator("#f-hard-error")).to_contain_text("The soft limit cannot be above the hard one")
    _fill(root, "main", soft="0.000002", hard="0.000004")
    expect(page.locator("#toasts")).to_contain_text("The budget was set.")
    expect(page.locator("#budgets tbody tr")).to_contain_text("Within")
    assert root.violations() == []

    assert _ask(site, token["key"]).status_code == 200
    codes = [""]
    # What was spent is booked a moment after the answer; until then it is only reserved.
    while codes[-1] in ("", "budget_reserved") and len(codes) < 300:
        refused = _ask(site, token["key"])
        assert refused.status_code == 429
        codes.append(refused.json()["error"]["code"])
    assert codes[-1] == "budget_exhausted"
    page.reload()
    expect(page.locator("#budgets tbody tr")).to_contain_text("Used up")
    page.goto("/")
    expect(page.locator(".attention")).to_contain_text("The budget of thrifty is spent")
    assert root.violations() == []
    charts = site.api("root", PASSWORD)
    for query, has_one in (("user=thrifty", True), ("user=thrifty&model=model-a", False), ("user=admin", False)):
        table = charts.get(f"/overview/table?chart=pace&{query}").text
        assert (">Budget<" in table) is has_one, query

    with reader(browser, site) as own:
        own.sign_in("thrifty", PASSWORD)
        own.page.goto("/budgets")
        row = own.page.locator("tbody tr")
        expect(row).to_contain_text("an administrator")
        expect(row.locator("summary")).to_have_count(0)
        own.page.goto(f"/tokens/{token['id']}")
        own.page.click("text=Set a budget")
        _fill(own, hard="3")
        expect(own.page.locator("#budgets tbody tr")).to_contain_text("the owner")
        own.page.click("#budgets tbody summary")
        own.page.click("#budgets >> text=Change")
        _fill(own, hard="0.5")
        expect(own.page.locator("#budgets tbody tr")).to_contain_text("$0.50")
        assert own.violations() == []
        assert own.complaints == []

    page.goto("/budgets")
    mine = page.locator("tbody tr", has_text="thrifty").filter(has_text="Account")
    mine.locator("summary").click()
    mine.locator("text=Remove").click()
    page.locator("#dialog button.first").click()
    expect(page.locator("#toasts")).to_contain_text("The budget was removed.")
    expect(mine).to_have_count(0)
    assert _ask(site, token["key"]).status_code == 200
    root.complaints.clear()  # The browser notes the status 422.


def test_a_group_has_one_budget_of_each_period_and_scripts_are_not_needed(site: Site, browser: Browser) -> None:
    with reader(browser, site, script=False) as plain:
        plain.sign_in("admin", PASSWORD)
        page = plain.page
        for _ in range(2):
            page.goto("/budgets")
            page.click("text=Budget for a group")
            page.select_option("#f-subject", "svip")
            page.select_option("#f-period", "day")
            page.fill("#f-hard", "100")
            page.click("main form button.first")
        expect(page.locator("#f-period-error")).to_contain_text("there is such a budget already", ignore_case=True)
        page.goto("/budgets")
        row = page.locator("tbody tr", has_text="svip")
        expect(row).to_contain_text("$100.00")
        row.locator("summary").click()
        row.locator("text=Remove").click()
        page.click("main form button.first")
        expect(page.locator("tbody tr", has_text="svip")).to_have_count(0)
