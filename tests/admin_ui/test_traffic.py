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
        wrong += faults_of(one, "/requests", role=role, look=look, settle=".histogram")
        wrong += faults_of(one, "/requests", role=role, look=look, click="td.name a", settle=".waterfall")
        if role == "root":
            # All else is as it is for administrators.
            wrong += faults_of(one, "/requests/delete", role=role, look=look)
            assert not wrong, "\n".join(wrong)
            return
        wrong += faults_of(one, "/requests?range=24h", role=role, look=look, settle=".histogram")
        wrong += faults_of(one, "/requests?view=failed", role=role, look=look)
        wrong += faults_of(one, "/requests?view=slow&min_cost=nonsense", role=role, look=look)
        wrong += faults_of(one, "/requests?q=nothing-like-this&range=24h&type=2", role=role, look=look)
        click = ".filters > summary" if width >= 700 else "label.filter-switch"
        wrong += faults_of(one, "/requests", role=role, look=look, click=click, settle="#filter-token")
        wrong += faults_of(one, "/requests/sums", role=role, look=look)
        one.page.goto("/requests?view=retried")
        path = one.page.locator("td.name a").first.get_attribute("href")
        assert path is not None
        wrong += faults_of(one, path, role=role, look=look)
    assert not wrong, "\n".join(wrong)


def test_a_failure_is_explained_in_two_clicks(admin: Reader) -> None:
    page = admin.page
    page.goto("/requests")
    page.click(".tabline >> text=Errors")
    row = page.locator(".log tbody tr", has_text="hopeless").first
    expect(row.locator(".state")).to_contain_text("429")
    row.locator("td.name a").click()
    panel = page.locator("#panel")
    expect(panel.locator("h1")).to_contain_text("busy-hopeless")
    expect(panel.locator(".attempts")).to_contain_text("rate limit (429)")
    expect(panel).to_contain_text("Nothing was delivered, and nothing was charged.")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(row.locator("td.name a")).to_be_focused()
    assert page.url.endswith("/requests?view=failed")


def test_a_rescued_request_shows_both_attempts_and_its_price(admin: Reader) -> None:
    page = admin.page
    page.goto("/requests?view=retried")
    page.locator(".log tbody tr", has_text="rescued").first.locator("td.name a").click()
    steps = page.locator("#panel .waterfall tbody tr")
    expect(steps.filter(has_text="Attempt 1")).to_contain_text("Busy · 429 rate limit · suspended for 60 s")
    expect(steps.filter(has_text="Attempt 2")).to_contain_text("Rescue · 200")
    expect(steps.filter(has_text="candidates")).to_contain_text("2 candidates, priority 10")
    expect(steps.filter(has_text="Settle")).to_contain_text("charged")
    expect(page.locator("#panel .bill")).to_contain_text("Held before")
    expect(page.locator("#panel .attempts")).to_contain_text("/chat/completions")
    why = page.locator("#panel .attempts ~ p a", has_text="Who would be chosen now")
    assert re.search(r"/routing\?.*model=rescued-.*&off=\d+$", why.get_attribute("href") or "")


def test_one_request_after_another_with_the_panel_open(admin: Reader) -> None:
    page = admin.page
    page.goto("/requests?view=failed")
    keys = [row.get_attribute("data-key") for row in page.locator(".log tbody tr").all()]
    page.locator("td.name a").first.click()
    expect(page.locator("#panel article")).to_have_attribute("data-key", keys[0] or "")
    page.keyboard.press("j")
    expect(page.locator("#panel article")).to_have_attribute("data-key", keys[1] or "")
    expect(page.locator(".log tbody tr[aria-current]")).to_have_attribute("data-key", keys[1] or "")
    assert page.url.endswith(f"/requests/{keys[1]}?view=failed")
    page.keyboard.press("k")
    expect(page.locator("#panel article")).to_have_attribute("data-key", keys[0] or "")
    page.click("#panel [data-step=older]")
    expect(page.locator("#panel article")).to_have_attribute("data-key", keys[1] or "")
    expect(page.locator("#panel [data-step=older]")).to_be_focused()
    page.go_back()
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.locator(f"tr[data-key={keys[1]}] td.name a")).to_be_focused()
    page.go_forward()
    expect(page.locator("#panel article")).to_be_visible()
    page.reload()
    expect(page.locator("main article h1")).to_be_visible()
    page.keyboard.press("k")
    page.wait_for_url(f"**/requests/{keys[0]}?view=failed")


def test_a_request_is_copied_as_a_command_without_its_key(admin: Reader) -> None:
    page = admin.page
    page.goto("/requests?model=model-a&stream=yes")
    page.locator("td.name a").first.click()
    page.click("#panel >> text=Copy as curl")
    text = page.evaluate("navigator.clipboard.readText()")
    assert "Bearer $ONE_API_KEY" in text
    assert '"stream": true' in text
    assert "2+2" not in text
    page.click("#panel >> text=Copy id")
    assert re.fullmatch(r"\d{31}", page.evaluate("navigator.clipboard.readText()"))


