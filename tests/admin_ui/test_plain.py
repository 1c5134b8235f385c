"""Pages without scripts, and all that pages lead to."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import httpx2
import pytest
from playwright.sync_api import Browser

from tests.admin_ui.browser import PASSWORD, Site, reader
from tests.admin_ui.test_pages import PAGES

DEAD = """() => [...document.querySelectorAll('button, [role=button], a:not([href])')]
  .filter(each => each.checkVisibility({visibilityProperty: true}) && !each.closest('.hush'))
  .filter(each => !(each.form && each.type === 'submit') && !each.hasAttribute('popovertarget'))
  .map(each => each.outerHTML.slice(0, 120))"""


@pytest.mark.slow
@pytest.mark.parametrize("role", PAGES)
def test_without_scripts_no_button_is_dead(site: Site, browser: Browser, states: dict[str, Any], role: str) -> None:
    found: dict[str, list[str]] = {}
    with reader(browser, site, script=False, state=states[role]) as one:
        for path in PAGES[role]:
            one.page.goto(path)
            dead = one.page.evaluate(DEAD)
            if dead:
                found[path] = dead
    assert found == {}


@pytest.mark.slow
@pytest.mark.parametrize("role", PAGES)
def test_no_page_scrolls_sideways_at_320_pixels(
    site: Site, browser: Browser, states: dict[str, Any], role: str
) -> None:
    # What a window of 1,280 pixels has at 400 % (WCAG 1.4.10).
    wide: list[str] = []
    with reader(browser, site, width=320, state=states[role]) as one:
        for path in PAGES[role]:
            one.page.goto(path, wait_until="domcontentloaded")
            if one.scrolls_sideways():
                wide.append(path)
    assert wide == []


class _Links(HTMLParser):
    """Collects addresses of links, and of forms that are fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._templates = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where a link or a form leads."""
        of = dict(attrs)
        self._templates += tag == "template"
        if self._templates:
            return
        if tag == "a" and of.get("href"):
            self.found.append(of["href"] or "")
        if tag == "form" and (of.get("method") or "get").lower() == "get" and of.get("action"):
            self.found.append(of["action"] or "")
        if of.get("hx-get"):
            self.found.append(of["hx-get"] or "")

    def handle_endtag(self, tag: str) -> None:
        """Leave what is only a pattern for scripts."""
        self._templates -= tag == "template"


def _kind(address: str) -> str:
    """What many addresses have in common: numbers and values differ."""
    path, mark, _query = address.partition("?")
    return re.sub(r"(?<=/)(\d+|[0-9a-f]{12,}|c?\d+-\d+)(?=/|$)", "N", path) + mark


@pytest.mark.slow
@pytest.mark.parametrize("name", ["root", "user"])
def test_no_link_leads_nowhere(traffic: Site, name: str) -> None:
    client: httpx2.Client = traffic.api(name, PASSWORD)
    waiting, seen, broken = ["/", "/requests", "/profile"], {"/", "/requests", "/profile"}, {}
    while waiting:
        path = waiting.pop()
        answer = client.get(path, follow_redirects=True, headers={"Accept-Language": "en"})
        if answer.status_code != 200:
            broken[path] = answer.status_code
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        links = _Links()
        links.feed(answer.text)
        for href in links.found:
            target = urljoin(f"{traffic.url}{path}", href)
            if not target.startswith(traffic.url + "/") or "/static/" in target:
                continue
            target = target.removeprefix(traffic.url).partition("#")[0]
            # Streams do not end; what third parties offer is not there.
            if _kind(target) in seen or "/events" in target or target.startswith("/oauth"):
                continue
            seen.add(_kind(target))
            waiting.append(target)
    assert broken == {}
    assert len(seen) > 20
