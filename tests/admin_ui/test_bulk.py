"""Several rows at once: shown before it is done, with what would break, and taken back where that can be."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import Error as PlaywrightError

from tests.admin_ui.browser import PASSWORD, Reader, Site, reader, running_site

pytestmark = pytest.mark.slow


@pytest.fixture
def many(site: Site, provider: str) -> Iterator[dict[str, int]]:
    """Four channels of one name, of which two alone serve a model; removed afterwards."""
    client = site.api("root", PASSWORD)
    for name, models in (
        ("Batch a", "shared,lonely"),
        ("Batch b", "shared"),
        ("Batch c", "shared"),
        ("Batch d", "shared"),
    ):
        body = {"type": 1, "name": name, "key": "k", "base_url": provider, "models": models, "group": "default"}
        assert client.post("/api/channel/", json=body).json()["success"]
    found = client.get("/api/channel/search?keyword=Batch").json()["data"]
    yield {channel["name"]: channel["id"] for channel in found}
    for channel in found:
        client.delete(f"/api/channel/{channel['id']}")


def tick(page: Page, *names: str) -> None:
    for name in names:
        page.locator("tbody tr", has_text=name).locator(".pick input").check()


@pytest.mark.parametrize("script", [True, False])
def test_rows_stay_ticked_where_nothing_was_done(
    site: Site, browser: Browser, states: dict[str, Any], many: dict[str, int], script: bool
) -> None:
    with reader(browser, site, state=states["admin"], script=script) as one:
        page = one.page
        page.goto("/channels?q=Batch")
        boxes = page.locator("tbody .pick input")
        tick(page, "Batch b", "Batch d")
        page.select_option("#bulk select[name=what]", "priority")
        page.fill("#bulk input[name=value]", "high")
        page.click("#bulk button:not(.hush)[value=change]")
        expect(page.locator("#toasts")).to_contain_text("whole number")
        expect(boxes).to_have_count(4)
        for name, is_ticked in (("a", False), ("b", True), ("c", False), ("d", True)):
            box = page.locator("tbody tr", has_text=f"Batch {name}").locator(".pick input")
            expect(box).to_be_checked(checked=is_ticked)
        page.fill("#bulk input[name=value]", "8")
        page.click("#bulk button:not(.hush)[value=change]")
        expect(page.locator("h1")).to_contain_text("Change 2 channels?")
        page.click("main a:has-text('Cancel')")
        expect(page.locator("tbody .pick input:checked")).to_have_count(2)
        page.goto("/users")
        page.get_by_role("checkbox", name="Select user").check()
        page.select_option("#bulk select[name=what]", "group")
        page.fill("#bulk input[name=value]", "no-such-group")
        page.click("#bulk button:not(.hush)[value=change]")
        expect(page.locator("#toasts")).to_contain_text("There is no such group: no-such-group")
        expect(page.locator("tbody .pick input:checked")).to_have_count(1)


def expect_done(page: Page, text: str) -> None:
    """Look again, as somebody without scripts does, until a job has ended."""
    for _ in range(40):
        if text in page.locator("main").inner_text():
            return
        page.wait_for_timeout(250)
        # Where the page looks again by itself at the same moment, that will do.
        with suppress(PlaywrightError):
            page.reload()
    expect(page.locator("main")).to_contain_text(text)


def stored(site: Site, number: int) -> dict[str, Any]:
    found: dict[str, Any] = site.api("root", PASSWORD).get(f"/api/channel/{number}").json()["data"]
    return found


def test_a_change_is_shown_before_it_is_made(root: Reader, site: Site, many: dict[str, int]) -> None:
    page = root.page
    page.goto("/channels?q=Batch")
    tick(page, "Batch a", "Batch b")
    page.select_option("#bulk select[name=what]", "remove-models")
    page.fill("#bulk input[name=value]", "lonely")
    page.click("#bulk .group button[value=change]")
    expect(page.locator("main .banner")).to_contain_text("1 model will have no channel any more: lonely")
    expect(page.locator("tbody tr", has_text="Batch a").locator("ins")).to_contain_text("shared")
    expect(page.locator("tbody tr", has_text="Batch b")).to_contain_text("stays as it is")
    assert stored(site, many["Batch a"])["models"] == "shared,lonely"
    page.click("main form button.first")
    assert stored(site, many["Batch a"])["models"] == "shared"


def test_switching_off_the_last_channel_of_a_model_asks_and_can_be_undone(
    root: Reader, site: Site, many: dict[str, int]
) -> None:
    page = root.page
    page.goto("/channels?q=Batch")
    tick(page, "Batch a", "Batch b")
    page.click("#bulk button[value=disable]")
    expect(page.locator("main .banner")).to_contain_text("lonely")
    page.click("main form button.first")
    assert "2 channels are disabled now." in root.toast()
    assert stored(site, many["Batch a"])["status"] == 2
    page.click("#toasts >> text=Undo")
    assert "2 channels are as they were." in root.toast()
    assert stored(site, many["Batch a"])["status"] == 1


def test_all_that_match_are_meant_when_so_ticked(
    site: Site, browser: Browser, states: dict[str, Any], provider: str
) -> None:
    client = site.api("root", PASSWORD)
    body = {
        "type": 1,
        "key": "\n".join(f"k{n}" for n in range(60)),
        "base_url": provider,
        "models": "mass",
        "group": "default",
    }
    assert client.post("/api/channel/", json={**body, "name": "Mass"}).json()["success"]
    with reader(browser, site, state=states["admin"], script=False) as one:
        page = one.page
        page.goto("/channels?q=Mass")
        page.check("#bulk input[name=all]")
        page.select_option("#bulk select[name=what]", "priority")
        page.fill("#bulk input[name=value]", "9")
        page.click("#bulk .group button[value=change]")
        expect(page.locator("h1")).to_contain_text("Change 60 channels?")
        expect(page.locator("main")).to_contain_text("and 10 more")
        page.click("main form button.first")
        expect_done(page, "60 channels were changed.")
        page.click("text=Back to the list")
        assert page.url.endswith("/channels?q=Mass")
        page.check("#bulk input[name=all]")
        page.click("#bulk button[value=delete]")
        expect(page.locator("h1")).to_contain_text("Delete 60 channels?")
        page.click("main form button.danger")
        expect_done(page, "60 channels were deleted.")
        assert page.locator("h1").inner_text().endswith("Changing many rows")
        page.click("main >> text=Undo")
        assert "60 channels are back." in one.toast()
        page.check("#bulk input[name=all]")
        page.click("#bulk button[value=delete]")
        page.click("main form button.danger")
        expect_done(page, "60 channels were deleted.")
        assert one.complaints == []
    assert client.get("/api/channel/search?keyword=Answers").json()["data"][0]["priority"] != 9


def test_fields_are_copied_from_one_channel_to_others(root: Reader, site: Site, many: dict[str, int]) -> None:
    client = site.api("root", PASSWORD)
    client.put("/api/channel/", json={"id": many["Batch a"], "name": "Batch a", "priority": 4, "weight": 7})
    page = root.page
    page.goto("/channels?q=Batch")
    tick(page, "Batch b", "Batch c")
    page.click("#bulk button[value=copy]")
    page.select_option("#f-source", str(many["Batch a"]))
    page.check("[name=field][value=models]")
    page.check("[name=field][value=priority]")
    page.click("main form button.first")
    expect(page.locator("tbody tr", has_text="Batch b").locator("ins").first).to_contain_text("shared,lonely")
    page.click("main form button.first")
    assert "2 channels were changed." in root.toast()
    after = stored(site, many["Batch b"])
    assert (after["models"], after["priority"], after["weight"]) == ("shared,lonely", 4, 0)


def test_ticked_channels_are_tested(root: Reader, many: dict[str, int]) -> None:
    page = root.page
    page.goto("/channels?q=Batch")
    tick(page, "Batch a", "Batch b")
    page.click("#bulk button[value=test]")
    # The page follows the test by itself.
    expect(page.locator("main")).to_contain_text("2 of 2", timeout=60_000)
    assert root.complaints == []


def test_what_makes_no_sense_is_refused(root: Reader, many: dict[str, int]) -> None:
    page = root.page
    page.goto("/channels?q=Batch")
    tick(page, "Batch a")
    page.select_option("#bulk select[name=what]", "remove-groups")
    page.fill("#bulk input[name=value]", "default")
    page.click("#bulk .group button[value=change]")
    expect(page.locator("#toasts")).to_contain_text("a channel needs a group")
    tick(page, "Batch a")
    page.click("#bulk .group button[value=change]")
    expect(page.locator("#toasts")).to_contain_text("Please say what to change")
    tick(page, "Batch a")
    page.select_option("#bulk select[name=what]", "add-groups")
    page.fill("#bulk input[name=value]", "nowhere")
    page.click("#bulk .group button[value=change]")
    expect(page.locator("#toasts")).to_contain_text("There is no such group: nowhere")


def test_tokens_get_quota_and_models_together(site: Site, browser: Browser) -> None:
    site.api("root", PASSWORD).post("/api/user/", json={"username": "batcher", "password": PASSWORD})
    client = site.api("batcher", PASSWORD)
    for name in ("one", "two"):
        assert client.post("/api/token/", json={"name": name, "remain_quota": 100}).json()["success"]
    with reader(browser, site) as one:
        one.sign_in("batcher", PASSWORD)
        page = one.page
        page.goto("/tokens")
        tick(page, "one", "two")
        page.select_option("#bulk select[name=what]", "quota")
        page.fill("#bulk input[name=value]", "2")
        page.click("#bulk .group button[value=change]")
        expect(page.locator("tbody tr", has_text="one").locator("ins")).to_have_text("$2.00")
        page.click("main button.first")
        expect(page.locator("#toasts")).to_contain_text("2 changed.")
        tick(page, "one", "two")
        page.select_option("#bulk select[name=what]", "models")
        page.fill("#bulk input[name=value]", "model-a, model-b")
        page.click("#bulk .group button[value=change]")
        page.click("main button.first")
        tick(page, "one")
        page.select_option("#bulk select[name=what]", "7d")
        page.click("#bulk .group button[value=change]")
        page.click("main button.first")
        tick(page, "one")
        page.select_option("#bulk select[name=what]", "quota")
        page.fill("#bulk input[name=value]", "much")
        page.click("#bulk .group button[value=change]")
        expect(page.locator("#toasts")).to_contain_text("Please enter a number.")
        assert one.complaints == []
    found = {token["name"]: token for token in client.get("/api/token/?p=0").json()["data"]}
    assert {found[name]["remain_quota"] for name in ("one", "two")} == {1_000_100}
    assert {found[name]["models"] for name in ("one", "two")} == {"model-a,model-b"}
    assert found["one"]["expired_time"] == pytest.approx(time.time() + 7 * 86_400, abs=120)
    assert found["two"]["expired_time"] == -1


def test_accounts_get_a_group_and_quota_together(root: Reader, site: Site) -> None:
    client = site.api("root", PASSWORD)
    for name in ("crowd-a", "crowd-b"):
        client.post("/api/user/", json={"username": name, "password": PASSWORD})
    page = root.page
    page.goto("/users?q=crowd")
    for what, value in (("group", "vip"), ("topup", "1.5")):
        tick(page, "crowd-a", "crowd-b")
        page.select_option("#bulk select[name=what]", what)
        page.fill("#bulk input[name=value]", value)
        page.click("#bulk .group button[value=change]")
        page.click("main button.first")
        expect(page.locator("#toasts")).to_contain_text("2 changed.")
    found = client.get("/api/user/search?keyword=crowd").json()["data"]
    assert {(user["group"], user["quota"]) for user in found} == {("vip", 750_000)}
    tick(page, "crowd-a")
    page.select_option("#bulk select[name=what]", "group")
    page.fill("#bulk input[name=value]", "nowhere")
    page.click("#bulk .group button[value=change]")
    expect(page.locator("#toasts")).to_contain_text("There is no such group: nowhere")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/channels/export.csv?q=Answers", "Answers"),
        ("/tokens/export.csv", "laptop"),
        ("/users/export.csv?role=10", "admin"),
        ("/codes/export.csv?q=spring", "spring"),
    ],
)
def test_lists_are_exported_as_far_as_they_match_and_without_keys(site: Site, path: str, expected: str) -> None:
    client = site.api("root", PASSWORD)
    answer = client.get(path)
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {row["name"] for row in rows} >= {expected}
    if "?" in path:
        assert {row["name"] for row in rows} == {expected}
    keys = [token["key"].removeprefix("sk-") for token in client.get("/api/token/?p=0").json()["data"]]
    for secret in (*keys, "sk-upstream-secret"):
        assert secret not in answer.text


def test_an_export_is_whole_however_long(tmp_path: Path) -> None:
    # On a site of its own: to tidy up 510 channels takes longer than to start one.
    with running_site(tmp_path) as own:
        client = own.api("root", "123456")
        keys = "\n".join(f"k{number}" for number in range(510))
        body = {"type": 1, "name": "Lengthy", "key": keys, "models": "m", "group": "default"}
        assert client.post("/api/channel/", json=body).json()["success"]
        text = client.get("/channels/export.csv?q=Lengthy").content.decode("utf-8-sig")
    assert len({row["id"] for row in csv.DictReader(io.StringIO(text))}) == 510
