"""The proxy between us and providers, if there is one (`RELAY_PROXY`).

http://[user:password@]host[:port]     plain HTTP goes through in absolute form, TLS through CONNECT
https://…                              the same over TLS to the proxy
socks5://…, socks5h://…                names are resolved by the proxy in both cases
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from adapters.transport.message import ResponseReader
from adapters.transport.target import Origin, basic_credentials, split_url
from adapters.transport.types import ConnectFailed, RequestInvalid

if TYPE_CHECKING:
    from adapters.transport.tls import ByteStream

_DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_READ_BYTES = 4096
_OK = 200
_MULTIPLE_CHOICES = 300
_AUTHENTICATION_REQUIRED = 407


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy's address and credentials."""

    origin: Origin
    authorization: bytes = b""
    """`Basic …`, or empty."""
    user: str = ""
    password: str = ""

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS, not HTTP."""
        return self.origin.scheme.startswith("socks")

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """What the proxy itself wants to see in a request."""
        return ((b"Proxy-Authorization", self.authorization),) if self.authorization else ()


def parse_proxy(url: str) -> Proxy | None:
    """Return the proxy that `url` names, `None` for an empty one. Raises `ValueError`, without repeating it."""
    if not url.strip():
        return None
    try:
        origin, parts = split_url(url.strip(), _DEFAULT_PORTS)
    except RequestInvalid as error:
        raise ValueError(str(error)) from None
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("a proxy's URL has no path")
    return Proxy(
        origin=origin,
        authorization=basic_credentials(parts),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


async def open_tunnel(stream: ByteStream, proxy: Proxy, target: Origin) -> None:
    """Ask an HTTP proxy for a tunnel to `target`. Raises `ConnectFailed`, and what `stream` raises."""
    authority = target.authority.encode()
    lines = [b"CONNECT %s HTTP/1.1" % authority, b"Host: %s" % authority]
    lines.extend(b"%s: %s" % header for header in proxy.headers)
    await stream.send_all(b"\r\n".join(lines) + b"\r\n\r\n")
    # To HEAD no body follows, whatever the headers say; to CONNECT neither, if it succeeded.
    reader = ResponseReader("HEAD")
    while not reader.is_begun:
        reader.feed(bytes(await stream.receive_some(_READ_BYTES)))
        if reader.failure is not None:
            raise ConnectFailed("the proxy did not answer in HTTP") from reader.failure
    if reader.status == _AUTHENTICATION_REQUIRED:
        raise ConnectFailed("the proxy wants other credentials")
    if not _OK <= reader.status < _MULTIPLE_CHOICES:
        raise ConnectFailed(f"the proxy refused the connection with status {reader.status}")
