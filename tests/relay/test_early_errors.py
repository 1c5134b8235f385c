"""Errors of Anthropic's that come inside an answer of status 200, before any content."""

from __future__ import annotations

import json

import pytest
from trio.testing import MockClock

from adapters.providers.catalogue import load_catalogue
from tests.relay.harness import Reply, plane
from tests.relay.views import channel

ROW = load_catalogue().by_key("anthropic")
ASK = {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}
ERRORS = [("overloaded_error", 529), ("rate_limit_error", 429), ("invalid_request_error", 400), ("new_error", 502)]


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("kind", "status"), ERRORS)
async def test_an_early_error_has_the_status_of_its_type(
    path: str, streams: bool, kind: str, status: int, autojump_clock: MockClock
) -> None:
    assert ROW is not None
    error = json.dumps({"type": "error", "error": {"type": kind, "message": "no"}}).encode()
    if streams:
        reply = Reply(pieces=[b"event: error\ndata: " + error + b"\n\n"])
    else:
        reply = Reply(headers=((b"content-type", b"application/json"),), pieces=[error])
    async with plane(channels=[channel(1, type=ROW.id, provider=ROW, base_url="http://h")]) as p:
        p.transport.script.append(reply)
        got = await p.ask(ASK | {"stream": streams}, path=path)
    assert got.status == status
