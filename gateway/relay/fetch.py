"""Fetch an image that a user names, without letting users reach into our network.

The address is checked at the moment of connecting, after the name was looked up, so that neither a redirect
nor a name that changes its address gets around it. Size and time are bounded; nothing is kept.
"""

from __future__ import annotations

import base64
import ipaddress
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urljoin

import httpcore2
import trio

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterable

    from gateway.observe.types import Journal

REDIRECTS = 3
_CONNECTIONS = 20
_TYPES = ("image/", "application/octet-stream", "binary/octet-stream")

_Found: TypeAlias = tuple[str, bytes]
"""Media type and bytes."""


class AddressRefused(httpcore2.ConnectError):
    """The name leads to an address that users may not have fetched."""


def is_public(address: str) -> bool:
    """Whether `address` (an IP address, perhaps with a zone) is one of the open internet."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        # An IPv4 address in disguise is judged as what it is.
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast


class PublicOnly(httpcore2.AsyncNetworkBackend):
    """Connects to public addresses only, each checked after the look-up and before the connection."""

    def __init__(self, inner: httpcore2.AsyncNetworkBackend) -> None:
        self._inner = inner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of `host` if all of them are public. Raises `AddressRefused`."""
        try:
            found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        addresses = [str(entry[4][0]) for entry in found]
        if not addresses or not all(is_public(address) for address in addresses):
            raise AddressRefused("not a public address")
        return await self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: no user names a socket of ours."""
        raise AddressRefused("not a public address")

    async def sleep(self, seconds: float) -> None:
        """Sleep, as the pool asks for between its own retries."""
        await trio.sleep(seconds)


class HttpImageFetcher:
    """Fetches images over HTTP(S): HEAD to look first, then GET; up to `max_bytes`, within `timeout_s` in all."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext,
        max_bytes: int,
        timeout_s: float,
        allow_private: bool,
        proxy_url: str,
        journal: Journal,
    ) -> None:
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._journal = journal
        self._pool: httpcore2.AsyncConnectionPool
        if proxy_url:
            # The proxy does the look-up, so the proxy's rules decide what may be reached.
            self._pool = httpcore2.AsyncHTTPProxy(proxy_url, ssl_context=tls, max_connections=_CONNECTIONS)
        else:
            backend = httpcore2.TrioBackend()
            self._pool = httpcore2.AsyncConnectionPool(
                ssl_context=tls,
                max_connections=_CONNECTIONS,
                network_backend=backend if allow_private else PublicOnly(backend),
            )

    async def data_url(self, url: str) -> str | None:
        """Return the image as a `data:` URL, or `None` when it may not or cannot be had."""
        found = await self._within_limits(self._look_and_get, url)
        if found is None:
            return None
        kind, body = found
        return f"data:{kind};base64,{base64.b64encode(body).decode('ascii')}"

    async def picture(self, url: str) -> bytes | None:
        """Return a picture that a provider made, or `None` when it may not or cannot be had.

        Such addresses are often signed for GET alone, so nobody looks first.
        """
        found = await self._within_limits(self._get, url)
        return None if found is None else found[1]

    async def _within_limits(self, fetch: Callable[[str], Awaitable[_Found]], url: str) -> _Found | None:
        reason = "took too long"
        with trio.move_on_after(self._timeout_s):
            try:
                return await fetch(url)
            except AddressRefused:
                reason = "not a public address"
            except _Unsuitable as error:
                reason = str(error)
            except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, httpcore2.ProxyError,
                    httpcore2.UnsupportedProtocol, ValueError, UnicodeError) as error:  # fmt: skip
                reason = type(error).__name__
        self._journal.event("info", "image.unfetched", f"an image stays a URL: {reason}")
        return None

    async def _look_and_get(self, url: str) -> _Found:
        for _ in range(REDIRECTS + 1):
            # Providers of images that refuse HEAD are asked with GET all the same.
            following = await self._look(url)
            if following is None:
                return await self._get(url)
            url = following
        raise _Unsuitable("too many redirects")

    async def _get(self, url: str) -> _Found:
        for _ in range(REDIRECTS + 1):
            async with self._pool.stream("GET", url) as response:
                following = _redirected(url, response)
                if following is None:
                    return await self._read(response)
            url = following
        raise _Unsuitable("too many redirects")

    async def _read(self, response: httpcore2.Response) -> _Found:
        if response.status != 200:
            raise _Unsuitable(f"status {response.status}")
        kind = self._kind(response)
        body = bytearray()
        async with aclosing(response.aiter_stream()) as pieces:
            async for piece in pieces:
                body += piece
                if len(body) > self._max_bytes:
                    raise _Unsuitable("too large")
        return kind, bytes(body)

    async def _look(self, url: str) -> str | None:
        """Ask for the head; return where it points to, if it is a redirect. Raises `_Unsuitable` for no image."""
        async with self._pool.stream("HEAD", url) as response:
            if (following := _redirected(url, response)) is not None:
                return following
            if response.status == 200:
                self._kind(response)
                if int(_headers(response).get("content-length") or 0) > self._max_bytes:
                    raise _Unsuitable("too large")
        return None

    @staticmethod
    def _kind(response: httpcore2.Response) -> str:
        kind = _headers(response).get("content-type", "").partition(";")[0].strip().lower()
        if not kind.startswith(_TYPES):
            raise _Unsuitable("not an image")
        return kind

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pool.aclose()


class _Unsuitable(Exception):
    """What was found is no image that may be sent on."""


def _redirected(url: str, response: httpcore2.Response) -> str | None:
    """Return where an answer points to, if it is a redirect. Raises `_Unsuitable`."""
    target = _headers(response).get("location", "")
    if not 300 <= response.status < 400 or not target:
        return None
    target = urljoin(url, target)
    if not target.startswith(("http://", "https://")):
        raise _Unsuitable("redirected to another scheme")
    return target


def _headers(response: httpcore2.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
