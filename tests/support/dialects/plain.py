"""Providers that know nothing but text: AI Proxy, Coze, DeepL, PaLM, Replicate, and Zhipu's API of 2023."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.support.dialects.said import JSON, Heard, Said, Speaker, data, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator


def _aiproxy_hears(url: str, body: dict[str, Any]) -> Heard:
    assert url.endswith("/api/library/ask")
    return Heard(turns=[("user", body["query"])], model=body["model"])


def _aiproxy_streams(said: Said) -> Iterator[bytes]:
    for piece in said.pieces:
        yield data({"content": piece, "finish": False, "model": "x"})
    yield data({"content": "", "finish": True, "model": "x"})


AIPROXY = Speaker(
    hear=_aiproxy_hears,
    whole=lambda said: {"success": True, "answer": said.text, "documents": [], "errCode": 0, "message": ""},
    stream=_aiproxy_streams,
    has_memory=False,
    tells_tokens=False,
    tells_cut=False,
)


def _coze_hears(url: str, body: dict[str, Any]) -> Heard:
    assert url.endswith("/open_api/v2/chat")
    turns = [(turn["role"], turn["content"]) for turn in body["chat_history"]]
    return Heard(turns=[*turns, ("user", body["query"])], model=body["bot_id"])


def _coze_message(piece: str) -> dict[str, Any]:
    return {"role": "assistant", "type": "answer", "content": piece, "content_type": "text"}


def _coze_streams(said: Said) -> Iterator[bytes]:
    for piece in said.pieces:
        yield data({"event": "message", "message": _coze_message(piece), "conversation_id": "c1"})
    verbose = {"role": "assistant", "type": "verbose", "content": '{"msg_type":"generate_answer_finish"}'}
    yield data({"event": "message", "message": verbose, "conversation_id": "c1"})
    yield data({"event": "done"})


COZE = Speaker(
    hear=_coze_hears,
    whole=lambda said: {
        "messages": [{"role": "assistant", "type": "verbose", "content": "{}"}, _coze_message(said.text)],
        "conversation_id": "c1",
        "code": 0,
        "msg": "success",
    },
    stream=_coze_streams,
    tells_tokens=False,
    tells_cut=False,
)


def _deepl_hears(url: str, body: dict[str, Any]) -> Heard:
    assert url.endswith("/v2/translate")
    return Heard(turns=[("user", text) for text in body["text"]], model=f"deepl-{body['target_lang']}")


def _deepl_says(said: Said) -> dict[str, Any]:
    return {"translations": [{"detected_source_language": "DE", "text": said.text}]}


DEEPL = Speaker(
    hear=_deepl_hears,
    whole=_deepl_says,
    stream=lambda said: iter([json.dumps(_deepl_says(said)).encode()]),
    stream_type=JSON,
    has_memory=False,
    tells_tokens=False,
    tells_cut=False,
)


def _palm_hears(url: str, body: dict[str, Any]) -> Heard:
    assert ":generateMessage" in url
    roles = {"0": "user", "1": "assistant"}
    return Heard(turns=[(roles[one["author"]], one["content"]) for one in body["prompt"]["messages"]])


def _palm_says(said: Said) -> dict[str, Any]:
    return {"candidates": [{"author": "1", "content": said.text}], "messages": []}


PALM = Speaker(
    hear=_palm_hears,
    whole=_palm_says,
    stream=lambda said: iter([json.dumps(_palm_says(said)).encode()]),
    stream_type=JSON,
    has_system=False,
    tells_tokens=False,
    tells_cut=False,
)

_LINE = re.compile(r"^(system|user|assistant): ", re.MULTILINE)


def _replicate_hears(url: str, body: dict[str, Any]) -> Heard:
    assert url.endswith("/predictions")
    found = _LINE.split(body["input"]["prompt"])[1:]
    turns = [(role, text.removesuffix("\n")) for role, text in zip(found[::2], found[1::2], strict=True)]
    return Heard(turns=turns, model="/".join(url.split("/")[-3:-1]))


def _replicate_streams(said: Said) -> Iterator[bytes]:
    for place, piece in enumerate(said.pieces):
        yield b"event: output\nid: %d:0\n%s\n" % (place, lines_of(piece))
    yield b"event: done\nid: 9:0\ndata: {}\n\n"


REPLICATE = Speaker(
    hear=_replicate_hears,
    whole=lambda said: {"id": "p1", "status": "succeeded", "output": list(said.pieces), "error": None},
    stream=_replicate_streams,
    tells_tokens=False,
    tells_cut=False,
)


def _zhipu_hears(url: str, body: dict[str, Any]) -> Heard:
    assert "/api/paas/v3/model-api/" in url
    return Heard(turns=[(turn["role"], turn["content"]) for turn in body["prompt"]], model=url.split("/")[-2])


def _zhipu_usage(said: Said) -> dict[str, int]:
    prompt, answer = said.tokens
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def _zhipu_streams(said: Said) -> Iterator[bytes]:
    for piece in said.pieces:
        raw = b"".join(b"data:" + part.encode() + b"\n" for part in piece.split("\n"))
        yield b"event:add\nid:1\n%s\n" % raw
    meta = {"task_status": "SUCCESS", "task_id": "t1", "usage": _zhipu_usage(said)}
    yield b"event:finish\nid:1\ndata:\nmeta:%s\n\n" % json.dumps(meta).encode()


ZHIPU = Speaker(
    hear=_zhipu_hears,
    whole=lambda said: {
        "code": 200,
        "msg": "ok",
        "success": True,
        "data": {
            "task_id": "t1",
            "task_status": "SUCCESS",
            "choices": [{"role": "assistant", "content": f'"{said.text}"'}],
            "usage": _zhipu_usage(said),
        },
    },
    stream=_zhipu_streams,
    tells_cut=False,
)
