"""Answers that are not as they should be: a codec raises `FormatError` or `ProviderFailure`, and nothing else."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.formats.dialects.table import DIALECTS
from adapters.formats.embedders import EMBEDDERS
from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.neutral.events import End, Failure
from adapters.formats.pictures.table import PAINTERS
from adapters.formats.table import PROVIDERS
from adapters.sse import EventScanner
from adapters.wires.framing import event_of
from tests.support.dialects import rich
from tests.support.dialects.said import Said
from tests.support.dialects.table import SPEAKERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.dialects.said import Speaker

pytestmark = pytest.mark.slow

SAID = Said(pieces=("Hello", " there"), calls=(("weather", {"place": "Oslo"}),))
SPOKEN = {name: [SPEAKERS[name]] for name in DIALECTS if name in SPEAKERS} | {"cohere": [rich.COHERE, rich.COHERE_V2]}
VECTORS = {
    "dashscope": {"output": {"embeddings": [{"embedding": [0.5], "text_index": 0}]}, "usage": {"total_tokens": 3}},
    "baidu": {"data": [{"embedding": [0.5], "index": 0}], "usage": {"prompt_tokens": 3}},
    "cohere": {"embeddings": {"float": [[0.5]]}, "meta": {"billed_units": {"input_tokens": 3}}},
    "ollama": {"embeddings": [[0.5]], "prompt_eval_count": 3},
    "tencent": {"Response": {"Data": [{"Embedding": [0.5]}], "Usage": {"TotalTokens": 3}}},
}
PICTURES = {
    "cloudflare": {"success": True, "result": {"image": "aGk="}, "errors": [{"message": "x"}]},
    "dashscope": {"output": {"task_status": "SUCCEEDED", "results": [{"url": "u"}], "choices": []}},
    "replicate": {"status": "succeeded", "output": ["u"], "error": None, "completed_at": "2025-01-01T00:00:00Z"},
    "xai": {"data": [{"url": "u", "b64_json": "aGk=", "revised_prompt": "x"}], "created": 1},
    "zhipu": {"data": [{"url": "u"}], "created": 1},
}
junk = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.just([]), st.just({}),
    st.just([5]), st.just([[]]), st.just([{}]), st.just({"message": {"message": []}}), st.just("x" * 50),
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return where something could stand in place of what is there."""
    found = [path]
    if isinstance(value, dict):
        for name, member in value.items():
            found += places(member, (*path, name))
    elif isinstance(value, list):
        for place, member in enumerate(value):
            found += places(member, (*path, place))
    return found


def changed(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    value = copy.deepcopy(value)
    inner = value
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = other
    return value


@st.composite
def spoilt(draw: st.DrawFn, value: Any) -> bytes:
    """A right answer with one or two things in it that do not belong there, or cut off."""
    for _ in range(draw(st.integers(0, 2))):
        value = changed(value, draw(st.sampled_from(places(value))), draw(junk))
    raw = json.dumps(value).encode()
    return raw[: draw(st.integers(0, len(raw)))] if draw(st.booleans()) else raw


def reads(decode: Callable[[bytes], object], raw: bytes) -> None:
    with suppress(FormatError, ProviderFailure):
        decode(raw)


@pytest.mark.parametrize(
    ("name", "speaker"), [(name, speaker) for name, speakers in SPOKEN.items() for speaker in speakers]
)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whole_answers_are_read_or_refused(name: str, speaker: Speaker, data: st.DataObject) -> None:
    reads(PROVIDERS[name].decode_response, data.draw(spoilt(speaker.whole(SAID))))


@pytest.mark.parametrize(
    ("name", "speaker"), [(name, speaker) for name, speakers in SPOKEN.items() for speaker in speakers]
)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_streams_end_well_or_with_a_failure(name: str, speaker: Speaker, data: st.DataObject) -> None:
    decoder = PROVIDERS[name].stream_decoder()
    raw = b"".join(speaker.stream(SAID))
    if speaker.stream_type != "text/event-stream" or name == "xunfei":
        raw = b"".join(event_of(line) for line in raw.splitlines() if line)
    events = EventScanner().feed(raw)
    place = data.draw(st.integers(0, len(events) - 1))
    try:
        spoilt_data = data.draw(spoilt(json.loads(events[place].data or b"{}")))
    except ValueError:
        spoilt_data = data.draw(st.binary(max_size=10))
    events[place] = events[place]._replace(data=spoilt_data)
    told = [said for event in events for said in decoder.feed(event)] + decoder.close()
    assert sum(isinstance(said, End | Failure) for said in told) == 1
    assert isinstance(told[-1], End | Failure)
    assert decoder.feed(events[0]) == []
    assert decoder.close() == []


@pytest.mark.parametrize("name", SPOKEN)
@settings(max_examples=100, deadline=None)
@given(raw=st.binary(max_size=40), event=st.sampled_from([None, b"", b"error", b"output", b"done", b"finish", b"x"]))
def test_events_of_any_kind_are_survived(name: str, raw: bytes, event: bytes | None) -> None:
    decoder = PROVIDERS[name].stream_decoder()
    for one in EventScanner().feed(event_of(raw)):
        decoder.feed(one._replace(event=event))
    decoder.close()


@pytest.mark.parametrize("name", VECTORS)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_vectors_are_read_or_refused(name: str, data: st.DataObject) -> None:
    reads(EMBEDDERS[name].decode, data.draw(spoilt(VECTORS[name])))


@pytest.mark.parametrize("name", PICTURES)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_pictures_are_read_or_refused(name: str, data: st.DataObject) -> None:
    reads(PAINTERS[name].decode, data.draw(spoilt(PICTURES[name])))
