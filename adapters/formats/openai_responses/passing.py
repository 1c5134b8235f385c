"""Responses as they pass through: what a relay must read in an answer or a stream that it does not change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from adapters.formats.errors import FormatError
from adapters.formats.openai_responses.content import summary_text
from adapters.formats.openai_responses.failures import error_event, told
from adapters.formats.openai_responses.usage import read_usage
from adapters.formats.piece import Piece
from adapters.formats.reading import dump, is_array, is_object, load

if TYPE_CHECKING:
    from adapters.formats.neutral.events import Failure
    from adapters.formats.neutral.terms import JsonObject
    from adapters.sse import Event

_TERMINAL = frozenset(["response.completed", "response.incomplete", "response.failed", "error"])
_WORDS = frozenset(
    [
        "response.output_text.delta",
        "response.refusal.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_text.delta",
        "response.function_call_arguments.delta",
        "response.custom_tool_call_input.delta",
        "response.code_interpreter_call_code.delta",
        "response.mcp_call_arguments.delta",
    ]
)
_SILENT_ITEMS = ("message", "reasoning")
"""Items that are nothing yet when they begin."""


class _Delta(msgspec.Struct):
    type: str = ""
    delta: str | msgspec.Raw | None = None


class _Numbered(msgspec.Struct):
    sequence_number: int = -1


_deltas = msgspec.json.Decoder(_Delta)
_numbered = msgspec.json.Decoder(_Numbered)


def read_piece(data: bytes, event: bytes | None = None) -> Piece:
    """Read the JSON of one event or whole answer. Raises `FormatError` when it is not a JSON object.

    `event`, the name of the event, is repeated in the JSON.
    """
    del event
    try:
        head = _deltas.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        head = _Delta()  # perhaps a whole answer with members of other types: the careful reader decides
    except RecursionError:
        raise FormatError("JSON is nested too deeply") from None
    if head.type in _WORDS:
        said = head.delta if isinstance(head.delta, str) else ""
        return Piece(text=said, has_content=bool(said))
    return _read_whole(load(data), head.type)


def ends(event: Event) -> bool:
    """Whether this is the terminal event of a stream."""
    if event.event is not None and event.event.decode("latin-1") in _TERMINAL:
        return True
    try:
        return _deltas.decode(event.data).type in _TERMINAL
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def fail(failure: Failure, last: bytes, request_id: str) -> bytes:
    """Return the event that ends a stream badly whose last event was `last`: numbers go on where they stood."""
    try:
        number = _numbered.decode(last).sequence_number + 1
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        number = 0
    return error_event(
        status=failure.status,
        message=failure.message,
        type=failure.type,
        code=failure.code,
        param=failure.param,
        request_id=request_id,
        sequence_number=number,
    )


def _read_whole(body: JsonObject, kind: str) -> Piece:
    piece = Piece()
    response = body.get("response")
    answer = response if is_object(response) else body
    error = told(answer) or told(body)
    if kind == "error" and error is None:
        error = {name: body.get(name) for name in ("message", "type", "code", "param")}
    if error is not None:
        piece.error = dump(error)
        piece.usage = read_usage(answer)
        return piece
    if kind in ("response.completed", "response.incomplete"):
        # The words came in deltas; to count them again here would be to count them twice.
        piece.usage, piece.finishes, piece.has_content = read_usage(answer), True, True
    elif kind == "response.output_item.added":
        _read_item_start(body, piece)
    elif not kind and is_array(answer.get("output")):
        _read_answer(answer, piece)
    return piece


def _read_item_start(body: JsonObject, piece: Piece) -> None:
    item = body.get("item")
    if is_object(item) and item.get("type") not in _SILENT_ITEMS:
        piece.has_content = True
        name = item.get("name")
        piece.text = name if isinstance(name, str) else ""


def _read_answer(answer: JsonObject, piece: Piece) -> None:
    piece.usage = read_usage(answer)
    piece.finishes = answer.get("status") in ("completed", "incomplete", None)
    words: list[str] = []
    output = answer.get("output")
    for item in output if is_array(output) else ():
        if is_object(item):
            piece.has_content = True
            _collect(item, words)
    piece.text = "".join(words)


def _collect(item: JsonObject, words: list[str]) -> None:
    content = item.get("content")
    if item.get("type") == "reasoning":
        words.append(summary_text(item))
        return
    for part in content if is_array(content) else ():
        if is_object(part):
            words += [said for name in ("text", "refusal") if isinstance(said := part.get(name), str)]
    words += [said for name in ("name", "arguments", "input") if isinstance(said := item.get(name), str)]
