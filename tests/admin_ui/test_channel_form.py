"""The form of a channel: tables beside their JSON, models as tags, types that are found, two people at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.admin_ui.browser import PASSWORD, Reader, Site, reader
from tests.admin_ui.looks import LOOKS, Look, faults_of, name_of

pytestmark = pytest.mark.slow

WIDEST = 1440
OPENS = "document.querySelectorAll('details.section, .as-json').forEach(part => { part.open = true })"


@pytest.fixture
def number(site: Site, provider: str) -> Iterator[int]:
    """A channel of its own for each test."""
    client = site.api("root", PASSWORD)
    made = {"type": 1, "name": "Formed", "key": "k", "base_url": provider, "models": "gpt-4o,gpt-4.1"}
    assert client.post("/api/channel/", json=made).json()["success"]
    found = client.get("/api/channel/search", params={"keyword": "Formed"}).json()["data"][0]["id"]
    yield int(found)
    client.delete(f"/api/channel/{found}")


def stored(site: Site, number: int) -> dict[str, Any]:
    """A channel as the API tells it."""
    found: dict[str, Any] = site.api("root", PASSWORD).get(f"/api/channel/{number}").json()["data"]
    return found


def save(page: Page) -> None:
    page.click("main .sticky-foot button.first")
    expect(page.locator("#toasts")).to_contain_text("was saved")


@pytest.mark.parametrize("look", LOOKS, ids=name_of)
def test_every_kind_of_key_has_a_form_that_is_whole(
    site: Site, browser: Browser, states: dict[str, Any], look: Look
) -> None:
    width, language, theme = look
    with reader(browser, site, width=width, language=language, theme=theme, state=states["root"]) as one:
        wrong = []
        # Baidu, Coze and AWS; on a wide screen OpenAI, Azure, AI Proxy and Vertex as well.
        for kind in (15, 34, 33, *((1, 3, 21, 42) if width == WIDEST else ())):
            wrong += faults_of(one, f"/channels/new?type={kind}", role="root", look=look)
        one.page.evaluate(OPENS)
        wrong += one.violations()
        assert not one.scrolls_sideways()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("script", [True, False], ids=["with script", "plain forms"])
def test_names_are_mapped_in_a_table_and_in_its_json(
    site: Site, browser: Browser, states: dict[str, Any], number: int, script: bool
) -> None:
    with reader(browser, site, state=states["root"], script=script) as one:
        page = one.page
        page.goto(f"/channels/{number}/edit")
        page.click("summary >> text=Model mapping")
        page.fill("#map-from-1", "gpt-4o")
        page.fill("#map-to-1", "gpt-4o-2024-08-06")
        save(page)
        assert json.loads(stored(site, number)["model_mapping"]) == {"gpt-4o": "gpt-4o-2024-08-06"}
        page.goto(f"/channels/{number}/edit")
        page.click("summary >> text=Model mapping")
        page.click("summary >> text=Mapping as JSON")
        page.fill("#f-model_mapping", '{"gpt-4.1": "a"}')
        page.click("#model_mapping-part >> text=Format JSON")
        expect(page.locator("#f-model_mapping")).to_have_value('{\n  "gpt-4.1": "a"\n}')
        expect(page.locator("#map-from-1")).to_have_value("gpt-4.1")
        save(page)
        assert json.loads(stored(site, number)["model_mapping"]) == {"gpt-4.1": "a"}
        assert one.complaints == []


def test_a_ring_of_names_is_refused_and_broken_json_is_found_by_line_and_column(root: Reader, number: int) -> None:
    page = root.page
    page.goto(f"/channels/{number}/edit")
    page.click("summary >> text=Model mapping")
    for row, (asked, sent) in enumerate((("gpt-4o", "b"), ("b", "gpt-4o")), 1):
        page.fill(f"#map-from-{row}", asked)
        page.fill(f"#map-to-{row}", sent)
    page.click("main .sticky-foot button.first")
    expect(page.locator(".summary")).to_contain_text("gpt-4o → b → gpt-4o")
    expect(page.locator("#map-to-2")).to_have_value("gpt-4o")
    page.goto(f"/channels/{number}/edit")
    page.click("summary >> text=Model mapping")
    page.click("summary >> text=Mapping as JSON")
    page.fill("#f-model_mapping", '{\n  "a": oops}')
    page.locator("#f-model_mapping").blur()
    expect(page.locator("#f-model_mapping-error")).to_contain_text("line and column 2:8")
    root.complaints.clear()  # The browser notes the status 422.


@pytest.mark.parametrize("script", [True, False], ids=["with script", "plain forms"])
def test_prices_start_from_the_defaults_and_show_where_they_depart(
    site: Site, browser: Browser, states: dict[str, Any], number: int, script: bool
) -> None:
    with reader(browser, site, state=states["root"], script=script) as one:
        page = one.page
        page.goto(f"/channels/{number}/edit")
        page.click("summary >> text=Prices")
        page.click("text=Load defaults")
        row = page.locator(".prices tbody tr").first
        expect(row.locator("[name=price_input]")).to_have_value("2.5")
        expect(row.locator("[name=price_cached]")).to_have_value("1.25")
        expect(row.locator(".changed")).to_have_count(0)
        row.locator("[name=price_input]").fill("5")
        row.locator("[name=price_cached]").fill("0.5")
        page.click("summary >> text=Prices as JSON")
        page.click("#model_configs-part >> text=Format JSON")
        expect(row.locator(".changed").first).to_contain_text("+100 %")
        expect(page.locator("#f-model_configs")).to_have_value(re.compile(re.escape('"cached_ratio": 0.1')))
        save(page)
        found = site.api("root", PASSWORD).get(f"/api/channel/pricing/{number}").json()["data"]["model_configs"]
        assert found["gpt-4o"] == {"ratio": 2.5, "completion_ratio": 2.0, "cached_ratio": 0.1}
        assert one.complaints == []


def test_many_prices_are_shown_on_demand_and_one_is_set_without_them(root: Reader) -> None:
    page = root.page
    page.goto("/channels/new?type=14")
    page.fill("[data-tag]", " ".join(f"claude-next-{number}" for number in range(70)))
    page.press("[data-tag]", "Enter")
    page.click("summary >> text=Prices")
    expect(page.locator("#prices-table")).to_contain_text("more models have the default price.")
    page.fill("#price-model-new-1", "claude-haiku-4-5")
    page.fill("#price-input-new-1", "7")
    page.locator("#price-input-new-1").blur()
    expect(page.locator(".prices tbody tr", has_text="claude-haiku-4-5").locator("[name=price_input]")).to_have_value(
        "7"
    )
    page.click("text=Show all prices")
    expect(page.locator(".prices tbody tr", has_text="claude-opus").first).to_be_visible()


def test_models_are_tags_that_are_typed_pasted_and_taken_away(root: Reader, site: Site, number: int) -> None:
    page = root.page
    page.goto(f"/channels/{number}/edit")
    page.evaluate("navigator.clipboard.writeText('o3, nobody-knows-it\\ngpt-4o  o4-mini')")
    page.focus("[data-tag]")
    page.keyboard.press("Control+V")
    expect(page.locator("#tags li")).to_have_count(5)
    odd = page.locator("#tags li", has_text="nobody-knows-it")
    expect(odd).to_contain_text("no price")
    expect(page.locator("#models-part")).to_contain_text("so $2.5 in and $2.5 out are charged")
    page.click("#tags >> [aria-label='Remove o3']")
    expect(page.locator("#tags li")).to_have_count(4)
    page.focus("[data-tag]")
    page.keyboard.press("Backspace")
    page.keyboard.type("left-in-the-field")
    save(page)
    assert stored(site, number)["models"] == "gpt-4o,gpt-4.1,nobody-knows-it,left-in-the-field"


def test_fetching_says_what_is_new_and_what_the_provider_does_not_have(root: Reader, number: int) -> None:
    page = root.page
    page.goto(f"/channels/{number}/edit")
    page.click("text=Fetch from provider")
    told = page.locator("#models-part .said-so")
    expect(told).to_contain_text(
        "The provider has 2 models; 2 of them are new here. Not among them: gpt-4o, gpt-4.1."
    )
    expect(page.locator("#tags li")).to_have_count(4)


def test_a_type_is_found_by_typing_and_keeps_what_was_typed(root: Reader) -> None:
    page = root.page
    page.goto("/channels/new")
    page.fill("#f-key", "typed-before")
    page.click("#f-type summary")
    page.keyboard.type("anthr")
    expect(page.locator("#f-type li:visible")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#f-type-name")).to_have_text("Anthropic")
    expect(page.locator("#f-name")).to_have_value("Anthropic")
    expect(page.locator("#f-key")).to_have_value("typed-before")
    expect(page.locator("#f-base_url")).to_have_attribute("placeholder", "https://api.anthropic.com")
    assert page.locator("#tags li").count() > 3


def test_several_keys_make_several_channels_with_numbers(root: Reader, site: Site, provider: str) -> None:
    page = root.page
    page.goto("/channels/new")
    page.fill("#f-name", "Many")
    page.fill("#f-key", "sk-one\nsk-two\n")
    page.fill("#f-base_url", provider)
    expect(page.locator("#key-lines")).to_contain_text("2 keys: 2 channels are made")
    page.fill("[data-tag]", "many-model")
    page.click("main .sticky-foot button.first")
    expect(page.locator("#toasts")).to_contain_text("2 channels were created.")
    client = site.api("root", PASSWORD)
    found = client.get("/api/channel/search", params={"keyword": "Many"}).json()["data"]
    assert sorted(one["name"] for one in found) == ["Many 1", "Many 2"]
    for one in found:
        client.delete(f"/api/channel/{one['id']}")


def test_two_people_choose_field_by_field(
    root: Reader, site: Site, browser: Browser, number: int, states: Any
) -> None:
    page = root.page
    page.goto(f"/channels/{number}/edit")
    with reader(browser, site, state=states["admin"]) as other:
        other.page.goto(f"/channels/{number}/edit")
        other.page.fill("#f-priority", "8")
        other.page.fill("#f-weight", "5")
        save(other.page)
    page.fill("#f-name", "Formed anew")
    page.fill("#f-weight", "2")
    page.click("main .sticky-foot button.first")
    conflict = page.locator(".conflict")
    expect(conflict.locator("fieldset")).to_have_count(2)
    # What only the other one changed is theirs to begin with, what both changed is mine.
    expect(conflict.locator("[name=keep_priority][value=theirs]")).to_be_checked()
    expect(conflict.locator("[name=keep_weight][value=mine]")).to_be_checked()
    root.complaints.clear()  # The browser notes the status 409.
    page.check("[name=keep_weight][value=theirs]")
    save(page)
    after = stored(site, number)
    assert (after["name"], after["priority"], after["weight"]) == ("Formed anew", 8, 5)


def test_parts_of_a_key_are_joined_and_a_lacking_one_is_named(root: Reader, site: Site) -> None:
    page = root.page
    page.goto("/channels/new?type=15")
    page.fill("#f-key_part_1", "API")
    page.click("main .sticky-foot button.first")
    expect(page.locator(".summary")).to_contain_text("The key lacks SECRET_KEY")
    page.fill("#f-key_part_2", "SECRET")
    page.fill("#f-name", "Joined")
    page.click("main .sticky-foot button.first")
    expect(page.locator("main h1")).to_contain_text("Joined")
    root.complaints.clear()  # The browser notes the status 422.
    number = page.url.rsplit("/", 1)[1]
    page.goto(f"/channels/{number}/edit")
    expect(page.locator("#f-key legend")).to_contain_text("set")
    site.api("root", PASSWORD).delete(f"/api/channel/{number}")


def test_tag_and_note_are_kept_and_shown(root: Reader, number: int) -> None:
    page = root.page
    page.goto(f"/channels/{number}/edit")
    page.click("summary >> text=Tag and note")
    page.fill("#f-tag", "team-a")
    page.fill("#f-note", "Renewed in May.")
    save(page)
    expect(page.locator(".channel-state")).to_contain_text("team-a")
    expect(page.locator("main")).to_contain_text("Renewed in May.")
