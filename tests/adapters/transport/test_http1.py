"""The transport against a provider on a real socket."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import TYPE_CHECKING

import certifi
import pytest

from adapters.transport.http1 import Http1Transport
from adapters.transport.tls import client_context
from adapters.transport.types import UpstreamRequest
from tests.support.provider import Answer, provider

if TYPE_CHECKING:
    from adapters.transport.http1 import Http1Response


def chat(url: str, **fields: object) -> UpstreamRequest:
    return UpstreamRequest(
        method="POST",
        url=url + "/v1/chat/completions",
        headers=((b"Content-Type", b"application/json"),),
        body=json.dumps({"model": "m", "messages": [], **fields}).encode(),
        connect_timeout_s=2,
        head_timeout_s=2,
        idle_timeout_s=2,
    )


async def read(response: Http1Response) -> bytes:
    async with aclosing(response):
        parts = []
        while part := await response.receive_some():
            parts.append(part)
        return b"".join(parts)


@pytest.fixture
def transport() -> Http1Transport:
    return Http1Transport(tls=client_context(certifi.where()))


async def test_whole_and_streamed_answers_share_a_connection(transport: Http1Transport) -> None:
    async with provider() as p:
        whole = json.loads(await read(await transport.send(chat(p.url))))
        assert whole["choices"][0]["message"]["content"] == "Hello from the provider."
        p.script(Answer(gzip=True), Answer())
        unpacked = await read(await transport.send(chat(p.url, stream=True)))
        stream = await read(await transport.send(chat(p.url, stream=True)))
        assert stream.endswith(b"data: [DONE]\n\n")
        assert stream == unpacked
        assert p.connections == 1
        assert transport.idle_connections == 1
        await transport.aclose()
        await p.wait_closed()
    assert p.requests[0].headers["accept-encoding"] == "identity"
