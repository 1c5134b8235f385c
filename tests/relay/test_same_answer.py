"""One conversation, through every client's format, to every provider: each hears the same and each answer is the same.

The plane, the codecs and the wires are the real ones; the providers are mocks that speak as the real ones do.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from itertools import product
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.formats.assembly import assemble
from adapters.formats.neutral.answers import Response, StopReason
from adapters.formats.neutral.encoding import RequestOptions
from adapters.formats.neutral.parts import Text, ToolCall, ToolResult
from adapters.formats.neutral.requests import Message, Request, Tool
from adapters.formats.neutral.terms import Format
from adapters.formats.table import PROVIDERS
from adapters.providers.catalogue import load_catalogue
from adapters.sse import EventScanner
from tests.relay.harness import plane
from tests.relay.views import channel
from tests.support.dialects.formats import CHAT
from tests.support.dialects.said import Said
from tests.support.dialects.stage import Stage
from tests.support.dialects.table import SPEAKERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from adapters.providers.provider import Provider
    from tests.relay.harness import Got, Plane
    from tests.support.dialects.said import Speaker

pytestmark = pytest.mark.slow

CATALOGUE = load_catalogue()
CLIENTS: tuple[Format, ...] = ("openai_chat", "openai_responses", "anthropic", "gemini")
SIGNED_ELSEWHERE = {"awsclaude", "vertextai", "copilot"}
"""Their requests are signed by clouds; they have tests of their own."""
KEYS = {
    "baidu": "id|secret",
    "tencent": "1|id|secret",
    "xunfei": "app|secret|key",
    "zhipu": "id.a-secret-of-some-length",
}
CONFIG = {"user_id": "acct", "api_version": "2024-06-01"}


def serving() -> list[tuple[Provider, str]]:
    """Every provider that chats, with a model for each of the formats that it speaks."""
    found = []
    for row in CATALOGUE.providers:
        if row.key in SIGNED_ELSEWHERE or (not row.serves("chat_completions") and not row.serves("messages")):
            continue
        found += [(row, model) for model in ("m", *(f"{beginning}-m" for beginning in row.model_formats))]
    return found


ONE_OF_EACH = list({row.format_of(model): (row, model) for row, model in reversed(serving())}.values())
"""A provider for each format: the others differ in nothing that the conversation could tell."""
SERVING = [pytest.param(row, model, id=f"{row.key}-{model}") for row, model in serving()]


def told(messages: list[Message], system: str, *, client: Format, model: str, streams: bool) -> Request:
    return Request(
        format=client,
        model=model,
        system=[Text(system)] if system else [],
        messages=messages,
        stream=streams,
        max_output_tokens=100,
    )


def path_of(client: str, model: str, *, streams: bool) -> str:
    match client:
        case "openai_chat":
            return "/v1/chat/completions"
        case "openai_responses":
            return "/v1/responses"
        case "anthropic":
            return "/v1/messages"
    action = "streamGenerateContent?alt=sse" if streams else "generateContent"
    return f"/v1beta/models/{model}:{action}"


@asynccontextmanager
async def staged(row: Provider, model: str, stage: Stage) -> AsyncIterator[Plane]:
    view = channel(
        1, type=row.id, provider=row, models=(model,), base_url="http://up.example", config=CONFIG,
        key=KEYS.get(row.key, "sk-upstream"),
    )  # fmt: skip
    async with plane(channels=[view]) as p, trio.open_nursery() as nursery:
        await nursery.start(p.tokens.run)
        p.transport.send = stage.send  # type: ignore[assignment, method-assign]
        p.transport.open_socket = stage.open_socket  # type: ignore[attr-defined]
        yield p
        nursery.cancel_scope.cancel()


def understood(client: str, got: Got, *, streams: bool) -> Response:
    side = PROVIDERS[client]
    if not streams:
        return side.decode_response(got.body)
    decoder = side.stream_decoder()
    events = [told for event in EventScanner().feed(got.body) for told in decoder.feed(event)]
    return assemble(events + decoder.close())


def speaker_of(row: Provider, model: str, client: str) -> Speaker:
    spoken = row.format_of(model)
    if spoken == "openai_chat" and row.speaks_responses and client == "openai_responses":
        spoken = "openai_responses"
    return SPEAKERS[spoken]


async def exchange(p: Plane, client: Format, request: Request) -> Response:
    body = PROVIDERS[client].encode_request(request, request.model, RequestOptions()).body
    got = await p.ask(body, path=path_of(client, request.model, streams=request.stream))
    assert got.status == 200, got.body
    assert got.complete
    assert p.books.settled.pop().units > 0
    assert not p.books.settled
    return understood(client, got, streams=request.stream)


def check(stage: Stage, request: Request, response: Response) -> None:
    speaker, said = stage.speaker, stage.said
    heard = stage.heard.pop()
    assert not stage.heard
    turns = [(message.role, message.parts[0].text) for message in request.messages]  # type: ignore[union-attr]
    system = [("system", part.text) for part in request.system]
    if not speaker.has_system:
        system = [("assistant", text) for _, text in system]
    heard.turns = [turn for turn in heard.turns if turn != ("system", "")]
    assert heard.turns == ([*system, *turns] if speaker.has_memory else turns[-1:])
    (choice,) = response.choices
    assert "".join(part.text for part in choice.parts if isinstance(part, Text)) == said.text
    cut = said.is_cut and speaker.tells_cut
    assert choice.stop_reason is (StopReason.LENGTH if cut else StopReason.STOP)
    assert response.usage is not None
    if speaker.tells_tokens:
        assert (response.usage.prompt_total, response.usage.completion_total) == said.tokens
    else:
        assert response.usage.prompt_total > 0


@pytest.mark.parametrize(("row", "model"), SERVING)
async def test_every_provider_answers_every_client(
    row: Provider, model: str, autojump_clock: trio.testing.MockClock
) -> None:
    messages = [
        Message("user", [Text("Hi")]),
        Message("assistant", [Text("Yes?")]),
        Message("user", [Text("Who are you?")]),
    ]
    stage = Stage(CHAT, Said(pieces=("Hello", " from", " here.")))
    async with staged(row, model, stage) as p:
        for client, streams in product(CLIENTS, (False, True)):
            stage.speaker = speaker_of(row, model, client)
            request = told(messages, "Be brief.", client=client, model=model, streams=streams)
            check(stage, request, await exchange(p, client, request))


TOOL = Tool(
    name="weather",
    description="Tells the weather.",
    parameters={"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
)
CALLING = [
    (row, model)
    for row, model in ONE_OF_EACH
    if SPEAKERS[row.format_of(model)].calls_functions or row.key == "cohere"
]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(("row", "model"), CALLING, ids=[row.key for row, _ in CALLING])
async def test_calls_of_functions_arrive_at_both_ends(
    row: Provider, model: str, client: Format, autojump_clock: trio.testing.MockClock
) -> None:
    model = "Spark-Max" if row.key == "xunfei" else model
    history: list[Message] = []
    if row.key != "xunfei":
        call = ToolCall(id="c9", name="weather", arguments='{"place":"Oslo"}')
        result = ToolResult(call_id="c9", name="weather", parts=[Text("3 degrees")])
        history = [
            Message("user", [Text("In Oslo?")]),
            Message("assistant", [call]),
            Message("user", [result]),
            Message("assistant", [Text("It is cold.")]),
        ]
    history.append(Message("user", [Text("And in Paris?")]))
    said = Said(pieces=("Let me look.",), calls=(("weather", {"place": "Paris"}),))
    stage = Stage(CHAT, said)
    async with staged(row, model, stage) as p:
        for streams in (False, True):
            stage.speaker = speaker_of(row, model, client)
            request = told(history, "", client=client, model=model, streams=streams)
            request.tools = [TOOL]
            response = await exchange(p, client, request)
            heard = stage.heard.pop()
            assert heard.tools == ["weather"]
            assert heard.calls == ([("weather", {"place": "Oslo"})] if len(history) > 1 else [])
            assert len([turn for turn in heard.turns if turn[0] == "tool"]) == len(heard.calls)
            (choice,) = response.choices
            calls = [part for part in choice.parts if isinstance(part, ToolCall)]
            assert [(call.name, json.loads(call.arguments)) for call in calls] == [("weather", {"place": "Paris"})]
            assert all(call.id for call in calls)
            assert choice.stop_reason is StopReason.TOOL_CALLS


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n"), min_size=1, max_size=30).filter(
    lambda text: text == text.strip() and not text.startswith('"') and not text.startswith("<think>")
)
pieces = st.lists(texts, min_size=1, max_size=4).map(tuple)
answers = st.builds(
    Said, pieces=pieces, is_cut=st.booleans(), tokens=st.tuples(st.integers(1, 10**6), st.integers(1, 10**6))
)
conversations = st.tuples(texts, st.lists(st.tuples(texts, texts), max_size=2), texts)


@settings(max_examples=20, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("client", CLIENTS)
def test_whatever_is_said_arrives_at_both_ends(client: Format, data: st.DataObject) -> None:
    async def converse() -> None:
        stage = Stage(CHAT, data.draw(answers), cut=data.draw(st.integers(1, 200)))
        row, model = data.draw(st.sampled_from(ONE_OF_EACH))
        system, turns, question = data.draw(conversations)
        messages = [
            Message(role, [Text(text)])
            for pair in turns
            for role, text in zip(("user", "assistant"), pair, strict=True)
        ]
        messages.append(Message("user", [Text(question)]))
        async with staged(row, model, stage) as p:
            stage.speaker = speaker_of(row, model, client)
            request = told(messages, system, client=client, model=model, streams=data.draw(st.booleans()))
            check(stage, request, await exchange(p, client, request))

    trio.run(converse, clock=trio.testing.MockClock(autojump_threshold=0))
