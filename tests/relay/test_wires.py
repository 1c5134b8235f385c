"""Relays over wires with tokens, tasks and websockets: what a client sees when these go wrong."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio

from adapters.providers.catalogue import load_catalogue
from adapters.transport.types import ConnectFailed, ResponseBroken
from tests.relay.harness import Reply, answer, plane
from tests.relay.views import channel
from tests.support.dialects import rich
from tests.support.dialects.said import Said
from tests.support.dialects.stage import Socket, Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from adapters.transport.types import UpstreamRequest
    from gateway.registry.snapshot import ChannelView
    from tests.relay.harness import Plane

CATALOGUE = load_catalogue()
JSON = ((b"content-type", b"application/json"),)
ASK = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
GOOD = {"result": "Hi", "usage": {"prompt_tokens": 3, "total_tokens": 5}}


def of(name: str, key: str = "sk-upstream", **changes: object) -> ChannelView:
    provider = CATALOGUE.by_key(name)
    assert provider is not None
    values: dict[str, object] = {
        "type": provider.id,
        "provider": provider,
        "base_url": "http://up.example",
        "key": key,
        "priority": 1,
    }
    return channel(1, **(values | changes))  # type: ignore[arg-type]


def told(body: object, status: int = 200) -> Reply:
    return Reply(status=status, headers=JSON, pieces=[json.dumps(body).encode()])


def token(text: str) -> Reply:
    return told({"access_token": text, "expires_in": 3600})


@asynccontextmanager
async def running(*channels: ChannelView, rests_s: int = 60, **options: str) -> AsyncIterator[Plane]:
    settings: dict[str, object] = {"channel_suspend_seconds_for_auth": rests_s}
    async with (
        plane(channels=list(channels), options=options, settings=settings) as p,
        trio.open_nursery() as nursery,
    ):
        await nursery.start(p.tokens.run)
        yield p
        nursery.cancel_scope.cancel()


def asked(p: Plane) -> list[str]:
    return [request.url.removeprefix("http://up.example") for request in p.transport.requests]


async def test_requests_at_the_same_time_share_one_token(autojump_clock: trio.testing.MockClock) -> None:
    async with running(of("baidu", "id|secret")) as p:
        first = token("t1")
        first.head_after = 2
        p.transport.script += [first, *(told(GOOD) for _ in range(5))]
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(p.ask, ASK)
    assert [url.startswith("/oauth/") for url in asked(p)] == [True] + [False] * 5
    assert all("access_token=t1" in url for url in asked(p)[1:])


async def test_a_token_that_is_refused_is_fetched_anew_for_the_next_request(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with running(of("baidu", "id|secret"), rests_s=0) as p:
        refused = {"error_code": 110, "error_msg": "Access token invalid or no longer valid"}
        p.transport.script += [token("t1"), told(refused), token("t2"), told(GOOD)]
        assert (await p.ask(ASK)).status == 401
        assert (await p.ask(ASK)).status == 200
    assert "access_token=t2" in asked(p)[-1]


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (told({"error": "invalid_client", "error_description": "unknown client id"}, 401), 401, "credential_refused"),
        (told({}, 503), 502, "credential_unavailable"),
        (ConnectFailed("no"), 502, "credential_unavailable"),
    ],
)
async def test_a_key_that_gets_no_token_is_told_and_tried_elsewhere(
    reply: Reply | Exception, status: int, code: str, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(of("baidu", "id|secret")) as p:
        p.transport.script.append(reply)
        got = await p.ask(ASK)
    assert (got.status, got.error["code"], got.error["type"]) == (status, code, "authentication_error")
    if isinstance(reply, Reply):
        reply.pieces = [b"{}"]
    async with running(of("baidu", "id|secret"), channel(2), RetryTimes="1") as p:
        p.transport.script += [reply, answer("fine")]
        assert (await p.ask(ASK)).status == 200
        assert p.registry.suspensions.until("default", "m", 1) > 0


async def test_a_malformed_key_is_refused_before_anybody_is_asked() -> None:
    async with running(of("tencent", "no bars")) as p:
        got = await p.ask(ASK)
    assert (got.status, got.error["code"]) == (401, "credential_refused")
    assert "no bars" not in got.body.decode()
    assert not p.transport.requests


def prediction(status: str, **members: object) -> Reply:
    urls = {name: f"http://up.example/p/{name}" for name in ("get", "cancel", "stream")}
    return told({"id": "p1", "status": status, "urls": urls, **members}, 201 if status == "starting" else 200)


async def test_a_prediction_whose_reader_leaves_is_cancelled(autojump_clock: trio.testing.MockClock) -> None:
    leave = trio.Event()
    async with running(of("replicate")) as p:
        stream = Reply(pieces=[b"event: output\ndata: Hi\n\n", 60.0])
        p.transport.script += [prediction("starting"), stream, told({})]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: p.ask({**ASK, "stream": True}, leave=leave))
            await trio.sleep(5)
            leave.set()
    assert asked(p) == ["/m/predictions", "/p/stream", "/p/cancel"]
    assert stream.closed
    (settled,) = p.books.settled
    assert settled.units > 0


async def test_a_prediction_that_was_read_to_its_end_is_left_alone(autojump_clock: trio.testing.MockClock) -> None:
    async with running(of("replicate")) as p:
        stream = Reply(pieces=[b"event: output\ndata: Hi\n\nevent: do", b"ne\ndata: {}\n\n"])
        p.transport.script += [prediction("starting"), stream]
        got = await p.ask({**ASK, "stream": True})
    assert b"[DONE]" in got.body
    assert asked(p) == ["/m/predictions", "/p/stream"]


async def test_whole_answers_are_waited_for(autojump_clock: trio.testing.MockClock) -> None:
    async with running(of("replicate")) as p:
        p.transport.script += [
            prediction("starting"),
            prediction("processing"),
            prediction(
                "succeeded", output=["Hello", " there"], metrics={"input_token_count": 4, "output_token_count": 2}
            ),
        ]
        got = await p.ask(ASK)
    assert got.json["choices"][0]["message"]["content"] == "Hello there"  # type: ignore[index]
    assert got.json["usage"]["total_tokens"] == 6  # type: ignore[index]


class Broken(Stage):
    """Opens websockets that break off after what they say."""

    frames: list[dict[str, Any]]
    breaks = True

    async def open_socket(self, request: UpstreamRequest, subprotocols: Sequence[str]) -> Socket:
        await trio.lowlevel.checkpoint()
        return Socket(self, request.url, [json.dumps(frame) for frame in self.frames], breaks=self.breaks)


@pytest.mark.parametrize("breaks", [True, False], ids=["without a word", "with a goodbye"])
@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
async def test_a_websocket_that_ends_in_the_middle_is_a_failure(
    streams: bool, breaks: bool, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(of("xunfei", "app|secret|key")) as p:
        stage = Broken(rich.XUNFEI, Said())
        stage.frames = rich.xunfei_frames(Said(pieces=("Hi",)))[:1]
        stage.breaks = breaks
        p.transport.open_socket = stage.open_socket  # type: ignore[attr-defined]
        got = await p.ask({**ASK, "stream": streams})
    if streams:
        assert b"Hi" in got.body
        assert b'"error"' in got.body
        assert p.books.settled[0].units > 0
    else:
        assert got.status == 502
        assert p.books.settled[0].units == 0


async def test_lines_that_break_off_are_a_failure(autojump_clock: trio.testing.MockClock) -> None:
    async with running(of("ollama")) as p:
        line = b'{"message":{"content":"Hi"},"done":false}\n{"message":{"con'
        p.transport.script.append(
            Reply(headers=((b"content-type", b"application/x-ndjson"),), pieces=[line], ends="cut")
        )
        got = await p.ask({**ASK, "stream": True})
    assert b"Hi" in got.body
    assert b"upstream_stream_broken" in got.body


async def test_errors_below_http_are_told_as_unreachable(autojump_clock: trio.testing.MockClock) -> None:
    async with running(of("replicate")) as p:
        p.transport.script += [prediction("starting"), *(ResponseBroken("cut") for _ in range(3)), told({})]
        got = await p.ask(ASK)
    assert (got.status, got.error["code"]) == (502, "do_request_failed")
    assert asked(p)[-1] == "/p/cancel"
