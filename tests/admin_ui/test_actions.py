"""What people do: each main action through the pages, as a person does it, checked by its effect."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from gateway.accounts.totp import PERIOD_S, code_at
from tests.admin_ui.browser import PASSWORD, Reader, Site, reader

pytestmark = pytest.mark.slow


def test_search_and_filters_are_in_the_address_and_need_no_reload(root: Reader) -> None:
    page = root.page
    page.goto("/channels")
    page.evaluate("window.stayed = true")
    page.locator("[data-search]").press_sequentially("azure")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.wait_for_url("**/channels?q=azure*")
    page.fill("[data-search]", "")
    page.select_option("select[name=status]", "3")
    expect(page.locator("tbody td.name").first).to_contain_text("Fell out")
    assert page.evaluate("window.stayed") is True
    page.click("th >> text=Name")
    page.wait_for_url("**sort=name*")
    expect(page.locator("th[aria-sort=ascending]")).to_have_count(1)
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.go_back()


def test_switching_a_channel_can_be_undone(root: Reader) -> None:
    page = root.page
    page.goto("/channels?q=Answers")
    page.click("tbody summary")
    page.click("tbody .items >> text=Disable")
    expect(page.locator("#toasts")).to_contain_text("Answers is disabled.")
    expect(page.locator("tbody .state")).to_have_text("Disabled")
    assert page.url.endswith("q=Answers")
    page.click("#toasts >> text=Undo")
    expect(page.locator("tbody .state")).to_have_text("Enabled")


def test_many_channels_change_at_once(root: Reader, site: Site) -> None:
    page = root.page
    page.goto("/channels")
    expect(page.locator("[data-bulk]")).to_be_hidden()
    boxes = page.locator("tbody .pick input")
    boxes.nth(0).check()
    boxes.nth(2).click(modifiers=["Shift"])
    expect(page.locator("[data-count]")).to_have_text("3 selected")
    page.select_option("select[name=what]", "priority")
    page.fill("input[name=value]", "7")
    page.locator("[data-bulk] >> button:text-is('Change')").click()
    page.click("main form button.first")
    assert "3 channels were changed." in root.toast()
    listed = site.api("root", PASSWORD).get("/api/channel/?size=50").json()["data"]
    assert sorted(channel["priority"] for channel in listed) == [0, 7, 7, 7]


def test_a_round_of_tests_is_stopped(root: Reader) -> None:
    page = root.page
    page.goto(f"/channels/test?since={int(time.time())}&of=3")
    page.click("text=Stop testing")
    assert "Testing was stopped" in root.toast()


def test_deleting_asks_in_a_dialog_and_names_what_is_lost(root: Reader, site: Site) -> None:
    made = {"type": 1, "name": "Doomed", "key": "k", "models": "only-here", "group": "default"}
    site.api("root", PASSWORD).post("/api/channel/", json=made)
    page = root.page
    page.goto("/channels?q=Doomed")
    page.click("tbody summary")
    page.click("tbody .items >> text=Delete")
    dialog = page.locator("#dialog")
    expect(dialog).to_contain_text("Delete channel Doomed?")
    expect(dialog).to_contain_text("only-here")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.click("tbody summary")
    page.click("tbody .items >> text=Delete")
    dialog.locator("button.danger").click()
    expect(page.locator("#toasts")).to_contain_text("Channel Doomed was deleted.")


def test_a_channel_s_own_price_is_stored_and_shown(root: Reader, site: Site) -> None:
    page = root.page
    page.goto("/channels/2/edit")
    page.click("summary >> text=Prices")
    row = page.locator(".prices tbody tr", has_text="gpt-4.1")
    assert row.locator("[name=price_input]").get_attribute("placeholder") == "2"
    row.locator("[name=price_input]").fill("3")
    row.locator("[name=price_output]").fill("12")
    page.click("main .sticky-foot button.first")
    page.wait_for_selector(".toast")
    stored = site.api("root", PASSWORD).get("/api/channel/pricing/2").json()["data"]["model_configs"]
    assert stored == {"gpt-4.1": {"ratio": 1.5, "completion_ratio": 4.0}}
    page.goto("/channels/2/edit")
    expect(page.locator(".prices tbody tr", has_text="gpt-4.1").locator("[name=price_output]")).to_have_value("12")
    assert "sk-upstream-secret" not in page.content()


def test_wrong_input_stays_and_is_explained_at_its_field(root: Reader) -> None:
    page = root.page
    page.goto("/channels/1/edit")
    page.click("summary >> text=Model mapping")
    page.click("summary >> text=Mapping as JSON")
    page.fill("#f-model_mapping", '{"a": ')
    page.fill("#f-name", "Still here")
    page.evaluate("document.querySelector('main form').noValidate = true")
    page.click("main .sticky-foot button.first")
    expect(page.locator("#f-model_mapping")).to_have_value('{"a": ')
    expect(page.locator("#f-model_mapping")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#f-name")).to_have_value("Still here")
    assert "not JSON" in page.locator(".summary").inner_text()
    root.complaints.clear()  # The browser notes the status 422.


def test_two_editors_do_not_overwrite_each_other_unasked(root: Reader, site: Site) -> None:
    page = root.page
    page.goto("/users/3/edit")
    client = site.api("root", PASSWORD)
    client.put("/api/user/", json={"id": 3, "username": "user", "display_name": "Changed", "email": "x@y.example"})
    page.fill("#f-display_name", "Mine")
    page.click("main .sticky-foot button.first")
    assert "Somebody else" in page.locator(".summary").inner_text()
    expect(page.locator("#f-display_name")).to_have_value("Mine")
    page.click("main .sticky-foot button.first")
    expect(page.locator("#toasts")).to_contain_text("was saved")
    assert client.get("/api/user/3").json()["data"]["display_name"] == "Mine"
    root.complaints.clear()  # The browser notes the status 422.


def test_a_person_is_made_complete_topped_up_and_deleted(root: Reader, site: Site) -> None:
    page = root.page
    page.goto("/users/new")
    page.fill("#f-username", "newcomer")
    page.fill("#f-email", "new@comer.example")
    page.fill("#f-password", "password-1")
    page.select_option("#f-group", "vip")
    page.fill("#f-quota", "2.5")
    page.click("main button.first")
    expect(page.locator("#toasts")).to_contain_text("User newcomer was created.")
    client = site.api("root", PASSWORD)
    (made,) = client.get("/api/user/search?keyword=newcomer").json()["data"]
    assert (made["email"], made["group"], made["quota"]) == ("new@comer.example", "vip", 1_250_000)
    page.goto("/users?q=newcomer")
    page.click("tbody summary")
    page.click("tbody .items >> text=Top up")
    page.fill("#dialog #f-quota", "1")
    page.click("#dialog button.first")
    expect(page.locator("#toasts")).to_contain_text("newcomer: $1.00 more, $2.50 → $3.50.")
    page.goto("/users?q=newcomer")
    expect(page.locator("tbody")).to_contain_text("$3.50")
    page.click("tbody summary")
    page.click("tbody .items >> text=Make administrator")
    expect(page.locator("tbody")).to_contain_text("Administrator")
    page.locator("tbody .pick input").check()
    page.click("[data-bulk] >> text=Delete")
    page.click("main button.danger")
    page.wait_for_selector(".toast")
    page.goto("/users?q=newcomer")
    expect(page.locator("main")).to_contain_text("Nothing matches")


def test_a_token_is_limited_extended_and_revealed(site: Site, browser: Browser, states: dict[str, Any]) -> None:
    with reader(browser, site, state=states["user"]) as one:
        page = one.page
        page.goto("/tokens/new")
        page.fill("#f-name", "limited")
        page.uncheck("#f-unlimited")
        page.fill("#f-quota", "0.5")
        page.select_option("#f-expires", "7d")
        page.click("summary >> text=Models")
        page.check("text=model-a")
        page.click("summary >> text=Addresses")
        page.fill("#f-subnet", "203.0.113.9\n2001:db8::/32")
        page.click("main button.first")
        key = page.locator("#key").inner_text()
        page.click("main >> text=Copy >> nth=0")
        assert page.evaluate("navigator.clipboard.readText()") == key
        client = site.api("user", PASSWORD)
        (made,) = client.get("/api/token/search?keyword=limited").json()["data"]
        assert (made["remain_quota"], made["models"], made["subnet"]) == (
            250_000,
            "model-a",
            "203.0.113.9/32,2001:db8::/32",
        )
        assert made["expired_time"] == pytest.approx(time.time() + 7 * 86_400, abs=60)
        page.goto("/tokens")
        assert key not in page.content()
        page.locator("tbody tr", has_text="limited").locator("summary").click()
        page.locator("tbody tr", has_text="limited").locator("text=Show the key").click()
        assert page.locator("#key").inner_text() == key
        assert one.complaints == []


def test_codes_are_made_and_redeemed_once(site: Site, browser: Browser, states: dict[str, Any], root: Reader) -> None:
    root.page.goto("/codes/new")
    root.page.fill("#f-name", "party")
    root.page.fill("#f-quota", "4")
    root.page.fill("#f-count", "2")
    root.page.click("main button.first")
    code, disabled = root.page.locator("#made").input_value().split()
    for made in site.api("root", PASSWORD).get("/api/redemption/").json()["data"]:
        if made["key"] == disabled:
            site.api("root", PASSWORD).put("/api/redemption/?status_only=1", json={"id": made["id"], "status": 2})
    with reader(browser, site, state=states["user"]) as one:
        one.page.goto("/topup")
        one.page.fill("#f-key", f"  {code} ")
        one.page.click("text=Redeem >> nth=-1")
        assert "$4.00 was added to your balance." in one.toast()
        one.page.fill("#f-key", code)
        one.page.click("text=Redeem >> nth=-1")
        expect(one.page.locator("#f-key-error")).to_contain_text("has been used")
        one.page.fill("#f-key", disabled)
        one.page.click("text=Redeem >> nth=-1")
        expect(one.page.locator("#f-key-error")).to_contain_text("is disabled")


def test_a_second_factor_is_set_up_asked_for_and_switched_off(site: Site, browser: Browser) -> None:
    client = site.api("root", PASSWORD)
    client.post("/api/user/", json={"username": "careful", "password": PASSWORD})
    with reader(browser, site) as one:
        page = one.page
        one.sign_in("careful", PASSWORD)
        page.goto("/profile/2fa")
        secret = page.locator("#secret").inner_text()
        page.fill("#f-totp_code", code_at(secret, int(time.time()) // PERIOD_S - 1))
        page.click("main button.first")
        assert "takes a code" in one.toast()
        page.goto("/profile")
        page.click("main >> text=Sign out everywhere")
        page.fill("#f-username", "careful")
        page.fill("#f-password", PASSWORD)
        page.click("button.first")
        expect(page.locator("h1")).to_have_text("Second step")
        assert PASSWORD not in page.content()
        time.sleep(1.1)  # One attempt a second.
        page.fill("#f-totp_code", "000000")
        page.click("button.first")
        expect(page.locator("#f-totp_code-error")).to_be_visible()
        time.sleep(1.1)
        page.fill("#f-totp_code", code_at(secret, int(time.time()) // PERIOD_S))
        page.click("button.first")
        expect(page.locator("main h1")).to_have_text("Overview")
        assert client.get("/api/user/search?keyword=careful").json()["data"][0]["username"] == "careful"


def test_a_new_password_needs_the_old_one_and_ends_other_sessions(site: Site, browser: Browser) -> None:
    site.api("root", PASSWORD).post("/api/user/", json={"username": "changer", "password": PASSWORD})
    with reader(browser, site) as one, reader(browser, site) as other:
        other.sign_in("changer", PASSWORD)
        one.sign_in("changer", PASSWORD)
        one.page.goto("/profile")
        one.page.fill("#f-old_password", "not-this-one")
        one.page.fill("#f-password", "brand-new-1")
        one.page.click("main button:text-is('Change')")
        expect(one.page.locator("#f-old_password-error")).to_be_visible()
        one.page.fill("#f-old_password", PASSWORD)
        one.page.fill("#f-password", "brand-new-1")
        one.page.click("main button:text-is('Change')")
        expect(one.page.locator("#toasts")).to_contain_text("in force")
        other.page.goto("/profile")
        assert "/login" in other.page.url


def test_somebody_registers_and_signs_in(site: Site, browser: Browser) -> None:
    with reader(browser, site, language="zh", width=390, theme="dark") as one:
        page = one.page
        page.goto("/register?aff=none")
        page.fill("#f-username", "fresh")
        page.fill("#f-password", "password-1")
        page.click("button.first")
        assert "账户已创建" in one.toast()
        one.sign_in("fresh", "password-1")
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_language_and_theme_are_chosen_in_the_menu(root: Reader) -> None:
    page = root.page
    page.goto("/tokens")
    page.click(".rail summary")
    page.click(".rail >> text=简体中文")
    expect(page.locator("main h1")).to_have_text("令牌")
    page.click(".rail summary")
    page.click(".rail >> text=深色")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_keyboard_reaches_everything(root: Reader) -> None:
    page = root.page
    page.goto("/tokens")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.press("Escape")
    page.locator("#main").focus()
    page.keyboard.press("j")
    expect(page.locator("tbody td.name a").first).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator("tbody .pick input").first).to_be_checked()
    page.keyboard.press("g")
    page.keyboard.press("u")
    page.wait_for_url("**/users")
