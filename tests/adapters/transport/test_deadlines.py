"""Each phase of an exchange has its own deadline, and cancelling closes the connection at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import trio

from adapters.transport.types import ConnectFailed, HeadTimeout, IdleTimeout
from tests.adapters.transport.servers import read, request, served, transport_for
from tests.support.provider import Answer, provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from adapters.transport.http1 import Http1Transport

STREAM = b'{"model": "m", "stream": true}'


@pytest.fixture
async def transport() -> AsyncIterator[Http1Transport]:
    transport = transport_for()
    yield transport
    await transport.aclose()


async def test_no_tls_in_time_is_no_connection(transport: Http1Transport) -> None:
    async def handle(stream: trio.abc.Stream) -> None:
        while await stream.receive_some():
            pass
        gone.set()

    gone = trio.Event()
    async with served(handle) as port:
        started = trio.current_time()
        with pytest.raises(ConnectFailed, match="in time"):
            await transport.send(request(f"https://127.0.0.1:{port}/", connect_timeout_s=0.05))
        assert 0.05 <= trio.current_time() - started < 10
        with trio.fail_after(1):
            await gone.wait()


async def test_no_head_in_time(transport: Http1Transport) -> None:
    async with provider() as p:
        p.script(Answer(head_after_s=math.inf))
        started = trio.current_time()
        with pytest.raises(HeadTimeout):
            await transport.send(request(p.url, head_timeout_s=0.05))
        assert 0.05 <= trio.current_time() - started < 10
        await p.requests[0].wait_gone()
        assert len(p.requests) == 1


async def test_no_head_in_time_on_a_used_connection_is_not_tried_again(transport: Http1Transport) -> None:
    async with provider() as p:
        p.script(Answer(), Answer(head_after_s=math.inf))
        await read(await transport.send(request(p.url)))
        with pytest.raises(HeadTimeout):
            await transport.send(request(p.url, head_timeout_s=0.05))
        assert len(p.requests) == 2


async def test_a_server_that_reads_nothing_of_a_large_request_meets_the_head_deadline(
    transport: Http1Transport,
) -> None:
    async with served(lambda _: trio.sleep_forever()) as port:
        big = request(f"http://127.0.0.1:{port}/", method="POST", body=b"x" * 20_000_000, head_timeout_s=0.1)
        with pytest.raises(HeadTimeout):
            await transport.send(big)


async def test_silence_in_the_middle(transport: Http1Transport) -> None:
    async with provider() as p:
        p.script(Answer(hang_after=2))
        response = await transport.send(
            request(p.url + "/v1/chat/completions", method="POST", body=STREAM, idle_timeout_s=0.05)
        )
        with pytest.raises(IdleTimeout):
            await read(response)  # which closes
        await p.requests[0].wait_gone()
        assert p.requests[0].events_sent == 2


async def test_the_idle_deadline_counts_silence_and_not_length(transport: Http1Transport) -> None:
    async with provider() as p:
        p.script(Answer(pieces=("a",) * 10, pause_s=0.02))
        response = await transport.send(
            request(p.url + "/v1/chat/completions", method="POST", body=STREAM, idle_timeout_s=0.1)
        )
        assert (await read(response)).endswith(b"[DONE]\n\n")


@pytest.mark.parametrize(
    "answer", [Answer(head_after_s=math.inf), Answer(hang_after=0), Answer(hang_after=2), Answer(pause_s=0.01)]
)
async def test_cancelling_closes_the_connection_within_100_ms(transport: Http1Transport, answer: Answer) -> None:
    async with provider() as p:
        p.script(answer)

        async def relay() -> None:
            await read(await transport.send(request(p.url + "/v1/chat/completions", method="POST", body=STREAM)))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(relay)
            await p.wait_requests(1)
            await trio.sleep(0.02)
            cancelled = trio.current_time()
            nursery.cancel_scope.cancel()
        assert await p.requests[0].wait_gone(1) - cancelled < 0.1
        assert transport.idle_connections == 0


async def test_cancelling_while_connecting_or_sending_leaves_nothing_open(transport: Http1Transport) -> None:
    open_connections = 0

    async def handle(stream: trio.abc.Stream) -> None:
        nonlocal open_connections
        open_connections += 1
        try:
            await trio.sleep(0.05)
            while await stream.receive_some():
                pass
        finally:
            open_connections -= 1

    async with served(handle) as port:
        for scheme, body in (("https", b""), ("http", b"x" * 20_000_000)):
            with trio.move_on_after(0.02) as scope:
                await transport.send(request(f"{scheme}://127.0.0.1:{port}/", method="POST", body=body))
            assert scope.cancelled_caught
        with trio.fail_after(1):
            while open_connections:
                await trio.sleep(0.01)


async def test_closing_before_the_end_closes_the_connection(transport: Http1Transport) -> None:
    async with provider() as p:
        p.script(Answer(hang_after=2))
        response = await transport.send(request(p.url + "/v1/chat/completions", method="POST", body=STREAM))
        await response.receive_some()
        with trio.CancelScope() as scope:
            scope.cancel()
            await response.aclose()  # works where nothing can be waited for
        await p.requests[0].wait_gone()
