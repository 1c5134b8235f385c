"""What is fuzzed: every function that reads what strangers wrote, and whatever is then written from it.

A target takes bytes and returns, or raises something that it must not. The decoders' own errors are answers.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from adapters.formats.embedders import EMBEDDERS
from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.gemini.schema import json_schema, response_schema, tool_schema
from adapters.formats.neutral.encoding import RequestOptions, ResponseOptions
from adapters.formats.neutral.events import End, Failure
from adapters.formats.passable import can_pass
from adapters.formats.reading import load
from adapters.formats.table import CLIENTS, COUNTED, PASSING, PROVIDERS
from adapters.formats.think_tags import ThinkTags
from adapters.sse import EventScanner, EventTooLong
from gateway.relay.signed.collect import Collector
from scripts.fuzz_.seeds import answers, requests, streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from adapters.formats.codec import ClientSide, ProviderSide
    from adapters.formats.neutral.answers import Response
    from adapters.formats.neutral.events import StreamEvent
    from adapters.formats.neutral.requests import Request

MODELS = (
    "gpt-5.1",
    "claude-sonnet-4-5",
    "claude-opus-4-8",
    "gemini-3-pro-preview",
    "gemini-2.5-flash",
    "gemma-3-27b-it",
)
OPTIONS = (
    RequestOptions(),
    RequestOptions(
        reasoning_history="reasoning_details",
        reasoning_style="object",
        cache_marks=True,
        call_signatures=True,
        thinking=True,
        platform="bedrock",
        fixed_sampling=True,
        default_effort="high",
        safety_threshold="BLOCK_NONE",
    ),
)


@dataclass(frozen=True)
class Target:
    """One decoder."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    is_json: bool = True
    """Whether what it reads is one JSON value; else server-sent events."""


def _request(side: ClientSide, name: str) -> Callable[[bytes], None]:
    def run(raw: bytes) -> None:
        can_pass(raw, name, MODELS[3])  # type: ignore[arg-type]
        if (counted := COUNTED.get(name)) is not None:  # type: ignore[call-overload]
            with suppress(FormatError):
                counted.decode(raw)
        with suppress(FormatError):
            _write_everywhere(side.decode_request(raw))

    return run


def _write_everywhere(request: Request) -> None:
    for provider in PROVIDERS.values():
        for model in MODELS:
            for options in OPTIONS:
                with suppress(FormatError):
                    load(provider.encode_request(request, model, options).body)


def _answer(side: ProviderSide) -> Callable[[bytes], None]:
    def run(raw: bytes) -> None:
        side.read_error(raw, 400)
        with suppress(FormatError, ProviderFailure):
            response = side.decode_response(raw)
            Collector("openai_chat", 1).whole(response)
            _answer_everyone(ThinkTags().whole(response))

    return run


def _answer_everyone(response: Response) -> None:
    for client in CLIENTS.values():
        with suppress(FormatError):
            load(client.encode_response(response, ResponseOptions(now_s=1, request_id="r")).body)


def _stream(side: ProviderSide) -> Callable[[bytes], None]:
    def run(raw: bytes) -> None:
        scanner, decoder = EventScanner(), side.stream_decoder()
        events: list[StreamEvent] = []
        with suppress(EventTooLong):
            for event in scanner.feed(raw):
                events += decoder.feed(event)
        events += decoder.close()
        _check_order(events)
        shapers = (Collector("openai_chat", 1), ThinkTags())
        for shaper in shapers:
            events = [told for event in events for told in shaper.event(event)]
        for client in CLIENTS.values():
            encoder = client.stream_encoder(ResponseOptions(now_s=1, request_id="r"))
            for event in events:
                with suppress(FormatError):
                    encoder.encode(event)

    return run


def _check_order(events: Iterable[StreamEvent]) -> None:
    """A stream ends once, well or not, and nothing follows."""
    endings = [place for place, event in enumerate(events) if isinstance(event, End | Failure)]
    assert len(endings) == 1, f"{len(endings)} ends"
    assert endings[0] == len(list(events)) - 1, "something follows the end"


def _passing(name: str) -> Callable[[bytes], None]:
    def run(raw: bytes) -> None:
        passing = PASSING[name]
        passing.read_error(raw, 400)
        with suppress(FormatError):
            passing.reader().read(raw)
        reader = passing.reader()
        with suppress(EventTooLong):
            for event in EventScanner().feed(raw):
                passing.ends(event)
                with suppress(FormatError):
                    reader.read(event.data, event.event)

    return run


def _embeddings(name: str) -> Callable[[bytes], None]:
    def run(raw: bytes) -> None:
        with suppress(FormatError, ProviderFailure):
            EMBEDDERS[name].decode(raw)

    return run


def _schema(raw: bytes) -> None:
    for read in (json_schema, response_schema, tool_schema):
        with suppress(FormatError):
            read(load(raw))


def _all() -> dict[str, Target]:
    found: dict[str, Target] = {}
    for name, client in CLIENTS.items():
        found[f"request-{name}"] = Target(_request(client, name), requests(name))
    for name, provider in PROVIDERS.items():
        found[f"answer-{name}"] = Target(_answer(provider), answers(name))
        found[f"stream-{name}"] = Target(_stream(provider), streams(name), is_json=False)
    for name in PASSING:
        seeds = (*answers(name), *streams(name)) or answers("openai_chat")
        found[f"passing-{name}"] = Target(_passing(name), seeds, is_json=False)
    for name in EMBEDDERS:
        found[f"embeddings-{name}"] = Target(_embeddings(name), (b'{"embeddings": [[1, 2]]}', b'{"data": []}'))
    found["schema-gemini"] = Target(_schema, requests("openai_chat"))
    return found


TARGETS: Mapping[str, Target] = MappingProxyType(_all())
