"""Lists: what is typed into a search box, views that are kept, columns that are chosen, more rows on phones."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from admin_ui.lists import ListQuery, in_order, read_search
from tests.admin_ui.browser import PASSWORD, Reader, Site, reader

FILTERS: dict[str, Any] = {"status": ("1", "2"), "model": None}
CHOICES = {"status": {"enabled": "1", "disabled": "2"}}


@pytest.mark.parametrize(
    ("typed", "text", "found"),
    [
        ("gpt", "gpt", {}),
        ("status:enabled gpt", "gpt", {"status": "1"}),
        ("Status:DISABLED", "", {"status": "2"}),
        ("status:2", "", {"status": "2"}),
        ("status:gone", "status:gone", {}),
        ('model:"two words" x', "x", {"model": "two words"}),
        ("model: x", "model: x", {}),
        ("http://a.example:80", "http://a.example:80", {}),
    ],
)
def test_a_search_may_name_filters(typed: str, text: str, found: dict[str, str]) -> None:
    assert read_search(typed, FILTERS, CHOICES) == (text, found)


def test_a_head_sorts_up_then_down_then_not_at_all() -> None:
    seen = []
    query = ListQuery(path="/x", q="a", page=3)
    for sort, ascending in (("", False), ("n", True), ("n", False)):
        query = replace(query, sort=sort, ascending=ascending)
        seen.append((query.sorted_by("n"), query.sort_link("n")))
        assert query.sorted_by("other") == "none"
    assert seen == [
        ("none", "/x?q=a&sort=n&order=asc"),
        ("ascending", "/x?q=a&sort=n&order=desc"),
        ("descending", "/x?q=a"),
    ]


def test_an_address_that_names_a_page_names_its_size_if_it_is_not_the_usual_one() -> None:
    phone = ListQuery(path="/x", size=20, usual=20)
    assert (phone.link(), phone.link(page=2), phone.link(more=3)) == ("/x", "/x?size=20&page=2", "/x?size=20&more=3")
    assert ListQuery(path="/x").link(page=2) == "/x?page=2"
    assert ListQuery(path="/x", size=50, usual=20).link() == "/x?size=50"
    rows = ListQuery(path="/x", size=20, page=2, more=3).rows
    assert list(rows.of(range(200))) == list(range(20, 80))


def test_what_has_no_figure_stands_last_whichever_way() -> None:
    rows = [("a", 1), ("b", None), ("c", 3), ("d", 1)]
    assert [name for name, _ in in_order(rows, lambda row: row[1], ascending=True)] == ["a", "d", "c", "b"]
    assert [name for name, _ in in_order(rows, lambda row: row[1], ascending=False)] == ["c", "a", "d", "b"]


def test_a_search_can_be_kept_as_a_view_and_removed_again(root: Reader) -> None:
    page = root.page
    page.goto("/codes?status=1")
    page.click(".viewline summary:has-text('Views')")
    page.fill("#view-title", "For <spring>")
    page.click(".viewline form:has(#view-title) button")
    tab = page.locator(".viewline nav a", has_text="For <spring>")
    assert tab.get_attribute("href") == "/codes?status=1"
    page.click(".viewline summary:has-text('Views')")
    page.click(".own-view button")
    page.wait_for_selector(".toast")
    expect(page.locator(".viewline nav a", has_text="For <spring>")).to_have_count(0)


def test_the_view_that_is_looked_at_follows_the_filters(root: Reader) -> None:
    page = root.page
    page.goto("/codes")
    assert page.locator(".viewline [aria-current]").text_content() == "All"
    page.select_option("#toolbar select[name=status]", "3")
    page.wait_for_url("**/codes?status=3")
    page.wait_for_selector(".viewline [aria-current]:has-text('Used')")
    assert page.locator(".chip").text_content() is not None


def test_columns_stay_as_they_were_chosen(root: Reader) -> None:
    page = root.page
    page.goto("/codes")
    expect(page.locator("th", has_text="Created")).to_have_count(1)
    page.click(".viewline summary:has-text('Columns')")
    page.uncheck(".column-list input[value=created]")
    page.click(".column-list button.first")
    expect(page.locator("th", has_text="Created")).to_have_count(0)
    page.click(".viewline summary:has-text('Columns')")
    page.click(".column-list button[name=reset]")
    expect(page.locator("th", has_text="Created")).to_have_count(1)


def test_a_list_is_exported_as_json_lines(site: Site) -> None:
    client = site.api("root", PASSWORD)
    rows = [json.loads(line) for line in client.get("/codes/export.jsonl").text.splitlines()]
    assert {row["name"] for row in rows} >= {"spring"}
    assert client.get("/codes/export.exe").status_code == 404


@pytest.fixture(scope="module")
def heap(site: Site) -> str:
    """Where a list is of 65 rows."""
    made = {"name": "heap", "quota": 100, "count": 65}
    assert site.api("root", PASSWORD).post("/api/redemption/", json=made).json()["success"]
    return "/codes?batch=heap"


def test_on_phones_the_next_rows_come_below(site: Site, browser: Browser, heap: str) -> None:
    with reader(browser, site, width=390) as one:
        one.sign_in("root", PASSWORD)
        page, rows = one.page, one.page.locator("#list tbody tr")
        page.goto(heap)
        expect(rows).to_have_count(20)
        expect(page.locator(".pager .wide-only").first).to_be_hidden()
        page.click(".more [rel=next]")
        expect(rows).to_have_count(40)
        expect(rows.nth(20).locator("td.name a")).to_be_focused()
        expect(page.locator("#live")).to_have_text("20 more rows")
        for count in (60, 65):
            page.click(".more [rel=next]")
            expect(rows).to_have_count(count)
        expect(page.locator(".more [rel=next]")).to_have_count(0)
        assert len({row.get_attribute("href") for row in page.locator("#list td.name a").all()}) == 65
        # Whoever comes back finds the same rows, at the same place.
        rows.nth(50).scroll_into_view_if_needed()
        below = page.evaluate("scrollY")
        assert below > 2000
        rows.nth(50).locator("td.name a").click()
        page.wait_for_url("**/codes/*")
        page.go_back()
        expect(rows).to_have_count(65)
        page.wait_for_function("y => Math.abs(scrollY - y) < 300", arg=below)
        assert one.complaints == []


def test_without_scripts_more_is_a_link_to_the_next_page(site: Site, browser: Browser, heap: str) -> None:
    with reader(browser, site, width=390, script=False) as one:
        one.sign_in("root", PASSWORD)
        page = one.page
        page.goto(f"{heap}&size=20")
        first = page.locator("#list td.name a").first.get_attribute("href")
        page.click(".more [rel=next]")
        page.wait_for_url("**page=2**")
        expect(page.locator("#list tbody tr")).to_have_count(20)
        assert page.locator("#list td.name a").first.get_attribute("href") != first
        page.click(".more [rel=prev]")
        assert page.locator("#list td.name a").first.get_attribute("href") == first


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1440, 640), (1000, 900)])
def test_a_person_s_menu_is_not_cut_off_by_the_rail(
    site: Site, browser: Browser, states: dict[str, Any], width: int, height: int
) -> None:
    with reader(browser, site, width=width, state=states["root"]) as one:
        one.page.set_viewport_size({"width": width, "height": height})
        one.page.goto("/channels")
        one.page.locator(".rail .foot .menu > summary").click()
        # The last of its buttons is what is hit at its right edge.
        last = (
            "const box = button.getBoundingClientRect(); return document.elementFromPoint(box.right - 3, box.top + 5)"
        )
        for button in one.page.locator(".rail .menu .segments button:last-child").all():
            assert button.evaluate(f"button => {{ {last} === button }}")


@pytest.mark.slow
def test_on_phones_a_row_that_is_touched_stays_as_large_as_it_was(
    site: Site, browser: Browser, states: dict[str, Any]
) -> None:
    with reader(browser, site, width=390, state=states["root"]) as one:
        one.page.goto("/channels")
        row = one.page.locator(".table.cards tbody tr").first
        size = "row => [row.offsetWidth, row.offsetHeight]"
        before = row.evaluate(size)
        row.hover()
        assert row.evaluate(size) == before
