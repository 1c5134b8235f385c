"""Providers whose wires know calls of functions, too: Ali, Baidu, Cohere, Ollama, Tencent, iFlytek."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.dialects.said import Heard, Said, Speaker, data, line

if TYPE_CHECKING:
    from collections.abc import Iterator


def _chat_turns(messages: list[dict[str, Any]]) -> Heard:
    heard = Heard(turns=[])
    for message in messages:
        content = message.get("content") or ""
        if isinstance(content, list):
            content = "".join(part.get("text", "") for part in content)
        heard.calls += [
            (call["function"]["name"], _value(call["function"]["arguments"]))
            for call in message.get("tool_calls") or ()
        ]
        if content:
            heard.turns.append((message["role"], content))
    return heard


def _value(arguments: str | dict[str, Any]) -> Any:
    return json.loads(arguments) if isinstance(arguments, str) else arguments


def _calls(said: Said) -> list[dict[str, Any]]:
    return [
        {
            "id": f"c{place}",
            "index": place,
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(given)},
        }
        for place, (name, given) in enumerate(said.calls)
    ]


def _reason(said: Said, *, stop: str = "stop", length: str = "length", calls: str = "tool_calls") -> str:
    return calls if said.calls else length if said.is_cut else stop


# --- Ali ---------------------------------------------------------------------------------------------------


def _ali_hears(url: str, body: dict[str, Any]) -> Heard:
    assert url.endswith("/generation")
    heard = _chat_turns(body["input"]["messages"])
    heard.model = body["model"]
    heard.tools = [tool["function"]["name"] for tool in body["parameters"].get("tools", ())]
    return heard


def _ali_says(said: Said, content: str, reason: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = calls
    prompt, answer = said.tokens
    return {
        "output": {"choices": [{"message": message, "finish_reason": reason}]},
        "usage": {"input_tokens": prompt, "output_tokens": answer, "total_tokens": prompt + answer},
        "request_id": "r1",
    }


def _ali_streams(said: Said) -> Iterator[bytes]:
    told = [_ali_says(said, piece, "null", []) for piece in said.pieces]
    told.append(_ali_says(said, "", _reason(said), _calls(said)))
    for place, value in enumerate(told):
        yield b"id:%d\nevent:result\n:HTTP_STATUS/200\ndata:%s\n\n" % (place, json.dumps(value).encode())


ALI = Speaker(
    hear=_ali_hears,
    whole=lambda said: _ali_says(said, said.text, _reason(said), _calls(said)),
    stream=_ali_streams,
    calls_functions=True,
)

# --- Baidu -------------------------------------------------------------------------------------------------


def _baidu_hears(url: str, body: dict[str, Any]) -> Heard:
    assert "/wenxinworkshop/chat/" in url
    assert "access_token=" in url
    heard = Heard(turns=[])
    if body.get("system"):
        heard.turns.append(("system", body["system"]))
    for message in body["messages"]:
        if call := message.get("function_call"):
            heard.calls.append((call["name"], json.loads(call["arguments"])))
        if message["content"]:
            role = "tool" if message["role"] == "function" else message["role"]
            heard.turns.append((role, message["content"]))
    heard.tools = [function["name"] for function in body.get("functions", ())]
    heard.model = url.partition("?")[0].rpartition("/")[2]
    return heard


def _baidu_says(said: Said, content: str, **members: object) -> dict[str, Any]:
    prompt, answer = said.tokens
    usage = {"prompt_tokens": prompt, "completion_tokens": 0, "total_tokens": prompt + answer}
    return {"id": "as-1", "created": 1, "result": content, "usage": usage, "need_clear_history": False, **members}


def _baidu_end(said: Said) -> dict[str, Any]:
    if said.calls:
        name, given = said.calls[0]
        call = {"name": name, "arguments": json.dumps(given), "thoughts": ""}
        return {"function_call": call, "finish_reason": "function_call", "is_truncated": False}
    return {"is_truncated": said.is_cut, "finish_reason": "length" if said.is_cut else "normal"}


def _baidu_streams(said: Said) -> Iterator[bytes]:
    for piece in said.pieces:
        yield data(_baidu_says(said, piece, is_end=False, is_truncated=False))
    yield data(_baidu_says(said, "", is_end=True, **_baidu_end(said)))


BAIDU = Speaker(
    hear=_baidu_hears,
    whole=lambda said: _baidu_says(said, said.text, **_baidu_end(said)),
    stream=_baidu_streams,
    calls_functions=True,
)

# --- Cohere, version 1 for texts and version 2 for all else ------------------------------------------------

_COHERE_ROLES = {"SYSTEM": "system", "USER": "user", "CHATBOT": "assistant"}


def _cohere_hears(url: str, body: dict[str, Any]) -> Heard:
    if url.endswith("/v2/chat"):
        heard = _chat_turns(body["messages"])
        heard.tools = [tool["function"]["name"] for tool in body.get("tools", ())]
    else:
        assert url.endswith("/v1/chat")
        heard = Heard(turns=[(_COHERE_ROLES[turn["role"]], turn["message"]) for turn in body.get("chat_history", ())])
        heard.turns.append(("user", body["message"]))
    heard.model = body["model"]
    return heard


def _cohere_says(said: Said) -> dict[str, Any]:
    reason = "MAX_TOKENS" if said.is_cut else "COMPLETE"
    prompt, answer = said.tokens
    counts = {"input_tokens": prompt, "output_tokens": answer}
    return {
        "response_id": "r1",
        "generation_id": "g1",
        "text": said.text,
        "finish_reason": reason,
        "meta": {"tokens": counts, "billed_units": {"input_tokens": 1, "output_tokens": 1}},
    }


def _cohere_streams(said: Said) -> Iterator[bytes]:
    whole = _cohere_says(said)
    yield line({"is_finished": False, "event_type": "stream-start", "generation_id": "g1"})
    for piece in said.pieces:
        yield line({"is_finished": False, "event_type": "text-generation", "text": piece})
    end = {
        "is_finished": True,
        "event_type": "stream-end",
        "finish_reason": whole["finish_reason"],
        "response": whole,
    }
    yield line(end)


COHERE = Speaker(
    hear=_cohere_hears, whole=_cohere_says, stream=_cohere_streams, stream_type="application/stream+json"
)


def _cohere_v2_says(said: Said) -> dict[str, Any]:
    prompt, answer = said.tokens
    message: dict[str, Any] = {"role": "assistant", "content": [{"type": "text", "text": said.text}]}
    if said.calls:
        message["tool_calls"] = _calls(said)
    return {
        "id": "m1",
        "message": message,
        "finish_reason": _reason(said, stop="COMPLETE", length="MAX_TOKENS", calls="TOOL_CALL"),
        "usage": {"tokens": {"input_tokens": prompt, "output_tokens": answer}},
    }


def _named(value: dict[str, Any]) -> bytes:
    return f"event: {value['type']}\n".encode() + data(value)


def _cohere_v2_streams(said: Said) -> Iterator[bytes]:
    whole = _cohere_v2_says(said)
    yield _named({"type": "message-start", "id": "m1", "delta": {"message": {"role": "assistant"}}})
    start = {"type": "text", "text": ""}
    yield _named({"type": "content-start", "index": 0, "delta": {"message": {"content": start}}})
    for piece in said.pieces:
        yield _named({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": piece}}}})
    yield _named({"type": "content-end", "index": 0})
    for place, call in enumerate(_calls(said)):
        arguments = call["function"]["arguments"]
        begun = {**call, "function": {**call["function"], "arguments": ""}}
        yield _named({"type": "tool-call-start", "index": place, "delta": {"message": {"tool_calls": begun}}})
        more = {"function": {"arguments": arguments}}
        yield _named({"type": "tool-call-delta", "index": place, "delta": {"message": {"tool_calls": more}}})
        yield _named({"type": "tool-call-end", "index": place})
    end = {"finish_reason": whole["finish_reason"], "usage": whole["usage"]}
    yield _named({"type": "message-end", "delta": end})


COHERE_V2 = Speaker(hear=_cohere_hears, whole=_cohere_v2_says, stream=_cohere_v2_streams, calls_functions=True)

# --- Ollama ------------------------------------------------------------------------------------------------


def _ollama_hears(url: str, body: dict[str, Any]) -> Heard:
    assert url.endswith("/api/chat")
    heard = _chat_turns(body["messages"])
    heard.model = body["model"]
    heard.tools = [tool["function"]["name"] for tool in body.get("tools", ())]
    return heard


def _ollama_end(said: Said) -> dict[str, Any]:
    prompt, answer = said.tokens
    reason = "length" if said.is_cut else "stop"
    return {"done": True, "done_reason": reason, "prompt_eval_count": prompt, "eval_count": answer}


def _ollama_message(said: Said, content: str) -> dict[str, Any]:
    calls = [{"function": {"name": name, "arguments": given}} for name, given in said.calls]
    return {"role": "assistant", "content": content} | ({"tool_calls": calls} if calls else {})


def _ollama_streams(said: Said) -> Iterator[bytes]:
    for piece in said.pieces:
        yield line({"model": "x", "message": {"role": "assistant", "content": piece}, "done": False})
    if said.calls:
        yield line({"model": "x", "message": _ollama_message(said, ""), "done": False})
    yield line({"model": "x", "message": {"role": "assistant", "content": ""}, **_ollama_end(said)})


OLLAMA = Speaker(
    hear=_ollama_hears,
    whole=lambda said: {"model": "x", "message": _ollama_message(said, said.text), **_ollama_end(said)},
    stream=_ollama_streams,
    stream_type="application/x-ndjson",
    calls_functions=True,
)

# --- Tencent -----------------------------------------------------------------------------------------------


def _tencent_hears(url: str, body: dict[str, Any]) -> Heard:
    assert url.endswith("/")
    heard = Heard(turns=[], model=body["Model"], tools=[tool["Function"]["Name"] for tool in body.get("Tools", ())])
    for message in body["Messages"]:
        heard.calls += [
            (call["Function"]["Name"], json.loads(call["Function"]["Arguments"]))
            for call in message.get("ToolCalls", ())
        ]
        if message["Content"]:
            heard.turns.append((message["Role"], message["Content"]))
    return heard


def _tencent_calls(said: Said) -> dict[str, Any]:
    calls = [
        {"Id": f"c{place}", "Type": "function", "Index": place,
         "Function": {"Name": name, "Arguments": json.dumps(given)}}
        for place, (name, given) in enumerate(said.calls)
    ]  # fmt: skip
    return {"ToolCalls": calls} if calls else {}


def _tencent_usage(said: Said) -> dict[str, int]:
    prompt, answer = said.tokens
    return {"PromptTokens": prompt, "CompletionTokens": answer, "TotalTokens": prompt + answer}


def _tencent_says(said: Said) -> dict[str, Any]:
    message = {"Role": "assistant", "Content": said.text, **_tencent_calls(said)}
    choices = [{"Message": message, "FinishReason": _reason(said)}]
    return {"Response": {"RequestId": "r1", "Created": 1, "Choices": choices, "Usage": _tencent_usage(said)}}


def _tencent_streams(said: Said) -> Iterator[bytes]:
    deltas = [({"Role": "assistant", "Content": piece}, "") for piece in said.pieces]
    deltas.append(({"Role": "assistant", "Content": "", **_tencent_calls(said)}, _reason(said)))
    for delta, reason in deltas:
        choices = [{"Index": 0, "Delta": delta, "FinishReason": reason}]
        yield data({"Id": "r1", "Created": 1, "Choices": choices, "Usage": _tencent_usage(said)})


TENCENT = Speaker(hear=_tencent_hears, whole=_tencent_says, stream=_tencent_streams, calls_functions=True)

# --- iFlytek, over a websocket -----------------------------------------------------------------------------


def _xunfei_hears(url: str, body: dict[str, Any]) -> Heard:
    assert "authorization=" in url
    assert body["header"]["app_id"]
    functions = body["payload"].get("functions", {}).get("text", ())
    return Heard(
        turns=[(turn["role"], turn["content"]) for turn in body["payload"]["message"]["text"]],
        tools=[function["name"] for function in functions],
    )


def xunfei_frames(said: Said) -> list[dict[str, Any]]:
    """Return the messages of an answer."""
    texts: list[dict[str, Any]] = [{"content": piece, "role": "assistant", "index": 0} for piece in said.pieces]
    end: dict[str, Any] = {"content": "", "role": "assistant", "index": 0}
    if said.calls:
        name, given = said.calls[0]
        end["function_call"] = {"name": name, "arguments": json.dumps(given)}
    prompt, answer = said.tokens
    usage = {"text": {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}}
    frames = [
        {"header": {"code": 0, "sid": "s1"}, "payload": {"choices": {"status": int(place > 0), "text": [text]}}}
        for place, text in enumerate(texts)
    ]
    frames.append(
        {"header": {"code": 0, "sid": "s1"}, "payload": {"choices": {"status": 2, "text": [end]}, "usage": usage}}
    )
    return frames


XUNFEI = Speaker(
    hear=_xunfei_hears,
    whole=lambda said: {"frames": xunfei_frames(said)},
    stream=lambda said: (line(frame) for frame in xunfei_frames(said)),
    calls_functions=True,
    tells_cut=False,
)
