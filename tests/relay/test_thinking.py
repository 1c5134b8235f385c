"""What becomes of thoughts on their way to and from servers with members of their own for them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from trio.testing import MockClock

from adapters.providers.catalogue import load_catalogue
from gateway.registry.snapshot import ChannelView
from tests.relay.harness import Reply, plane
from tests.relay.views import channel

CATALOGUE = load_catalogue()


def of(key: str, **changes: Any) -> ChannelView:
    row = CATALOGUE.by_key(key)
    assert row is not None
    return channel(1, type=row.id, provider=row, base_url="http://h", **changes)


def whole(**message: Any) -> Reply:
    body = {
        "id": "c",
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 3},
    }
    return Reply(headers=((b"content-type", b"application/json"),), pieces=[json.dumps(body).encode()])


def loop(**members: Any) -> dict[str, Any]:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    call = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
    marked = {"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}
    return {
        "model": "m",
        "max_tokens": 4000,
        "messages": [
            {"role": "user", "content": [marked]},
            {"role": "assistant", "content": [thought, call]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "x"}]},
        ],
        "tools": [{"name": "look", "input_schema": {"type": "object"}}],
        **members,
    }


@pytest.mark.parametrize(
    ("key", "asked", "history"),
    [
        ("openrouter", {"reasoning": {"max_tokens": 2048}}, "reasoning_details"),
        ("deepseek", {"thinking": {"type": "enabled"}, "reasoning_effort": "low"}, "reasoning_content"),
        ("moonshot", {"thinking": {"type": "enabled"}}, "reasoning_content"),
        ("alibailian", {"enable_thinking": True, "thinking_budget": 2048}, "reasoning_content"),
        ("groq", {"reasoning_effort": "low"}, None),
    ],
)
async def test_each_server_is_asked_in_its_own_members(
    key: str, asked: dict[str, Any], history: str | None, autojump_clock: MockClock
) -> None:
    async with plane(channels=[of(key)]) as p:
        p.transport.script.append(whole(content="hi"))
        got = await p.ask(loop(thinking={"type": "enabled", "budget_tokens": 2048}), path="/v1/messages")
    assert got.status == 200
    sent = json.loads(p.transport.bodies[0])
    assert {name: sent.get(name) for name in asked} == asked
    turn = sent["messages"][1]
    assert [name for name in turn if name.startswith("reasoning")] == ([history] if history else [])
    dropped = got.headers.get("x-oneapi-dropped", "")
    assert ("messages.content.reasoning" in dropped) is (key != "openrouter")


async def test_openrouter_gets_signed_thoughts_and_marks_for_the_cache(autojump_clock: MockClock) -> None:
    async with plane(channels=[of("openrouter")]) as p:
        p.transport.script.append(whole(content="hi"))
        got = await p.ask(loop(), path="/v1/messages")
    sent = json.loads(p.transport.bodies[0])
    assert sent["messages"][0]["content"] == [
        {"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}
    ]
    [detail] = sent["messages"][1]["reasoning_details"]
    assert (detail["text"], detail["signature"], detail["format"]) == ("hm", "s", "anthropic-claude-v1")
    assert "x-oneapi-dropped" not in got.headers


async def test_a_loop_that_another_model_began_goes_on_at_deepseek(autojump_clock: MockClock) -> None:
    asked = loop()
    asked["messages"][1]["content"].pop(0)
    async with plane(channels=[of("deepseek")]) as p:
        p.transport.script.append(whole(content="hi"))
        await p.ask(asked, path="/v1/messages")
    assert json.loads(p.transport.bodies[0])["messages"][1]["reasoning_content"] == " "


async def test_a_chat_for_deepseek_keeps_its_effort(autojump_clock: MockClock) -> None:
    asked = {"model": "m", "messages": [{"role": "user", "content": "x"}], "reasoning_effort": "low"}
    async with plane(channels=[of("deepseek")]) as p:
        p.transport.script.append(whole(content="hi"))
        await p.ask(asked)
    assert json.loads(p.transport.bodies[0]) == asked


# Thoughts within a text ----------------------------------------------------------------------------------------

CHAT = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
TAGGED = "<think>hm</think>\n\nhi <think>no</think>"


def deltas(*texts: str) -> Reply:
    def data(delta: dict[str, Any], finish: str | None = None) -> bytes:
        one = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        return b"data: " + json.dumps(one).encode() + b"\n\n"

    pieces = [data({"content": text}) for text in texts]
    return Reply(pieces=[*pieces, data({}, "stop"), b"data: [DONE]\n\n"])


@pytest.mark.parametrize("value", ["1", "true", "YES", "on"])
@pytest.mark.parametrize(
    ("wanted", "member"),
    [
        ("", "reasoning"),
        ("reasoning_content", "reasoning_content"),
        ("thinking", "thinking"),
        ("nonsense", "reasoning"),
    ],
)
async def test_the_first_thought_of_a_whole_answer_is_cut_out(
    value: str, wanted: str, member: str, autojump_clock: MockClock
) -> None:
    async with plane() as p:
        p.transport.script.append(whole(content=TAGGED))
        got = await p.ask(CHAT, path=f"/v1/chat/completions?thinking={value}&reasoning_format={wanted}")
    message = got.json["choices"][0]["message"]  # type: ignore[index]
    assert message[member] == "hm"
    assert message["content"].strip() == "hi <think>no</think>"


@pytest.mark.parametrize(
    ("query", "member"),
    [("thinking=1", "reasoning_content"), ("thinking=1&reasoning_format=reasoning", "reasoning")],
)
async def test_the_first_thought_of_a_stream_is_cut_out_however_it_is_cut(
    query: str, member: str, autojump_clock: MockClock
) -> None:
    for size in (1, 2, 3, 5, 7, 8, 11, len(TAGGED)):
        async with plane() as p:
            p.transport.script.append(deltas(*(TAGGED[at : at + size] for at in range(0, len(TAGGED), size))))
            got = await p.ask(CHAT | {"stream": True}, path=f"/v1/chat/completions?{query}")
        chunks = [json.loads(line[6:]) for line in got.body.splitlines() if line.startswith(b"data: {")]
        told = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
        assert "".join(delta.get(member) or "" for delta in told) == "hm"
        assert "".join(delta.get("content") or "" for delta in told).strip() == "hi <think>no</think>"
        assert got.body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("query", ["", "?thinking=0", "?thinking=", "?reasoning_format=thinking"])
async def test_without_the_parameter_answers_pass_as_they_are(query: str, autojump_clock: MockClock) -> None:
    async with plane() as p:
        reply = whole(content=TAGGED)
        sent = reply.pieces[0]
        p.transport.script.append(reply)
        got = await p.ask(CHAT, path=f"/v1/chat/completions{query}")
    assert got.body == sent


async def test_a_claude_client_gets_the_thought_as_a_block(autojump_clock: MockClock) -> None:
    asked = {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "x"}]}
    async with plane() as p:
        p.transport.script.append(whole(content="<think>hm</think>hi"))
        got = await p.ask(asked, path="/v1/messages?thinking=true")
    kinds = [(block["type"], block.get("thinking") or block.get("text")) for block in got.json["content"]]  # type: ignore[attr-defined]
    assert kinds == [("thinking", "hm"), ("text", "hi")]


async def test_a_thought_that_never_ends_is_text(autojump_clock: MockClock) -> None:
    async with plane() as p:
        p.transport.script.append(whole(content="<think>hm"))
        got = await p.ask(CHAT, path="/v1/chat/completions?thinking=1")
    message = got.json["choices"][0]["message"]  # type: ignore[index]
    assert "hm" in (message.get("content") or "") + (message.get("reasoning") or "")
