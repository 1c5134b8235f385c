"""Where a request goes: a URL taken apart once into what a connection and a request line need.

Base URLs come from channel settings that people typed. So host names may be international, literal IPv6, or carry
credentials; anything that cannot be sent as it stands is refused here, before a socket is opened.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, quote, unquote, urlsplit

import idna

from adapters.transport.types import RequestInvalid

DEFAULT_PORTS = {"http": 80, "https": 443}
_PATH_SAFE = "/%:@!$&'()*+,;=~"
_QUERY_SAFE = _PATH_SAFE + "?"
_LABEL = re.compile(r"[a-z0-9_-]{1,63}", re.ASCII)
_LAST_CONTROL = 0x1F
_DELETE = 0x7F


@dataclass(frozen=True, slots=True)
class Origin:
    """One end of a connection. Kept-alive connections are shared between requests to equal origins."""

    scheme: str
    host: str
    """In ASCII, without the brackets of IPv6."""
    port: int

    @property
    def authority(self) -> str:
        """`host:port` with the brackets that IPv6 needs."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A URL, ready for the wire."""

    origin: Origin
    host_header: bytes
    """Host as the server expects it: no port where it is the scheme's own."""
    path: bytes
    """Path and query, percent-encoded."""
    authorization: bytes
    """`Basic …` made from credentials in the URL; empty without any."""

    @property
    def absolute(self) -> bytes:
        """The whole URL without credentials: what the request line to a plain HTTP proxy holds."""
        return b"%s://%s%s" % (self.origin.scheme.encode(), self.host_header, self.path)


def parse_target(url: str) -> Target:
    """Take `url` apart. Raises `RequestInvalid` for anything but a complete http or https URL."""
    if any(ord(c) <= _LAST_CONTROL or ord(c) == _DELETE for c in url):
        # urlsplit drops line breaks in silence, which would send the request to another path than the one written.
        raise RequestInvalid("the URL holds a control character")
    origin, parts = split_url(url, DEFAULT_PORTS)
    path = quote(parts.path or "/", safe=_PATH_SAFE)
    if parts.query:
        path += "?" + quote(parts.query, safe=_QUERY_SAFE)
    bare = f"[{origin.host}]" if ":" in origin.host else origin.host
    is_default = origin.port == DEFAULT_PORTS[origin.scheme]
    return Target(
        origin=origin,
        host_header=(bare if is_default else origin.authority).encode(),
        path=path.encode(),
        authorization=basic_credentials(parts),
    )


def split_url(url: str, default_ports: dict[str, int]) -> tuple[Origin, SplitResult]:
    """Return the origin of `url` and its parts. Raises `RequestInvalid`; the message does not repeat the URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise RequestInvalid("the URL is malformed") from error
    if parts.scheme not in default_ports:
        raise RequestInvalid(f"the URL's scheme must be one of {', '.join(default_ports)}")
    if not host:
        raise RequestInvalid("the URL has no host")
    if port == 0:
        raise RequestInvalid("the URL's port must be between 1 and 65535")
    return Origin(parts.scheme, _ascii_host(host), port or default_ports[parts.scheme]), parts


def basic_credentials(parts: SplitResult) -> bytes:
    """Return `Basic …` for the credentials in a URL, or nothing if it has none."""
    if parts.username is None:
        return b""
    text = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return b"Basic " + b64encode(text.encode())


def _ascii_host(host: str) -> str:
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    if host.isascii():
        # Not through IDNA: names of containers and services hold underscores, which IDNA forbids.
        if not all(_LABEL.fullmatch(label) for label in host.removesuffix(".").split(".")):
            raise RequestInvalid("the URL's host name is not a valid name")
        return host
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise RequestInvalid("the URL's host name is not a valid international name") from error
