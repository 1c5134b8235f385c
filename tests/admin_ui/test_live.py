"""What runs right now: seen without reload, ended by a click, and never in the way of a drain."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from admin_ui.streams import MOST_PER_PERSON
from tests.admin_ui.browser import PASSWORD, Reader, Site, reader, running_site
from tests.admin_ui.conftest import furnish
from tests.admin_ui.talk import key_of, talking
from tests.support.tls import no_tls

pytestmark = pytest.mark.slow


def cost(site: Site, request_id: str) -> int:
    """What a request cost, once it is settled."""
    for _ in range(100):
        answer = site.api("root", PASSWORD).get(f"/api/cost/request/{request_id}")
        if answer.status_code == 200 and answer.json().get("quota"):
            return int(answer.json()["quota"])
        time.sleep(0.05)
    raise AssertionError(answer.text)


def test_requests_come_move_and_go_without_reload(root: Reader, site: Site) -> None:
    page = root.page
    page.goto("/live")
    expect(page.locator("#nothing")).to_be_visible()
    with talking(site, key_of(site, "root")) as talk:
        row = page.locator(f"[data-row='{talk.request_id}']")
        expect(row).to_contain_text("Streaming")
        expect(row).to_contain_text("Answers#")
        before = int(row.locator("[data-cell=tokens]").inner_text())
        expect(row.locator("[data-cell=tokens]")).not_to_have_text(str(before))
        assert int(row.locator("[data-cell=tokens]").inner_text()) > before
    expect(row).to_have_count(0)
    expect(page.locator("#nothing")).to_be_visible()
    expect(page.locator("#lines")).to_contain_text("client_gone")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "plain forms"])
def test_a_click_ends_a_request_with_a_word_and_a_charge(
    site: Site, browser: Browser, states: dict[str, Any], script: bool
) -> None:
    with (
        talking(site, key_of(site, "user")) as talk,
        reader(browser, site, state=states["admin"], script=script) as one,
    ):
        page = one.page
        page.goto("/live")
        page.locator("tbody tr", has_text="127.0.0.1").locator("a.danger").click()
        expect(page.locator("[data-dialog-content]")).to_contain_text("user asks model-b")
        page.click("[data-dialog-content] button.danger")
        assert "The request was ended." in one.toast()
        assert talk.ended_by() == "cancelled"
        assert cost(site, talk.request_id) > 0
        page.goto("/audit?kind=relay")
        noted = page.locator("tr", has_text=talk.request_id)
        expect(noted).to_contain_text("model-b")
        expect(noted).to_contain_text("units")
        assert one.complaints == []


def test_all_that_match_are_ended_at_once(root: Reader, site: Site) -> None:
    key = key_of(site, "root")
    with talking(site, key) as first, talking(site, key) as second:
        root.page.goto("/live?q=nothing-like-it")
        expect(root.page.locator("tbody tr")).to_have_count(0)
        root.page.goto("/live?q=model-b+root")
        expect(root.page.locator("tbody tr")).to_have_count(2)
        root.page.click("#end-all")
        root.page.click("dialog button.danger")
        assert "2 requests were ended." in root.toast()
        assert (first.ended_by(), second.ended_by()) == ("cancelled", "cancelled")


def test_filters_are_applied_while_one_looks(root: Reader, site: Site) -> None:
    page = root.page
    with talking(site, key_of(site, "root")), talking(site, key_of(site, "user")) as other:
        page.goto("/live")
        expect(page.locator("#running tbody tr")).to_have_count(2)
        expect(page.locator("#by-channel li")).to_have_text("Answers#1 2")
        page.click(".filters > summary")
        page.fill("#filter-user", "user")
        page.wait_for_url("**/live?user=user")
        expect(page.locator("#running tbody tr")).to_have_count(1)
        expect(page.locator("#found")).to_have_text("1 matches")
        expect(page.locator(".chip")).to_have_count(1)
        tokens = page.locator("#running [data-cell=tokens]").inner_text()
        expect(page.locator("#running tbody [data-cell=tokens]")).not_to_have_text(tokens)
        page.go_back()
        expect(page.locator("#running tbody tr")).to_have_count(2)
        page.click("#pause")
        expect(page.locator("#pulse")).to_have_text("Paused")
        page.goto("/live?user=user")
        page.locator("#end-all").click()
        page.click("dialog button.danger")
        assert "1 request was ended." in root.toast()
        assert other.ended_by() == "cancelled"
        page.goto("/live?state=streaming&channel=answers")
        expect(page.locator("#running tbody tr")).to_have_count(1)
        page.goto("/live?state=settling")
        expect(page.locator("#nothing")).to_contain_text("Nothing matches just now")
        expect(page.locator("[data-tile=connections]")).not_to_have_text("0")


def test_people_see_and_end_only_their_own(site: Site, browser: Browser, states: dict[str, Any]) -> None:
    with (
        talking(site, key_of(site, "root")) as other,
        talking(site, key_of(site, "user")) as own,
        reader(browser, site, state=states["user"]) as one,
    ):
        page = one.page
        page.goto("/live")
        expect(page.locator("tbody tr")).to_have_count(1)
        expect(page.locator(f"[data-row='{own.request_id}']")).to_contain_text("Streaming")
        expect(page.locator("#lines")).to_have_count(0)
        assert "Answers" not in page.content()
        page.goto("/live?q=Answers&channel=Answers")
        expect(page.locator("#running tbody tr")).to_have_count(0)
        page.goto("/live")
        with site.api("user", PASSWORD).stream("GET", "/live/events") as feed:
            told = next(line for line in feed.iter_lines() if line.startswith("data: "))
        (row,) = json.loads(told.removeprefix("data: "))["rows"]
        assert (row["id"], row["channel"], row["process"]) == (own.request_id, "", "")
        page.goto(f"/live/{other.request_id}/cancel")
        assert "ended already" in one.toast()
        token = page.locator("meta[name=csrf-token]").get_attribute("content") or ""
        page.request.post(f"/live/{other.request_id}/cancel", form={"csrf": token})
        page.request.post("/live/cancel", form={"csrf": token, "id": other.request_id})
        time.sleep(0.3)
        assert not other.over.is_set()
        page.goto("/live")
        page.click("tbody a.danger")
        page.click("dialog button.danger")
        assert own.ended_by() == "cancelled"


def test_pausing_stops_the_movement(root: Reader, site: Site) -> None:
    page = root.page
    with talking(site, key_of(site, "root")):
        page.goto("/live")
        expect(page.locator("#pulse")).to_have_text("Live")
        page.click("#pause")
        expect(page.locator("#pulse")).to_have_text("Paused")
        tokens = page.locator("tbody [data-cell=tokens]").inner_text()
        page.wait_for_timeout(1500)
        assert page.locator("tbody [data-cell=tokens]").inner_text() == tokens
        page.click("#pause")
        expect(page.locator("tbody [data-cell=tokens]")).not_to_have_text(tokens)


def test_the_oldest_of_too_many_open_pages_is_ended(site: Site) -> None:
    client = site.api("root", PASSWORD)
    with client.stream("GET", "/live/events") as oldest:
        events = oldest.iter_lines()
        assert next(events) == "event: relays"
        others = [client.stream("GET", "/live/events") for _ in range(MOST_PER_PERSON)]
        for other in others:
            assert other.__enter__().status_code == 200
        assert list(events)[-3:] == ["event: bye", 'data: "elsewhere"', ""]
        for other in others:
            other.__exit__(None, None, None)


def test_strangers_get_no_events(site: Site) -> None:
    with httpx2.Client(base_url=site.url, trust_env=False, verify=no_tls()) as stranger:
        answer = stranger.get("/live/events", headers={"Accept": "text/event-stream"})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")


@contextmanager
def _site_of_workers(tmp_path: Path, provider: str, **settings: str) -> Iterator[Site]:
    with running_site(tmp_path, **settings) as site:
        furnish(site, provider)
        yield site


def test_an_open_page_does_not_hold_the_drain(tmp_path: Path, provider: str) -> None:
    with _site_of_workers(tmp_path, provider, DRAIN_DELAY_SEC="2", SHUTDOWN_TIMEOUT_SEC="60") as site:
        client = site.api("root", PASSWORD)
        with client.stream("GET", "/live/events") as page:
            events = page.iter_lines()
            assert next(events) == "event: relays"
            began = time.monotonic()
            site.process.send_signal(signal.SIGTERM)
            assert list(events)[-3:] == ["event: bye", 'data: "draining"', ""]
            assert time.monotonic() - began < 20
        assert client.get("/live/events").status_code == 503
        site.process.wait(15)
        assert site.process.returncode == 0


def seen_at_last(client: httpx2.Client, count: int) -> dict[str, Any]:
    """What the page of running requests shows once it shows `count` of them."""
    with client.stream("GET", "/live/events") as page:
        deadline = time.monotonic() + 30
        for line in page.iter_lines():
            data: dict[str, Any] = json.loads(line[6:]) if line.startswith("data: {") else {}
            if len(data.get("rows", ())) == count:
                return data
            assert time.monotonic() < deadline, data
    raise AssertionError("the page ended")


def test_requests_of_all_workers_are_seen_and_ended(tmp_path: Path, provider: str) -> None:
    with _site_of_workers(tmp_path, provider, WORKERS="2") as site:
        key = key_of(site, "root")
        client = site.api("root", PASSWORD)
        with ExitStack() as talks:
            # The system gives a connection to which worker it likes: there are more until both have one.
            for count in range(1, 20):
                talks.enter_context(talking(site, key))
                data = seen_at_last(client, count)
                if count >= 4 and len({row["process"] for row in data["rows"]}) == 2:
                    break
            assert data["tiles"]["processes"] == "2"
            token = client.get("/live").text.split('name="csrf-token" content="')[1].split('"')[0]
            for row in data["rows"]:
                answer = client.post(f"/live/{row['id']}/cancel", data={"csrf": token})
                assert answer.status_code == 303
            for _ in range(100):
                if 'data-row="' not in (shown := client.get("/live").text.split("<template")[0]):
                    break
                time.sleep(0.05)
            assert "<tr data-row" not in shown
