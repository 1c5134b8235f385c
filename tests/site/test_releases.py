"""The release check asks nobody unless somebody wants it, once a day at most, and tells what it found or why not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from gateway.audit.author import PROGRAM
from gateway.site.option_batch import OptionsRefused, set_options
from gateway.site.releases import EVERY_S, Releases, is_newer
from tests.management.conftest import site, site_everywhere, sqlite
from tests.management.site import Site

__all__ = ["site", "site_everywhere", "sqlite"]


class Publisher(ThreadingHTTPServer):
    """Says what the newest version is, and counts who asks."""

    answer = b""
    asked = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/latest"

    def says(self, **members: object) -> None:
        self.answer = json.dumps(members).encode()


class _Handler(BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:
        self.server.asked += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher(("127.0.0.1", 0), _Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


async def _switch(site: Site, address: str, on: bool = True) -> None:
    changes = {"ReleaseCheckAddress": address, "ReleaseCheckEnabled": "true" if on else "false"}
    await set_options(site.services, PROGRAM, changes)


async def test_nothing_is_asked_until_somebody_wants_it(site: Site, publisher: Publisher) -> None:
    releases = Releases(site.services, site.outside.web)
    await releases.look()
    await _switch(site, publisher.url, on=False)
    await releases.look()
    assert (publisher.asked, releases.finding, releases.newer) == (0, None, None)
    with pytest.raises(OptionsRefused):
        await _switch(site, "")


async def test_it_is_asked_once_a_day_by_all_processes_together(site_everywhere: Site, publisher: Publisher) -> None:
    site, clock = site_everywhere, Clock()
    one, other = (Releases(site.services, site.outside.web, now_s=clock) for _ in range(2))
    worker = Releases(site.services, site.outside.web, asks=False, now_s=clock)
    publisher.says(tag_name="v99.1", html_url="https://example.com/v99.1")
    await _switch(site, publisher.url)
    await worker.look()
    assert (publisher.asked, worker.finding) == (0, None)
    for releases in (one, other, worker, one):
        await releases.look()
        found = releases.newer
        assert found is not None
        assert (found.newest, found.page) == ("v99.1", "https://example.com/v99.1")
    assert publisher.asked == 1
    clock.now += EVERY_S - 1
    await other.look()
    assert publisher.asked == 1
    clock.now += 1
    await other.look()
    assert publisher.asked == 2
    await _switch(site, publisher.url, on=False)
    await one.look()
    assert one.newer is None


async def test_a_failure_is_kept_for_the_day_and_what_was_known_stays(site: Site, publisher: Publisher) -> None:
    clock = Clock()
    releases = Releases(site.services, site.outside.web, now_s=clock)
    publisher.says(version="99.0.0")
    await _switch(site, publisher.url)
    await releases.look()
    for answer, why in ((b"<html>", "cannot be read"), (b'{"tag_name": "latest"}', "names no version")):
        clock.now += EVERY_S
        publisher.answer = answer
        await releases.look()
        assert releases.finding is not None
        assert why in releases.finding.fault
        assert releases.newer is not None
    asked = publisher.asked
    await releases.look()
    assert publisher.asked == asked
    await _switch(site, "http://127.0.0.1:1/")
    await releases.look()
    assert releases.finding is not None
    assert (releases.finding.newest, releases.newer) == ("", None)
    assert "cannot be reached" in releases.finding.fault
    # Nobody is woken by it.
    assert [event for event, _, _ in site.notes.events if event.startswith("releases")] == []


@pytest.mark.parametrize(
    ("one", "other", "newer"),
    [
        ("v1.2.0", "v1.1.9", True),
        ("1.10", "v1.9.3", True),
        ("v1.2.0", "1.2", False),
        ("v1.2.0", "v1.2.0-rc1", True),
        ("v1.2.0-rc1", "v1.2.0", False),
        ("v1.2.0-rc2", "v1.2.0-rc1", True),
        ("v1.2.0+build5", "v1.2.0", False),
        ("latest", "v0.1.0", False),
        ("", "v0.1.0", False),
        ("v9" * 40, "v0.1.0", False),
    ],
)
def test_versions_are_compared_by_their_numbers(one: str, other: str, newer: bool) -> None:
    assert is_newer(one, other) is newer
