"""What a client is told in the head of its answer."""

from __future__ import annotations

from typing import Any

import h11
import pytest

from gateway.relay.client import Client


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("user", "seed"), b"user, seed"),
        (("a\r\nSet-Cookie: b",), b"a??Set-Cookie: b"),
        (("é", "\x9f\ud800"), b"?, ??"),
        (("x" * 2047, "cut"), b"x" * 2047 + b","),
        (("  spaced\t",), b"spaced?"),
    ],
)
async def test_names_of_what_was_dropped_make_a_header_whatever_is_in_them(
    names: tuple[str, ...], told: bytes
) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    client = Client(receive, send, request_id="1")
    client.tell_dropped(names)
    await client.answer_json(200, b"{}")
    headers = [pair for pair in sent[0]["headers"] if pair[0] == b"x-oneapi-dropped"]
    assert headers == [(b"x-oneapi-dropped", told)]
    h11.Response(status_code=200, headers=headers)
