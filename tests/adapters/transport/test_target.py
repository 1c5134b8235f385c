"""Base URLs as people type them."""

from __future__ import annotations

import pytest

from adapters.transport.proxy import parse_proxy
from adapters.transport.target import Origin, parse_target
from adapters.transport.types import RequestInvalid


@pytest.mark.parametrize(
    ("url", "origin", "host", "path"),
    [
        ("https://api.example.com/v1/x?y=z", ("https", "api.example.com", 443), b"api.example.com", b"/v1/x?y=z"),
        ("HTTP://API.Example.com:80", ("http", "api.example.com", 80), b"api.example.com", b"/"),
        ("https://h:8443/a b/ü?q=ä b#f", ("https", "h", 8443), b"h:8443", b"/a%20b/%C3%BC?q=%C3%A4%20b"),
        ("http://[::1]:3000/x", ("http", "::1", 3000), b"[::1]:3000", b"/x"),
        ("https://[2001:DB8:0::1]/", ("https", "2001:db8::1", 443), b"[2001:db8::1]", b"/"),
        ("https://münchen.example/", ("https", "xn--mnchen-3ya.example", 443), b"xn--mnchen-3ya.example", b"/"),
        ("http://ollama_1:11434/%2Fkept", ("http", "ollama_1", 11434), b"ollama_1:11434", b"/%2Fkept"),
        ("https://h/m:generate?alt=sse&key=a%2Bb", ("https", "h", 443), b"h", b"/m:generate?alt=sse&key=a%2Bb"),
    ],
)
def test_a_url_becomes_an_origin_a_host_and_a_path(
    url: str, origin: tuple[str, str, int], host: bytes, path: bytes
) -> None:
    target = parse_target(url)
    assert target.origin == Origin(*origin)
    assert (target.host_header, target.path, target.authorization) == (host, path, b"")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com/v1",
        "ftp://h/",
        "https:///v1",
        "https://h:99999/",
        "https://h:0/",
        "https://h:x/",
        "http://h/\r\nX: y",
        "http://h\n.example/",
        "http://a b/",
        "http://[::1/",
        "http://a..b/",
        "http://.h/",
        "http://" + "a" * 64 + ".example/",
        "http://xn--\u2603.example\u2028/",
        "http://h\x7f/",
    ],
)
def test_what_is_no_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        parse_target(url)
    assert not url or url not in str(caught.value)


def test_a_proxy_is_read_from_its_url() -> None:
    proxy = parse_proxy("http://us%40er:pa%3Ass@proxy.example:3128/")
    assert proxy is not None
    assert proxy.origin == Origin("http", "proxy.example", 3128)
    assert proxy.headers == ((b"Proxy-Authorization", b"Basic dXNAZXI6cGE6c3M="),)
    socks = parse_proxy("socks5h://[::1]")
    assert socks is not None
    assert socks.origin == Origin("socks5h", "::1", 1080)
    assert parse_proxy(" ") is None


@pytest.mark.parametrize(
    "url", ["proxy.example:3128", "ftp://p:1", "http://secret:x@", "http://secret@p/path", "http://p:z"]
)
def test_what_is_no_proxy_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL") as caught:
        parse_proxy(url)
    assert "secret" not in str(caught.value)
