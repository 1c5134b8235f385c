"""Answers that are no server-sent events, presented as such: lines, whole bodies, messages of a websocket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from adapters.sse import EventScanner
from adapters.transport.http1 import Http1Transport
from adapters.transport.types import IdleTimeout, ResponseBroken, SocketRefused
from adapters.wires import framing
from adapters.wires.framing import Lines, Messages, WholeAsEvent, event_of
from tests.adapters.wires.asking import JSON, Answer, Scripted, call, request
from tests.support.realtime import Close, Cut, Hear, Say, realtime_provider
from tests.support.tls import no_tls

if TYPE_CHECKING:
    from adapters.transport.types import UpstreamRequest

NDJSON = ((b"content-type", b"application/x-ndjson"), (b"content-length", b"9"), (b"x-ratelimit-left", b"4"))
LINES = [{"a": "one"}, {"a": "zwei ü 二"}, {"done": True}]
BODY = b"\n".join(json.dumps(line, ensure_ascii=False).encode() for line in LINES) + b"\n"
STREAM = call(streams=True)


async def body_of(response: object) -> bytes:
    body = b""
    while piece := await response.receive_some():  # type: ignore[attr-defined]
        body += piece
    await response.aclose()  # type: ignore[attr-defined]
    return body


def values(raw: bytes) -> list[object]:
    scanner = EventScanner()
    events = scanner.feed(raw)
    assert not scanner.close().strip(), "every event is ended"
    return [json.loads(event.data) for event in events]


async def carried(*pieces: bytes | Exception, status: int = 200, streams: bool = True) -> bytes:
    answer = Answer(status=status, headers=NDJSON, pieces=list(pieces))
    response = await Lines().send(request(), call(streams=streams), Scripted([answer]))
    raw = await body_of(response)
    assert answer.closed
    return raw


@pytest.mark.parametrize("place", range(1, len(BODY)))
async def test_lines_are_events_wherever_they_are_cut(place: int) -> None:
    assert values(await carried(BODY[:place], BODY[place:])) == LINES


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_lines_are_events_however_small_the_pieces(size: int) -> None:
    pieces = [BODY[at : at + size] for at in range(0, len(BODY), size)]
    assert values(await carried(*pieces)) == LINES


async def test_a_last_line_without_a_break_and_empty_lines_are_understood() -> None:
    raw = b'\r\n{"a":1}\r\n\r\n  \n{"a":2}'
    assert values(await carried(raw)) == [{"a": 1}, {"a": 2}]


async def test_lines_that_are_no_json_are_left_to_the_codec() -> None:
    assert await carried(b"no json\n") == b"data: no json\n\n"


async def test_a_body_that_breaks_off_is_no_end() -> None:
    with pytest.raises(ResponseBroken):
        await carried(BODY[:20], ResponseBroken("cut"))


async def test_a_line_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MOST_BYTES", 10)
    with pytest.raises(ResponseBroken):
        await carried(b"x" * 6, b"x" * 6)


@pytest.mark.parametrize(("status", "streams"), [(404, True), (200, False)])
async def test_errors_and_whole_answers_are_left_as_they_are(status: int, streams: bool) -> None:
    assert await carried(BODY, status=status, streams=streams) == BODY


async def test_what_is_events_already_is_left_as_it_is() -> None:
    answer = Answer(headers=((b"content-type", b"text/event-stream; charset=utf-8"),), pieces=[b"data: x\n\n"])
    for carrier in (Lines(), WholeAsEvent()):
        assert await carrier.send(request(), STREAM, Scripted([answer])) is answer


async def test_headers_say_what_the_body_is_now() -> None:
    for carrier in (Lines(), WholeAsEvent()):
        response = await carrier.send(request(), STREAM, Scripted([Answer(headers=NDJSON, pieces=[b"{}"])]))
        assert response.headers == ((b"x-ratelimit-left", b"4"), (b"content-type", b"text/event-stream"))


async def test_a_whole_body_is_one_event() -> None:
    answer = Answer(pieces=[b'{"a":\n', b"1}"])
    raw = await body_of(await WholeAsEvent().send(request(), STREAM, Scripted([answer])))
    assert values(raw) == [{"a": 1}]
    assert answer.closed


async def test_a_whole_body_that_breaks_off_is_closed() -> None:
    answer = Answer(pieces=[b'{"a":', IdleTimeout("silent")])
    with pytest.raises(IdleTimeout):
        await WholeAsEvent().send(request(), STREAM, Scripted([answer]))
    assert answer.closed


def test_breaks_within_data_are_kept() -> None:
    (event,) = EventScanner().feed(event_of(b"a\nb"))
    assert event.data == b"a\nb"


# --- Websockets --------------------------------------------------------------------------------------------


class Socket:
    """Says what is in `messages`; an exception in their place is raised, and `None` is a goodbye."""

    subprotocol: str | None = None
    closed_with: tuple[int, str] | None = None

    def __init__(self, *messages: str | bytes | Exception | None) -> None:
        self.messages = list(messages)
        self.sent: list[str | bytes] = []
        self.closed = False

    async def send(self, message: str | bytes) -> None:
        await trio.lowlevel.checkpoint()
        self.sent.append(message)

    async def receive(self) -> str | bytes | None:
        if not self.messages:
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        message = self.messages.pop(0)
        if isinstance(message, Exception):
            raise message
        return message

    async def aclose(self) -> None:
        self.closed = True


def is_last(message: bytes) -> bool:
    return b"last" in message


async def asked(socket: Socket, *, streams: bool) -> bytes:
    transport = Scripted([], socket=socket)
    try:
        return await body_of(await Messages(is_last).send(request(body=b'{"q":1}'), call(streams=streams), transport))
    finally:
        assert socket.sent == ['{"q":1}']


async def test_messages_are_events() -> None:
    socket = Socket('{"a":1}', b'{"a":2}', None)
    assert values(await asked(socket, streams=True)) == [{"a": 1}, {"a": 2}]
    assert socket.closed


async def test_messages_of_a_whole_answer_are_gathered_up_to_the_last() -> None:
    socket = Socket('{"a":1}', '{"last":2}')
    assert json.loads(await asked(socket, streams=False)) == {"frames": [{"a": 1}, {"last": 2}]}
    assert socket.closed


@pytest.mark.parametrize("streams", [False, True])
async def test_a_connection_that_breaks_off_is_no_end(streams: bool) -> None:
    socket = Socket('{"a":1}', ResponseBroken("gone"))
    with pytest.raises(ResponseBroken):
        await asked(socket, streams=streams)
    assert socket.closed or streams


async def test_too_much_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MOST_BYTES", 10)
    socket = Socket('{"a":1}', '{"a":1}', '{"a":1}')
    with pytest.raises(ResponseBroken):
        await asked(socket, streams=False)
    assert socket.closed


async def test_a_goodbye_before_the_last_message_leaves_an_answer_without_it() -> None:
    assert json.loads(await asked(Socket('{"a":1}', None), streams=False)) == {"frames": [{"a": 1}]}


async def test_who_leaves_closes_the_connection() -> None:
    socket = Socket('{"a":1}')
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            Messages(is_last).send, request(body=b"{}"), call(streams=False), Scripted([], socket=socket)
        )
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert socket.closed


@pytest.mark.parametrize(("status", "told"), [(401, 401), (503, 503), (200, 502), (302, 502)])
async def test_a_refusal_to_open_is_an_answer(status: int, told: int) -> None:
    refused = SocketRefused(status=status, headers=JSON, body=b'{"message":"no"}')
    response = await Messages(is_last).send(request(), STREAM, Scripted([], socket=refused))
    assert (response.status, await body_of(response)) == (told, b'{"message":"no"}')


@pytest.mark.parametrize("streams", [False, True])
async def test_a_real_connection_that_is_cut_is_noticed(streams: bool) -> None:
    async with realtime_provider(Hear(), Say('{"a":1}'), Cut()) as provider:
        transport = Http1Transport(tls=no_tls())
        asking = request(provider.url + "/v1/realtime", body=b'{"q":1}')
        with trio.fail_after(5), pytest.raises(ResponseBroken):
            await read_all(asking, transport, streams=streams)


async def read_all(asking: UpstreamRequest, transport: Http1Transport, *, streams: bool) -> None:
    response = await Messages(is_last).send(asking, call(streams=streams), transport)
    try:
        while await response.receive_some():
            pass
    finally:
        await response.aclose()


async def test_a_real_connection_that_ends_well_is_read_to_its_end() -> None:
    async with realtime_provider(Hear(), Say('{"a":1}'), Say('{"last":1}'), Close()) as provider:
        transport = Http1Transport(tls=no_tls())
        asking = request(provider.url + "/v1/realtime", body=b'{"q":1}')
        with trio.fail_after(5):
            response = await Messages(is_last).send(asking, STREAM, transport)
            assert values(await body_of(response)) == [{"a": 1}, {"last": 1}]
