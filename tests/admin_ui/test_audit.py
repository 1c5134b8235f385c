"""Who changed what, as administrators look it up."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.admin_ui.browser import PASSWORD, Reader, Site, reader

pytestmark = pytest.mark.slow


def test_a_change_made_on_a_page_is_found_with_before_and_after(root: Reader) -> None:
    page = root.page
    page.goto("/channels/1")
    page.locator("#f-priority").evaluate("field => { field.value = '4'; }")
    page.click("main .sticky-foot button.first")
    page.goto("/channels/1")
    page.click("main a:has-text('History')")
    row = page.locator("tbody tr").first
    expect(row).to_contain_text("Channel Answers changed")
    expect(row).to_contain_text("root")
    expect(row).to_contain_text("127.0.0.1")
    expect(row.locator("del")).to_contain_text("0")
    expect(row.locator("ins")).to_contain_text("4")
    expect(row).not_to_contain_text("API")


def test_entries_are_narrowed_by_kind_person_and_text(root: Reader, site: Site) -> None:
    client = site.api("root", PASSWORD)
    client.put("/api/option/", json={"key": "ChatLink", "value": "https://chat.example"})
    client.put("/api/option/", json={"key": "ChatLink", "value": ""})
    page = root.page
    page.goto("/audit?kind=option")
    expect(page.locator("tbody tr").first).to_contain_text("ChatLink")
    expect(page.locator("tbody tr", has_text="Channel")).to_have_count(0)
    page.fill("[data-search]", "ChatLink")
    page.wait_for_url("**q=ChatLink**")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.locator("tbody a", has_text="root").first.click()
    expect(page.locator("#list .button", has_text="By #1")).to_be_visible()
    page.fill("[data-search]", "nothing-like-it")
    expect(page.locator("#list")).to_contain_text("Nothing matches")


def test_everything_that_matches_is_exported(site: Site, browser: Browser, states: dict[str, Any]) -> None:
    site.api("root", PASSWORD).put("/api/option/", json={"key": "Footer", "value": "=SUM(A1)"})
    with reader(browser, site, state=states["admin"], script=False) as one:
        one.page.goto("/audit?kind=option")
        with one.page.expect_download() as download:
            one.page.click("text=Export CSV")
        text = download.value.path().read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["action"] for row in rows} == {"option.set"}
    assert "=SUM(A1)" in rows[0]["changes"]
    assert all(not cell.startswith("=") for row in rows for cell in row.values())
