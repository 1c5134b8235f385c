"""Websockets to providers: opened or refused, messages whole, and an end that is noticed."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio

from adapters.transport import websocket
from adapters.transport.http1 import Http1Transport
from adapters.transport.types import (
    ConnectFailed,
    HeadTimeout,
    IdleTimeout,
    RequestInvalid,
    ResponseBroken,
    SocketRefused,
    UpstreamRequest,
)
from tests.support.realtime import Close, Cut, Hear, Pause, Refuse, Say, Step, realtime_provider
from tests.support.tls import no_tls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from adapters.transport.websocket import WebSocket
    from tests.support.realtime import RealtimeProvider


def request(
    url: str, *, headers: tuple[tuple[bytes, bytes], ...] = (), idle_s: float = math.inf, head_s: float = 5
) -> UpstreamRequest:
    return UpstreamRequest(
        method="GET", url=url, headers=headers, body=b"", connect_timeout_s=5, head_timeout_s=head_s, idle_timeout_s=idle_s
    )  # fmt: skip


@asynccontextmanager
async def opened(*steps: Step, idle_s: float = math.inf) -> AsyncIterator[tuple[WebSocket, RealtimeProvider]]:
    async with realtime_provider(*steps) as provider:
        transport = Http1Transport(tls=no_tls())
        socket = await transport.open_socket(request(provider.url + "/v1/realtime?model=m", idle_s=idle_s), [])
        try:
            yield socket, provider
        finally:
            await socket.aclose()


async def test_request_and_subprotocol_arrive() -> None:
    async with realtime_provider(subprotocol="realtime") as provider:
        transport = Http1Transport(tls=no_tls())
        ask = request(provider.url + "/v1/realtime?model=m", headers=((b"Authorization", b"Bearer k"),))
        socket = await transport.open_socket(ask, ["other", "realtime"])
        await socket.aclose()
        (session,) = provider.sessions
        await session.over.wait()
        assert socket.subprotocol == "realtime"
        assert (session.target, session.headers["authorization"]) == ("/v1/realtime?model=m", "Bearer k")
        assert session.subprotocols == ["other", "realtime"]
        assert session.closed_with == 1001
        assert transport.idle_connections == 0


async def test_messages_pass_whole_both_ways() -> None:
    big = "é" * 300_000
    async with opened(Say(big), Say(b"\0\1"), Say(""), Hear(), Hear(), Close(1000, "bye")) as (socket, provider):
        assert [await socket.receive() for _ in range(3)] == [big, b"\0\1", ""]
        await socket.send(big)
        await socket.send(b"\2")
        assert await socket.receive() is None
        assert socket.closed_with == (1000, "bye")
        assert provider.sessions[0].heard == [big, b"\2"]


async def test_a_refusal_tells_its_status_and_words() -> None:
    async with realtime_provider(Refuse(401, b'{"error":{"message":"no"}}')) as provider:
        transport = Http1Transport(tls=no_tls())
        with pytest.raises(SocketRefused) as caught:
            await transport.open_socket(request(provider.url), [])
    assert (caught.value.status, caught.value.body) == (401, b'{"error":{"message":"no"}}')


async def test_an_end_without_a_word_is_broken() -> None:
    async with opened(Say("a"), Cut()) as (socket, _):
        assert await socket.receive() == "a"
        with pytest.raises(ResponseBroken):
            await socket.receive()


async def test_a_silent_provider_is_asked_and_only_a_dead_one_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "PING_EVERY_S", 0.02)
    async with opened(Hear(), idle_s=0.2) as (socket, _):
        # It answers pings while it listens.
        with trio.move_on_after(0.5) as scope:
            await socket.receive()
        assert scope.cancelled_caught
    async with opened(Pause(5), idle_s=0.2) as (socket, _):
        with pytest.raises(IdleTimeout):
            await socket.receive()


async def test_what_cannot_be_opened_is_told_apart() -> None:
    transport = Http1Transport(tls=no_tls())
    with pytest.raises(RequestInvalid):
        await transport.open_socket(request("ftp://x"), [])
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
    with pytest.raises(RequestInvalid):
        await transport.open_socket(request(url, headers=((b"x", b"a\r\nb: c"),)), [])
    with pytest.raises(HeadTimeout):
        await transport.open_socket(request(url, head_s=0.05), [])
    await listeners[0].aclose()
    with pytest.raises(ConnectFailed):
        await transport.open_socket(request(url), [])
