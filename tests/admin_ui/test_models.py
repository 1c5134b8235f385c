"""Models and prices: the list, one model's page, what a request would cost, and who may see all that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.admin_ui.browser import PASSWORD, Reader, Site, reader
from tests.admin_ui.looks import LOOKS, Look, faults_of, name_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sellers(site: Site, provider: str) -> Iterator[list[int]]:
    """Two channels that sell gpt-4o-mini, one at its own price, and one that is off with a model nobody else has."""
    client = site.api("root", PASSWORD)
    body = {"type": 1, "key": "k", "base_url": provider, "group": "default"}
    for name, more in (
        ("Seller", {"models": "gpt-4o-mini,text-embedding-3-small,nobody-priced-this", "priority": 5}),
        ("Dear seller", {"models": "gpt-4o-mini", "model_configs": '{"gpt-4o-mini": {"ratio": 3}}'}),
        ("Asleep", {"models": "sleeping-model", "status": 2}),
    ):
        assert client.post("/api/channel/", json={**body, "name": name, **more}).json()["success"]
    found = client.get("/api/channel/?p=0&size=100").json()["data"]
    ids = [next(c["id"] for c in found if c["name"] == name) for name in ("Seller", "Dear seller", "Asleep")]
    yield ids
    for number in ids:
        client.delete(f"/api/channel/{number}")


def test_a_row_tells_prices_abilities_and_who_may_use_it(root: Reader, sellers: list[int]) -> None:
    page = root.page
    page.goto("/models?q=gpt-4o-mini")
    row = page.locator("tbody tr", has_text="gpt-4o-mini").first
    expect(row.locator("[data-label=Input]")).to_have_text(re.compile(r"\$0\.15 . \$6\.00"))
    expect(row.locator("[data-label=Cached]")).to_contain_text("$0.075")
    expect(row.locator("[data-label=Context]")).to_contain_text("128 K")
    for word in ("vision", "tools"):
        expect(row.locator(".abilities")).to_contain_text(word)
    expect(row.locator(".abilities")).not_to_contain_text("reasoning")
    expect(row.locator("[data-label='Your tokens']")).to_contain_text("all 2")
    expect(row.locator("[data-label='Channels and groups']")).to_contain_text("Seller +1")
    expect(row.locator("[data-label='Channels and groups']")).to_contain_text("1 with its own price")


def test_models_are_found_by_what_they_can_and_by_flags(root: Reader, sellers: list[int]) -> None:
    page = root.page
    names = page.locator("tbody .name a")
    page.goto("/models?can=embedding")
    expect(names.filter(has_text="text-embedding-3-small")).to_have_count(1)
    page.goto("/models?flag=no-price&q=nobody")
    expect(names).to_have_text(["nobody-priced-this"])
    page.goto("/models?of=all&flag=no-channel&q=sleeping")
    expect(page.locator("tbody tr")).to_contain_text("no channel")
    page.goto("/models?sort=input&order=desc&provider=OpenAI")
    assert names.first.inner_text() == "gpt-4o-mini" or page.locator("tbody tr").count() > 1


def test_what_another_group_pays_is_seen_beforehand(
    root: Reader, site: Site, sellers: list[int], provider: str
) -> None:
    client = site.api("root", PASSWORD)
    ratios = next(o["value"] for o in client.get("/api/option/").json()["data"] if o["key"] == "GroupRatio")
    body = {"type": 1, "name": "Vips only", "key": "k", "base_url": provider, "models": "gpt-4o-mini", "group": "vip"}
    client.post("/api/channel/", json=body)
    number = client.get("/api/channel/search?keyword=Vips").json()["data"][0]["id"]
    page = root.page
    try:
        client.put("/api/option/", json={"key": "GroupRatio", "value": '{"default": 1, "vip": 2}'})
        page.goto("/models?of=group:vip&q=gpt-4o-mini")
        expect(page.locator("tbody [data-label=Input]")).to_have_text("$0.30")
        page.goto("/models/gpt-4o-mini")
        expect(page.locator("tr", has=page.get_by_role("link", name="vip", exact=True))).to_contain_text(
            re.compile("vip.*. 2")
        )
        expect(page.locator("section", has=page.get_by_role("heading", name="Price history"))).to_contain_text(
            re.compile("vip . 2")
        )
    finally:
        client.put("/api/option/", json={"key": "GroupRatio", "value": ratios})
        client.delete(f"/api/channel/{number}")


def test_a_price_is_explained_for_each_channel(root: Reader, sellers: list[int]) -> None:
    page = root.page
    page.goto("/models/gpt-4o-mini")
    page.fill("#f-in", "1,000,000")
    page.fill("#f-cached", "400000")
    page.fill("#f-out", "100000")
    page.click("text=Tell")
    rows = page.locator("#explain tbody tr")
    # 0.6 of 0.15, 0.4 of 0.075 and 0.1 of 0.60, and at the channel's own 6.00 with four times that for answers.
    expect(rows.nth(0)).to_contain_text("Seller")
    expect(rows.nth(0).locator("[data-label=Cost]")).to_have_text("$0.18")
    expect(rows.nth(1)).to_contain_text("Dear seller")
    expect(rows.nth(1)).to_contain_text("own price")
    expect(rows.nth(1).locator("[data-label=Cost]")).to_have_text("$6.03")
    assert "in=1%2C000%2C000" in page.url


def test_changes_of_a_price_are_told_with_who_made_them(root: Reader, site: Site, sellers: list[int]) -> None:
    client = site.api("root", PASSWORD)
    channel = client.get(f"/api/channel/{sellers[1]}").json()["data"]
    client.put("/api/channel/", json={**channel, "model_configs": '{"gpt-4o-mini": {"ratio": 4}}'})
    try:
        page = root.page
        page.goto("/models/gpt-4o-mini")
        row = page.locator("section", has=page.get_by_role("heading", name="Price history")).locator("tbody tr").first
        for text in ("root", "Dear seller", "$6.00 in", "$8.00 in"):
            expect(row).to_contain_text(text)
    finally:
        client.put("/api/channel/", json={**channel, "model_configs": '{"gpt-4o-mini": {"ratio": 3}}'})


def test_people_see_prices_and_no_channels(
    site: Site, browser: Browser, states: dict[str, Any], sellers: list[int]
) -> None:
    with reader(browser, site, state=states["user"]) as one:
        for path in ("/models", "/models?of=all", "/models/gpt-4o-mini?in=1000&out=1000"):
            one.page.goto(path)
            expect(one.page.locator("main")).to_contain_text("gpt-4o-mini")
            for secret in ("Dear seller", "sleeping-model", "own price"):
                assert secret not in one.page.content()
        assert one.page.goto("/models/sleeping-model").status == 404  # type: ignore[union-attr]
        assert "gpt-4o-mini" in one.page.request.get("/models/export.csv?q=mini").text()


def test_visitors_see_the_list_only_where_that_is_allowed(site: Site, browser: Browser, sellers: list[int]) -> None:
    client = site.api("root", PASSWORD)
    with reader(browser, site) as one:
        one.page.goto("/models")
        assert "/login" in one.page.url
        client.put("/api/option/", json={"key": "ModelPageEnabled", "value": "true"})
        try:
            one.page.goto("/models?q=gpt-4o-mini")
            expect(one.page.locator("tbody tr")).to_contain_text("$0.15")
            assert one.page.locator(".days").count() == 0
            one.page.goto("/models/gpt-4o-mini")
            expect(one.page.locator("h1")).to_contain_text("gpt-4o-mini")
            assert "Seller" not in one.page.content()
            assert one.violations() == []
        finally:
            client.put("/api/option/", json={"key": "ModelPageEnabled", "value": "false"})


@pytest.mark.parametrize("look", LOOKS, ids=name_of)
def test_pages_of_models_are_whole(
    site: Site, browser: Browser, states: dict[str, Any], sellers: list[int], look: Look
) -> None:
    width, language, theme = look
    wrong: list[str] = []
    with reader(browser, site, width=width, language=language, theme=theme, state=states["root"]) as one:
        for path in ("/models?of=all&can=vision", "/models/gpt-4o-mini?in=1000&cached=500&out=20"):
            wrong += faults_of(one, path, role="root", look=look)
    assert not wrong, "\n".join(wrong)
