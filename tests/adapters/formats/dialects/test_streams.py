"""Every dialect's stream says what its whole answer says, however its bytes are cut, in every client's format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.formats import anthropic, gemini, openai_chat, openai_responses
from adapters.formats.assembly import assemble, unroll
from adapters.formats.dialects.table import DIALECTS
from adapters.formats.neutral.answers import Response
from adapters.formats.neutral.encoding import ResponseOptions
from adapters.formats.table import PROVIDERS
from adapters.sse import EventScanner
from adapters.wires.framing import event_of

if TYPE_CHECKING:
    from types import ModuleType

    from adapters.formats.neutral.events import StreamEvent

CLIENTS = (openai_chat, openai_responses, anthropic, gemini)
PROMPT, ANSWER = 23, 11
OPTIONS = ResponseOptions(model="m", request_id="r", now_s=1)


def data(value: object) -> bytes:
    return b"data: %s\n\n" % json.dumps(value, ensure_ascii=False).encode()


def line(value: object) -> bytes:
    """A line of JSON, as the wire presents it."""
    return event_of(json.dumps(value, ensure_ascii=False).encode())


@dataclass(frozen=True)
class Speaker:
    """A provider that says some pieces, whole and as a stream."""

    whole: Callable[[list[str]], object]
    stream: Callable[[list[str]], Iterator[bytes]]


def aiproxy_whole(pieces: list[str]) -> object:
    return {"success": True, "answer": "".join(pieces), "documents": []}


def aiproxy_stream(pieces: list[str]) -> Iterator[bytes]:
    yield from (data({"content": piece, "finish": False, "model": "m"}) for piece in pieces)
    yield data({"content": "", "finish": True, "model": "m", "documents": []})


def usage() -> dict[str, int]:
    return {"prompt_tokens": PROMPT, "completion_tokens": ANSWER, "total_tokens": PROMPT + ANSWER}


def baidu_whole(pieces: list[str]) -> object:
    return {"id": "as-1", "created": 1, "result": "".join(pieces), "usage": usage()}


def baidu_stream(pieces: list[str]) -> Iterator[bytes]:
    for place, piece in enumerate(pieces):
        is_end = place == len(pieces) - 1
        yield data({"id": "as-1", "created": 1, "is_end": is_end, "result": piece, "usage": usage()})


def cohere_whole(pieces: list[str]) -> object:
    tokens = {"input_tokens": PROMPT, "output_tokens": ANSWER}
    return {"response_id": "r", "text": "".join(pieces), "finish_reason": "COMPLETE", "meta": {"tokens": tokens}}


def cohere_stream(pieces: list[str]) -> Iterator[bytes]:
    yield data({"event_type": "stream-start", "generation_id": "r", "is_finished": False})
    yield from (data({"event_type": "text-generation", "text": piece, "is_finished": False}) for piece in pieces)
    yield data({"event_type": "stream-end", "finish_reason": "COMPLETE", "response": cohere_whole(pieces)})


def coze_whole(pieces: list[str]) -> object:
    said = {"role": "assistant", "type": "answer", "content": "".join(pieces), "content_type": "text"}
    return {"messages": [said], "conversation_id": "c", "code": 0, "msg": "success"}


def coze_stream(pieces: list[str]) -> Iterator[bytes]:
    for place, piece in enumerate(pieces):
        said = {"role": "assistant", "type": "answer", "content": piece, "content_type": "text"}
        yield data({"event": "message", "message": said, "is_finish": False, "index": place, "conversation_id": "c"})
    yield data({"event": "done"})


def dashscope_whole(pieces: list[str]) -> object:
    message = {"role": "assistant", "content": "".join(pieces)}
    used = {"input_tokens": PROMPT, "output_tokens": ANSWER, "total_tokens": PROMPT + ANSWER}
    return {
        "output": {"choices": [{"finish_reason": "stop", "message": message}]},
        "usage": used,
        "request_id": "r",
    }


def dashscope_stream(pieces: list[str]) -> Iterator[bytes]:
    for place, piece in enumerate([*pieces, ""]):
        told = dashscope_whole([piece])
        assert isinstance(told, dict)
        if place < len(pieces):
            told["output"]["choices"][0]["finish_reason"] = "null"
        yield b"id:%d\nevent:result\n:HTTP_STATUS/200\n" % place + data(told)


def deepl_whole(pieces: list[str]) -> object:
    return {"translations": [{"detected_source_language": "DE", "text": "".join(pieces)}]}


def deepl_stream(pieces: list[str]) -> Iterator[bytes]:
    yield line(deepl_whole(pieces))


def ollama_whole(pieces: list[str]) -> object:
    said = {"role": "assistant", "content": "".join(pieces)}
    counts = {"prompt_eval_count": PROMPT, "eval_count": ANSWER}
    return {
        "model": "m",
        "created_at": "2025-09-24T08:00:00Z",
        "message": said,
        "done": True,
        "done_reason": "stop",
    } | counts


def ollama_stream(pieces: list[str]) -> Iterator[bytes]:
    head = {"model": "m", "created_at": "2025-09-24T08:00:00Z"}
    for piece in pieces:
        yield line(head | {"message": {"role": "assistant", "content": piece}, "done": False})
    yield line(ollama_whole([]))


def palm_whole(pieces: list[str]) -> object:
    return {"candidates": [{"author": "1", "content": "".join(pieces)}], "messages": []}


def palm_stream(pieces: list[str]) -> Iterator[bytes]:
    yield line(palm_whole(pieces))


def replicate_whole(pieces: list[str]) -> object:
    return {"id": "r", "status": "succeeded", "output": pieces}


def replicate_stream(pieces: list[str]) -> Iterator[bytes]:
    for place, piece in enumerate(pieces):
        lines = b"".join(b"data: %s\n" % part.encode() for part in piece.split("\n"))
        yield b"event: output\nid: %d:0\n%s\n" % (place, lines)
    yield b"event: done\nid: 9:0\ndata: {}\n\n"


def tencent_part(name: str, text: str, finish: str) -> dict[str, Any]:
    used = {"PromptTokens": PROMPT, "CompletionTokens": ANSWER, "TotalTokens": PROMPT + ANSWER}
    choice = {"FinishReason": finish, name: {"Role": "assistant", "Content": text}}
    return {"Note": "n", "Id": "t", "Created": 1, "Choices": [choice], "Usage": used}


def tencent_whole(pieces: list[str]) -> object:
    return {"Response": tencent_part("Message", "".join(pieces), "stop") | {"RequestId": "q"}}


def tencent_stream(pieces: list[str]) -> Iterator[bytes]:
    yield from (data(tencent_part("Delta", piece, "")) for piece in pieces)
    yield data(tencent_part("Delta", "", "stop"))


def xunfei_frames(pieces: list[str]) -> list[object]:
    frames: list[object] = []
    for place, piece in enumerate(pieces):
        status = 2 if place == len(pieces) - 1 else min(place, 1)
        text = [{"content": piece, "role": "assistant", "index": 0}]
        payload: dict[str, Any] = {"choices": {"status": status, "seq": place, "text": text}}
        if status == 2:
            payload["usage"] = {"text": usage() | {"question_tokens": PROMPT}}
        header = {"code": 0, "message": "Success", "sid": "cht1", "status": status}
        frames.append({"header": header, "payload": payload})
    return frames


def xunfei_whole(pieces: list[str]) -> object:
    return {"frames": xunfei_frames(pieces)}


def xunfei_stream(pieces: list[str]) -> Iterator[bytes]:
    yield from map(line, xunfei_frames(pieces))


def zhipu_whole(pieces: list[str]) -> object:
    choices = [{"role": "assistant", "content": "".join(pieces)}]
    return {"success": True, "code": 200, "data": {"task_id": "z", "choices": choices, "usage": usage()}}


def zhipu_stream(pieces: list[str]) -> Iterator[bytes]:
    for piece in pieces:
        yield b"event:add\nid:1\n" + b"".join(b"data:%s\n" % part.encode() for part in piece.split("\n")) + b"\n"
    meta = json.dumps({"request_id": "q", "task_id": "z", "task_status": "SUCCESS", "usage": usage()}).encode()
    yield b"event:finish\nid:1\ndata:\nmeta:%s\n\n" % meta


SPEAKERS = {
    "aiproxy_library": Speaker(aiproxy_whole, aiproxy_stream),
    "baidu": Speaker(baidu_whole, baidu_stream),
    "cohere": Speaker(cohere_whole, cohere_stream),
    "coze": Speaker(coze_whole, coze_stream),
    "dashscope": Speaker(dashscope_whole, dashscope_stream),
    "deepl": Speaker(deepl_whole, deepl_stream),
    "ollama": Speaker(ollama_whole, ollama_stream),
    "palm": Speaker(palm_whole, palm_stream),
    "replicate": Speaker(replicate_whole, replicate_stream),
    "tencent": Speaker(tencent_whole, tencent_stream),
    "xunfei": Speaker(xunfei_whole, xunfei_stream),
    "zhipu": Speaker(zhipu_whole, zhipu_stream),
}

# Lines of events cannot hold carriage returns, and Zhipu's whole answers may be quoted.
signs = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters='"') | st.just("\n")
words = st.text(signs, min_size=1, max_size=9)
said = st.lists(words, min_size=1, max_size=4)
cuts = st.lists(st.integers(0, 4000), max_size=30)


def cut(raw: bytes, at: list[int]) -> list[bytes]:
    places = sorted({place % (len(raw) + 1) for place in at} | {0, len(raw)})
    return [raw[begin:end] for begin, end in pairwise(places)]


def heard(name: str, pieces: list[bytes]) -> list[StreamEvent]:
    """The events of a stream that arrives in these pieces."""
    scanner, decoder = EventScanner(), PROVIDERS[name].stream_decoder()
    events = [told for piece in pieces for event in scanner.feed(piece) for told in decoder.feed(event)]
    return [*events, *decoder.close()]


def essence(response: Response) -> Any:
    return [(choice.parts, choice.stop_reason) for choice in response.choices]


def test_every_dialect_speaks_here() -> None:
    assert SPEAKERS.keys() | {"converse"} == DIALECTS.keys()


@pytest.mark.parametrize("name", SPEAKERS)
@given(pieces=said, at=cuts)
@settings(max_examples=60, deadline=None)
def test_a_stream_is_its_answer_however_it_is_cut(name: str, pieces: list[str], at: list[int]) -> None:
    speaker = SPEAKERS[name]
    whole = PROVIDERS[name].decode_response(json.dumps(speaker.whole(pieces)).encode())
    raw = b"".join(speaker.stream(pieces))
    streamed = assemble(heard(name, cut(raw, at)))
    assert essence(streamed) == essence(whole)
    assert assemble(heard(name, [raw[place : place + 1] for place in range(len(raw))])) == streamed
    if whole.usage is not None and streamed.usage is not None:
        assert streamed.usage == whole.usage


@pytest.mark.parametrize("client", CLIENTS, ids=lambda codec: codec.__name__.rpartition(".")[2])
@pytest.mark.parametrize("name", SPEAKERS)
@given(pieces=said, at=cuts)
@settings(max_examples=15, deadline=None)
def test_a_client_gets_the_same_streamed_and_whole(
    client: ModuleType, name: str, pieces: list[str], at: list[int]
) -> None:
    speaker = SPEAKERS[name]
    whole = PROVIDERS[name].decode_response(json.dumps(speaker.whole(pieces)).encode())
    once = client.decode_response(client.encode_response(whole, OPTIONS).body)
    encoder, decoder = client.StreamEncoder(OPTIONS), client.StreamDecoder()
    events = heard(name, cut(b"".join(speaker.stream(pieces)), at))
    out = b"".join(encoder.encode(event) for event in events)
    told = [event for frame in EventScanner().feed(out) for event in decoder.feed(frame)]
    assert essence(assemble([*told, *decoder.close()])) == essence(once)


@pytest.mark.parametrize("name", SPEAKERS)
@given(pieces=said)
@settings(max_examples=20, deadline=None)
def test_a_stream_that_lacks_its_end_is_no_answer(name: str, pieces: list[str]) -> None:
    events = list(SPEAKERS[name].stream(pieces))
    if len(events) < 2:
        return
    told = heard(name, [b"".join(events[:-1])])
    assert type(told[-1]).__name__ == "Failure"


def test_what_is_unrolled_is_assembled_again() -> None:
    whole = PROVIDERS["baidu"].decode_response(json.dumps(baidu_whole(["a", "b"])).encode())
    assert assemble(unroll(whole)) == whole
