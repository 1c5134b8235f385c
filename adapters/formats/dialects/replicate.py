"""Language models on Replicate (https://replicate.com/docs/reference/http#predictions.create).

One prompt, in lines; a prediction's output is an array of fragments. Streams name their events: `output`, `error`,
`done`; their data is bare text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.dialects.dialect import Dialect, Told, chunk, completion, failure, tokens
from adapters.formats.errors import FormatError
from adapters.formats.reading import count, is_array, is_object, load_any, member, text

if TYPE_CHECKING:
    from adapters.formats.dialects.asked import Asked
    from adapters.formats.neutral.terms import JsonObject
    from adapters.sse import Event

_OWN = ("min_tokens", "prompt_template", "system_prompt", "length_penalty", "image")


def _write(asked: Asked) -> JsonObject:
    lines = [f"{turn.role}: {turn.text}\n" for turn in asked.turns()]
    given: JsonObject = {"prompt": "".join(lines)}
    asked.put(
        given,
        max_output_tokens="max_tokens",
        temperature="temperature",
        top_p="top_p",
        top_k="top_k",
        seed="seed",
        presence_penalty="presence_penalty",
        frequency_penalty="frequency_penalty",
    )
    if stop := asked.request.stop:
        asked.take("stop")
        given["stop_sequences"] = ",".join(stop)
    asked.put_extra(given, _OWN)
    return {"input": given}


def _read(answer: JsonObject) -> JsonObject:
    status = text(answer, "status")
    if status != "succeeded":
        raise failure(_words(answer.get("error")) or f"the prediction is {status or 'lost'}", status, status=502)
    output = answer.get("output")
    said = "".join(word for word in output if isinstance(word, str)) if is_array(output) else output
    if not isinstance(said, str):
        raise FormatError("expected a text or an array of texts", path="output")
    metrics = member(answer, "metrics") or {}
    prompt, answered = count(metrics, "input_token_count"), count(metrics, "output_token_count")
    return completion(
        {"role": "assistant", "content": said},
        "stop",
        usage=tokens(prompt, answered) if prompt or answered else None,
        id=text(answer, "id"),
    )


def _hear(event: Event) -> Told:
    match event.event:
        case b"output":
            return Told((chunk({"content": event.data.decode(errors="replace")}),))
        case b"error":
            raise failure(event.data.decode(errors="replace"), "prediction_failed", status=502)
        case b"done":
            return _done(event.data)
    return Told()


def _done(data: bytes) -> Told:
    try:
        ending = load_any(data)
    except FormatError:
        ending = None
    reason = ending.get("reason") if is_object(ending) else None
    if reason in ("error", "canceled"):
        raise failure("", reason, status=502)
    return Told((chunk({}, "stop"),), is_last=True)


def _words(error: object) -> str:
    return error if isinstance(error, str) else ""


DIALECT = Dialect(write=_write, read=_read, hear=_hear)
