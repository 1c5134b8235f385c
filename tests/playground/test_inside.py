"""Requests that the program makes of itself: real relays on a clock that jumps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import trio

from gateway.playground.inside import InsideRequest, asked
from tests.relay.harness import DONE, ROLE, STOP, Reply, answer, delta, plane, usage

if TYPE_CHECKING:
    from trio.testing import MockClock

    from gateway.playground.inside import InsideAnswer


def request(*, stream: bool = False, key: str = "sk-k", address: str = "192.0.2.7") -> InsideRequest:
    body = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
    return InsideRequest(path="/v1/chat/completions", body=json.dumps(body).encode(), key=key, address=address)


async def read(got: InsideAnswer) -> bytes:
    body = b""
    while data := await got.receive_some():
        body += data
    return body


async def test_a_whole_answer_comes_with_its_head_and_is_charged(autojump_clock: MockClock) -> None:
    async with plane() as p:
        p.transport.script.append(answer("hello"))
        async with asked(p.app, request()) as got:
            assert got.status == 200
            assert got.request_id
            assert json.loads(await read(got))["choices"][0]["message"]["content"] == "hello"
            await got.over.wait()
            assert p.books.settled[0].request_id == got.request_id


async def test_a_stream_comes_piece_by_piece(autojump_clock: MockClock) -> None:
    async with plane() as p:
        p.transport.script.append(Reply(pieces=[ROLE, delta("one "), 5.0, delta("two"), STOP, usage(3, 2), DONE]))
        async with asked(p.app, request(stream=True)) as got:
            first = await got.receive_some()
            assert b"one " in first
            assert b"two" not in first
            assert (await read(got)).endswith(DONE)


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_leaving_early_ends_the_relay_which_charges_what_it_delivered(
    is_cancelled: bool, autojump_clock: MockClock
) -> None:
    async with plane() as p:
        p.transport.script.append(Reply(pieces=[ROLE, delta("one two three"), 1000.0, STOP, DONE]))
        with trio.CancelScope() as scope:
            async with asked(p.app, request(stream=True)) as got:
                await got.receive_some()
                if is_cancelled:
                    scope.cancel()
                    await trio.lowlevel.checkpoint()
        assert len(p.running) == 0
        (settled,) = p.books.settled
        assert settled.log is not None
        assert settled.log.completion_tokens == 3
        (summary,) = p.journal.relays
        assert summary.outcome == "client_gone"  # type: ignore[attr-defined]


async def test_what_is_refused_is_an_answer_too(autojump_clock: MockClock) -> None:
    async with plane(token={"subnet": "10.0.0.0/8"}) as p:
        async with asked(p.app, request()) as got:
            assert got.status == 403
            assert b"192.0.2.7" in await read(got)
        async with asked(p.app, request(key="sk-unknown")) as got:
            assert got.status == 401
    assert p.books.settled == []
