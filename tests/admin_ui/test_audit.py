"""Who changed what, as administrators look it up."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from tests.admin_ui.browser import PASSWORD, Reader, Site, reader
from tests.support.tls import no_tls

pytestmark = pytest.mark.slow


def test_a_change_made_on_a_page_is_found_with_before_and_after(root: Reader) -> None:
    page = root.page
    page.goto("/channels/1/edit")
    old = int(page.input_value("#f-priority"))
    page.locator("#f-priority").evaluate(f"field => {{ field.value = '{old + 4}'; }}")
    page.click("main .sticky-foot button.first")
    expect(page.locator("#toasts")).to_contain_text("was saved")
    page.goto("/channels/1/history")
    page.click("text=The same in the audit")
    row = page.locator("tbody tr").first
    expect(row).to_contain_text("Channel Answers")
    expect(row).to_contain_text("changed")
    expect(row).to_contain_text("root")
    expect(row).to_contain_text("127.0.0.1")
    expect(row.locator("del")).to_contain_text(str(old))
    expect(row.locator("ins")).to_contain_text(str(old + 4))
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
    expect(page.locator("#list .chip", has_text="root")).to_be_visible()
    page.fill("[data-search]", "nothing-like-it")
    expect(page.locator("#list")).to_contain_text("Nothing matches")


def test_everything_that_matches_is_exported(site: Site, browser: Browser, states: dict[str, Any]) -> None:
    site.api("root", PASSWORD).put("/api/option/", json={"key": "Footer", "value": "=SUM(A1)"})
    with reader(browser, site, state=states["admin"], script=False) as one:
        one.page.goto("/audit?kind=option")
        with one.page.expect_download() as download:
            one.page.click(".pager a[download][href*='export.csv']")
        text = download.value.path().read_text("utf-8-sig")
        with one.page.expect_download() as download:
            one.page.click(".pager a[download][href*='export.jsonl']")
        lines = [json.loads(line) for line in download.value.path().read_text("utf-8").splitlines()]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["action"] for row in rows} == {"option.set"}
    assert "=SUM(A1)" in rows[0]["changes"]
    assert all(not cell.startswith("=") for row in rows for cell in row.values())
    assert [line["changes"] for line in lines] == [row["changes"] for row in rows]


def test_entries_are_found_by_address_way_field_and_day(root: Reader, site: Site) -> None:
    site.api("root", PASSWORD).put("/api/option/", json={"key": "Footer", "value": "by the API"})
    page = root.page
    page.goto("/audit?q=via:api+field:Footer+address:127.")
    expect(page.locator("tbody tr").first).to_contain_text("by the API")
    expect(page.locator("tbody tr").first).to_contain_text("127.0.0.1")
    assert page.locator("#list .chip").count() == 3
    page.goto("/audit?until=2020-01-31")
    expect(page.locator("#list")).to_contain_text("Nothing matches")
    page.goto("/audit?action=reveal")
    page.goto("/audit?who=program&kind=option")
    expect(page.locator("#list")).to_contain_text("Nothing matches")


def test_who_registers_is_written_down_with_the_address(root: Reader, site: Site) -> None:
    with httpx2.Client(base_url=site.url, trust_env=False, verify=no_tls()) as client:
        answer = client.post("/api/user/register", json={"username": "newcomer", "password": PASSWORD}).json()
        assert answer["success"], answer
    root.page.goto("/audit?action=register")
    row = root.page.locator("tbody tr", has_text="newcomer").first
    expect(row).to_contain_text("127.0.0.1")
    expect(row).to_contain_text("registered")


def test_states_types_and_roles_are_told_in_words(site: Site, root: Reader) -> None:
    client = site.api("root", PASSWORD)
    body = {"type": 1, "name": "Worded", "key": "k", "models": "m", "group": "default"}
    assert client.post("/api/channel/", json=body).json()["success"]
    number = client.get("/api/channel/search?keyword=Worded").json()["data"][0]["id"]
    assert client.put("/api/channel/", json={"id": number, "name": "Worded", "type": 14, "status": 2}).json()[
        "success"
    ]
    assert client.post("/api/user/", json={"username": "worded", "password": PASSWORD}).json()["success"]
    for action in ("disable", "enable", "promote"):
        assert client.post("/api/user/manage", json={"username": "worded", "action": action}).json()["success"]
    page = root.page
    for path in (f"/channels/{number}/history", f"/audit?kind=channel&object={number}"):
        page.goto(path)
        last = page.locator("tbody tr").first.locator("dl.diff")
        expect(last.locator("del")).to_have_text(["OpenAI", "Enabled"])
        expect(last.locator("ins")).to_have_text(["Anthropic", "Disabled"])
    page.goto("/audit?kind=user&q=worded")
    rows = page.locator("tbody tr")
    expect(rows.nth(0).locator("dl.diff")).to_contain_text("Administrator")
    expect(rows.nth(1).locator("dl.diff ins")).to_have_text("Enabled")
    expect(rows.nth(2).locator("dl.diff ins")).to_have_text("Disabled")
    client.delete(f"/api/channel/{number}")
    # Other files count administrators.
    assert client.post("/api/user/manage", json={"username": "worded", "action": "delete"}).json()["success"]


def test_entries_are_sorted_within_their_filters(site: Site, root: Reader) -> None:
    client = site.api("root", PASSWORD)
    for name in ("bravo", "Alpha", "charlie"):
        body = {"type": 1, "name": f"sorting-{name}", "key": "k", "models": "m", "group": "default"}
        assert client.post("/api/channel/", json=body).json()["success"]
    page = root.page
    page.goto("/audit?kind=channel&q=sorting-")
    things = page.locator("tbody td.name strong, tbody td.name a.inline")
    expect(things).to_have_text(["sorting-charlie", "sorting-Alpha", "sorting-bravo"])
    head = page.get_by_role("columnheader", name="On what")
    head.get_by_role("link").click()
    expect(things).to_have_text(["sorting-Alpha", "sorting-bravo", "sorting-charlie"])
    expect(head).to_have_attribute("aria-sort", "ascending")
    page.wait_for_url("**kind=channel&**sort=what**")
    page.get_by_role("columnheader", name="When").get_by_role("link").click()
    expect(things).to_have_text(["sorting-bravo", "sorting-Alpha", "sorting-charlie"])
    for channel in client.get("/api/channel/search?keyword=sorting-").json()["data"]:
        client.delete(f"/api/channel/{channel['id']}")
