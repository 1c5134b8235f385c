"""The list of channels: what is changed in a row and taken back, what the list is narrowed by, tests of all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.admin_ui.browser import PASSWORD, Reader, Site, reader
from tests.admin_ui.talk import key_of, talking

pytestmark = pytest.mark.slow

FIELDS = ("tag", "note", "priority", "weight", "testing_model", "key", "models", "used_quota", "status")


@pytest.fixture
def three(site: Site, provider: str) -> Iterator[dict[str, int]]:
    """Three channels of one name: one alone serves a model, one has a tag, one has no models."""
    client = site.api("root", PASSWORD)
    for name, more in (
        ("List a", {"models": "alone,model-a", "priority": 30}),
        ("List b", {"models": "model-a", "priority": 20, "tag": "trial", "note": "bought in May"}),
        ("List c", {"models": "", "priority": 20}),
    ):
        body = {"type": 50, "name": name, "key": "k", "base_url": provider, "group": "default", **more}
        assert client.post("/api/channel/", json=body).json()["success"]
    found = client.get("/api/channel/search?keyword=List").json()["data"]
    yield {channel["name"]: channel["id"] for channel in found}
    for channel in client.get("/api/channel/search?keyword=List").json()["data"]:
        client.delete(f"/api/channel/{channel['id']}")


def stored(site: Site, number: int) -> dict[str, Any]:
    found: dict[str, Any] = site.api("root", PASSWORD).get(f"/api/channel/{number}").json()["data"]
    return found


def row(one: Reader, name: str) -> Locator:
    return one.page.locator("tbody tr", has_text=name)


def test_a_priority_is_saved_when_it_was_changed_and_undone_from_the_message(
    root: Reader, site: Site, three: dict[str, int]
) -> None:
    page = root.page
    page.goto("/channels?q=List")
    page.evaluate("window.stayed = true")
    field = page.get_by_label("Priority of List a")
    field.fill("44")
    field.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("List a was changed.")
    assert page.evaluate("window.stayed") is True
    assert stored(site, three["List a"])["priority"] == 44
    expect(page.locator("tbody tr")).to_have_count(3)
    page.click("#toasts >> text=Undo")
    expect(page.locator("#toasts")).to_contain_text("1 channel is as it was.")
    assert stored(site, three["List a"])["priority"] == 30


def test_a_weight_below_zero_is_not_saved(root: Reader, site: Site, three: dict[str, int]) -> None:
    root.page.goto("/channels?q=List")
    root.page.evaluate(
        "document.querySelectorAll('.small-field input').forEach(field => field.removeAttribute('min'))"
    )
    field = root.page.get_by_label("Weight of List b")
    field.fill("-1")
    field.press("Tab")
    expect(root.page.locator("#toasts")).to_contain_text("Weight cannot be negative.")
    expect(root.page.get_by_label("Weight of List b")).to_have_value("0")
    assert stored(site, three["List b"])["weight"] == 0


def test_what_could_not_be_saved_is_not_shown_as_if_it_were(root: Reader, site: Site, three: dict[str, int]) -> None:
    page = root.page
    page.goto("/channels?q=List")
    page.route("**/inline", lambda route: route.abort())
    field = page.get_by_label("Priority of List a")
    field.fill("99")
    field.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("It was not saved.")
    expect(field).to_have_value("30")
    root.complaints.clear()


def test_a_switch_says_which_models_have_no_channel_now(root: Reader, site: Site, three: dict[str, int]) -> None:
    page = root.page
    page.goto("/channels?q=List")
    page.get_by_label("List a is enabled").click()
    expect(page.locator("#toasts")).to_contain_text("List a is disabled. 1 model has no channel now: alone")
    expect(row(root, "List a")).to_contain_text("just now · root")
    expect(page.get_by_label("List a is enabled")).to_have_attribute("aria-checked", "false")
    page.click("#toasts >> text=Undo")
    assert stored(site, three["List a"])["status"] == 1


def test_a_channel_that_is_off_drains_while_requests_run_on_it(root: Reader, site: Site) -> None:
    page = root.page
    page.goto("/channels?q=Answers")
    with talking(site, key_of(site, "root")):
        page.get_by_label("Answers is enabled").click()
        expect(row(root, "Answers")).to_contain_text("Draining")
        expect(row(root, "Answers")).to_contain_text("1 request runs on")
        page.goto("/channels?status=draining")
        expect(page.locator("tbody tr")).to_have_count(1)
        page.get_by_label("Answers is enabled").click()
        expect(page.locator("#toasts")).to_contain_text("Answers is enabled.")
    page.goto("/channels?status=draining")
    expect(page.locator(".empty")).to_contain_text("Nothing matches")


def test_the_testing_model_is_chosen_in_a_dialog(root: Reader, site: Site, three: dict[str, int]) -> None:
    page = root.page
    page.goto("/channels?q=List")
    row(root, "List a").get_by_role("link", name="Testing model of List a").click()
    page.select_option("#dialog select", "alone")
    expect(page.locator("#toasts")).to_contain_text("List a was changed.")
    assert stored(site, three["List a"])["testing_model"] == "alone"
    expect(row(root, "List a")).to_contain_text("alone")


def test_rows_are_changed_without_scripts(
    site: Site, browser: Browser, states: dict[str, Any], three: dict[str, int]
) -> None:
    with reader(browser, site, state=states["admin"], script=False) as one:
        page = one.page
        page.goto("/channels?q=List")
        page.get_by_label("Priority of List b").fill("3")
        page.get_by_label("Weight of List b").fill("5")
        row(one, "List b").get_by_role("button", name="Save").click()
        assert "List b was changed." in one.toast()
        assert page.url.endswith("/channels?q=List")
        page.get_by_label("List b is enabled").click()
        assert "List b is disabled." in one.toast()
        row(one, "List b").get_by_role("link", name="Testing model of List b").click()
        page.select_option("main select", "model-a")
        page.click("main form button.first")
        assert page.url.endswith("/channels?q=List")
    found = stored(site, three["List b"])
    assert [found[name] for name in ("priority", "weight", "status", "testing_model")] == [3, 5, 2, "model-a"]


def choose_columns(one: Reader, *, hide: str = "") -> None:
    """Hide a column of the list at hand, or show those again that it comes with."""
    page = one.page
    page.locator(".viewline summary", has_text="Columns").click()
    if hide:
        page.locator(".column-list").get_by_label(hide, exact=True).uncheck()
    page.get_by_role("button", name="Apply" if hide else "As they come").click()
    page.wait_for_load_state()


def test_priorities_are_saved_without_scripts_where_no_weights_are_shown(
    site: Site, browser: Browser, states: dict[str, Any], three: dict[str, int]
) -> None:
    with reader(browser, site, state=states["admin"], script=False) as one:
        page = one.page
        page.goto("/channels?q=List")
        choose_columns(one, hide="Weight")
        try:
            expect(page.get_by_label("Weight of List b")).to_have_count(0)
            page.get_by_label("Priority of List b").fill("4")
            row(one, "List b").get_by_role("button", name="Save").click()
            expect(page.locator("#toasts")).to_contain_text("List b was changed.")
        finally:
            choose_columns(one)
    assert stored(site, three["List b"])["priority"] == 4


def test_asking_for_balances_shows_where_they_come(
    site: Site, browser: Browser, states: dict[str, Any], three: dict[str, int]
) -> None:
    with reader(browser, site, state=states["admin"], script=False) as one:
        page = one.page
        page.goto("/channels?q=List")
        column = page.get_by_role("columnheader", name="Balance")
        expect(column).to_have_count(0)
        try:
            page.locator("tr", has=page.get_by_text("List b", exact=True)).get_by_role("checkbox").first.check()
            page.click("#bulk button[value=balance]")
            expect(page.locator("#toasts")).to_contain_text("in the column Balance. It is shown from now on.")
            expect(column).to_be_visible()
        finally:
            choose_columns(one)
        expect(column).to_have_count(0)


def test_a_deleted_channel_comes_back_as_it_was(root: Reader, site: Site, three: dict[str, int]) -> None:
    page = root.page
    before = stored(site, three["List b"])
    page.goto("/channels?q=List")
    row(root, "List b").locator("summary").click()
    row(root, "List b").locator(".items >> text=Delete").click()
    page.locator("#dialog button.danger").click()
    expect(page.locator("#toasts")).to_contain_text("Channel List b was deleted.")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.click("#toasts >> text=Undo")
    expect(page.locator("#toasts")).to_contain_text("1 channel is back.")
    expect(row(root, "List b")).to_contain_text("trial")
    after = stored(site, three["List b"])
    assert {name: after[name] for name in FIELDS} == {name: before[name] for name in FIELDS}


def test_several_that_were_deleted_come_back_together(root: Reader, three: dict[str, int]) -> None:
    page = root.page
    page.goto("/channels?q=List")
    page.check("[data-pick-all]")
    page.click("#bulk button[value=delete]")
    page.click("main form button.danger")
    expect(page.locator("#toasts")).to_contain_text("3 channels were deleted.")
    page.click("#toasts >> text=Undo")
    expect(page.locator("tbody tr")).to_have_count(3)


def test_a_tag_is_given_to_several_and_filtered_by(root: Reader, site: Site, three: dict[str, int]) -> None:
    page = root.page
    page.goto("/channels?q=List")
    for name in ("List a", "List c"):
        row(root, name).locator(".pick input").check()
    page.select_option("#bulk select[name=what]", "tag")
    page.fill("#bulk input[name=value]", "summer")
    page.click("#bulk .group button[value=change]")
    expect(page.locator("tbody ins").first).to_have_text("summer")
    assert root.violations() == []
    page.click("main form button.first")
    page.goto("/channels?q=tag:summer")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator(".chips")).to_contain_text("Tag: summer")
    page.goto("/channels")
    row(root, "List b").get_by_role("link", name="trial", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(1)


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("q=status:auto", ["Fell out"]),
        ("q=type:anthropic", ["Off"]),
        ("q=List+model:alone", ["List a"]),
        ("q=has:mapping", []),
        ("q=List+tested:stale", ["List a", "List b", "List c"]),
        ("status=suspended", []),
        ("status=draining", []),
        ("q=id:x", []),
        ("q=List&view=tiers", ["List a", "List b", "List c"]),
    ],
)
def test_the_search_box_takes_filters(site: Site, three: dict[str, int], address: str, names: list[str]) -> None:
    client = site.api("root", PASSWORD)
    found = client.get(f"/channels/export.jsonl?{address}")
    assert [json.loads(line)["name"] for line in found.text.splitlines()] == names
    assert client.get(f"/channels?{address}").status_code == 200


def test_columns_can_be_sorted_by_what_happened_in_the_last_day(root: Reader, three: dict[str, int]) -> None:
    page = root.page
    for name, column in (("Cost, 24 h", "cost"), ("Health, 24 h", "share"), ("p95 first byte", "first")):
        page.goto("/channels")
        page.click(f"th >> text={name}")
        page.wait_for_url(f"**sort={column}*")
        expect(page.locator("th[aria-sort=ascending]")).to_contain_text(name)


def test_who_fails_a_test_needs_attention_and_what_cannot_be_tested_is_not_counted(
    root: Reader, site: Site, three: dict[str, int]
) -> None:
    client = site.api("root", PASSWORD)
    body = {"type": 50, "name": "List d", "key": "k", "base_url": "http://127.0.0.1:9", "models": "m", "group": "vip"}
    assert client.post("/api/channel/", json=body).json()["success"]
    page = root.page
    page.goto("/channels?q=List")
    page.check("[data-pick-all]")
    page.click("#bulk button[value=test]")
    expect(page.locator("main")).to_contain_text("3 of 3 tested: 2 passed, 1 failed", timeout=15_000)
    expect(page.locator("main")).to_contain_text("1 channel cannot be tested")
    expect(page.locator("text=Stop testing")).to_have_count(0)
    expect(page.locator("tbody tr").first).to_contain_text("List d")
    assert root.violations() == []
    page.goto("/channels?view=attention&q=List")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(row(root, "List d")).to_contain_text("failed its last test")
    expect(row(root, "List d").locator(".tested")).to_contain_text("failed")


def test_channels_that_are_off_are_listed_before_they_are_deleted(
    root: Reader, site: Site, three: dict[str, int]
) -> None:
    client = site.api("root", PASSWORD)
    page = root.page
    client.put("/api/channel/?status_only=true", json={"id": three["List b"], "status": 2})
    page.goto("/channels/delete-disabled")
    expect(page.locator("main .tags")).to_contain_text("List b")
    expect(page.locator("main .tags")).to_contain_text("Fell out")
    # Whoever goes off while this is read was not shown, and stays.
    client.put("/api/channel/?status_only=true", json={"id": three["List c"], "status": 2})
    page.click("main button.danger")
    expect(page.locator("#toasts")).to_contain_text("3 channels were deleted.")
    page.click("#toasts >> text=Undo")
    expect(page.locator("#toasts")).to_contain_text("3 channels are back.")
    assert stored(site, three["List c"])["status"] == 2


def test_only_providers_that_tell_it_are_asked_for_a_balance(site: Site, three: dict[str, int]) -> None:
    client = site.api("root", PASSWORD)
    page = client.get("/channels?q=List").text
    assert '/balance"' not in page
    body = {"type": 1, "name": "List e", "key": "k", "models": "model-a", "group": "default"}
    assert client.post("/api/channel/", json=body).json()["success"]
    assert client.get("/channels?q=List").text.count('/balance"') == 1


def test_an_undo_that_comes_too_late_says_so(site: Site, three: dict[str, int]) -> None:
    client = site.api("root", PASSWORD)
    token = client.get("/channels").text.split('name="csrf-token" content="')[1].split('"')[0]
    for path in ("/channels/undo", "/channels/restore"):
        answer = client.post(path, data={"csrf": token, "batch": "unknown", "next": "/channels"})
        assert answer.status_code == 303
        assert "It is too late to undo this" in client.get("/channels").text


def test_an_empty_gateway_offers_the_commonest_providers(
    site: Site, browser: Browser, states: dict[str, Any]
) -> None:
    client = site.api("root", PASSWORD)
    before = client.get("/api/channel/?size=100").json()["data"]
    token = client.get("/channels").text.split('name="csrf-token" content="')[1].split('"')[0]
    ids = ",".join(str(channel["id"]) for channel in before)
    client.post("/channels/bulk", data={"csrf": token, "ids": ids, "do": "delete", "sure": "1"})
    with reader(browser, site, state=states["root"], width=390) as one:
        one.page.goto("/channels")
        expect(one.page.locator(".empty h2")).to_have_text("No channel: the gateway cannot answer anything yet")
        expect(one.page.locator(".empty .button")).to_have_count(5)
    batch = client.get("/channels").text.split('name="batch" value="')[1].split('"')[0]
    client.post("/channels/restore", data={"csrf": token, "batch": batch})
    assert len(client.get("/api/channel/?size=100").json()["data"]) == len(before)
