"""How people come in, in a browser, against the running program: by mail, with an authenticator, with a third party."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from gateway.accounts.totp import PERIOD_S, code_at
from tests.admin_ui.browser import PASSWORD, Reader, Site, reader, running_site
from tests.support.background import in_background
from tests.support.mailbox import Mailbox, mailbox
from tests.support.third_parties import CLIENT, SECRET, ThirdParties, third_parties

pytestmark = pytest.mark.slow


@dataclass
class Town:
    """A site, its mail, and an OpenID Connect provider where everybody is known."""

    site: Site
    box: Mailbox
    others: ThirdParties


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A site where addresses are verified, with a mail server and an OpenID Connect provider on loopback."""
    folder: Path = tmp_path_factory.mktemp("town")
    with mailbox() as box, in_background(third_parties()) as others, running_site(folder) as site:
        root = site.api("root", "123456")
        for key, value in {
            "ServerAddress": site.url,
            "EmailVerificationEnabled": "true",
            "SMTPServer": "127.0.0.1",
            "SMTPPort": str(box.port),
            "SMTPFrom": "gate@example.com",
            "OidcClientId": CLIENT,
            "OidcClientSecret": SECRET,
            "OidcWellKnown": f"{others.value.url}/.well-known/openid-configuration",
            "OidcEnabled": "true",
        }.items():
            answer = root.put("/api/option/", json={"key": key, "value": value}).json()
            assert answer["success"], (key, answer)
        yield Town(site, box, others.value)


def be_known(one: Reader, town: Town, name: str) -> None:
    """Have somebody signed in at the third party, in this browser."""
    town.others.people[name] = {"preferred_username": name, "name": name.title()}
    one.page.context.add_cookies([{"name": "login_as", "value": name, "url": town.others.url}])


def register(one: Reader, town: Town, name: str) -> str:
    """Make an account on the page, with a code from the mail; return its address."""
    page, address = one.page, f"{name}@example.com"
    page.goto("/register")
    page.fill("#f-username", name)
    page.fill("#f-password", PASSWORD)
    page.fill("#f-email", address)
    page.click("text=Send me a code")
    expect(page.locator("#toasts")).to_contain_text(address)
    page.fill("#f-password", PASSWORD)
    page.fill("#f-code", town.box.last_to(address).code)
    page.click("main button.first")
    page.wait_for_url(lambda url: "/register" not in url)
    return address


def set_second_factor_up(one: Reader) -> str:
    """Follow the page of the second factor; return the secret that the authenticator would keep."""
    one.page.goto("/profile/2fa")
    secret = one.page.locator("#secret").inner_text()
    one.page.fill("#f-totp_code", code_at(secret, int(time.time()) // PERIOD_S - 1))
    one.page.click("main button.first")
    assert "takes a code" in one.toast()
    return secret


def send_code(one: Reader, secret: str) -> None:
    """Type the authenticator's code where it is asked for."""
    expect(one.page.locator("h1")).to_have_text("Second step")
    time.sleep(1.1)  # One attempt a second.
    one.page.fill("#f-totp_code", code_at(secret, int(time.time()) // PERIOD_S))
    one.page.click("button.first")
    one.page.wait_for_url(lambda url: "/login" not in url)


def link_in(text: str) -> str:
    """The address in a letter, without the site's own."""
    (link,) = [word for word in text.split() if "/user/reset?" in word]
    url = urlsplit(link)
    return f"{url.path}?{url.query}"


def test_a_newcomer_registers_with_a_mailed_code_and_signs_in(town: Town, browser: Browser) -> None:
    with reader(browser, town.site) as one:
        address = register(one, town, "nora")
        one.page.context.clear_cookies()
        one.sign_in(address, PASSWORD)
        one.page.goto("/profile")
        expect(one.page.locator("#f-email")).to_have_value(address)
        assert one.complaints == []


def test_a_forgotten_password_is_replaced_by_a_mailed_link(town: Town, browser: Browser) -> None:
    with reader(browser, town.site) as one:
        address = register(one, town, "frank")
        one.page.context.clear_cookies()
        before = len(town.box.deliveries)
        one.page.goto("/login")
        one.page.click("text=Forgot the password?")
        one.page.fill("#f-email", address)
        one.page.click("main button.first")
        expect(one.page.locator("main")).to_contain_text("on its way")
        letter = town.box.wait_here(before + 1)[-1]
        one.page.goto(link_in(letter.text))
        one.page.fill("#f-password", "another-secret")
        one.page.click("main button.first")
        one.page.wait_for_url(lambda url: "/user/reset" not in url)
        one.sign_in("frank", "another-secret")
        assert one.complaints == []


def test_an_identity_of_a_third_party_is_linked_and_the_second_factor_asked_for_all_the_same(
    town: Town, browser: Browser
) -> None:
    with reader(browser, town.site) as one:
        page = one.page
        be_known(one, town, "olga")
        register(one, town, "olga")
        one.sign_in("olga", PASSWORD)
        page.goto("/profile")
        page.click("[aria-label='Link OpenID Connect']")
        page.goto("/profile")
        expect(page.locator("main")).to_contain_text("sub-olga")
        secret = set_second_factor_up(one)
        page.context.clear_cookies(name="session")
        page.goto("/login")
        page.click("text=Continue with OpenID Connect")
        page.wait_for_url("**/login/code")
        assert page.context.request.get(f"{town.site.url}/api/user/self").status == 401
        send_code(one, secret)
        page.goto("/profile")
        expect(page.locator("#f-email")).to_have_value("olga@example.com")


def test_who_is_new_to_the_site_gets_an_account_from_a_third_party(town: Town, browser: Browser) -> None:
    with reader(browser, town.site) as one:
        be_known(one, town, "pete")
        one.page.goto("/login")
        one.page.click("text=Continue with OpenID Connect")
        one.page.wait_for_url(lambda url: url.rstrip("/") == town.site.url)
        one.page.goto("/profile")
        expect(one.page.locator("#f-username")).to_have_value("pete")
