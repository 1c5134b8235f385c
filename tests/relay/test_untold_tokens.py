"""Providers that do not tell how many tokens an answer took, and clients that count on being told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from trio.testing import MockClock

from tests.relay.harness import DONE, ROLE, STOP, Counter, Reply, delta, plane

MESSAGES = {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "one two three"}]}
RESPONSES = {"model": "m", "input": "one two three"}
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "one two three"}]}]}
WHOLE = [
    ("/v1/messages", MESSAGES, "usage", ("input_tokens", "output_tokens")),
    ("/v1/responses", RESPONSES, "usage", ("input_tokens", "output_tokens")),
    ("/v1beta/models/m:generateContent", GEMINI, "usageMetadata", ("promptTokenCount", "candidatesTokenCount")),
]


def untold() -> Reply:
    message = {"role": "assistant", "content": "four five"}
    body = {"id": "c", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    return Reply(headers=((b"content-type", b"application/json"),), pieces=[json.dumps(body).encode()])


@pytest.mark.parametrize(("path", "asked", "member", "names"), WHOLE)
async def test_answers_tell_the_tokens_that_were_counted(
    path: str, asked: dict[str, Any], member: str, names: tuple[str, str], autojump_clock: MockClock
) -> None:
    async with plane() as p:
        p.transport.script.append(untold())
        got = await p.ask(asked, path=path)
    told = got.json[member]
    assert isinstance(told, dict)
    row = p.books.settled[0].log
    assert row is not None
    assert (told[names[0]], told[names[1]]) == (row.prompt_tokens, row.completion_tokens)
    assert row.completion_tokens == 2


async def test_a_stream_of_messages_ends_with_the_tokens_that_were_counted(autojump_clock: MockClock) -> None:
    async with plane() as p:
        p.transport.script.append(Reply(pieces=[ROLE, delta("four five"), STOP, DONE]))
        got = await p.ask(MESSAGES | {"stream": True}, path="/v1/messages")
    row = p.books.settled[0].log
    assert row is not None
    ends = [
        json.loads(line[6:]) for line in got.body.splitlines() if line.startswith(b'data: {"type":"message_delta"')
    ]
    assert [(end["usage"]["input_tokens"], end["usage"]["output_tokens"]) for end in ends] == [(row.prompt_tokens, 2)]
    assert got.body.count(b"message_stop") == 2


async def test_a_stream_of_responses_ends_with_the_tokens_that_were_counted(autojump_clock: MockClock) -> None:
    async with plane() as p:
        p.transport.script.append(Reply(pieces=[ROLE, delta("four five"), STOP, DONE]))
        got = await p.ask(RESPONSES | {"stream": True}, path="/v1/responses")
    last = json.loads(got.body.rpartition(b"data: ")[2])
    assert last["type"] == "response.completed"
    assert last["response"]["usage"]["output_tokens"] == 2


@pytest.mark.parametrize(("option", "tokens"), [("true", len("four five")), ("false", 2)])
async def test_answers_are_counted_by_length_where_the_operator_wants_it(
    option: str, tokens: int, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def count(self: Counter, model: str, text: str, *, approximate: bool = False) -> int:
        return len(text) if approximate else len(text.split())

    monkeypatch.setattr(Counter, "count_text", count)
    async with plane(options={"ApproximateTokenEnabled": option}) as p:
        p.transport.script.append(untold())
        await p.ask({"model": "m", "messages": MESSAGES["messages"]})
    row = p.books.settled[0].log
    assert row is not None
    assert row.completion_tokens == tokens
