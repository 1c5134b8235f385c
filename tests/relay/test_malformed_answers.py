"""Answers that nobody can read, from every kind of provider: a clean 502, nothing charged, and another channel tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from tests.relay.harness import answer, plane
from tests.relay.test_provider_failures import of
from tests.relay.views import channel
from tests.support.dialects.said import Said
from tests.support.dialects.stage import Body, Socket, Stage, body_of
from tests.support.dialects.table import SPEAKERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from adapters.transport.types import UpstreamRequest

PROVIDERS = (
    "ali", "aiproxylibrary", "baidu", "cohere", "coze", "deepl", "gemini", "anthropic", "ollama", "palm", "replicate",
    "tencent", "xunfei", "zhipu", "groq",
)  # fmt: skip
BODIES = (b"", b"{", b"[]", b"null", b'"text"', b"<html>", b"\xff\xfe", b"[" * 5000)
MODELS = {"zhipu": "chatglm_pro"}


class Garbling(Stage):
    body: bytes
    kind = b"application/json"

    async def send(self, request: UpstreamRequest) -> Any:
        await trio.lowlevel.checkpoint()
        if "/oauth/" in request.url:
            return body_of({"access_token": "t"})
        if not request.url.startswith("http://up.example"):
            return answer("fine")
        return Body(200, ((b"content-type", self.kind),), self.body)

    async def open_socket(self, request: UpstreamRequest, subprotocols: Sequence[str]) -> Socket:
        await trio.lowlevel.checkpoint()
        return Socket(self, request.url, [self.body.decode("latin-1")])


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", PROVIDERS)
async def test_what_cannot_be_read_is_a_clean_failure(
    name: str, streams: bool, autojump_clock: trio.testing.MockClock
) -> None:
    model = MODELS.get(name, "m")
    settings: dict[str, object] = {"channel_suspend_seconds_for_5xx": 0}
    async with plane(channels=[of(name, models=(model,))], settings=settings) as p, trio.open_nursery() as nursery:
        await nursery.start(p.tokens.run)
        stage = Garbling(SPEAKERS["openai_chat"], Said())
        stage.listen = lambda url, body: None  # type: ignore[method-assign]
        stage.kind = b"text/event-stream" if streams else b"application/json"
        p.transport.send = stage.send  # type: ignore[method-assign]
        p.transport.open_socket = stage.open_socket  # type: ignore[attr-defined]
        for body in BODIES:
            stage.body = b"data: " + body + b"\n\n" if streams and name != "xunfei" else body
            got = await p.ask({"model": model, "stream": streams, "messages": [{"role": "user", "content": "hi"}]})
            assert got.status == 502 or b'"error"' in got.body, (body, got.status, got.body)
            assert b"internal_error" not in got.body, body
        nursery.cancel_scope.cancel()
    if not streams or name not in ("zhipu", "groq"):
        # Zhipu streams bare text, and what passes is delivered even if we cannot read it.
        assert {settled.units for settled in p.books.settled} == {0}


@pytest.mark.parametrize("name", PROVIDERS)
async def test_what_cannot_be_read_is_tried_elsewhere(name: str, autojump_clock: trio.testing.MockClock) -> None:
    model = MODELS.get(name, "m")
    channels = [of(name, models=(model,)), channel(2, models=(model,), base_url="http://other.example/v1")]
    async with plane(channels=channels, options={"RetryTimes": "1"}) as p, trio.open_nursery() as nursery:
        await nursery.start(p.tokens.run)
        stage = Garbling(SPEAKERS["openai_chat"], Said())
        stage.listen = lambda url, body: None  # type: ignore[method-assign]
        stage.body = b"<html>"
        p.transport.send = stage.send  # type: ignore[method-assign]
        p.transport.open_socket = stage.open_socket  # type: ignore[attr-defined]
        got = await p.ask({"model": model, "messages": [{"role": "user", "content": "hi"}]})
        nursery.cancel_scope.cancel()
    assert got.status == 200
    assert [settled.units > 0 for settled in p.books.settled] == [True]