def test_a_stretch_of_time_is_chosen_with_the_arrow_keys(admin: Reader) -> None:
    page = admin.page
    page.goto("/requests?range=1h")
    bars = page.locator("#histogram")
    bars.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#histogram-reading")).to_contain_text("Enter shows only this")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"range=custom&from=[^&]+&to=[^&]+"))
    expect(page.locator(".chip")).to_have_count(1)


def test_a_stretch_of_time_is_dragged(admin: Reader) -> None:
    page = admin.page
    page.goto("/requests?range=1h")
    box = page.locator("#histogram").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 20, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile(r"range=custom"))
    expect(page.locator(".log tbody tr").first).to_be_visible()


def test_new_entries_wait_until_somebody_wants_them(admin: Reader) -> None:
    page = admin.page
    page.goto("/requests?model=model-a")
    before = page.locator(".log tbody tr").count()
    page.evaluate(
        "() => { const list = document.getElementById('list'); const oldest = [...list.querySelectorAll('tr[data-key]')];"
        " list.dataset.new = list.dataset.new.replace(/at=[^&]*/, 'at=1.0.0.0'); }"
    )
    page.check("#refresh")
    expect(page.locator("#new-rows")).to_have_text(f"{before} new")
    expect(page.locator(".log tbody tr")).to_have_count(before)
    page.click("#new-rows")
    expect(page.locator("#new-rows")).to_be_hidden()
    expect(page.locator(".log tbody tr")).to_have_count(before)
    page.goto("/requests?size=25&at=9999999999.0.0.1")
    expect(page.locator("#refresh")).to_be_disabled()


def test_columns_that_are_chosen_are_shown(admin: Reader) -> None:
    page = admin.page
    page.goto("/requests?view=failed")
    page.click(".viewline summary:has-text('Columns')")
    page.check(".column-list input[value=error]")
    page.check(".column-list input[value=address]")
    page.click(".column-list button.first")
    page.wait_for_load_state()
    expect(page.locator("td[data-label=Address]").first).to_have_text("127.0.0.1")
    expect(page.locator("td[data-label=Error]").first).not_to_have_text("—")
    page.click(".viewline summary:has-text('Columns')")
    page.click(".column-list button[name=reset]")
    page.wait_for_load_state()
    expect(page.locator("td[data-label=Address]")).to_have_count(0)


@pytest.mark.parametrize(
    ("query", "models"),
    [
        ("status=5xx", {"nobody-has-this"}),
        ("status=429", {"hopeless-root → busy-hopeless-root", "hopeless-user → busy-hopeless-user"}),
        ("error=saturated&user=root", {"hopeless-root → busy-hopeless-root"}),
        ("retried=yes&user=user", {"rescued-user"}),
        ("q=status:503+user:root", {"nobody-has-this"}),
        ("format=messages", set()),
        ("min_cost=0.000027&max_cost=0.000029", {"model-a"}),
        ("group=default&status=2xx&model=model-a", {"model-a"}),
        ("channel=rescue", {"rescued-root", "rescued-user"}),
        ("q=channel:Rescue", {"rescued-root", "rescued-user"}),
    ],
)
def test_each_filter_shows_what_fits(traffic: Site, query: str, models: set[str]) -> None:
    page = traffic.api("root", PASSWORD).get(f"/requests?{query}", headers={"Accept-Language": "en"}).text
    found = re.findall(r'<td class="name"><a [^>]*>(.*?)</a>', page)
    assert {
        re.sub(r"<span class=.hush.>.*?</span>|<[^>]*>", "", text).replace("  ", " ").strip() for text in found
    } == models


def test_requests_that_no_channel_could_take_are_in_the_log(admin: Reader) -> None:
    admin.page.goto("/requests?view=failed&model=nobody-has-this")
    expect(admin.page.locator(".log tbody tr").first).to_contain_text(
        "No available channels for Model nobody-has-this"
    )


def test_a_log_that_fits_on_a_page_is_counted(traffic: Site) -> None:
    client = traffic.api("root", PASSWORD)
    for query in ("", "?view=failed"):
        page = client.get(f"/requests{query}").text
        rows = page.count(" data-panel ")
        assert rows > 1
        assert f"<span>{rows} entries · " in page


def test_an_account_s_last_requests_name_the_model_that_was_asked_for(traffic: Site) -> None:
    page = traffic.api("user", PASSWORD).get("/tokens").text
    number = re.search(r'href="/tokens/([0-9]+)"[^>]*>laptop<', page)
    assert number is not None
    for client, path in (
        (traffic.api("user", PASSWORD), f"/tokens/{number[1]}"),
        (traffic.api("root", PASSWORD), "/users/3"),
    ):
        page = client.get(path).text
        assert ">hopeless-user</a>" in page
        assert "busy-hopeless-user" not in page


