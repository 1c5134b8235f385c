"""Signed thoughts are kept by user and call, put back to whom they belong, and never stand in the way."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from trio.testing import MockClock

from adapters.formats.assembly import unroll
from adapters.formats.neutral.answers import Choice, Response
from adapters.formats.neutral.parts import Reasoning, Text, ToolCall, ToolResult
from adapters.formats.neutral.requests import Message, Request
from gateway.relay.errors import UpstreamFailed
from gateway.relay.signed import book as books
from gateway.relay.signed.book import SignatureBook, key_of
from gateway.relay.signed.chat import without
from gateway.relay.signed.collect import Collector
from gateway.relay.signed.kept import Kept, decode, encode
from gateway.relay.signed.put_back import put_back, unsigned_calls, without_signatures
from gateway.relay.signed.refused import refuses_signatures
from tests.relay.harness import Journal, Reply, plane
from tests.relay.signatures_in_memory import MemorySignatures
from tests.relay.views import channel

THOUGHT = Reasoning(text="Hm.", signature="s1g", signature_format="anthropic")
SEALED = Reasoning(redacted="xyz", signature_format="anthropic")
KEPT = Kept(format="anthropic", channel_id=7, thoughts=[THOUGHT])


def call(number: int, signature: str = "") -> ToolCall:
    return ToolCall(
        id=f"call_{number}",
        name="t",
        arguments="{}",
        signature=signature,
        signature_format="gemini" if signature else None,
    )


def loop(*steps: list[Any]) -> Request:
    messages = [Message("user", [Text("?")])]
    for parts in steps:
        messages.append(Message("assistant", parts))
        results = [ToolResult(call_id=part.id, name="t") for part in parts if isinstance(part, ToolCall)]
        messages.append(Message("user", list(results)))
    return Request(format="openai_chat", model="m", messages=messages)


# What is kept of an answer --------------------------------------------------------------------------------------


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (
            "openai_chat",
            {
                "call_1": Kept(format="anthropic", channel_id=7, thoughts=[THOUGHT, SEALED]),
                "call_2": Kept(format="gemini", channel_id=7, signature="g"),
            },
        ),
        ("openai_responses", {"call_2": Kept(format="gemini", channel_id=7, signature="g")}),
        ("anthropic", {"call_2": Kept(format="gemini", channel_id=7, signature="g")}),
        ("gemini", {}),
    ],
)
def test_what_the_clients_format_has_no_room_for_is_kept(
    client: Any, expected: dict[str, Kept], streams: bool
) -> None:
    parts = [THOUGHT, SEALED, Text("Let me look."), call(1), call(2, "g"), Reasoning(text="unsigned"), call(3)]
    response = Response(format="anthropic", choices=[Choice(parts=list(parts))])
    collector = Collector(client, 7)
    if streams:
        events = unroll(response)
        assert [told for event in events for told in collector.event(event)] == events
    else:
        assert collector.whole(response) is response
    assert collector.kept == expected


def test_of_several_answers_the_first_counts() -> None:
    response = Response(format="gemini", choices=[Choice(parts=[Text("a")]), Choice(parts=[call(1, "g")])])
    collector = Collector("anthropic", 7)
    for event in unroll(response):
        collector.event(event)
    collector.whole(response)
    assert collector.kept == {}


# What is put back -----------------------------------------------------------------------------------------------


def test_thoughts_stand_in_front_of_the_call_that_they_led_to() -> None:
    request = loop([Text("One."), call(1), Text("Two."), call(2)], [call(3)])
    assert unsigned_calls(request, "anthropic") == ["call_3", "call_2", "call_1"]
    second = Kept(format="anthropic", channel_id=7, thoughts=[SEALED])
    back = put_back(request, "anthropic", 7, {"call_1": KEPT, "call_2": second})
    assert back.messages[1].parts == [THOUGHT, Text("One."), call(1), SEALED, Text("Two."), call(2)]
    assert back.messages[3].parts == [call(3)]
    assert request.messages[1].parts == [Text("One."), call(1), Text("Two."), call(2)]
    assert unsigned_calls(back, "anthropic") == ["call_3"]


def test_words_that_the_client_kept_are_not_told_twice() -> None:
    back = put_back(loop([Reasoning(text="Hm."), call(1)]), "anthropic", 7, {"call_1": KEPT})
    assert back.messages[1].parts == [THOUGHT, call(1)]


def test_signatures_of_calls_are_put_on_them() -> None:
    kept = {"call_1": Kept(format="gemini", channel_id=1, signature="g")}
    assert put_back(loop([call(1), call(2)]), "gemini", 7, kept).messages[1].parts == [call(1, "g"), call(2)]


def test_nobody_is_given_what_another_one_signed() -> None:
    request = loop([call(1)])
    for target in ("gemini", "openai_responses", "openai_chat", "cohere"):
        assert put_back(request, target, 7, {"call_1": KEPT}) is request
    assert unsigned_calls(request, "openai_chat") == []
    assert unsigned_calls(request, "cohere") == []


def test_openais_sealed_thoughts_go_back_to_the_same_channel_only() -> None:
    request = loop([call(1)])
    thought = Reasoning(signature="enc", signature_format="openai_responses", id="rs_1")
    kept = {"call_1": Kept(format="openai_responses", channel_id=7, thoughts=[thought])}
    assert put_back(request, "openai_responses", 8, kept) is request
    assert put_back(request, "openai_responses", 7, kept).messages[1].parts == [thought, call(1)]


def test_what_the_client_sent_back_itself_is_not_looked_up() -> None:
    assert unsigned_calls(loop([THOUGHT, call(1)], [call(2, "g")]), "anthropic") == ["call_2"]
    assert unsigned_calls(loop([THOUGHT, call(1)], [call(2, "g")]), "gemini") == ["call_1"]


def test_a_very_long_loop_is_looked_up_from_its_end() -> None:
    wanted = unsigned_calls(loop(*([call(number)] for number in range(1000))), "gemini")
    assert len(wanted) == 400
    assert wanted[0] == "call_999"


def test_a_request_can_do_without_signatures() -> None:
    signed = Text("a", signature="g", signature_format="gemini")
    bare = without_signatures(loop([THOUGHT, SEALED, Reasoning(text="b"), signed, call(1, "g")]))
    assert bare.messages[1].parts == [Reasoning(text="b"), Text("a"), call(1)]


# The book -------------------------------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


def book(store: MemorySignatures, clock: Clock | None = None, hours: float = 1) -> SignatureBook:
    return SignatureBook(store, journal=Journal(), hours=hours, now_ms=clock or Clock())


async def test_another_process_finds_what_was_kept(autojump_clock: MockClock) -> None:
    store = MemorySignatures()
    await book(store).keep(3, {"call_1": KEPT})
    assert await book(store).find(3, ["call_1", "call_2"]) == {"call_1": KEPT}


async def test_another_user_finds_nothing(autojump_clock: MockClock) -> None:
    store = MemorySignatures()
    one = book(store)
    await one.keep(3, {"call_1": KEPT})
    assert await one.find(4, ["call_1"]) == {}
    # Not even with the row of the other: it is sealed for its owner.
    store.rows[key_of(4, "call_1")] = store.rows[key_of(3, "call_1")]
    assert await book(store).find(4, ["call_1"]) == {}


async def test_the_store_holds_neither_thoughts_nor_ids_in_clear(autojump_clock: MockClock) -> None:
    store = MemorySignatures()
    await book(store).keep(3, {"call_1": KEPT})
    ((key, (payload, _)),) = store.rows.items()
    told = f"{key} {payload} {base64.urlsafe_b64decode(payload)!r}"
    for secret in ("Hm.", '"s1g"', "anthropic", "call_1"):
        assert secret not in told


async def test_what_was_found_or_not_is_not_asked_for_again(autojump_clock: MockClock) -> None:
    store = MemorySignatures()
    await book(store).keep(3, {"call_1": KEPT})
    other = book(store)
    for _ in range(2):
        assert await other.find(3, ["call_1", "call_2"]) == {"call_1": KEPT}
    assert len(store.reads) == 1


async def test_what_is_old_is_forgotten(autojump_clock: MockClock) -> None:
    store, clock = MemorySignatures(), Clock()
    one = book(store, clock)
    await one.keep(3, {"call_1": KEPT})
    clock.now += 3600 * 1000 - 1
    assert await one.find(3, ["call_1"]) == {"call_1": KEPT}
    clock.now += 1
    assert await one.find(3, ["call_1"]) == {}


async def test_without_the_database_the_process_itself_remembers(autojump_clock: MockClock) -> None:
    store = MemorySignatures()
    store.is_away = True
    one = book(store)
    await one.keep(3, {"call_1": KEPT})
    assert await one.find(3, ["call_1", "call_2"]) == {"call_1": KEPT}
    store.is_away = False
    await book(store).keep(3, {"call_2": KEPT})
    # That nothing could be read is not taken for that there is nothing.
    assert await one.find(3, ["call_2"]) == {"call_2": KEPT}


async def test_memory_is_bounded(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "MOST_BYTES", 10_000)
    store = MemorySignatures()
    one = book(store)
    long = Kept(format="anthropic", channel_id=7, thoughts=[Reasoning(text="x" * 3000, signature="s")])
    for number in range(9):
        await one.keep(3, {f"call_{number}": long})
    assert len(one._memory) == 3
    assert one._bytes <= 10_000
    assert await one.find(3, ["call_0"]) == {"call_0": long}
    assert len(one._memory) == 3


async def test_thoughts_beyond_measure_are_not_kept(autojump_clock: MockClock) -> None:
    store = MemorySignatures()
    long = Kept(format="anthropic", channel_id=7, thoughts=[Reasoning(text="x" * (1 << 20), signature="s")])
    await book(store).keep(3, {"call_1": long, "call_2": KEPT})
    assert await book(store).find(3, ["call_1", "call_2"]) == {"call_2": KEPT}


async def test_it_can_be_switched_off(autojump_clock: MockClock) -> None:
    store = MemorySignatures()
    one = book(store, hours=0)
    await one.keep(3, {"call_1": KEPT})
    assert await one.find(3, ["call_1"]) == {}
    assert store.rows == {}


def test_what_is_kept_is_read_as_it_was_written() -> None:
    assert decode(encode(KEPT)) == KEPT
    assert decode(b"{}") is None
    assert decode(b"\xff") is None


# Refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (400, None, "messages.1.content.0: Invalid `signature` in `thinking` block", True),
        (400, None, "messages.3.content.0: Invalid `data` in `redacted_thinking` block", True),
        (400, None, "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`.", True),
        (400, None, "Function call `default_api:f` is missing a `thought_signature`.", True),
        (400, None, "Corrupted thought signature.", True),
        (400, "invalid_encrypted_content", "The encrypted content gAAA… could not be verified.", True),
        (400, None, "Item with id 'rs_0123' not found.", True),
        (400, None, "max_tokens must be greater than thinking.budget_tokens", False),
        (400, None, "Invalid image", False),
        (500, None, "Corrupted thought signature.", False),
        (401, None, "Invalid signature", False),
    ],
)
def test_refusals_of_signatures_are_told_from_others(status: int, code: object, message: str, expected: bool) -> None:
    error = UpstreamFailed(message, status=status, upstream_code=code)
    assert refuses_signatures(error) is expected


CLAUDE = {
    "model": "claude-haiku-4-5",
    "max_tokens": 100,
    "messages": [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "of another account"},
            {"type": "text", "text": "A."},
        ]},
        {"role": "user", "content": "B?"},
    ],
}  # fmt: skip
REFUSED = {
    "type": "error",
    "error": {"type": "invalid_request_error", "message": "Invalid `signature` in `thinking`"},
}
ANSWERED = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": "C."}],
    "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
}  # fmt: skip


def claude_says(body: object, status: int = 200) -> Reply:
    reply = Reply(pieces=[json.dumps(body).encode()], status=status)
    reply.headers = ((b"content-type", b"application/json"),)
    return reply


async def test_a_provider_that_refuses_a_signature_is_asked_once_more_without(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=14, models=("claude-haiku-4-5",))]) as p:
        p.transport.script += [claude_says(REFUSED, 400), claude_says(ANSWERED)]
        got = await p.ask(CLAUDE, path="/v1/messages")
    assert got.status == 200
    first, second = (json.loads(request.body) for request in p.transport.requests)
    assert first == CLAUDE
    assert second["messages"][1]["content"] == [{"type": "text", "text": "A."}]
    assert len(p.books.settled) == 1


async def test_a_provider_that_still_refuses_has_the_last_word(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=14, models=("claude-haiku-4-5",))]) as p:
        p.transport.script += [claude_says(REFUSED, 400), claude_says(REFUSED, 400)]
        got = await p.ask(CLAUDE, path="/v1/messages")
    assert got.status == 400
    assert len(p.transport.requests) == 2
    assert [settled.units for settled in p.books.settled] == [0]


# Chat that passes -----------------------------------------------------------------------------------------------


def test_chat_passes_without_what_most_servers_do_not_know() -> None:
    said: dict[str, Any] = {
        "role": "assistant",
        "content": "a",
        "reasoning_details": [],
        "tool_calls": [{"id": "1", "extra_content": {"google": {"thought_signature": "g"}}}, {"id": "2"}],
    }
    messages = [{"role": "user", "content": "?"}, said]
    names = ("messages.reasoning_details", "messages.tool_calls.extra_content")
    bare = {"role": "assistant", "content": "a", "tool_calls": [{"id": "1"}, {"id": "2"}]}
    assert without(messages, details=True, on_calls=True) == ([messages[0], bare], names)
    assert without(messages, details=False, on_calls=False) == (messages, ())
    assert "reasoning_details" in said
    assert without("damaged", details=True, on_calls=True) == ("damaged", ())


async def test_openrouter_gets_its_details_back_and_others_do_not(autojump_clock: MockClock) -> None:
    said = {"role": "assistant", "content": "a", "reasoning_details": [{"type": "reasoning.text", "text": "t"}]}
    asked = {"model": "m", "messages": [{"role": "user", "content": "?"}, said, {"role": "user", "content": "!"}]}
    for kind, keeps in ((20, True), (50, False)):
        async with plane(channels=[channel(1, type=kind)]) as p:
            p.transport.script.append(claude_says({"choices": [{"message": {"content": "x"}}]}))
            got = await p.ask(asked)
        sent = json.loads(p.transport.requests[0].body)["messages"][1]
        assert ("reasoning_details" in sent) is keeps
        assert ("x-oneapi-dropped" in dict(got.headers)) is not keeps
