"""Diagnostics and the system among the settings: what is shown is true, bounded, and holds no secret."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.admin_ui.browser import PASSWORD, Reader, Site, reader

pytestmark = pytest.mark.slow


def test_books_caches_and_leases_of_each_process_are_told(
    traffic: Site, browser: Browser, busy_states: dict[str, Any]
) -> None:
    with reader(browser, traffic, state=busy_states["root"]) as one:
        page = one.page
        page.goto("/system")
        books = page.locator("section, .table-box", has_text="Waiting for the ledger").last
        expect(books).to_contain_text(re.compile("just now|minutes? ago"))
        caches = page.locator(".table-box", has_text="Hit rate")
        expect(caches.locator("tbody tr")).to_have_count(2)
        expect(caches).to_contain_text("Accounts by key")
        expect(page.locator(".table-box", has_text="Replica").locator("tbody tr")).to_have_count(1)
        page.click(".tabline >> text=Database")
        expect(page.locator("main")).to_contain_text("under a minute")
        expect(page.locator("main")).to_contain_text("Slow statements")
        assert one.complaints == []


def test_the_tree_of_tasks_names_who_waits_where(root: Reader) -> None:
    page = root.page
    page.goto("/system?view=tasks")
    row = page.locator("tr", has_text="gateway.ledger.writer.LedgerWriter.run")
    expect(row).to_contain_text("gateway/ledger/writer.py:")
    expect(row).to_contain_text("Event.wait")
    expect(row).to_contain_text("Waiting")
    expect(page.locator("tr", has_text="Running now")).to_have_count(1)


def test_the_log_is_narrowed_by_level_and_words_and_followed(root: Reader, site: Site) -> None:
    client = site.api("root", PASSWORD)
    page = root.page
    page.goto("/system?view=log&q=options.changed")
    before = page.locator("#lines li").count()
    page.click("#follow")
    expect(page.locator("#pulse")).to_have_text("Following")
    page.goto("/settings/general")
    page.fill("#f-Notice", "said")
    page.click("#settings-form .sticky-foot button.first")
    page.locator("#dialog button.first").click()
    page.goto("/system?view=log&q=options.changed")
    expect(page.locator("#lines li")).to_have_count(before + 1)
    page.click("#follow")
    expect(page.locator("#pulse")).to_have_text("Following")
    client.put("/api/option/", json={"key": "Notice", "value": ""})
    with reader(page.context.browser, site, state=page.context.storage_state()) as other:  # type: ignore[arg-type]
        other.page.goto("/settings/general")
        other.page.fill("#f-Footer", "said")
        other.page.click("#settings-form .sticky-foot button.first")
        other.page.locator("#dialog button.first").click()
        other.page.wait_for_url("**/settings/general")
    expect(page.locator("#lines li")).to_have_count(before + 2)
    page.select_option("select[name=level]", "error")
    page.click("main .toolbar button:has-text('Show')")
    expect(page.locator("#no-lines")).to_have_text("No line of the last ones fits.")
    client.put("/api/option/", json={"key": "Footer", "value": ""})


def test_what_is_copied_and_downloaded_for_helpers_says_where_it_runs(root: Reader) -> None:
    page = root.page
    page.goto("/system")
    page.click("text=Copy as an issue")
    text = page.evaluate("navigator.clipboard.readText()")
    assert "### Where" in text
    assert "- database sqlite" in text
    with page.expect_download() as download:
        page.click("text=Download for support")
    content = json.loads(download.value.path().read_text("utf-8"))
    (inside,) = content["insides"]
    assert any(row["name"].endswith("LedgerWriter.run") for row in inside["tasks"])
    assert "0123456789abcdef" not in json.dumps(content)


def test_the_system_tells_how_to_back_it_up_and_explains_the_environment(root: Reader, site: Site) -> None:
    page = root.page
    page.goto("/settings/system")
    expect(page.locator(".secret-line code")).to_contain_text("sqlite3")
    expect(page.locator(".secret-line code")).to_contain_text(".backup one-api-backup.db")
    expect(page.locator("#v-SESSION_SECRET")).not_to_contain_text("0123456789abcdef")
    page.check("[name=changed]")
    page.click("main .toolbar button:has-text('Show')")
    expect(page.locator("#v-PORT")).to_contain_text(site.url.rpartition(":")[2])
    expect(page.locator("#v-IDLE_TIMEOUT_SEC")).to_have_count(0)


def test_a_variable_without_a_value_is_told_in_words_and_without_a_unit(
    site: Site, browser: Browser, states: dict[str, Any]
) -> None:
    with reader(browser, site, language="zh", state=states["root"]) as one:
        one.page.goto("/settings/system")
        expect(one.page.locator("#v-CHANNEL_TEST_FREQUENCY dd")).to_contain_text("未设置")
        expect(one.page.locator("#v-CHANNEL_TEST_FREQUENCY dd")).not_to_contain_text("分钟")
        expect(one.page.locator("#v-SESSION_SECRET dd")).to_contain_text("已隐藏")
        expect(one.page.locator(".system-facts")).to_contain_text("本进程")
