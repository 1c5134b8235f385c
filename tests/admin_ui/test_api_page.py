"""The page of the API, which is not one of the UI's: readable by everybody, on every screen."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Browser

from tests.admin_ui.browser import Site, reader

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_api_is_readable(site: Site, browser: Browser, width: int, scheme: Literal["light", "dark"]) -> None:
    with reader(browser, site, width=width) as one:
        one.page.emulate_media(color_scheme=scheme)
        one.page.goto("/api/docs#create_token")
        # Some of all kinds: all of them would take axe minutes.
        one.page.evaluate("document.querySelectorAll('details').forEach((d, i) => { d.open = i % 11 === 0 })")
        assert one.violations() == []
        assert one.page.evaluate("document.documentElement.scrollWidth") <= width
        assert one.complaints == []


def test_the_api_is_readable_without_scripts(site: Site, browser: Browser) -> None:
    with reader(browser, site, script=False) as one:
        one.page.goto("/api/docs")
        one.page.locator("#create_token summary").click()
        assert one.page.locator("#create_token table").first.is_visible()
        assert one.complaints == []
