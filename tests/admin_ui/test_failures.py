"""What people see when a page cannot be shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from tests.admin_ui.browser import Site, reader, running_site
from tests.support.tls import no_tls


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that takes few pages from one address."""
    with running_site(tmp_path_factory.mktemp("strict"), GLOBAL_WEB_RATE_LIMIT="3") as running:
        yield running


def test_too_many_pages_are_answered_with_the_seconds_to_wait(strict: Site) -> None:
    with httpx2.Client(
        base_url=strict.url, trust_env=False, verify=no_tls(), headers={"Accept-Language": "en"}
    ) as client:
        for _ in range(3):
            assert client.get("/login").status_code == 200
        refused = client.get("/login?next=/users")
    assert refused.status_code == 429
    seconds = int(refused.headers["retry-after"])
    assert 150 < seconds <= 180
    assert f"Try again in {seconds} seconds." in refused.text
    assert 'href="/login?next=/users"' in refused.text


@pytest.fixture(scope="module")
def careful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that takes few attempts to sign in from one address."""
    with running_site(tmp_path_factory.mktemp("careful"), CRITICAL_RATE_LIMIT="2") as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("script", [True, False])
def test_too_many_sign_ins_say_on_the_form_how_long_to_wait(careful: Site, browser: Browser, script: bool) -> None:
    with reader(browser, careful, script=script) as one:
        page = one.page
        page.goto("/login?next=/users")
        for _ in range(3):
            page.fill("#f-username", "somebody")
            page.fill("#f-password", "not this one")
            with page.expect_response(lambda r: r.request.method == "POST") as last:
                page.click("button.first")
            page.wait_for_load_state()
        assert last.value.status == 429
        seconds = int(last.value.headers["retry-after"])
        summary = page.locator(".summary")
        expect(summary).to_contain_text("Too many attempts from your address. Try again in")
        assert f"{seconds:,}" in summary.inner_text()
        expect(page.locator("#f-username")).to_have_value("somebody")
        expect(page.locator("#f-password")).to_have_value("")
        expect(page.locator("form.form [name=next]")).to_have_value("/users")


@pytest.mark.slow
def test_who_may_not_see_a_page_is_told_for_whom_it_is(site: Site, browser: Browser, states: dict[str, Any]) -> None:
    with reader(browser, site, state=states["admin"]) as one:
        one.page.goto("/system")
        expect(one.page.locator("[role=alert]")).to_have_text("This page is for root.")
        expect(one.page.locator("main")).to_contain_text("You are signed in as admin.")
        expect(one.page.locator("main code")).not_to_be_empty()
        assert one.violations() == []
