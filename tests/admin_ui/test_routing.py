"""The page that explains a choice, as people ask it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.admin_ui.browser import PASSWORD, Reader, Site

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


def test_a_person_stands_for_their_group(root: Reader, rivals: list[int]) -> None:
    page = root.page
    page.goto("/routing?model=shared&group=vip&user=user")
    expect(page.locator("#f-group")).to_have_value("default")
    expect(page.locator("tbody.tier tr")).to_have_count(3)
    page.goto("/routing?model=shared&user=nobody-of-this-name")
    expect(page.locator("#f-user-error")).to_be_visible()
