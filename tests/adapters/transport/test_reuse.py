"""Connections are used again, and never when they should not be."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import certifi
import pytest
import trio

from adapters.transport import http1
from adapters.transport.connect import connect
from adapters.transport.target import parse_target
from adapters.transport.tls import client_context
from adapters.transport.types import ResponseBroken, UpstreamRequest
from tests.adapters.transport.servers import answering, read, read_request, request, served, transport_for
from tests.support.provider import Answer, provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from adapters.transport.http1 import Http1Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def chat(url: str, **fields: object) -> UpstreamRequest:
    body = json.dumps({"model": "m", "messages": [], **fields}).encode()
    headers = ((b"Content-Type", b"application/json"),)
    return request(url + "/v1/chat/completions", method="POST", body=body, headers=headers)


@pytest.fixture
async def transport() -> AsyncIterator[Http1Transport]:
    transport = transport_for()
    yield transport
    await transport.aclose()


async def test_as_many_connections_as_requests_at_once_and_no_more(transport: Http1Transport) -> None:
    async with provider() as p:
        p.standing(Answer(head_after_s=0.05))

        async def one() -> None:
            await read(await transport.send(chat(p.url)))

        for _ in range(2):
            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(one)
        assert (p.connections, len(p.requests)) == (5, 10)


async def test_a_closed_idle_connection_is_noticed_before_use(transport: Http1Transport) -> None:
    connections = 0

    async def handle(stream: trio.abc.Stream) -> None:
        nonlocal connections
        connections += 1
        await answering(OK)(stream)

    async with served(handle) as port:
        for _ in range(3):
            assert await read(await transport.send(request(f"http://127.0.0.1:{port}/", method="POST"))) == b"ok"
            await trio.sleep(0.02)
    assert connections == 3


async def test_a_connection_closed_as_the_request_goes_out_is_replaced_once(transport: Http1Transport) -> None:
    connections = 0

    async def handle(stream: trio.abc.Stream) -> None:
        nonlocal connections
        connections += 1
        if connections < 3:
            await answering(OK, b"")(stream)

    async with served(handle) as port:
        url = f"http://127.0.0.1:{port}/"
        assert await read(await transport.send(request(url, method="POST"))) == b"ok"
        # Its second request is read and never answered; the new connection answers.
        assert await read(await transport.send(request(url, method="POST"))) == b"ok"
        with pytest.raises(ResponseBroken):  # and the next new one does not: no third try
            await transport.send(request(url, method="POST"))
    assert connections == 3


async def test_a_request_that_was_worked_on_is_not_sent_again(
    transport: Http1Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http1, "STALE_WITHIN_S", 0.02)
    requests = 0

    async def handle(stream: trio.abc.Stream) -> None:
        nonlocal requests
        for answer in (OK, b""):
            await read_request(stream)
            requests += 1
            await trio.sleep(0.05)
            await stream.send_all(answer)

    async with served(handle) as port:
        await read(await transport.send(request(f"http://127.0.0.1:{port}/")))
        with pytest.raises(ResponseBroken):
            await transport.send(request(f"http://127.0.0.1:{port}/"))
    assert requests == 2


async def test_a_request_is_not_repeated_once_its_answer_began(transport: Http1Transport) -> None:
    requests = 0

    async def handle(stream: trio.abc.Stream) -> None:
        nonlocal requests
        for answer in (OK, b"HTTP/1.1 2"):
            await read_request(stream)
            requests += 1
            await stream.send_all(answer)

    async with served(handle) as port:
        await read(await transport.send(request(f"http://127.0.0.1:{port}/")))
        with pytest.raises(ResponseBroken):
            await transport.send(request(f"http://127.0.0.1:{port}/"))
    assert requests == 2


async def test_idle_connections_are_closed_in_time(nursery: trio.Nursery) -> None:
    transport = transport_for(idle_connection_s=0.05)
    await nursery.start(transport.run)
    async with provider() as p:
        await read(await transport.send(chat(p.url)))
        assert p.open_connections == 1
        await p.wait_closed(timeout_s=1)
        assert transport.idle_connections == 0
    nursery.cancel_scope.cancel()


async def test_connections_that_come_back_after_the_end_are_closed(transport: Http1Transport) -> None:
    async with provider() as p:
        response = await transport.send(chat(p.url))
        await transport.aclose()
        await read(response)
        await p.wait_closed()
        assert transport.idle_connections == 0


async def test_the_connection_used_last_is_used_next(transport: Http1Transport) -> None:
    async with provider() as p:
        p.script(Answer(), Answer(head_after_s=0.05))

        async def one() -> None:
            await read(await transport.send(chat(p.url)))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(one)
            await p.wait_requests(1)
            nursery.start_soon(one)
        last = p.requests[1].connection
        for _ in range(3):
            await one()
        assert [r.connection for r in p.requests[2:]] == [last] * 3


async def test_a_connection_past_its_time_is_not_used_though_nobody_swept() -> None:
    transport = transport_for(idle_connection_s=0.02)
    async with provider() as p:
        for _ in range(2):
            await read(await transport.send(chat(p.url)))
            await trio.sleep(0.03)
        assert p.connections == 2
    await transport.aclose()


async def test_no_more_connections_wait_than_were_agreed_on() -> None:
    transport = http1.Http1Transport(tls=client_context(certifi.where()), max_idle_per_origin=2)
    async with provider() as p:
        p.standing(Answer(head_after_s=0.03))

        async def one() -> None:
            await read(await transport.send(chat(p.url)))

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(one)
        assert transport.idle_connections == 2
        await transport.aclose()
        await p.wait_closed()


async def test_what_a_server_says_unasked_is_not_taken_for_the_next_answer(transport: Http1Transport) -> None:
    """Some servers say 408 on an idle connection before they close it."""
    connections = 0

    async def handle(stream: trio.abc.Stream) -> None:
        nonlocal connections
        connections += 1
        await read_request(stream)
        await stream.send_all(OK)
        await trio.sleep(0.01)
        await stream.send_all(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        await stream.receive_some(1)

    async with served(handle) as port:
        for _ in range(2):
            response = await transport.send(request(f"http://127.0.0.1:{port}/"))
            assert response.status == 200
            await read(response)
            await trio.sleep(0.05)
    assert connections == 2


async def test_small_packets_do_not_wait_for_company() -> None:
    async with provider() as p:
        tls = client_context(certifi.where())
        connection = await connect(parse_target(p.url).origin, proxy=None, tls=tls, timeout_s=2)
        assert connection.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        connection.close()
