"""The transport against providers on real sockets: exchanges and framing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import trio

from adapters.transport.types import ConnectFailed, RequestInvalid, ResponseBroken, Transport, UpstreamRequest
from tests.adapters.transport.servers import answering, read, request, served, transport_for
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


async def test_whole_and_streamed_answers_share_a_connection(transport: Http1Transport) -> None:
    seam: Transport = transport
    async with provider() as p:
        whole = json.loads(await read(await seam.send(chat(p.url))))
        assert whole["choices"][0]["message"]["content"] == "Hello from the provider."
        stream = await read(await seam.send(chat(p.url, stream=True)))
        assert stream.endswith(b"data: [DONE]\n\n")
        assert p.connections == 1
        assert transport.idle_connections == 1
        await transport.aclose()
        await p.wait_closed()
    assert p.requests[0].headers["accept-encoding"] == "identity"
    assert p.requests[0].headers["host"] == p.url.removeprefix("http://")


@pytest.mark.parametrize(
    ("answer", "method", "body"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", "GET", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", "GET", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "HEAD", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + OK, "GET", b"ok"),
        (
            b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\no\r\n1 \r\nk\r\n0\r\nT: x\r\n\r\n",
            "GET",
            b"ok",
        ),
    ],
)
async def test_each_framing_ends_where_it_ends_and_the_connection_goes_on(
    transport: Http1Transport, answer: bytes, method: str, body: bytes
) -> None:
    async with served(answering(answer, OK, stay=True)) as port:
        response = await transport.send(request(f"http://127.0.0.1:{port}/", method=method))
        assert b"link" not in dict(response.headers)
        assert await read(response) == body
        assert transport.idle_connections == 1
        assert await read(await transport.send(request(f"http://127.0.0.1:{port}/"))) == b"ok"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\n\r\nok",
        OK + b"surplus",
        OK + OK,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ],
)
async def test_a_connection_whose_end_is_unsure_is_not_used_again(transport: Http1Transport, answer: bytes) -> None:
    async with served(answering(answer)) as port:
        assert await read(await transport.send(request(f"http://127.0.0.1:{port}/"))) == b"ok"
        assert transport.idle_connections == 0


@pytest.mark.parametrize(
    ("answer", "delivered"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nnonsense\r\n", b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nT: " + b"x" * 200_000, b"ok"),
    ],
)
async def test_a_body_that_ends_short_is_delivered_and_then_an_error(
    transport: Http1Transport, answer: bytes, delivered: bytes
) -> None:
    async with served(answering(answer)) as port:
        response = await transport.send(request(f"http://127.0.0.1:{port}/"))
        got = b""
        with pytest.raises(ResponseBroken):  # noqa: PT012
            while part := await response.receive_some():
                got += part
        assert got == delivered
        with pytest.raises(ResponseBroken):
            await response.receive_some()
        await response.aclose()
        assert transport.idle_connections == 0


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 200_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
    ],
)
async def test_an_answer_without_a_head_is_broken(transport: Http1Transport, answer: bytes) -> None:
    async with served(answering(answer)) as port:
        with pytest.raises(ResponseBroken):
            await transport.send(request(f"http://127.0.0.1:{port}/"))


async def test_a_reset_in_the_middle_is_an_error(transport: Http1Transport) -> None:
    async with provider() as p:
        p.script(Answer(cut_after=2, pause_s=0.02, reset=True))
        response = await transport.send(chat(p.url, stream=True))
        with pytest.raises(ResponseBroken):
            await read(response)


async def test_ten_megabytes_in_one_line_arrive_whole(transport: Http1Transport) -> None:
    line = b"data: " + b"x" * 10_000_000 + b"\n\n"
    async with provider() as p:
        p.script(Answer(events=(line,)))
        assert await read(await transport.send(chat(p.url, stream=True))) == line


async def test_a_burst_of_chunks_is_read_as_one(transport: Http1Transport) -> None:
    chunks = b"5\r\nhello\r\n" * 1000
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    async with served(answering(answer)) as port:
        response = await transport.send(request(f"http://127.0.0.1:{port}/"))
        await trio.sleep(0.02)
        reads = 0
        while await response.receive_some():
            reads += 1
        assert reads <= 3
        await response.aclose()


async def test_a_refusal_before_the_end_of_a_large_request_is_heard(transport: Http1Transport) -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large"

    async def handle(stream: trio.abc.Stream) -> None:
        await stream.receive_some(1000)
        await stream.send_all(refusal)
        # Closing with the rest unread makes the kernel reset the connection.

    async with served(handle) as port:
        response = await transport.send(request(f"http://127.0.0.1:{port}/", method="POST", body=b"x" * 8_000_000))
        assert response.status == 413
        assert await read(response) == b"too large"
        assert transport.idle_connections == 0


async def test_an_early_answer_does_not_stop_a_large_request(transport: Http1Transport) -> None:
    length = 4_000_000
    received = 0

    async def handle(stream: trio.abc.Stream) -> None:
        nonlocal received
        head = await stream.receive_some(4096)
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        received = len(head) - head.index(b"\r\n\r\n") - 4
        while received < length:
            received += len(await stream.receive_some(65536))
        await stream.send_all(b"ok")
        await stream.receive_some(1)

    async with served(handle) as port:
        answer = await transport.send(request(f"http://127.0.0.1:{port}/", method="POST", body=b"x" * length))
        assert await read(answer) == b"ok"
        assert transport.idle_connections == 1
    assert received == length


async def test_a_large_request_arrives_whole(transport: Http1Transport) -> None:
    body = bytes(range(256)) * 20_000
    async with provider() as p:
        await read(await transport.send(request(p.url + "/upload", method="POST", body=body)))
        assert p.requests[0].body == body
        assert transport.idle_connections == 1


async def test_nobody_there_is_said_so(transport: Http1Transport) -> None:
    async with served(answering()) as port:
        pass
    with pytest.raises(ConnectFailed, match=r"^the connection was refused$"):
        await transport.send(request(f"http://127.0.0.1:{port}/"))
    with pytest.raises(ConnectFailed):
        await transport.send(request("http://no-such-name.invalid/"))


async def test_headers_of_the_connection_are_ours_and_no_line_break_gets_through(
    transport: Http1Transport,
) -> None:
    async with provider() as p:
        headers = (
            (b"Host", b"evil"),
            (b"Transfer-Encoding", b"chunked"),
            (b"Content-Length", b"0"),
            (b"Accept-Encoding", b"br"),
            (b"Connection", b"close"),
            (b"Expect", b"100-continue"),
            (b"X-Kept", b"yes"),
        )
        await read(await transport.send(request(p.url + "/x", method="POST", body=b"{}", headers=headers)))
        sent = dict(p.requests[0].header_list)
        assert set(sent) == {"Host", "Accept-Encoding", "Content-Length", "X-Kept"}
        assert (sent["Content-Length"], sent["Accept-Encoding"]) == ("2", "identity")
        for bad in (
            (b"X", b"a\r\nY: b"),
            (b"X", b"a\nb"),
            (b"X\r\nY", b"a"),
            (b"X Y", b"a"),
            (b"", b"a"),
            (b"X", b"\0"),
        ):
            with pytest.raises(RequestInvalid):
                await transport.send(request(p.url, headers=(bad,)))
        with pytest.raises(RequestInvalid):
            await transport.send(request(p.url, method="GET / HTTP/1.1\r\nX: y\r\n\r\nGET"))
        assert len(p.requests) == 1


async def test_credentials_in_a_base_url_become_a_header(transport: Http1Transport) -> None:
    async with provider() as p:
        url = p.url.replace("http://", "http://us%40er:p%3Aw@") + "/x"
        await read(await transport.send(request(url)))
        await read(await transport.send(request(url, headers=((b"authorization", b"Bearer k"),))))
        assert p.requests[0].headers["authorization"] == "Basic dXNAZXI6cDp3"
        assert p.requests[1].headers["authorization"] == "Bearer k"
        assert "@" not in p.requests[0].headers["host"]
