"""Claude's answers as they pass through: what a relay must read in an answer that it does not change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.anthropic.usage import read_usage
from adapters.formats.errors import FormatError
from adapters.formats.piece import Piece
from adapters.formats.reading import dump, dump_text, is_array, is_object, load

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject
    from adapters.pricing.usage import Usage
    from adapters.sse import Event


def read_piece(data: bytes, event: bytes | None = None) -> Piece:
    """Read one event, or a whole answer, by itself. Raises `FormatError` when it is not a JSON object.

    Events tell usage in parts: `message_start` the prompt, `message_delta` the totals so far, which may leave out
    what was told before. `PieceReader` adds them up.
    """
    del event  # the data tell the type as well
    return _read(load(data), None)


class PieceReader:
    """Reads the events of one stream; the usage of each piece is all that is known so far."""

    __slots__ = ("_usage",)

    def __init__(self) -> None:
        self._usage: Usage | None = None

    def read(self, data: bytes, event: bytes | None = None) -> Piece:
        """Read one event. Raises `FormatError`."""
        del event
        piece = _read(load(data), self._usage)
        self._usage = piece.usage or self._usage
        return piece


def ends(event: Event) -> bool:
    """Whether `event` is the last of a stream that ended well."""
    if event.event is not None:
        return event.event == b"message_stop"
    return b'"message_stop"' in event.data and read_type(event.data) == "message_stop"


def read_type(data: bytes) -> object:
    """Return the `type` of an event's data, or `None` if it cannot be read."""
    try:
        return load(data).get("type")
    except FormatError:
        return None


def _read(event: JsonObject, before: Usage | None) -> Piece:
    piece = Piece()
    match event.get("type"):
        case "content_block_delta":
            delta = event.get("delta")
            if is_object(delta):
                piece.text = _words(delta)
                piece.has_content = bool(piece.text)
        case "content_block_start":
            block = event.get("content_block")
            if is_object(block):
                piece.text = _words(block)
                # A tool call without arguments is something to keep, too.
                piece.has_content = bool(piece.text) or block.get("type") not in ("text", "thinking")
        case "message_start":
            message = event.get("message")
            piece.usage = read_usage(message.get("usage"), before) if is_object(message) else None
        case "message_delta":
            delta = event.get("delta")
            piece.usage = read_usage(event.get("usage"), before)
            piece.finishes = is_object(delta) and bool(delta.get("stop_reason"))
            piece.has_content = piece.finishes
        case "message":
            _read_whole(event, piece)
        case "error":
            piece.error = dump(event.get("error"))
        case "message_stop" | "content_block_stop" | "ping":
            pass
        case _ if event.get("error"):
            piece.error = dump(event.get("error"))
        case _:
            # The count of tokens, and events that are new.
            piece.finishes = "input_tokens" in event
    return piece


def _read_whole(answer: JsonObject, piece: Piece) -> None:
    content = answer.get("content")
    if is_array(content):
        piece.text = "".join(_words(block) for block in content if is_object(block))
    piece.usage = read_usage(answer.get("usage"))
    piece.finishes = bool(answer.get("stop_reason"))
    piece.has_content = True


def _words(block: JsonObject) -> str:
    """All that the model wrote in a block or a delta."""
    words = [
        value for name in ("name", "text", "thinking", "partial_json") if isinstance(value := block.get(name), str)
    ]
    if given := block.get("input"):
        words.append(dump_text(given))
    return "".join(words)
