"""The log and single requests, as people read, narrow, export and delete them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.admin_ui.browser import PASSWORD, Reader, Site, reader
from tests.admin_ui.looks import LOOKS, Look, faults_of, name_of

pytestmark = pytest.mark.slow


@pytest.fixture
def admin(traffic: Site, browser: Browser, busy_states: dict[str, Any]) -> Iterator[Reader]:
    """An administrator, signed in."""
    with reader(browser, traffic, state=busy_states["admin"]) as one:
        yield one
        assert one.complaints == []


@pytest.mark.parametrize("look", LOOKS, ids=name_of)
@pytest.mark.parametrize("role", ["root", "admin", "user"])
def test_pages_are_whole(traffic: Site, browser: Browser, busy_states: dict[str, Any], role: str, look: Look) -> None:
    width, language, theme = look
    wrong: list[str] = []
    with reader(browser, traffic, width=width, language=language, theme=theme, state=busy_states[role]) as one:
        wrong += faults_of(one, "/requests", role=role, look=look, settle=".sum-line")
        wrong += faults_of(one, "/requests", role=role, look=look, click="td.name a", settle="dialog .waterfall")
        if role == "root":
            # All else is as it is for administrators.
            assert not wrong, "\n".join(wrong)
            return
        wrong += faults_of(one, "/requests?range=24h", role=role, look=look, settle=".sums canvas")
        wrong += faults_of(one, "/requests?view=failed", role=role, look=look)
        wrong += faults_of(one, "/requests?view=retried", role=role, look=look)
        wrong += faults_of(one, "/requests?q=nothing-like-this&range=24h&type=2", role=role, look=look)
        wrong += faults_of(one, "/requests", role=role, look=look, click=".filters > summary", settle="#f-token")
        wrong += faults_of(one, "/requests/sums", role=role, look=look)
        one.page.goto("/requests?view=retried")
        path = one.page.locator("td.name a").first.get_attribute("href")
        assert path is not None
        wrong += faults_of(one, path, role=role, look=look)
        if role != "user":
            wrong += faults_of(one, "/requests/delete", role=role, look=look)
    assert not wrong, "\n".join(wrong)


def test_a_failure_is_explained_in_two_clicks(admin: Reader) -> None:
    page = admin.page
    page.goto("/requests")
    page.click(".tabline >> text=Failed")
    row = page.locator("tbody tr", has_text="hopeless").first
    expect(row.locator(".state")).to_contain_text("429")
    row.locator("td.name a").click()
    panel = page.locator("dialog[open]")
    expect(panel.locator("h1")).to_contain_text("busy-hopeless")
    expect(panel).to_contain_text("Attempt 1: rate limit (429)")
    expect(panel).to_contain_text("Nothing was delivered, and nothing was charged.")
    page.keyboard.press("Escape")
    expect(row.locator("td.name a")).to_be_focused()


def test_a_rescued_request_shows_both_attempts_and_its_price(admin: Reader) -> None:
    page = admin.page
    page.goto("/requests?view=retried")
    page.locator("tbody tr", has_text="rescued").first.locator("td.name a").click()
    steps = page.locator("dialog .waterfall tbody tr")
    expect(steps.filter(has_text="Attempt 1")).to_contain_text("Busy · 429 rate limit")
    expect(steps.filter(has_text="Attempt 2")).to_contain_text("Rescue")
    expect(page.locator("dialog .bill")).to_contain_text("Charged")


def test_requests_that_no_channel_could_take_are_in_the_log(admin: Reader) -> None:
    admin.page.goto("/requests?view=failed&model=nobody-has-this")
    expect(admin.page.locator("tbody tr").first).to_contain_text("No available channels for Model nobody-has-this")


def test_filters_live_in_the_address_and_can_be_taken_away(admin: Reader) -> None:
    page = admin.page
    page.goto("/requests")
    page.fill("[name=model]", "model-a")
    page.wait_for_url(re.compile(r"\?model=model-a$"))
    expect(page.locator(".chip")).to_have_count(1)
    assert set(page.locator("td.name a").all_inner_texts()) == {"model-a"}
    page.click(".filters > summary")
    page.fill("#f-user", "user")
    page.wait_for_url(re.compile(r"user=user"))
    expect(page.locator("tbody tr")).to_have_count(2)
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator(".sum-line")).to_contain_text("Charged requests")
    page.click(".chip >> text=model-a")
    assert "model=" not in page.url
    page.go_back()
    expect(page.locator("[name=model]")).to_have_value("model-a")


def test_a_search_may_name_its_filters(admin: Reader) -> None:
    page = admin.page
    page.goto("/requests?q=user:user+model:model-a")
    expect(page.locator(".chip")).to_have_count(2)
    expect(page.locator("[name=q]")).to_have_value("")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.goto("/requests?q=Recharged+user:user")
    expect(page.locator("[name=q]")).to_have_value("Recharged")
    assert {text.strip() for text in page.locator("td.name .sub").all_inner_texts()} == {"user"}


def test_requests_over_time_count_what_the_list_shows(admin: Reader) -> None:
    page = admin.page
    page.goto("/requests?range=1h&model=model-a")
    table = page.locator(".sums .as-table")
    table.locator("summary").click()
    assert sum(int(text) for text in table.locator("tbody td").all_inner_texts()) == 4
    page.goto("/requests?range=1h&min_ms=1")
    expect(page.locator(".sum-line dd").first).not_to_have_text("…")
    expect(page.locator(".sums .chart")).to_have_count(0)


def test_the_log_is_paged_by_keys_and_by_links(admin: Reader) -> None:
    page = admin.page
    page.goto("/requests?size=25&sort=quota")
    values = page.locator("td.num[data-label=Cost]").all_inner_texts()
    amounts = [float(text.strip("$—") or 0) for text in values]
    assert amounts == sorted(amounts, reverse=True)
    page.goto("/requests")
    page.locator("#main").focus()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open] h1")).to_be_visible()


def test_a_user_sees_own_requests_and_nothing_of_channels(
    traffic: Site, browser: Browser, busy_states: dict[str, Any]
) -> None:
    with reader(browser, traffic, state=busy_states["user"]) as one:
        page = one.page
        page.goto("/requests?user=root&channel=1")
        assert "Busy" not in page.content()
        assert "root" not in page.locator("tbody").inner_text()
        page.goto("/requests?view=retried")
        page.locator("td.name a").first.click()
        expect(page.locator("dialog .waterfall")).to_contain_text("Attempt 2")
        assert "Busy" not in page.content()
        text = one.context.request.get("/requests/export.csv").text()
        assert {row["user"] for row in csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))} == {"user"}
        foreign = traffic.api("root", PASSWORD).get("/api/log/?type=2&username=root").json()["data"][0]["id"]
        answer = page.goto(f"/requests/{foreign}")
        assert answer is not None
        assert answer.status == 404
        assert page.goto("/requests/delete").status == 403  # type: ignore[union-attr]
        one.complaints.clear()


def test_the_export_holds_what_the_filter_shows(admin: Reader) -> None:
    admin.page.goto("/requests?model=model-a")
    with admin.page.expect_download() as got:
        admin.page.click("text=Export CSV")
    text = got.value.path().read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == admin.page.locator("tbody tr").count()
    assert {row["model"] for row in rows} == {"model-a"}


@pytest.mark.parametrize("script", [True, False], ids=["with script", "plain forms"])
def test_old_entries_are_counted_and_then_deleted(
    traffic: Site, browser: Browser, busy_states: dict[str, Any], script: bool
) -> None:
    with reader(browser, traffic, state=busy_states["admin"], script=script) as one:
        page = one.page
        page.goto("/requests/delete")
        page.click("main button.first")
        assert page.url.endswith("/requests/delete")
        page.fill("#f-before", "2020-01-01T00:00")
        page.click("main button.first")
        expect(page.locator("main")).to_contain_text("0 entries are older than 2020-01-01 00:00:00")
        expect(page.locator("main button.danger")).to_have_count(0)
        page.goto("/requests/delete")
        page.fill("#f-before", "2098-01-01T00:00")
        page.click("main button.first")
        expect(page.locator("main button.danger")).to_contain_text("Delete ")
        before = traffic.api("root", PASSWORD).get("/api/log/").json()["total"]
        assert before > 0
        page.click("text=Cancel")
        assert traffic.api("root", PASSWORD).get("/api/log/").json()["total"] == before


def test_plain_forms_filter_and_add_up(traffic: Site, browser: Browser, busy_states: dict[str, Any]) -> None:
    with reader(browser, traffic, state=busy_states["admin"], script=False) as one:
        page = one.page
        page.goto("/requests")
        page.fill("[name=model]", "model-a")
        page.click("#toolbar >> text=Search")
        expect(page.locator("tbody tr")).to_have_count(4)
        page.click("text=Add these up")
        expect(page.locator(".sum-line")).to_contain_text("Charged requests")
        page.go_back()
        page.locator("td.name a").first.click()
        expect(page.locator("main .waterfall")).to_be_visible()
