"""What chat and Claude's Messages can both carry survives the way there and back, and nothing is named as dropped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.formats import anthropic, openai_chat
from adapters.formats.assembly import assemble, unroll
from adapters.formats.neutral.answers import Choice, Response, StopReason
from adapters.formats.neutral.encoding import RequestOptions, ResponseOptions
from adapters.formats.neutral.parts import Image, Reasoning, Text, ToolCall, ToolResult
from adapters.formats.neutral.requests import Message, Request, ResponseFormat, Tool, ToolChoice
from adapters.pricing.usage import Usage
from adapters.sse import EventScanner

if TYPE_CHECKING:
    from types import ModuleType

    from adapters.formats.neutral.parts import Part

MODEL = "claude-sonnet-4-5-20250929"
OPTIONS = RequestOptions(reasoning_history="reasoning_details", reasoning_style="object")

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
ids = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)
counts = st.integers(0, 10**9)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | words,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(names, v, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(names, json_values, max_size=3)
arguments = objects.map(lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False))
texts = words.map(Text)
images = st.builds(
    Image, media_type=st.sampled_from(["image/png", "image/jpeg"]), data=st.just("iVBORw0KGgo=")
) | st.builds(Image, url=st.just("https://example.com/a.png"))
thoughts = st.builds(Reasoning, text=words, signature=ids, signature_format=st.just("anthropic")) | st.builds(
    Reasoning, redacted=ids, signature_format=st.just("anthropic")
)
tools = st.builds(
    Tool,
    name=names,
    description=words,
    parameters=st.fixed_dictionaries({"type": st.just("object"), "properties": objects}),
    strict=st.none() | st.booleans(),
)


@st.composite
def user_turns(draw: st.DrawFn) -> Message:
    parts: list[Part] = [draw(texts)]
    if draw(st.booleans()):
        parts.append(draw(images))
    return Message("user", parts)


@st.composite
def answers(draw: st.DrawFn, *, calls: list[ToolCall]) -> list[Part]:
    parts: list[Part] = [*draw(st.lists(thoughts, max_size=2))]
    if not calls or draw(st.booleans()):
        parts.append(draw(texts))
    return [*parts, *calls]


@st.composite
def call_lists(draw: st.DrawFn, min_size: int = 0) -> list[ToolCall]:
    given_ids = draw(st.lists(ids, min_size=min_size, max_size=3, unique=True))
    return [ToolCall(id=call_id, name=draw(names), arguments=draw(arguments)) for call_id in given_ids]


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    messages = [draw(user_turns())]
    for _ in range(draw(st.integers(0, 3))):
        calls = draw(call_lists())
        messages.append(Message("assistant", draw(answers(calls=calls))))
        if calls:
            results: list[Part] = [ToolResult(call_id=call.id, name=call.name, parts=[draw(texts)]) for call in calls]
            messages.append(Message("user", results))
        else:
            messages.append(draw(user_turns()))
    return messages


@st.composite
def requests(draw: st.DrawFn) -> Request:
    offered = draw(st.lists(tools, max_size=2, unique_by=lambda tool: tool.name))
    choice = draw(st.sampled_from(["auto", "none", "required"])) if offered else None
    named = [offered[0].name] if choice == "required" and draw(st.booleans()) else []
    return Request(
        format="openai_chat",
        model=MODEL,
        messages=draw(conversations()),
        system=draw(st.lists(texts, max_size=1)),
        tools=[*offered],
        tool_choice=None if choice is None else ToolChoice(mode=choice, names=named),
        parallel_tool_calls=draw(st.none() | st.booleans()) if offered and choice != "none" else None,
        stream=draw(st.booleans()),
        max_output_tokens=draw(st.integers(1, 10**6)),
        temperature=draw(st.none() | st.floats(0, 1)),
        stop=draw(st.lists(words, max_size=2)),
        response_format=draw(
            st.none()
            | st.builds(ResponseFormat, kind=st.just("json_schema"), name=st.just("response"), schema=objects)
        ),
        user=draw(st.just("") | ids),
    )


def through(codec: ModuleType, request: Request) -> Request:
    encoded = codec.encode_request(request, MODEL, OPTIONS)
    assert encoded.dropped == ()
    read: Request = codec.decode_request(encoded.body)
    read.format = request.format
    read.include_usage = None
    return read


def without_schema_names(request: Request) -> Request:
    if request.response_format is not None:
        request.response_format.name = "response"
    return request


@given(requests())
def test_requests(request: Request) -> None:
    over_chat = through(openai_chat, request)
    assert over_chat == request
    over_claude = without_schema_names(through(anthropic, over_chat))
    assert over_claude == request
    assert through(openai_chat, over_claude) == request


usages = st.builds(
    Usage, input=counts, cached_read=counts, cache_write_5m=counts, output=st.integers(1, 10**9), reasoning=counts
)


@st.composite
def responses(draw: st.DrawFn) -> Response:
    calls = draw(call_lists())
    reasons = [StopReason.TOOL_CALLS] if calls else [StopReason.STOP, StopReason.LENGTH, StopReason.CONTENT_FILTER]
    return Response(
        format="anthropic",
        id="msg_1",
        model=MODEL,
        choices=[Choice(parts=draw(answers(calls=calls)), stop_reason=draw(st.sampled_from(reasons)))],
        usage=draw(usages),
    )


def essence(response: Response) -> Any:
    return (response.choices, response.usage, response.model)


def answer_through(codec: ModuleType, response: Response, *, streamed: bool) -> Response:
    options = ResponseOptions(now_s=1)
    if not streamed:
        encoded = codec.encode_response(response, options)
        assert encoded.dropped == ()
        read: Response = codec.decode_response(encoded.body)
        return read
    encoder, decoder = codec.StreamEncoder(options), codec.StreamDecoder()
    raw = b"".join(encoder.encode(event) for event in unroll(response))
    assert encoder.dropped == ()
    return assemble(said for event in EventScanner().feed(raw) for said in decoder.feed(event))


@given(responses(), st.booleans())
def test_answers(response: Response, streamed: bool) -> None:
    over_claude = answer_through(anthropic, response, streamed=streamed)
    assert essence(over_claude) == essence(response)
    over_chat = answer_through(openai_chat, over_claude, streamed=streamed)
    assert essence(over_chat) == essence(response)
    assert essence(answer_through(anthropic, over_chat, streamed=streamed)) == essence(response)