def test_filters_of_a_phone_can_be_typed_into_and_stay_below_the_bar_of_pages(
    traffic: Site, browser: Browser, busy_states: dict[str, Any]
) -> None:
    with reader(browser, traffic, width=390, state=busy_states["admin"]) as one:
        one.page.goto("/requests")
        one.page.click("label.filter-switch")
        model = one.page.locator(".filter-line > input[name='model']").bounding_box()
        assert model is not None
        assert model["width"] > 100
        at_the_bottom = "document.elementFromPoint(195, innerHeight - 20).closest('nav.tabs') !== null"
        assert one.page.evaluate(at_the_bottom)


def test_filters_live_in_the_address_and_can_be_taken_away(admin: Reader) -> None:
    page = admin.page
    page.goto("/requests")
    page.fill("[name=model]", "model-a")
    page.wait_for_url(re.compile(r"\?model=model-a$"))
    expect(page.locator(".chip")).to_have_count(1)
    assert set(page.locator("td.name a").all_inner_texts()) == {"model-a"}
    page.click(".filters > summary")
    page.fill("#filter-user", "user")
    page.wait_for_url(re.compile(r"user=user"))
    expect(page.locator(".log tbody tr")).to_have_count(2)
    page.reload()
    expect(page.locator(".log tbody tr")).to_have_count(2)
    expect(page.locator("#sums .sum-line dd").first).to_have_text("2")
    page.click(".chip >> text=model-a")
    assert "model=" not in page.url
    page.go_back()
    expect(page.locator("[name=model]")).to_have_value("model-a")
    page.go_back()
    expect(page.locator(".chip")).to_have_count(1)
    page.locator("td.name a").first.click()
    expect(page.locator("#panel h1")).to_contain_text("model-a")


def test_a_search_may_name_its_filters(admin: Reader) -> None:
    page = admin.page
    page.goto("/requests?q=user:user+model:model-a")
    expect(page.locator(".chip")).to_have_count(2)
    expect(page.locator("[name=q]")).to_have_value("")
    expect(page.locator(".log tbody tr")).to_have_count(2)
    page.goto("/requests?q=Recharged+user:user")
    expect(page.locator("[name=q]")).to_have_value("Recharged")
    assert {text.strip() for text in page.locator("td.name .sub").all_inner_texts()} == {"user"}


def test_requests_over_time_count_what_the_list_shows(admin: Reader) -> None:
    page = admin.page
    for query, count in (("range=1h&model=model-a", 4), ("range=1h&status=429", 2), ("view=retried", 2)):
        page.goto(f"/requests?{query}")
        page.click("#sums .as-table summary")
        assert sum(int(text) for text in page.locator("#sums tbody td").all_inner_texts()) == count
        expect(page.locator("#sums .sum-line dd").first).to_have_text(str(count))


def test_the_log_is_paged_by_keys_and_by_links(admin: Reader) -> None:
    page = admin.page
    page.goto("/requests?size=25&sort=quota")
    values = page.locator("td.num[data-label=Cost]").all_inner_texts()
    amounts = [float(text.strip("$—") or 0) for text in values]
    assert amounts == sorted(amounts, reverse=True)
    # A head leads from the largest to the smallest, and then to the newest.
    head = page.locator("th", has_text="Cost")
    for expected, address in (("ascending", "order=asc"), ("none", "/requests?size=25")):
        head.locator("a").click()
        page.wait_for_url(f"**{address}*")
        expect(head).to_have_attribute("aria-sort", expected)
    page.goto("/requests")
    page.locator("#main").focus()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#panel h1")).to_be_visible()


def test_a_user_sees_own_requests_and_nothing_of_channels(
    traffic: Site, browser: Browser, busy_states: dict[str, Any]
) -> None:
    with reader(browser, traffic, state=busy_states["user"]) as one:
        page = one.page
        page.goto("/requests?user=root&channel=1")
        assert "Busy" not in page.content()
        assert "root" not in page.locator(".log tbody").inner_text()
        page.goto("/requests?view=retried")
        page.locator("td.name a").first.click()
        expect(page.locator("#panel .waterfall")).to_contain_text("Attempt 2")
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
        admin.page.click("summary:has-text('Export')")
        admin.page.click(".item:has-text('CSV')")
    text = got.value.path().read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == admin.page.locator(".log tbody tr").count()
    assert {row["model"] for row in rows} == {"model-a"}


@pytest.mark.parametrize("script", [True, False], ids=["with script", "plain forms"])
def test_old_entries_are_counted_and_then_deleted(
    traffic: Site, browser: Browser, busy_states: dict[str, Any], script: bool
) -> None:
    with reader(browser, traffic, state=busy_states["root"], script=script) as one:
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
        expect(page.locator(".log tbody tr")).to_have_count(4)
        page.click("text=Add these up")
        expect(page.locator(".sum-line dd").first).to_have_text("4")
        page.click(".as-table summary")
        expect(page.locator(".histogram tbody a").first).to_be_visible()
        page.go_back()
        page.locator("td.name a").first.click()
        expect(page.locator("main .waterfall")).to_be_visible()
