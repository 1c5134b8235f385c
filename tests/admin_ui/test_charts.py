"""Charts as people use them: tables, files, pictures, heat maps, the line of what runs; costs cut by two things."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.admin_ui.browser import PASSWORD, Reader, Site, reader

pytestmark = pytest.mark.slow


@pytest.fixture
def admin(traffic: Site, browser: Browser, busy_states: dict[str, Any]) -> Iterator[Reader]:
    """An administrator, signed in."""
    with reader(browser, traffic, state=busy_states["admin"]) as one:
        yield one
        assert one.complaints == []


def test_a_chart_is_a_table_a_file_and_a_picture_as_well(admin: Reader) -> None:
    page = admin.page
    page.goto("/")
    figure = page.locator("#chart-requests")
    figure.locator(".as-table summary").click()
    expect(figure.locator(".as-table td").first).to_be_visible()
    shown = sum(int(text) for text in figure.locator(".as-table td").all_inner_texts())
    figure.locator(".chart-tools summary").click()
    with page.expect_download() as picture:
        figure.get_by_text("Save as a picture").click()
    assert picture.value.suggested_filename == "requests.png"
    assert picture.value.path().read_bytes().startswith(b"\x89PNG")
    text = page.request.get("/overview/export.jsonl?chart=requests").text()
    rows = [json.loads(line) for line in text.splitlines()]
    assert sum(value for row in rows for name, value in row.items() if name != "from") == shown >= 10
    figure.locator(".chart-tools summary").click()
    figure.locator(".chart-tools").get_by_text("Open as a table").click()
    expect(page.locator("main tbody tr").first).to_be_visible()


def test_a_square_of_a_heat_map_tells_and_leads_to_its_requests(admin: Reader) -> None:
    page = admin.page
    page.goto("/")
    row = page.locator("#chart-health .heat-row", has_text="Busy").locator("svg")
    row.scroll_into_view_if_needed()
    box = row.bounding_box()
    assert box is not None
    x, y, tip = box["x"] + box["width"] - 3, box["y"] + box["height"] / 2, page.locator("#chart-health .tip")
    page.mouse.move(x, y)
    if "no traffic" in tip.inner_text():
        # A quarter of an hour began since the requests were sent.
        x -= box["width"] / 96
        page.mouse.move(x, y)
    expect(tip).to_contain_text("0.0% of 4")
    page.mouse.click(x, y)
    page.wait_for_url(re.compile(r"/requests\?.*range=custom"))
    assert "channel=" in page.url


def test_what_runs_is_asked_for_again_unless_it_is_held(admin: Reader) -> None:
    page = admin.page
    asked: list[str] = []
    page.clock.install()
    page.goto("/overview/running")
    with page.expect_response("**/overview/running"):
        page.clock.fast_forward(5_100)
    page.click("[data-hold]")
    page.on("request", lambda request: asked.append(request.url))
    page.clock.fast_forward(5_100)
    page.click("[data-hold]")
    assert asked == []
    with page.expect_response("**/overview/running"):
        page.clock.fast_forward(5_100)


def test_costs_are_cut_by_two_things_and_led_on_from_either(admin: Reader) -> None:
    page = admin.page
    page.goto("/cost")
    page.select_option("[name=by]", "user")
    page.select_option("[name=and]", "model")
    page.wait_for_url(re.compile("by=user.*and=model|and=model.*by=user"))
    expect(page.locator(".costs tbody tr")).to_have_count(4)
    page.select_option("[name=range]", "7d")
    page.wait_for_url(re.compile("range=7d"))
    assert "and=model" in page.url
    page.select_option("[name=measure]", "per_request")
    expect(page.locator("#chart-cost h2")).to_have_text("Cost per request")
    page.locator(".costs tbody tr", has_text="rescued-user").locator("td a", has_text="user").first.click()
    page.wait_for_url(re.compile("user=user"))
    expect(page.locator(".chip")).to_contain_text("user")
    expect(page.locator(".costs tbody tr")).to_have_count(2)
    text = page.request.get("/cost/export.jsonl?range=7d&by=format&and=provider").text()
    rows = [json.loads(line) for line in text.splitlines()]
    assert {(row["format"], row["provider"]) for row in rows} == {
        ("OpenAI Chat Completions", "OpenAI"),
        ("OpenAI Chat Completions", "OpenAI Compatible"),
    }


def test_the_time_before_stands_beside_only_if_wanted(admin: Reader) -> None:
    page = admin.page
    page.goto("/")
    page.uncheck("[data-compare]")
    page.wait_for_url("**compare=no**")
    expect(page.locator(".change")).to_have_count(0)


def test_a_user_sees_balance_tokens_and_how_to_begin(
    traffic: Site, browser: Browser, busy_states: dict[str, Any]
) -> None:
    with reader(browser, traffic, state=busy_states["user"]) as one:
        page = one.page
        page.goto("/")
        expect(page.locator(".own")).to_contain_text("Your balance")
        expect(page.locator(".own")).to_contain_text("At this rate it lasts for over a year.")
        expect(page.locator(".own")).to_contain_text("laptop")
        page.click(".own >> text=Snippets")
        page.locator(".with-copy button").first.click()
        assert "/v1/chat/completions" in page.evaluate("navigator.clipboard.readText()")
        assert page.request.get("/overview/table?chart=health").status == 404
        assert one.complaints == []


def test_root_can_have_refused_charges_written_again(traffic: Site) -> None:
    client = traffic.api("root", PASSWORD)
    page = client.get("/").text
    csrf = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert csrf is not None
    answer = client.post("/overview/parked", data={"csrf": csrf[1]}, follow_redirects=True)
    assert "0 charges were written." in answer.text


def test_on_phones_costs_cut_by_two_things_name_both(
    traffic: Site, browser: Browser, busy_states: dict[str, Any]
) -> None:
    with reader(browser, traffic, width=390, state=busy_states["admin"]) as one:
        one.page.goto("/cost?by=model&and=token")
        row = one.page.locator(".costs tbody tr", has_text="rescued-root")
        expect(row.get_by_text("root / laptop")).to_be_visible()
