"""The page that explains a choice, as people ask it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.admin_ui.browser import PASSWORD, Reader, Site
from tests.admin_ui.traffic import ask

pytestmark = pytest.mark.slow


@pytest.fixture
def rivals(site: Site, provider: str) -> Iterator[list[int]]:
    """Three channels that share a model, by priority and weight; removed afterwards."""
    client = site.api("root", PASSWORD)
    for name, priority, weight in (("Rival one", 5, 3), ("Rival two", 5, 1), ("Rival below", 1, 0)):
        body = {"type": 1, "name": name, "key": "k", "base_url": provider, "models": "shared", "group": "default"}
        assert client.post("/api/channel/", json={**body, "priority": priority, "weight": weight}).json()["success"]
    found = client.get("/api/channel/search?keyword=Rival").json()["data"]
    ids = [next(c["id"] for c in found if c["name"] == name) for name in ("Rival one", "Rival two", "Rival below")]
    yield ids
    for number in ids:
        client.delete(f"/api/channel/{number}")


def test_candidates_come_in_order_with_their_shares(root: Reader, rivals: list[int]) -> None:
    page = root.page
    page.goto("/routing")
    page.fill("#f-model", "shared")
    page.click("text=Explain")
    rows = page.locator("tbody.tier tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("75.0 %")
    expect(rows.nth(1)).to_contain_text("25.0 %")
    expect(page.locator("tbody.tier").nth(1)).to_contain_text("Rival below")
    page.click("text=Draw 1,000 times")
    expect(page.locator("td[data-label=Drawn]").first).to_be_visible()
    drawn = [int(cell.replace(",", "")) for cell in page.locator("td[data-label=Drawn]").all_inner_texts()]
    assert sum(drawn) == 1000
    assert drawn[2] == 0
    assert drawn[0] > drawn[1] > 0


def test_without_a_channel_the_others_take_its_share(root: Reader, rivals: list[int]) -> None:
    page = root.page
    page.goto("/routing?model=shared")
    page.locator("tr", has_text="Rival one").get_by_role("link", name="Without it").click()
    expect(page.locator("tbody.tier tr").first).to_contain_text("Rival two")
    expect(page.locator("tbody.tier tr").first).to_contain_text("100.0 %")
    expect(page.locator("tr", has_text="Rival one")).to_contain_text("left out here")
    page.locator(".left-out a").click()
    expect(page.locator("tbody.tier tr")).to_have_count(3)


def test_who_is_out_is_named_with_the_reason(root: Reader, rivals: list[int], site: Site) -> None:
    client = site.api("root", PASSWORD)
    client.put("/api/channel/?status_only=true", json={"id": rivals[0], "status": 2})
    page = root.page
    page.goto("/routing?model=shared&endpoint=chat_completions")
    expect(page.locator("tr", has_text="Rival one")).to_contain_text("disabled")
    page.goto("/routing?model=shared&group=vip")
    expect(page.locator(".banner.bad")).to_contain_text("Groups that have one: default")
    expect(page.locator("tr", has_text="Rival two")).to_contain_text("does not serve this group")


def test_who_rests_is_told_with_the_failure_and_the_time_that_is_left(
    root: Reader, site: Site, provider: str
) -> None:
    client = site.api("root", PASSWORD)
    body = {"type": 1, "name": "Tired", "key": "k", "base_url": provider, "models": "busy-bee", "group": "default"}
    client.post("/api/channel/", json=body)
    number = client.get("/api/channel/search?keyword=Tired").json()["data"][0]["id"]
    try:
        assert ask(site, "root", "busy-bee").status_code == 429
        page = root.page
        page.goto("/routing?model=busy-bee")
        row = page.locator("tr", has_text="Tired")
        expect(row).to_contain_text("suspended for another")
        # Failures are stored half a second after they happened.
        for _ in range(40):
            if "after 429" in row.inner_text():
                break
            page.wait_for_timeout(100)
            page.reload()
        expect(row).to_contain_text("after 429")
        # A later request says so of its own time.
        later = ask(site, "root", "busy-bee").headers["x-oneapi-request-id"]
        page.goto(f"/playground/request/{later}")
        page.get_by_role("link", name="Who would be chosen now").click()
        expect(page.locator(".then .altered", has_text="Tired")).to_contain_text("suspended for")
    finally:
        client.delete(f"/api/channel/{number}")


def test_a_token_stands_for_its_owner_and_its_own_limits(root: Reader, rivals: list[int], site: Site) -> None:
    client = site.api("user", PASSWORD)
    made = client.post("/api/token/", json={"name": "narrow", "remain_quota": 500, "models": "model-a"}).json()
    number = made["data"]["id"]
    try:
        page = root.page
        page.goto("/routing?group=vip")
        page.fill("#f-model", "shared")
        page.fill("#f-token", str(number))
        page.click("text=Explain")
        expect(page.locator("#f-group")).to_have_value("default")
        expect(page.locator("main")).to_contain_text("Token narrow belongs to user")
        expect(page.locator(".banner.bad")).to_contain_text("may not ask for this model")
        expect(page.locator("tbody.tier tr")).to_have_count(3)
        page.goto("/routing?model=shared&token=999999")
        expect(page.locator("#f-token-error")).to_be_visible()
    finally:
        client.delete(f"/api/token/{number}")


def test_a_channel_offers_its_models(root: Reader, rivals: list[int]) -> None:
    page = root.page
    page.goto(f"/routing?channel={rivals[1]}")
    page.locator(".its-models").get_by_role("link", name="shared").click()
    expect(page.locator("tr.looked-at")).to_contain_text("Rival two")


def test_a_request_is_shown_beside_what_was_changed_since(root: Reader, rivals: list[int], site: Site) -> None:
    answer = ask(site, "root", "shared")
    assert answer.status_code == 200, answer.text
    page = root.page
    page.goto(f"/playground/request/{answer.headers['x-oneapi-request-id']}")
    page.get_by_role("link", name="Who would be chosen now").click()
    box = page.locator(".then")
    expect(box).to_contain_text("3 channels served the model")
    expect(box.locator(".tries")).to_contain_text("answered")
    expect(box).to_contain_text("None of these channels was changed since then")
    expect(box).not_to_contain_text("Could not be chosen")
    channel = site.api("root", PASSWORD).get(f"/api/channel/{rivals[1]}").json()["data"]
    site.api("root", PASSWORD).put("/api/channel/", json={**channel, "priority": 9})
    page.reload()
    expect(box.locator(".altered")).to_contain_text("Rival two")
    expect(box.locator(".altered")).to_contain_text("priority: 5")


def test_a_person_stands_for_their_group(root: Reader, rivals: list[int]) -> None:
    page = root.page
    page.goto("/routing?model=shared&group=vip&user=user")
    expect(page.locator("#f-group")).to_have_value("default")
    expect(page.locator("tbody.tier tr")).to_have_count(3)
    page.goto("/routing?model=shared&user=nobody-of-this-name")
    expect(page.locator("#f-user-error")).to_be_visible()
