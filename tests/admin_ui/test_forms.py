"""What forms must not do by accident: give money back, press the wrong button, lose where somebody was."""

from __future__ import annotations

import time
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from tests.admin_ui.browser import PASSWORD, Reader, Site, reader
from tests.admin_ui.traffic import ask


def _user(client: httpx2.Client, number: int) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/user/{number}").json()["data"]
    return found


def _spend(site: Site, client: httpx2.Client) -> int:
    """Ask something as the user, and return what is left once it is charged, a moment after it is answered."""
    used = _user(client, 3)["used_quota"]
    assert ask(site, "user", "model-a", stream=False).status_code == 200
    deadline = time.monotonic() + 20
    while (user := _user(client, 3))["used_quota"] == used:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(user["quota"])


def test_saving_a_name_gives_back_nothing_that_was_spent_meanwhile(site: Site, root: Reader) -> None:
    client = site.api("root", PASSWORD)
    page = root.page
    page.goto("/users/3/edit")
    before = _user(client, 3)["quota"]
    spent = before - _spend(site, client)
    assert spent > 0
    page.fill("#f-display_name", "Another name")
    page.click("form button.first")
    page.wait_for_url("**/users/3")
    assert _user(client, 3)["quota"] == before - spent


def test_a_balance_that_is_changed_is_changed_by_the_difference(site: Site, root: Reader) -> None:
    client = site.api("root", PASSWORD)
    page = root.page
    page.goto("/users/3/edit")
    before = _user(client, 3)["quota"]
    after = _spend(site, client)
    field = page.locator("#f-quota")
    field.fill(str(float(field.input_value()) + 1))
    page.click("form button.first")
    page.wait_for_url("**/users/3")
    assert _user(client, 3)["quota"] - after == 500_000
    assert after < before


def test_enter_in_a_bulk_bar_changes_and_does_not_enable(site: Site, root: Reader) -> None:
    page = root.page
    page.goto("/channels?q=Off")
    page.check("tbody .pick input")
    page.select_option("#bulk select[name=what]", "priority")
    page.fill("#bulk input[name=value]", "7")
    page.press("#bulk input[name=value]", "Enter")
    page.wait_for_url("**/channels/bulk")
    assert site.api("root", PASSWORD).get("/api/channel/3").json()["data"]["status"] == 2


@pytest.mark.parametrize("do", ["disable", "enable"])
def test_undo_brings_back_only_what_was_changed(
    site: Site, browser: Browser, states: dict[str, Any], do: str
) -> None:
    client = site.api("root", PASSWORD)
    # Whoever is disabled is signed out; others still need the common ones.
    client.post("/api/user/", json={"username": f"on-{do}", "display_name": "On", "password": PASSWORD})
    found = client.get("/api/user/search", params={"keyword": f"on-{do}"}).json()["data"]
    number = next(int(user["id"]) for user in found if user["username"] == f"on-{do}")
    with reader(browser, site, state=states["root"]) as one:
        page = one.page
        page.goto("/users")
        for name in (f"on-{do}", "off"):
            page.check(f"tbody tr:has(td.name a:text-is('{name}')) .pick input")
        page.click(f"#bulk button[value={do}]")
        page.click(".toast button:has-text('Undo')")
        page.wait_for_selector(".toast")
    assert [_user(client, each)["status"] for each in (number, 4)] == [1, 2]


def test_choosing_a_theme_keeps_the_search(site: Site, browser: Browser, states: dict[str, Any]) -> None:
    with reader(browser, site, script=False, state=states["root"]) as one:
        one.page.goto("/users?q=admin&status=1")
        one.page.click(".rail .foot summary")
        one.page.click(".rail .foot button[value=dark]")
        assert one.page.url.endswith("/users?q=admin&status=1")


@pytest.mark.parametrize("path", ["/tokens/1/anything", "/codes/1/anything"])
def test_a_step_that_does_not_exist_does_nothing(site: Site, browser: Browser, path: str, root: Reader) -> None:
    page = root.page
    page.goto("/codes")
    status = page.evaluate(
        "path => fetch(path, {method: 'POST', headers: {'X-CSRF-Token':"
        " document.querySelector('meta[name=csrf-token]').content}}).then(answer => answer.status)",
        path,
    )
    root.complaints.clear()
    assert status == 404


def test_looks_follow_somebody_to_another_browser(site: Site, browser: Browser) -> None:
    with reader(browser, site) as one:
        one.sign_in("admin", PASSWORD)
        one.page.goto("/profile")
        one.page.select_option("select[name=density]", "roomy")
        one.page.click("form[action='/preferences'] button.first")
        one.page.wait_for_selector("html[data-density=roomy]")
    with reader(browser, site) as other:
        other.page.goto("/login")
        assert other.page.get_attribute("html", "data-density") == "normal"
        other.sign_in("admin", PASSWORD)
        assert other.page.get_attribute("html", "data-density") == "roomy"
        other.page.goto("/profile")
        other.page.select_option("select[name=density]", "normal")
        other.page.click("form[action='/preferences'] button.first")
        other.page.wait_for_selector("html[data-density=normal]")


def test_the_list_of_faults_names_the_fields(root: Reader) -> None:
    page = root.page
    page.goto("/users/new")
    page.locator("main form").evaluate("form => { form.noValidate = true; }")
    page.click("main form button.first")
    faults = page.locator("[data-faults] a[data-named]")
    expect(faults.filter(has_text="Name: ")).to_have_count(1)
    expect(faults.filter(has_text="Password: ")).to_have_count(1)
    root.complaints.clear()  # The browser notes the status 422.
