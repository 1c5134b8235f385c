"""Fetching what users and providers name by address: pictures alone, within limits, and nothing of our own network."""

from __future__ import annotations

from base64 import b64encode
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio

from gateway.relay.fetch import HttpImageFetcher, is_public
from tests.adapters.transport.servers import read_request, served
from tests.relay.harness import Journal
from tests.support.tls import no_tls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100


def reply(status: int = 200, body: bytes = PNG, **headers: str) -> bytes:
    named = {"content-type": "image/png", "content-length": str(len(body)), "connection": "close"} | headers
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body


class Site:
    """Answers each request with what is set for its method and path, and remembers them."""

    def __init__(self, pages: dict[str, bytes]) -> None:
        self.pages = pages
        self.asked: list[str] = []
        self.url = ""

    async def serve(self, stream: trio.abc.Stream) -> None:
        head = (await read_request(stream)).decode()
        if not head:
            return
        method, path, _ = head.split(" ", 2)
        self.asked.append(f"{method} {path}")
        answer = self.pages.get(f"{method} {path}") or self.pages.get(path) or reply(404, b"")
        if answer == b"silent":
            await trio.sleep_forever()
        await stream.send_all(answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == "HEAD" else answer)


@asynccontextmanager
async def fetching(
    pages: dict[str, bytes], *, allow_private: bool = True, max_bytes: int = 1000
) -> AsyncIterator[tuple[HttpImageFetcher, Site, Journal]]:
    site, journal = Site(pages), Journal()
    async with served(site.serve) as port:
        site.url = f"http://127.0.0.1:{port}"
        fetcher = HttpImageFetcher(
            tls=no_tls(), max_bytes=max_bytes, timeout_s=0.5, allow_private=allow_private,
            proxy_url="", journal=journal,
        )  # fmt: skip
        try:
            yield fetcher, site, journal
        finally:
            await fetcher.aclose()


async def test_what_a_user_names_is_looked_at_before_it_is_fetched() -> None:
    async with fetching({"/a": reply()}) as (fetcher, site, _):
        assert await fetcher.data_url(site.url + "/a") == f"data:image/png;base64,{b64encode(PNG).decode()}"
        assert site.asked == ["HEAD /a", "GET /a"]


async def test_what_a_provider_made_is_fetched_at_once() -> None:
    """Such addresses are often signed for GET alone."""
    async with fetching({"HEAD /a": reply(403, b""), "GET /a": reply()}) as (fetcher, site, _):
        assert await fetcher.picture(site.url + "/a") == PNG
        assert site.asked == ["GET /a"]


async def test_redirects_are_followed_and_counted() -> None:
    pages = {f"/{n}": reply(302, b"", location=f"/{n + 1}") for n in range(10)} | {"/3": reply()}
    async with fetching(pages) as (fetcher, site, _):
        assert await fetcher.picture(site.url + "/0") == PNG
        assert await fetcher.picture(site.url + "/4") is None
        assert len(site.asked) == 8
        assert await fetcher.data_url(site.url + "/4") is None


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (reply(404, b"gone"), "status 404"),
        (reply(content_type="text/html"), "not an image"),
        (reply(body=b"x" * 1001), "too large"),
        (reply(302, b"", location="file:///etc/passwd"), "redirected to another scheme"),
        (reply(302, b""), "status 302"),
        (b"nonsense\r\n\r\n", "RemoteProtocolError"),
        (b"silent", "took too long"),
    ],
)
async def test_what_is_no_picture_is_not_fetched(page: bytes, reason: str) -> None:
    async with fetching({"/a": page}) as (fetcher, site, journal):
        assert await fetcher.picture(site.url + "/a") is None
        assert journal.events == [("image.unfetched", f"an image stays a URL: {reason}")]


@pytest.mark.parametrize("url", ["ftp://x.example/a", "no url", "http://", "http://[::1", "http://x.invalid/a"])
async def test_addresses_that_are_none_are_not_fetched(url: str) -> None:
    async with fetching({}) as (fetcher, _, _):
        assert await fetcher.picture(url) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
async def test_our_own_network_is_not_asked(host: str) -> None:
    async with fetching({"/a": reply()}, allow_private=False) as (fetcher, site, _):
        port = site.url.rpartition(":")[2]
        assert await fetcher.picture(f"http://{host}:{port}/a") is None
        assert await fetcher.data_url(f"http://{host}:{port}/a") is None
        assert site.asked == []


@pytest.mark.parametrize(
    ("address", "public"),
    [("8.8.8.8", True), ("2606:4700::1111", True), ("10.0.0.1", False), ("169.254.169.254", False), ("0.0.0.0", False),
     ("100.64.0.1", False), ("224.0.0.1", False), ("::ffff:10.0.0.1", False), ("2002:7f00:1::", False),
     ("fe80::1%eth0", False), ("fd00::1", False), ("no address", False)],
)  # fmt: skip
def test_public_addresses_are_told_from_others(address: str, *, public: bool) -> None:
    assert is_public(address) is public
