"""For each pair of formats: what both can carry survives there and back, and what is lost on the way is named."""

from __future__ import annotations

from itertools import pairwise, permutations, product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.formats import anthropic, gemini, openai_chat, openai_responses
from adapters.formats.assembly import assemble, unroll
from adapters.formats.errors import FormatError
from adapters.formats.neutral.answers import Choice, Response, StopReason
from adapters.formats.neutral.encoding import RequestOptions, ResponseOptions
from adapters.formats.neutral.parts import (
    Audio,
    Citation,
    File,
    Foreign,
    Image,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from adapters.formats.neutral.requests import (
    HostedTool,
    Message,
    ReasoningOptions,
    Request,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from adapters.formats.neutral.terms import CacheMark
from adapters.pricing.usage import Usage
from adapters.sse import EventScanner
from tests.adapters.formats.test_round_trips_chat_anthropic import counts, ids, names, words
from tests.adapters.formats.test_round_trips_responses_gemini import (
    bare_schemas,
    call_lists,
    conversations,
    essence_of,
    tools,
)

if TYPE_CHECKING:
    from types import ModuleType

    from adapters.formats.neutral.parts import Part

CODECS = {
    "openai_chat": openai_chat,
    "openai_responses": openai_responses,
    "anthropic": anthropic,
    "gemini": gemini,
}
MODELS = {
    "openai_chat": "gpt-5",
    "openai_responses": "gpt-5",
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-3-pro-preview",
}
OPTIONS = RequestOptions(
    default_max_tokens=0,
    reasoning_history="reasoning_details",
    reasoning_style="object",
    call_signatures=True,
    cache_marks=True,
)
ANSWERS = ResponseOptions(now_s=1, request_id="r")
PAIRS = list(permutations(CODECS, 2))
ALL = list(product(CODECS, CODECS))


def named(pair: tuple[str, str]) -> str:
    return "-".join(pair)


# Requests -------------------------------------------------------------------------------------------------------


@st.composite
def common_requests(draw: st.DrawFn) -> Request:
    offered = draw(st.lists(tools, max_size=2, unique_by=lambda tool: tool.name))
    choice = draw(st.sampled_from(["auto", "none", "required"])) if offered else None
    only = [offered[0].name] if choice == "required" and draw(st.booleans()) else []
    return Request(
        format="openai_chat",
        model="m",
        messages=draw(conversations()),
        system=draw(st.lists(words.map(Text), max_size=1)),
        tools=[*offered],
        tool_choice=None if choice is None else ToolChoice(mode=choice, names=only),
        max_output_tokens=draw(st.integers(1, 10**6)),
        temperature=draw(st.none() | st.floats(0, 1)),
        response_format=draw(
            st.none() | st.builds(ResponseFormat, kind=st.just("json_schema"), name=st.just("n"), schema=bare_schemas)
        ),
    )


def there(name: str, request: Request) -> tuple[Request, tuple[str, ...]]:
    """Write a request in a format, and read it again as a client's of that format."""
    encoded = CODECS[name].encode_request(request, MODELS[name], OPTIONS)
    return CODECS[name].decode_request(encoded.body), encoded.dropped


@pytest.mark.parametrize("pair", PAIRS, ids=named)
@given(request=common_requests())
@settings(max_examples=25, deadline=None)
def test_a_request_survives_there_and_back(pair: tuple[str, str], request: Request) -> None:
    one, other = pair
    first, dropped = there(one, request)
    assert dropped == ()
    over, dropped = there(other, first)
    assert dropped == ()
    back, dropped = there(one, over)
    assert dropped == ()
    assert essence_of(back) == essence_of(first) == essence_of(request)


# Requests that hold everything ----------------------------------------------------------------------------------

marks = st.none() | st.sampled_from([CacheMark(), CacheMark("1h")])
signers = st.sampled_from(["anthropic", "gemini", "openai_responses"])
user_parts = (
    st.builds(Text, text=words, cache=marks)
    | st.builds(
        Image, data=st.just("iVBORw0KGgo="), media_type=st.just("image/png"), detail=st.sampled_from(["", "low"])
    )
    | st.builds(Image, file_id=ids, media_type=st.just("image/png"))
    | st.builds(Audio, data=st.just("UklGRg=="), media_type=st.just("audio/wav"))
    | st.builds(
        File, data=st.just("JVBERi0="), media_type=st.just("application/pdf"), name=ids, citations=st.booleans()
    )
    | st.builds(File, text=words, name=ids, context=words, media_type=st.just("text/plain"))
)
model_parts = (
    st.builds(Text, text=words, cache=marks, citations=st.lists(st.builds(Citation, url=st.just("https://e.example/"), title=words), max_size=1))
    | st.builds(Refusal, text=words)
    | st.builds(Reasoning, text=words, signature=ids, signature_format=signers)
    | st.builds(Reasoning, text=words)
    | st.builds(Reasoning, redacted=ids, signature_format=st.just("anthropic"))
)  # fmt: skip


@st.composite
def full_requests(draw: st.DrawFn) -> Request:
    offered = draw(st.lists(tools, max_size=2, unique_by=lambda tool: tool.name))
    for tool in offered:
        tool.strict = draw(st.none() | st.booleans())
        tool.cache = draw(marks)
    hosted = HostedTool(
        kind="web_search", format="openai_responses", value={"type": "web_search"}, context_size="low"
    )
    messages = [Message("user", draw(st.lists(user_parts, min_size=1, max_size=3)), draw(st.just("") | names))]
    for _ in range(draw(st.integers(0, 2))):
        calls = draw(call_lists())
        for call in calls:
            if draw(st.booleans()):
                call.signature, call.signature_format = draw(ids), "gemini"
        messages.append(Message("assistant", [*draw(st.lists(model_parts, max_size=3)), *calls] or [Text("a")]))
        results: list[Part] = [
            ToolResult(call_id=call.id, name=call.name, parts=[Text("r")], is_error=draw(st.booleans()))
            for call in calls
        ]
        messages.append(Message("user", results or [Text("b")]))
    return Request(
        format="openai_chat",
        model="m",
        messages=messages,
        system=draw(st.lists(st.builds(Text, text=words, cache=marks), max_size=2)),
        tools=[*offered, *([hosted] if draw(st.booleans()) else [])],
        tool_choice=draw(st.none() | st.just(ToolChoice(mode="auto"))),
        parallel_tool_calls=draw(st.none() | st.booleans()),
        max_output_tokens=draw(st.integers(2000, 10**6)),
        temperature=draw(st.none() | st.floats(0, 2)),
        top_p=draw(st.none() | st.floats(0, 1)),
        top_k=draw(st.none() | st.integers(1, 100)),
        stop=draw(st.lists(words, max_size=2)),
        seed=draw(st.none() | counts),
        presence_penalty=draw(st.none() | st.floats(-2, 2)),
        frequency_penalty=draw(st.none() | st.floats(-2, 2)),
        n=draw(st.none() | st.integers(1, 3)),
        logprobs=draw(st.none() | st.just(True)),
        verbosity=draw(st.sampled_from(["", "low"])),
        reasoning=draw(st.none() | st.builds(ReasoningOptions, effort=st.sampled_from(["low", "high"]))),
        user=draw(st.just("") | ids),
        metadata=draw(st.none() | st.just({"a": "b"})),
        service_tier=draw(st.sampled_from(["", "flex"])),
        store=draw(st.none() | st.booleans()),
        prompt_cache_key=draw(st.just("") | ids),
    )


# What a format says in other words, or may leave out without changing what is asked.
_SAME = {
    "n": (None, 1),
    "parallel_tool_calls": (None, True),
    "store": (None, False),
    "tool_choice": (None, ToolChoice(mode="auto")),
}
_MEMBERS = (
    "parallel_tool_calls", "temperature", "top_p", "top_k", "stop", "seed", "presence_penalty", "frequency_penalty", "n",
    "logprobs", "verbosity", "user", "metadata", "service_tier", "store", "prompt_cache_key", "tool_choice",
)  # fmt: skip


def lost_members(before: Request, after: Request) -> list[str]:
    lost = []
    has_functions = any(isinstance(tool, Tool) for tool in before.tools)
    for name in _MEMBERS:
        if name in ("parallel_tool_calls", "tool_choice") and not has_functions:
            continue
        was, now = getattr(before, name), getattr(after, name)
        if was != now and not (name in _SAME and was in _SAME[name] and now in _SAME[name]):
            lost.append(name)
    if (before.reasoning is None) != (after.reasoning is None):
        lost.append("reasoning")
    if len(before.tools) != len(after.tools):
        lost.append("tools")
    return lost


def lost_parts(before: Request, after: Request) -> list[str]:
    """Kinds of parts, and marks on them, of which there are fewer than before."""
    counted = []
    for request in (before, after):
        held: dict[str, int] = {}
        for part in (part for message in request.messages for part in message.parts):
            kind = type(part).__name__
            if isinstance(part, Text | Refusal) or (isinstance(part, File) and part.text):
                # A document that is only text may be told as one.
                held["words"] = held.get("words", 0) + len(part.text)
            else:
                held[kind] = held.get(kind, 0) + 1
            if isinstance(part, ToolCall) and part.signature_format != after.format:
                # Another provider's signature means nothing here.
                part.signature = ""
            for mark in ("cache", "signature", "redacted", "citations", "is_error", "file_id", "context"):
                # Gemini tells whose a file is by its address.
                if getattr(part, mark, None) or (mark == "file_id" and getattr(part, "url", None)):
                    held[f"{kind}.{mark}"] = held.get(f"{kind}.{mark}", 0) + 1
        for tool in request.tools:
            if tool.__class__ is Tool and tool.cache is not None:
                held["tool.cache"] = held.get("tool.cache", 0) + 1
        counted.append(held)
    was, now = counted
    return [kind for kind, number in was.items() if now.get(kind, 0) < number]


@pytest.mark.parametrize("pair", ALL, ids=named)
@given(request=full_requests())
@settings(max_examples=40, deadline=None)
def test_what_a_request_loses_is_named(pair: tuple[str, str], request: Request) -> None:
    source, target = pair
    request.format = source  # type: ignore[assignment]
    try:
        after, dropped = there(target, request)
    except FormatError:
        # Nothing is left of what the user said, and the client is told so.
        assert not any(isinstance(part, Text) for part in request.messages[0].parts)
        return
    lost = [*lost_members(request, after), *lost_parts(request, after)]
    assert not lost or dropped, (lost, after)


# Answers --------------------------------------------------------------------------------------------------------


@st.composite
def answers(draw: st.DrawFn, source: str) -> Response:
    """An answer of a provider, with what is common to all clients' formats."""
    signature = st.builds(Reasoning, text=words, signature=ids, signature_format=st.just(source))
    thoughts = draw(st.lists(signature, max_size=1))
    calls = draw(call_lists())
    said = [Text(draw(words))] if not calls or draw(st.booleans()) else []
    reasons = [StopReason.TOOL_CALLS] if calls else [StopReason.STOP, StopReason.LENGTH, StopReason.CONTENT_FILTER]
    return Response(
        format=source,  # type: ignore[arg-type]
        id="x1",
        model="m",
        choices=[Choice(parts=[*thoughts, *said, *calls], stop_reason=draw(st.sampled_from(reasons)))],
        usage=Usage(
            input=draw(counts), cached_read=draw(counts), output=draw(st.integers(1, 10**9)), reasoning=draw(counts)
        ),
    )


def essence(response: Response) -> Any:
    for part in response.choices[0].parts:
        if isinstance(part, Reasoning):
            part.id = ""
        elif isinstance(part, ToolCall):
            part.item_id = ""
    return (response.choices, response.usage, response.model)


def streamed(codec: ModuleType, response: Response) -> bytes:
    encoder = codec.StreamEncoder(ANSWERS)
    raw = b"".join(encoder.encode(event) for event in unroll(response))
    assert encoder.dropped == ()
    return raw


def read(codec: ModuleType, pieces: list[bytes]) -> Response:
    scanner, decoder = EventScanner(), codec.StreamDecoder()
    events = [told for piece in pieces for event in scanner.feed(piece) for told in decoder.feed(event)]
    return assemble([*events, *decoder.close()])


def cut(raw: bytes, at: list[int]) -> list[bytes]:
    places = sorted({place % (len(raw) + 1) for place in at} | {0, len(raw)})
    return [raw[begin:end] for begin, end in pairwise(places)]


@pytest.mark.parametrize("pair", PAIRS, ids=named)
@given(drawn=st.data(), at=st.lists(st.integers(0, 20_000), max_size=30))
@settings(max_examples=20, deadline=None)
def test_an_answer_survives_streamed_and_whole_however_it_is_cut(
    pair: tuple[str, str], drawn: st.DataObject, at: list[int]
) -> None:
    provider, client = CODECS[pair[0]], CODECS[pair[1]]
    said = drawn.draw(answers(pair[0]))
    whole = provider.decode_response(provider.encode_response(said, ANSWERS).body)
    stream = read(provider, cut(streamed(provider, said), at))
    expected = essence(whole)
    assert essence(stream) == expected
    encoded = client.encode_response(whole, ANSWERS)
    assert encoded.dropped == ()
    assert essence(client.decode_response(encoded.body)) == expected
    over = streamed(client, stream)
    assert essence(read(client, cut(over, at))) == expected
    assert essence(read(client, [over[place : place + 1] for place in range(len(over))])) == expected


# Answers that hold everything -----------------------------------------------------------------------------------

answer_parts = (
    st.builds(Text, text=words, citations=st.lists(st.builds(Citation, url=st.just("https://e.example/"), title=words, start=st.just(0), end=st.just(1)), max_size=1))
    | st.builds(Text, text=words, signature=ids, signature_format=st.just("gemini"))
    | st.builds(Refusal, text=words)
    | st.builds(Reasoning, text=words, signature=ids, signature_format=signers)
    | st.builds(Reasoning, redacted=ids, signature_format=st.just("anthropic"))
    | st.builds(Image, data=st.just("iVBORw0KGgo="), media_type=st.just("image/png"))
    | st.builds(Audio, data=st.just("UklGRg=="), media_type=st.just("audio/wav"), id=ids, transcript=words)
    | st.builds(Foreign, format=st.just("anthropic"), type=st.just("server_tool_use"), value=st.just({"type": "server_tool_use"}))
)  # fmt: skip


def one_sound(parts: list[Part]) -> bool:
    """No model says two things at once."""
    return sum(isinstance(part, Audio) for part in parts) < 2


@st.composite
def full_answers(draw: st.DrawFn) -> Response:
    choices = [
        Choice(parts=draw(st.lists(answer_parts, max_size=4).filter(one_sound)), stop_reason=StopReason.STOP)
        for _ in range(draw(st.integers(1, 2)))
    ]
    return Response(format=draw(signers), id="x1", model="m", choices=choices, usage=Usage(input=1, output=1))


def held(response: Response) -> dict[str, int]:
    found = {"choices": len(response.choices)}
    for part in (part for choice in response.choices for part in choice.parts):
        kind = type(part).__name__
        if isinstance(part, Text | Refusal):
            found["words"] = found.get("words", 0) + len(part.text)
        else:
            found[kind] = found.get(kind, 0) + 1
        for mark in ("signature", "redacted", "transcript"):
            if getattr(part, mark, None):
                found[mark] = found.get(mark, 0) + 1
    parts = [part for choice in response.choices for part in choice.parts if isinstance(part, Text)]
    found["citations"] = len({(c.url, c.title) for part in parts for c in part.citations})
    return found


@pytest.mark.parametrize("client", CODECS)
@given(said=full_answers(), streams=st.booleans())
@settings(max_examples=100, deadline=None)
def test_what_an_answer_loses_is_named(client: str, said: Response, streams: bool) -> None:
    codec = CODECS[client]
    if streams:
        encoder, decoder = codec.StreamEncoder(ANSWERS), codec.StreamDecoder()
        raw = b"".join(encoder.encode(event) for event in unroll(said))
        events = [told for event in EventScanner().feed(raw) for told in decoder.feed(event)]
        after, dropped = assemble([*events, *decoder.close()]), encoder.dropped
    else:
        encoded = codec.encode_response(said, ANSWERS)
        after, dropped = codec.decode_response(encoded.body), encoded.dropped
    now = held(after)
    if not all(choice.parts and isinstance(choice.parts[-1], Text) for choice in said.choices):
        # Gemini tells sources at the end, of the text that stands there.
        now["citations"] = held(said)["citations"]
    lost = [kind for kind, number in held(said).items() if now.get(kind, 0) < number]
    assert not lost or dropped, (lost, said.choices)
