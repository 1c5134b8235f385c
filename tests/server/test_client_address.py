"""Whom forwarding headers are believed from, and what they say."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from gateway.server.client_address import find_client, parse_node

TRUSTED = [ip_network(text) for text in ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "fd00::/8")]


def scope(peer: str | None, scheme: str = "http", **headers: str | list[str]) -> dict[str, object]:
    pairs = [
        (name.replace("_", "-").encode(), value.encode())
        for name, values in headers.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    return {"client": (peer, 1234) if peer is not None else None, "scheme": scheme, "headers": pairs}


@pytest.mark.parametrize(
    ("peer", "headers", "address"),
    [
        ("203.0.113.9", {}, "203.0.113.9"),
        ("::ffff:203.0.113.9", {}, "203.0.113.9"),
        ("203.0.113.9", {"x_forwarded_for": "1.1.1.1"}, "203.0.113.9"),
        ("203.0.113.9", {"x_real_ip": "1.1.1.1", "forwarded": "for=1.1.1.1"}, "203.0.113.9"),
        ("127.0.0.1", {"x_forwarded_for": "198.51.100.7"}, "198.51.100.7"),
        ("::ffff:127.0.0.1", {"x_forwarded_for": "198.51.100.7"}, "198.51.100.7"),
        ("127.0.0.1", {"x_forwarded_for": "6.6.6.6, 198.51.100.7"}, "198.51.100.7"),
        ("127.0.0.1", {"x_forwarded_for": "6.6.6.6, 198.51.100.7, 10.1.2.3"}, "198.51.100.7"),
        ("127.0.0.1", {"x_forwarded_for": ["6.6.6.6", "198.51.100.7", "10.1.2.3"]}, "198.51.100.7"),
        ("127.0.0.1", {"x_forwarded_for": "10.9.9.9,10.1.2.3"}, "10.9.9.9"),
        ("127.0.0.1", {"x_forwarded_for": "198.51.100.7, unknown, 10.1.2.3"}, "10.1.2.3"),
        ("127.0.0.1", {"x_forwarded_for": ""}, "127.0.0.1"),
        ("127.0.0.1", {"x_forwarded_for": "198.51.100.7:4711"}, "198.51.100.7"),
        ("127.0.0.1", {"x_forwarded_for": "[2001:db8::1]:4711"}, "2001:db8::1"),
        ("127.0.0.1", {"x_forwarded_for": "2001:DB8:0::1"}, "2001:db8::1"),
        ("fd00::2", {"x_forwarded_for": "2001:db8::1, fd00::3"}, "2001:db8::1"),
        ("127.0.0.1", {"x_real_ip": "198.51.100.7"}, "198.51.100.7"),
        ("127.0.0.1", {"x_real_ip": "6.6.6.6", "x_forwarded_for": "198.51.100.7"}, "198.51.100.7"),
        ("127.0.0.1", {"forwarded": "for=198.51.100.7"}, "198.51.100.7"),
        ("127.0.0.1", {"forwarded": 'for="[2001:db8::1]:4711";proto=https'}, "2001:db8::1"),
        ("127.0.0.1", {"forwarded": 'For=6.6.6.6, for=198.51.100.7;by="a,b";host=x'}, "198.51.100.7"),
        ("127.0.0.1", {"forwarded": "for=198.51.100.7, for=_hidden"}, "127.0.0.1"),
        ("127.0.0.1", {"forwarded": "for=6.6.6.6", "x_forwarded_for": "198.51.100.7"}, "198.51.100.7"),
        (None, {"x_forwarded_for": "198.51.100.7"}, ""),
    ],
)
def test_address(peer: str | None, headers: dict[str, str], address: str) -> None:
    assert find_client(scope(peer, **headers), TRUSTED).address == address


@pytest.mark.parametrize(
    ("peer", "scheme", "headers", "expected"),
    [
        ("203.0.113.9", "http", {"x_forwarded_proto": "https"}, "http"),
        ("127.0.0.1", "http", {"x_forwarded_proto": "https"}, "https"),
        ("127.0.0.1", "http", {"x_forwarded_proto": "HTTPS, http"}, "https"),
        ("127.0.0.1", "http", {"x_forwarded_proto": "gopher"}, "http"),
        ("127.0.0.1", "http", {"forwarded": "for=1.1.1.1;proto=https"}, "https"),
        ("127.0.0.1", "wss", {}, "https"),
        ("203.0.113.9", "https", {}, "https"),
    ],
)
def test_scheme(peer: str, scheme: str, headers: dict[str, str], expected: str) -> None:
    assert find_client(scope(peer, scheme, **headers), TRUSTED).scheme == expected


def test_nobody_is_trusted_by_an_empty_list() -> None:
    assert find_client(scope("127.0.0.1", x_forwarded_for="1.1.1.1"), []).address == "127.0.0.1"


@pytest.mark.parametrize("text", ["", "unknown", "_x", "1.2.3", "1.2.3.4.5", "a:1", "1.2.3.4, 5.6.7.8"])
def test_what_is_no_address(text: str) -> None:
    assert parse_node(text) is None


def test_zone_is_dropped() -> None:
    assert str(parse_node("fe80::1%eth0")) == "fe80::1"
