"""Who the client is, and which scheme it used, when proxies stand in between.

A forwarding header is believed only from a peer in `TRUSTED_PROXIES`, and read from its right end, where our own
proxies wrote: the client is the first address that is not one of ours. What stands to the left of it was sent by
the client and may be invented. Of several headers the first counts: `X-Forwarded-For`, `X-Real-IP`, `Forwarded`
(RFC 7239), because most proxies write the first and pass the last on as the client sent it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.lifecycle_types import Scope

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# One `name=value` of a Forwarded element; the value is a token or a quoted string.
_PAIR = re.compile(r'\s*([A-Za-z]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*)\s*')
# Splits at commas that are outside of quotes.
_ELEMENT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The far end of a request."""

    address: str
    """In canonical form, without port; IPv4 mapped into IPv6 is IPv4. Empty for a peer without an address."""
    scheme: str
    """`http` or `https`."""


def find_client(scope: Scope, trusted: Sequence[Network]) -> Client:
    """Return the client of an ASGI `scope`, believing the proxies in `trusted`."""
    peer = parse_node(scope["client"][0]) if scope.get("client") else None
    scheme = "https" if scope.get("scheme") in {"https", "wss"} else "http"
    if peer is None or not _is_trusted(peer, trusted):
        return Client(address=str(peer or ""), scheme=scheme)
    headers = scope["headers"]
    hops, forwarded_scheme = _forwarded(headers)
    return Client(
        address=str(_first_stranger(peer, hops, trusted)),
        scheme=_x_scheme(headers) or forwarded_scheme or scheme,
    )


def parse_node(text: str) -> Address | None:
    """Read an address as proxies write it: with or without port, brackets, quotes or zone; `None` if it is none."""
    text = text.strip().strip('"').strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in trusted)


def _first_stranger(peer: Address, hops: Sequence[str], trusted: Sequence[Network]) -> Address:
    """Walk from the right; what cannot be read ends the walk at the last address that could."""
    client = peer
    for hop in reversed(hops):
        address = parse_node(hop)
        if address is None:
            break
        client = address
        if not _is_trusted(address, trusted):
            break
    return client


def _forwarded(headers: Iterable[tuple[bytes, bytes]]) -> tuple[list[str], str]:
    """Return the hops of the first header there is, left to right, and the scheme that `Forwarded` names."""
    lists: dict[bytes, list[str]] = {b"x-forwarded-for": [], b"x-real-ip": [], b"forwarded": []}
    for name, value in headers:
        if name in lists:
            lists[name].append(value.decode("latin-1"))
    hops = [hop for value in lists[b"x-forwarded-for"] for hop in value.split(",")]
    if not hops:
        hops = lists[b"x-real-ip"][-1:]
    scheme = ""
    if lists[b"forwarded"]:
        elements = [_pairs(text) for text in _ELEMENT.findall(",".join(lists[b"forwarded"]))]
        hops = hops or [element["for"] for element in elements if "for" in element]
        schemes = [element["proto"].lower() for element in elements if "proto" in element]
        scheme = schemes[0] if schemes and schemes[0] in {"http", "https"} else ""
    return hops, scheme


def _pairs(element: str) -> dict[str, str]:
    return {name.lower(): value.strip('"') for name, value in _PAIR.findall(element)}


def _x_scheme(headers: Iterable[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name == b"x-forwarded-proto":
            first = value.decode("latin-1").partition(",")[0].strip().lower()
            if first in {"http", "https"}:
                return first
    return ""
