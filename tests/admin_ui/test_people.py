"""What people do with tokens, accounts, codes and their own account, in a browser and by its effect."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from gateway.accounts.totp import PERIOD_S, code_at
from tests.admin_ui.browser import PASSWORD, Reader, Site, reader, running_site
from tests.admin_ui.looks import LOOKS, Look, faults_of, name_of
from tests.support.tls import no_tls

pytestmark = pytest.mark.slow


@pytest.fixture
def person(site: Site, browser: Browser, states: dict[str, Any]) -> Iterator[Reader]:
    """A common user, signed in."""
    with reader(browser, site, state=states["user"]) as one:
        yield one
        assert one.complaints == []


def answers(site: Site, key: str) -> bool:
    """Whether the gateway takes a key."""
    found = httpx2.get(
        f"{site.url}/v1/models", headers={"Authorization": f"Bearer {key}"}, trust_env=False, verify=no_tls()
    )
    return found.status_code == 200


def make_token(one: Reader, name: str) -> str:
    """Make a token on the page; return its key."""
    one.page.goto("/tokens/new")
    one.page.fill("#f-name", name)
    one.page.click("main .sticky-foot button.first")
    return one.page.locator("#key").inner_text()


@pytest.mark.parametrize("look", LOOKS, ids=name_of)
def test_the_pages_of_a_token_and_of_a_user_are_whole(
    traffic: Site, browser: Browser, busy_states: dict[str, Any], look: Look
) -> None:
    width, language, theme = look
    found: list[str] = []
    with reader(browser, traffic, width=width, language=language, theme=theme, state=busy_states["root"]) as one:
        for path in (
            "/tokens?user=*", "/tokens/4", "/tokens/4/edit", "/tokens/4/renew", "/users/3", "/users/3/edit",
            "/users/3/topup", "/users/3/delete", "/codes?status=1", "/topup", "/profile",
        ):  # fmt: skip
            found += faults_of(one, path, role="root", look=look)
    assert found == []


def test_deleting_a_token_is_taken_back_from_its_message(person: Reader, site: Site) -> None:
    page, key = person.page, make_token(person, "slip")
    assert answers(site, key)
    page.goto("/tokens?q=slip")
    page.click("tbody summary")
    page.click("tbody .items >> text=Delete")
    expect(page.locator("#toasts")).to_contain_text("slip was deleted")
    expect(page.locator("main")).to_contain_text("Nothing matches")
    assert not answers(site, key)
    page.click("#toasts >> text=Undo")
    expect(page.locator("tbody .state")).to_have_text("Enabled")
    assert answers(site, key)


def test_a_key_is_renewed_while_the_old_one_works_on(person: Reader, site: Site) -> None:
    page, old = person.page, make_token(person, "rotated")
    page.click("text=Done")
    page.click("main .head >> text=Renew the key")
    page.click("#dialog button.first")
    new = page.locator("#key").inner_text()
    assert new != old
    assert answers(site, old)
    assert answers(site, new)
    page.click("text=Done")
    expect(page.locator("main .banner")).to_contain_text("A former key still works")
    page.click("text=End now")
    expect(page.locator("#toasts")).to_contain_text("no longer work")
    assert not answers(site, old)
    assert answers(site, new)


def test_each_wrong_address_is_named_and_one_s_own_is_added(person: Reader) -> None:
    page = person.page
    page.goto("/tokens/new")
    page.fill("#f-name", "bounded")
    page.click("summary >> text=Addresses")
    page.fill("#f-subnet", "203.0.113.0/24\n2001:db8::1\nnot-an-address")
    page.click("text=Add it")
    expect(page.locator("#f-subnet")).to_have_value("203.0.113.0/24\n2001:db8::1\nnot-an-address\n127.0.0.1")
    page.click("main .sticky-foot button.first")
    expect(page.locator("#f-subnet-error")).to_contain_text("“not-an-address” is neither")
    expect(page.locator("#f-name")).to_have_value("bounded")
    person.complaints.clear()  # The browser notes the status 422.


def test_a_time_in_the_past_is_refused_and_a_later_one_revives(person: Reader, site: Site) -> None:
    client = site.api("user", PASSWORD)
    body = {"name": "stale", "remain_quota": 500, "expired_time": int(time.time()) - 100}
    number = client.post("/api/token/", json=body).json()["data"]["id"]
    page = person.page
    page.goto(f"/tokens/{number}/edit")
    expect(page.locator("main .banner")).to_contain_text("has expired")
    page.fill("#f-expires_at", "2001-01-01T10:00")
    page.click("main .sticky-foot button.first")
    expect(page.locator("#f-expires_at-error")).to_contain_text("still to come")
    page.select_option("#f-expires", "7d")
    page.click("main .sticky-foot button.first")
    expect(page.locator("#toasts")).to_contain_text("works again")
    expect(page.locator(".head .state")).to_have_text("Enabled")
    person.complaints.clear()  # The browser notes the status 422.


def test_an_amount_is_shown_in_both_measures(person: Reader) -> None:
    page = person.page
    page.goto("/tokens/new")
    page.uncheck("#f-unlimited")
    page.fill("#f-quota", "10")
    expect(page.locator("output.worth")).to_have_text("= 5,000,000 units")
    page.fill("#f-quota", "250,000 units")
    expect(page.locator("output.worth")).to_have_text("= $0.50")
    page.fill("#f-name", "half")
    page.click("main .sticky-foot button.first")
    page.click("text=Done")
    expect(page.locator("main .facts")).to_contain_text("$0.50")


def test_administrators_see_everybody_s_tokens_without_keys_to_reveal(
    site: Site, browser: Browser, states: dict[str, Any]
) -> None:
    with reader(browser, site, state=states["admin"]) as one:
        page = one.page
        page.goto("/tokens")
        page.click("text=Everybody's")
        theirs = page.locator("tbody tr", has=page.locator("td", has_text="user")).first
        theirs.locator("summary").click()
        expect(theirs.locator(".items")).not_to_contain_text("Show the key")
        roots = page.locator("tbody tr", has=page.get_by_text("root", exact=True)).first
        expect(roots.locator("summary")).to_have_count(0)
        assert one.complaints == []


def test_tokens_are_deleted_together_and_taken_back_together(person: Reader) -> None:
    page = person.page
    for name in ("pair one", "pair two"):
        make_token(person, name)
    page.goto("/tokens?q=pair")
    for box in page.locator("tbody .pick input").all():
        box.check()
    page.click("#bulk button[value=delete]")
    expect(page.locator("h1")).to_have_text("Delete 2 tokens?")
    expect(page.locator("main table")).to_contain_text("pair one")
    page.click("main button.danger")
    expect(page.locator("#toasts")).to_contain_text("2 tokens were deleted.")
    page.click("#toasts >> text=Undo")
    expect(page.locator("#toasts")).to_contain_text("2 tokens are back.")
    expect(page.locator("tbody tr")).to_have_count(2)


def test_a_topup_may_take_away_and_says_what_was_before_and_after(root: Reader, site: Site) -> None:
    client = site.api("root", PASSWORD)
    client.post("/api/user/", json={"username": "refunded", "password": PASSWORD})
    (found,) = client.get("/api/user/search?keyword=refunded").json()["data"]
    client.post("/api/topup", json={"user_id": found["id"], "quota": 1_000_000})
    page = root.page
    page.goto(f"/users/{found['id']}")
    page.click("main .head >> text=Top up")
    page.fill("#dialog #f-quota", "-0.5")
    page.fill("#dialog #f-remark", "refund")
    page.click("#dialog button.first")
    expect(page.locator("#toasts")).to_contain_text("refunded: $0.50 less, $2.00 → $1.50.")
    expect(page.locator("main .facts")).to_contain_text("$1.50")
    page.goto(f"/users/{found['id']}/topup")
    page.fill("#f-quota", "-9")
    page.click("main form.form button.first")
    expect(page.locator("#f-quota-error")).to_contain_text("cannot become negative")
    root.complaints.clear()  # The browser notes the status 422.


def test_an_unlimited_balance_is_set_in_the_form_and_told_to_its_owner(
    root: Reader, site: Site, browser: Browser
) -> None:
    client = site.api("root", PASSWORD)
    client.post("/api/user/", json={"username": "boundless", "password": PASSWORD})
    (found,) = client.get("/api/user/search?keyword=boundless").json()["data"]
    page = root.page
    page.goto(f"/users/{found['id']}/edit")
    page.check("#f-unlimited_quota")
    expect(page.locator("#f-quota")).to_be_hidden()
    page.click("main .sticky-foot button.first")
    page.wait_for_url(f"**/users/{found['id']}")
    expect(page.locator("main .facts")).to_contain_text("is kept for when there is a limit again")
    page.goto("/users?q=boundless")
    expect(page.locator("main tbody")).to_contain_text("Unlimited")
    with reader(browser, site) as owner:
        owner.sign_in("boundless", PASSWORD)
        owner.page.goto("/topup")
        expect(owner.page.locator("main .big-figure")).to_have_text("Unlimited")
        owner.page.goto("/")
        expect(owner.page.locator(".own .big-figure")).to_have_text("Unlimited")


def test_a_user_form_names_each_broken_rule_at_its_field_and_keeps_the_rest(root: Reader) -> None:
    page = root.page
    page.goto("/users/new")
    page.evaluate("document.querySelector('main form.form').noValidate = true")
    page.fill("#f-username", "a b")
    page.fill("#f-email", "nonsense")
    page.fill("#f-password", "short")
    page.fill("#f-display_name", "Kept")
    page.click("main .sticky-foot button.first")
    expect(page.locator("#f-username-error")).to_contain_text("Letters, digits")
    expect(page.locator("#f-email-error")).to_contain_text("does not look like")
    expect(page.locator("#f-password-error")).to_contain_text("Between 8 and 64")
    expect(page.locator("#f-display_name")).to_have_value("Kept")
    assert page.locator(".summary li").count() == 3
    root.complaints.clear()  # The browser notes the status 422.


def test_administrators_find_no_buttons_on_their_equals(site: Site, browser: Browser, states: dict[str, Any]) -> None:
    with reader(browser, site, state=states["admin"]) as one:
        one.page.goto("/users?role=100")
        expect(one.page.locator("tbody tr")).to_have_count(1)
        expect(one.page.locator("tbody .acts :is(a, button, summary)")).to_have_count(0)
        expect(one.page.locator("tbody .pick input")).to_have_count(0)
        assert one.complaints == []


def test_a_code_expires_in_one_s_own_zone_and_can_be_exported_with_others(root: Reader) -> None:
    page = root.page
    page.goto("/codes/new")
    page.fill("#f-name", "brief")
    page.fill("#f-quota", "1")
    page.fill("#f-count", "2")
    page.fill("#f-expires_at", "2001-01-01T10:00")
    page.click("main form button.first")
    expect(page.locator("#f-expires_at-error")).to_contain_text("still to come")
    page.fill("#f-expires_at", "2099-01-01T10:00")
    page.click("main form button.first")
    expect(page.locator("main")).to_contain_text("Good until 2099-01-01 10:00")
    page.goto("/codes?batch=brief")
    for box in page.locator("tbody .pick input").all():
        box.check()
    with page.expect_download() as download:
        page.click("#bulk button[value=export]")
    text = Path(download.value.path()).read_text("utf-8-sig")
    assert text.count("brief") == 2
    assert "2099-01-01" in text
    root.complaints.clear()  # The browser notes the status 422.


def test_sessions_are_listed_and_ended_one_by_one(site: Site, browser: Browser) -> None:
    site.api("root", PASSWORD).post("/api/user/", json={"username": "twice", "password": PASSWORD})
    with reader(browser, site) as one, reader(browser, site) as other:
        one.sign_in("twice", PASSWORD)
        other.sign_in("twice", PASSWORD)
        page = one.page
        page.goto("/profile")
        expect(page.locator("main tbody tr")).to_have_count(2)
        page.locator("main tbody tr", has_text="Chrome").get_by_role("button", name="End the session").click()
        expect(page.locator("#toasts")).to_contain_text("That session is ended.")
        expect(page.locator("main tbody tr")).to_have_count(1)
        other.page.goto("/profile")
        assert "/login" in other.page.url


def test_signing_out_leaves_other_browsers_signed_in(site: Site, browser: Browser) -> None:
    site.api("root", PASSWORD).post("/api/user/", json={"username": "both", "password": PASSWORD})
    with reader(browser, site) as one, reader(browser, site) as other:
        one.sign_in("both", PASSWORD)
        other.sign_in("both", PASSWORD)
        one.page.goto("/profile")
        one.page.click(".rail .menu summary")
        one.page.click(".rail .menu >> text=Sign out")
        one.page.wait_for_url("**/login")
        other.page.goto("/profile")
        expect(other.page.locator("main h1")).to_have_text("Profile")


def test_a_recovery_code_stands_in_for_a_lost_authenticator(site: Site, browser: Browser) -> None:
    site.api("root", PASSWORD).post("/api/user/", json={"username": "loser", "password": PASSWORD})
    with reader(browser, site) as one:
        page = one.page
        one.sign_in("loser", PASSWORD)
        page.goto("/profile/2fa")
        secret = page.locator("#secret").inner_text()
        page.fill("#f-totp_code", code_at(secret, int(time.time()) // PERIOD_S))
        page.click("main button.first")
        expect(page.locator("#codes li")).to_have_count(10)
        code = page.locator("#codes li").first.inner_text().strip()
        page.context.clear_cookies(name="session")
        page.goto("/login")
        page.fill("#f-username", "loser")
        page.fill("#f-password", PASSWORD)
        page.click("button.first")
        page.click("text=Use a recovery code")
        page.fill("#f-totp_code", code)
        time.sleep(1.1)  # One attempt a second.
        page.click("button.first")
        page.wait_for_url(lambda url: "/login" not in url)
        page.goto("/profile")
        expect(page.locator("main")).to_contain_text("9 left")


def test_the_zone_that_is_chosen_goes_before_the_browser_s(person: Reader) -> None:
    page = person.page
    page.goto("/profile")
    page.select_option("#f-zone", "Asia/Shanghai")
    with page.expect_response("**/preferences"):
        page.locator("form[action='/preferences']", has=page.locator("#f-zone")).locator("button.first").click()
    expect(page.locator("#f-zone")).to_have_value("Asia/Shanghai")
    page.goto("/tokens/new")
    page.select_option("#f-expires", "at")
    expect(page.locator("#f-expires_at-help")).to_contain_text("Asia/Shanghai")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "plain forms"])
def test_the_first_visit_is_three_steps(tmp_path: Path, browser: Browser, provider: str, script: bool) -> None:
    with running_site(tmp_path) as fresh, reader(browser, fresh, script=script) as one:
        page = one.page
        one.sign_in("root", "123456")
        page.fill("#f-password", PASSWORD)
        page.click("main form button.first")
        page.select_option("#f-type", label="OpenAI Compatible")
        page.fill("#f-key", "sk-upstream")
        page.fill("#f-base_url", provider)
        page.click("main form button.first")
        expect(page.locator("#toasts")).to_contain_text("OpenAI Compatible is connected, with 2 models.")
        page.click("main form button.first")
        expect(page.locator("#s-openai")).to_contain_text(f"curl {fresh.url}/v1/chat/completions")
        expect(page.locator("#s-anthropic")).to_contain_text("/v1/messages")
        expect(page.locator("#s-gemini")).to_contain_text(":generateContent")
        assert answers(fresh, page.locator("#key").inner_text())
        assert one.complaints == []


def test_after_many_wrong_passwords_the_seconds_to_wait_are_told(site: Site, browser: Browser) -> None:
    site.api("root", PASSWORD).post("/api/user/", json={"username": "guessed", "password": PASSWORD})
    with httpx2.Client(base_url=site.url, trust_env=False, verify=no_tls()) as client:
        for _ in range(12):
            client.post("/api/user/login", json={"username": "guessed", "password": "wrong-one"})
    with reader(browser, site) as one:
        one.page.goto("/login")
        one.page.fill("#f-username", "guessed")
        one.page.fill("#f-password", PASSWORD)
        one.page.click("button.first")
        expect(one.page.locator(".summary")).to_contain_text("seconds")


def test_of_two_editors_each_sees_what_the_other_wrote_and_chooses(person: Reader, site: Site) -> None:
    client = site.api("user", PASSWORD)
    made = client.post("/api/token/", json={"name": "contested", "remain_quota": 5}).json()["data"]
    page = person.page
    page.goto(f"/tokens/{made['id']}/edit")
    client.put("/api/token/", json={"id": made["id"], "name": "theirs", "models": "model-a"})
    page.fill("#f-name", "mine")
    page.click("main .sticky-foot button.first")
    conflict = page.locator("main form table")
    expect(conflict.locator("tr", has_text="Name")).to_contain_text("theirs")
    conflict.locator("tr", has_text="Models").get_by_role("checkbox").check()
    page.click("main .sticky-foot button.first")
    expect(page.locator("#toasts")).to_contain_text("Token mine was saved.")
    stored = client.get(f"/api/token/{made['id']}").json()["data"]
    assert (stored["name"], stored["models"]) == ("mine", "model-a")
    person.complaints.clear()  # The browser notes the status 422.


def test_after_a_few_tries_a_visitor_has_to_prove_to_be_a_person(site: Site) -> None:
    root = site.api("root", PASSWORD)

    def switch(value: str) -> None:
        for key, text in (
            ("TurnstileSiteKey", "site"),
            ("TurnstileSecretKey", "secret"),
            ("TurnstileCheckEnabled", value),
        ):
            assert root.put("/api/option/", json={"key": key, "value": text}).json()["success"]

    switch("true")
    try:
        with httpx2.Client(base_url=site.url, trust_env=False, verify=no_tls()) as client:
            pages: list[str] = []
            for _ in range(6):
                token = client.get("/login").text.split('name="csrf" value="')[1].split('"')[0]
                sent = {"csrf": token, "username": "no-such-person", "password": "wrong-one"}
                pages.append(client.post("/login", data=sent, headers={"Accept-Language": "en"}).text)
        assert "cf-turnstile" not in pages[0]
        assert "is wrong" in pages[0]
        assert "cf-turnstile" in pages[-1]
        assert "is wrong" not in pages[-1], "nothing is said of the password before"
    finally:
        switch("false")


def test_many_rows_are_changed_by_a_job_that_tells_how_it_went(site: Site, browser: Browser) -> None:
    site.api("root", PASSWORD).post("/api/user/", json={"username": "hoarder", "password": PASSWORD})
    client = site.api("hoarder", PASSWORD)
    for number in range(60):
        assert client.post("/api/token/", json={"name": f"heap {number}", "unlimited_quota": True}).json()["success"]
    with reader(browser, site) as one:
        one.sign_in("hoarder", PASSWORD)
        page = one.page
        page.goto("/tokens?q=heap")
        page.locator("tbody .pick input").first.check()
        page.check("#bulk input[name=all]")
        page.click("#bulk button[value=disable]")
        expect(page.locator("main [role=status]")).to_contain_text("60 tokens are disabled.")
        page.click("main .head >> text=Undo")
        expect(page.locator("main [role=status]")).to_contain_text("60 tokens are enabled.")
        page.click("text=Back to the list")
        expect(page.locator("tbody .state").first).to_have_text("Enabled")
        assert one.complaints == []
    # One entry for each of the two, whatever the rows; each row's own history tells of them, too.
    with reader(browser, site) as one:
        one.sign_in("root", PASSWORD)
        page = one.page
        page.goto("/audit?kind=token&who=hoarder&action=disable")
        expect(page.locator("#list tbody tr")).to_have_count(1)
        expect(page.locator("#list tbody tr")).to_contain_text("60 tokens at once")
        page.click("#list tbody >> text=60 tokens at once")
        expect(page.locator("h1")).to_contain_text("60 tokens at once: disabled")
        assert one.violations() == []
        expect(page.locator("#list tbody tr")).to_have_count(50)
        page.click("#list tbody tr >> nth=0 >> text=History of")
        expect(page.locator("#list tbody tr")).to_have_count(3)
        expect(page.locator("#list tbody tr").first).to_contain_text("with 59 others")
        assert one.complaints == []
