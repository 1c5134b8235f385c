"""What Responses and Gemini can carry survives the way there and back, and nothing is named as dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.formats import anthropic, gemini, openai_chat, openai_responses
from adapters.formats.assembly import assemble, unroll
from adapters.formats.neutral.answers import Choice, Response, StopReason
from adapters.formats.neutral.encoding import RequestOptions, ResponseOptions
from adapters.formats.neutral.parts import Image, Reasoning, ToolCall, ToolResult
from adapters.formats.neutral.requests import Message, ReasoningOptions, Request, ResponseFormat, Tool, ToolChoice
from adapters.pricing.usage import Usage
from adapters.sse import EventScanner
from tests.adapters.formats.test_round_trips_chat_anthropic import (
    answers,
    call_lists,
    counts,
    ids,
    images,
    names,
    texts,
    words,
)

if TYPE_CHECKING:
    from types import ModuleType

    from adapters.formats.neutral.parts import Part

MODEL = "gemini-2.5-flash"
OPTIONS = RequestOptions(default_max_tokens=0)

properties = st.dictionaries(
    names,
    st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "boolean"]), "description": words})
    | st.fixed_dictionaries({"type": st.just("array"), "items": st.just({"type": "number"})}),
    min_size=1,
    max_size=3,
)
schemas = properties.map(lambda found: {"type": "object", "properties": found, "required": [next(iter(found))]})
bare_schemas = st.sampled_from(
    [{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, {"type": "array", "items": {}}]
).filter(lambda schema: schema["type"] == "object")
tools = st.builds(Tool, name=names, description=words, parameters=schemas)
results = texts.filter(lambda part: not part.text.lstrip().startswith("{"))


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    def says() -> Message:
        return Message("user", [draw(texts), *draw(st.lists(images, max_size=1))])

    messages = [says()]
    for _ in range(draw(st.integers(0, 3))):
        calls = draw(call_lists())
        said: list[Part] = [draw(texts)] if not calls or draw(st.booleans()) else []
        messages.append(Message("assistant", [*said, *calls]))
        if calls:
            told: list[Part] = [ToolResult(call_id=call.id, name=call.name, parts=[draw(results)]) for call in calls]
            messages.append(Message("user", told))
        else:
            messages.append(says())
    return messages


@st.composite
def requests(draw: st.DrawFn) -> Request:
    offered = draw(st.lists(tools, max_size=2, unique_by=lambda tool: tool.name))
    choice = draw(st.sampled_from(["auto", "none", "required"])) if offered else None
    named = [offered[0].name] if choice == "required" and draw(st.booleans()) else []
    return Request(
        format="openai_responses",
        model=MODEL,
        messages=draw(conversations()),
        system=draw(st.lists(texts, max_size=1)),
        tools=[*offered],
        tool_choice=None if choice is None else ToolChoice(mode=choice, names=named),
        max_output_tokens=draw(st.integers(1, 10**6)),
        temperature=draw(st.none() | st.floats(0, 1)),
        top_p=draw(st.none() | st.floats(0, 1)),
        response_format=draw(
            st.none() | st.builds(ResponseFormat, kind=st.just("json_schema"), name=st.just("n"), schema=bare_schemas)
        ),
    )


def essence_of(request: Request) -> Any:
    """The request without what formats name by themselves: ids of calls, names of schemas, types of pictures."""
    numbers: dict[str, str] = {}
    calls = 0
    messages = []
    for message in request.messages:
        parts: list[object] = []
        for part in message.parts:
            if isinstance(part, ToolCall):
                calls += 1
                numbers[part.id] = f"#{calls}"
                parts.append((part.name, part.arguments, numbers[part.id]))
            elif isinstance(part, ToolResult):
                parts.append((part.parts, numbers.get(part.call_id, part.call_id), part.is_error))
            elif isinstance(part, Image) and part.url:
                parts.append(("image", part.url))
            else:
                parts.append(part)
        messages.append((message.role, parts))
    wanted = request.response_format
    return (
        messages,
        request.system,
        request.tools,
        request.tool_choice,
        request.max_output_tokens,
        request.temperature,
        request.top_p,
        None if wanted is None else (wanted.kind, wanted.schema),
    )


def through(codec: ModuleType, request: Request) -> Request:
    encoded = codec.encode_request(request, MODEL, OPTIONS)
    assert encoded.dropped == ()
    read: Request = codec.decode_request(encoded.body)
    read.format = request.format
    return read


@given(requests())
def test_requests(request: Request) -> None:
    said = essence_of(request)
    over_responses = through(openai_responses, request)
    assert essence_of(over_responses) == said
    over_gemini = through(gemini, over_responses)
    assert essence_of(over_gemini) == said
    assert essence_of(through(openai_chat, over_gemini)) == said
    assert essence_of(through(gemini, through(openai_chat, request))) == said
    assert essence_of(through(openai_responses, over_gemini)) == said


@given(requests().filter(lambda request: request.top_p is None or request.temperature is None))
def test_claudes_clients_reach_both(request: Request) -> None:
    encoded = anthropic.encode_request(request, "claude-sonnet-4-5", OPTIONS)
    read = anthropic.decode_request(encoded.body)
    said = essence_of(read)
    for codec in (openai_responses, gemini):
        back = codec.decode_request(codec.encode_request(read, MODEL, OPTIONS).body)
        assert essence_of(back) == said


@given(
    st.builds(Reasoning, text=words, signature=ids, signature_format=st.just("openai_responses"), id=ids),
    st.sampled_from(["low", "medium", "high"]),
)
def test_responses_own_thoughts_and_efforts(thought: Reasoning, effort: Any) -> None:
    request = Request(
        format="openai_responses",
        model=MODEL,
        messages=[Message("assistant", [thought])],
        reasoning=ReasoningOptions(effort=effort, summary="auto", shown=True),
    )
    back = through(openai_responses, request)
    assert back.messages == request.messages
    assert back.reasoning == request.reasoning


@given(st.integers(1, 24_576), st.booleans(), st.booleans())
def test_geminis_own_budgets(budget: int, shown: bool, dynamic: bool) -> None:
    reasoning = (
        ReasoningOptions(enabled=True, adaptive=True, shown=shown)
        if dynamic
        else ReasoningOptions(enabled=True, budget_tokens=budget, shown=shown)
    )
    request = Request(format="gemini", model=MODEL, reasoning=reasoning, messages=[Message("user", [])])
    body = gemini.encode_request(Request(format="gemini", model=MODEL, reasoning=reasoning), MODEL, OPTIONS).body
    assert request.reasoning == gemini.decode_request(body.replace(b'"contents":[]', b'"contents":[{}]')).reasoning


@st.composite
def responses(draw: st.DrawFn) -> Response:
    calls = draw(call_lists())
    reasons = [StopReason.TOOL_CALLS] if calls else [StopReason.STOP, StopReason.LENGTH, StopReason.CONTENT_FILTER]
    return Response(
        format="anthropic",
        id="resp_1",
        model=MODEL,
        choices=[Choice(parts=draw(answers(calls=calls)), stop_reason=draw(st.sampled_from(reasons)))],
        usage=draw(
            st.builds(Usage, input=counts, cached_read=counts, output=st.integers(1, 10**9), reasoning=counts)
        ),
    )


def essence(response: Response) -> Any:
    for part in response.choices[0].parts:
        if isinstance(part, Reasoning):
            part.id = ""
        elif isinstance(part, ToolCall):
            part.item_id = ""
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
    events = [said for event in EventScanner().feed(raw) for said in decoder.feed(event)]
    return assemble([*events, *decoder.close()])


@given(responses(), st.booleans())
def test_answers_with_claudes_thoughts(response: Response, streamed: bool) -> None:
    said = essence(response)
    over_responses = answer_through(openai_responses, response, streamed=streamed)
    assert essence(over_responses) == said
    over_gemini = answer_through(gemini, over_responses, streamed=streamed)
    assert essence(over_gemini) == said
    assert essence(answer_through(anthropic, over_gemini, streamed=streamed)) == said
    assert essence(answer_through(openai_responses, over_gemini, streamed=streamed)) == said
