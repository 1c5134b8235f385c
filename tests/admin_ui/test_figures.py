"""Overview and costs: figures that agree with the log, charts with a table beside them, and what needs attention."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from admin_ui.charts import Chart, Line, colours, sparkline
from tests.admin_ui import budget
from tests.admin_ui.browser import PASSWORD, Site, reader
from tests.admin_ui.budget import first_visit
from tests.admin_ui.looks import LOOKS, Look, faults_of, name_of
from tests.admin_ui.traffic import ask


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS, ids=name_of)
@pytest.mark.parametrize("role", ["root", "admin", "user"])
def test_pages_are_whole(traffic: Site, browser: Browser, busy_states: dict[str, Any], role: str, look: Look) -> None:
    width, language, theme = look
    with reader(browser, traffic, width=width, language=language, theme=theme, state=busy_states[role]) as one:
        wrong = faults_of(one, "/", role=role, look=look, settle=".ranks li")
        wrong += faults_of(one, "/cost", role=role, look=look, settle=".chart canvas")
        if role != "root":
            # All else is for root as it is for administrators.
            wrong += faults_of(one, "/?range=1h&by=token", role=role, look=look, click=".as-table >> nth=0")
            wrong += faults_of(one, "/overview/more", role=role, look=look, settle=".chart canvas")
            wrong += faults_of(one, "/overview/table?chart=requests", role=role, look=look)
            wrong += faults_of(one, "/overview/running", role=role, look=look)
            wrong += faults_of(one, "/cost?by=model&and=token&as=lines", role=role, look=look, settle="canvas")
            wrong += faults_of(one, "/cost?by=day&measure=tokens&range=7d", role=role, look=look)
            wrong += faults_of(one, "/cost?model=nothing-like-this", role=role, look=look)
            wrong += faults_of(one, "/overview/tops", role=role, look=look)
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/cost", "/requests"])
def test_first_visit_is_within_budget(
    traffic: Site, browser: Browser, busy_states: dict[str, Any], path: str
) -> None:
    visit = first_visit(browser, traffic, path, state=busy_states["root"])
    assert 20_000 < visit.sent < budget.BYTES
    assert visit.painted_ms < budget.PAINT_MS
    assert visit.shifted < budget.SHIFT


@pytest.mark.slow
def test_costs_agree_with_the_log_and_the_management_api(
    traffic: Site, browser: Browser, busy_states: dict[str, Any]
) -> None:
    client = traffic.api("root", PASSWORD)
    charged = client.get("/api/log/stat").json()["data"]["quota"]
    mine = client.get("/api/log/stat?username=user").json()["data"]["quota"]
    assert charged > mine > 0
    with reader(browser, traffic, state=busy_states["root"]) as one:
        for by in ("model", "user", "channel", "token", "day", "week", "month"):
            text = one.context.request.get(f"/cost/export.csv?range=7d&by={by}").text()
            rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
            assert sum(int(row["quota"]) for row in rows) == charged, by
        one.page.goto("/cost?by=user")
        row = one.page.locator("tbody tr", has_text="user").last
        expect(row.locator("td[data-label=Cost]")).to_have_text(f"${mine / 500_000:.6f}".rstrip("0"))
        row.locator("td[data-label=Requests] a").click()
        one.page.wait_for_url("**/requests?**user=user**")
        expect(one.page.locator(".sum-line")).to_contain_text(f"${mine / 500_000:.6f}".rstrip("0"))
    with reader(browser, traffic, state=busy_states["user"]) as one:
        text = one.context.request.get("/cost/export.csv?range=7d&by=user&user=root").text()
        rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
        assert sum(int(row["quota"]) for row in rows) == mine
        one.page.goto("/cost?channel=1&by=channel")
        assert "Rescue" not in one.page.content()
        assert one.complaints == []


@pytest.mark.slow
def test_a_line_of_the_table_narrows_the_page_to_it(
    traffic: Site, browser: Browser, busy_states: dict[str, Any]
) -> None:
    with reader(browser, traffic, state=busy_states["admin"]) as one:
        page = one.page
        page.goto("/cost")
        page.locator("td.name a", has_text="model-a").click()
        page.wait_for_url(re.compile("model=model-a.*by=user|by=user.*model=model-a"))
        expect(page.locator(".chip")).to_contain_text("model-a")
        expect(page.locator(".costs tbody tr")).to_have_count(2)
        page.fill("#toolbar [name=model]", "nothing-like-this")
        page.locator("#toolbar [name=model]").blur()
        expect(page.locator("#figures")).to_contain_text("Nothing matches")
        assert one.complaints == []


@pytest.mark.slow
def test_the_overview_counts_every_request_and_tells_whose_fault_failures_were(
    traffic: Site, browser: Browser, busy_states: dict[str, Any]
) -> None:
    with reader(browser, traffic, state=busy_states["admin"]) as one:
        page = one.page
        page.goto("/")
        expect(page.locator(".tile", has_text="Requests").locator(".figure")).to_have_text("10")
        # Six were answered. Two found no channel, two only busy ones: none of that is the client's fault.
        expect(page.locator(".tile", has_text="Success rate").locator(".figure")).to_have_text("60.0%")
        table = page.locator("figure[aria-labelledby=requests-title] .as-table")
        table.locator("summary").click()
        expect(table.locator("tbody td").first).to_be_visible()  # The table is filled once it is open.
        cells = [int(text) for text in table.locator("tbody td").all_inner_texts()]
        assert sum(cells) == 10
        page.click("figure[aria-labelledby=requests-title] .key >> text=Answered")
        expect(page.locator("figure[aria-labelledby=requests-title] .key").first).to_have_attribute(
            "aria-pressed", "false"
        )
        failed = page.locator("figure[aria-labelledby=attempts-title] .as-table")
        failed.locator("summary").click()
        expect(failed.locator("tbody td").first).to_be_visible()
        assert sum(int(text) for text in failed.locator("tbody td").all_inner_texts()) == 4
        page.select_option("[name=range]", "7d")
        page.wait_for_url("**range=7d**")
        expect(page.locator(".tile .figure").first).to_have_text("10")
        expect(page.locator(".chart canvas").first).to_be_visible()
        assert one.complaints == []


@pytest.mark.slow
def test_a_user_sees_own_figures_only(traffic: Site, browser: Browser, busy_states: dict[str, Any]) -> None:
    with reader(browser, traffic, state=busy_states["user"]) as one:
        one.page.goto("/?user=root&channel=1")
        expect(one.page.locator(".tile .figure").first).to_have_text("5")
        expect(one.page.locator(".ranks").first).to_contain_text("model-a")
        assert "Rescue" not in one.page.content()
        assert "Needs attention" not in one.page.content()


@pytest.mark.slow
def test_figures_come_without_scripts(traffic: Site, browser: Browser, busy_states: dict[str, Any]) -> None:
    with reader(browser, traffic, script=False, state=busy_states["admin"]) as one:
        page = one.page
        page.goto("/")
        page.select_option("[name=range]", "1h")
        page.click("#toolbar >> text=Show")
        page.wait_for_url("**range=1h**")
        page.locator(".as-table summary").first.click()
        page.locator(".as-table").first.get_by_text("Open as a table").click()
        expect(page.locator("main table")).to_be_visible()
        page.go_back()
        page.click("text=Show the largest")
        expect(page.locator(".ranks").first).to_contain_text("model-a")


@pytest.mark.slow
def test_what_needs_attention_has_its_remedy_beside_it(
    traffic: Site, browser: Browser, busy_states: dict[str, Any]
) -> None:
    # Whoever was left alone may be back by now.
    assert ask(traffic, "root", "hopeless-root").status_code in (429, 503)
    with reader(browser, traffic, state=busy_states["admin"]) as one:
        page = one.page
        page.goto("/")
        trouble = page.locator(".attention")
        expect(trouble).to_contain_text("Fell out was switched off automatically.")
        expect(trouble).to_contain_text("claude-sonnet-4-5")
        expect(trouble.locator("li", has_text="Busy is left alone for")).to_have_count(1)
        trouble.locator("li", has_text="Busy is left alone for").locator("button").click()
        expect(page.locator("#toasts")).to_be_visible()
        expect(page.locator(".attention li", has_text="Busy is left alone for")).to_have_count(0)


def test_data_of_a_chart_cannot_end_its_script() -> None:
    line = Line(label="</script><!--\u2028", values=[1, None, 2.5])
    chart = Chart(id="x", title="x", edges=[0, 60, 120, 180], lines=[line])
    assert not set("<>&\u2028") & set(str(chart.data))
    assert chart.rows == [(0, ["1"]), (120, ["2"])]


def test_colours_stay_with_their_names_and_differ() -> None:
    names = [f"model-{number}" for number in range(7)]
    found = colours(names)
    assert sorted(found.values()) == [1, 2, 3, 4, 5, 6, 7]
    assert colours([names[3]])[names[3]] in range(1, 8)
    assert colours(names) == found


@pytest.mark.parametrize("values", [[], [5], [0, 0], [None, 3], [None, None]])
def test_a_line_through_nothing_is_not_drawn(values: list[float | None]) -> None:
    assert sparkline(values) == ""


def test_costs_of_a_channel_are_found_by_its_name(traffic: Site) -> None:
    client = traffic.api("root", PASSWORD)
    found = client.get("/cost?channel=rescue").text
    assert "rescued-user" in found
    assert ">model-a<" not in found
    assert "Nothing matches" in client.get("/cost?channel=no-such-channel").text
