"""Gemini's answers as they pass through: what a relay must read in an answer or a chunk that it does not change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.errors import FormatError
from adapters.formats.gemini.embeddings import decode_embed_response
from adapters.formats.gemini.usage import count_searches, read_usage
from adapters.formats.gemini.wire import camel
from adapters.formats.piece import Piece
from adapters.formats.reading import dump, dump_text, is_array, is_object, load_any

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject
    from adapters.sse import Event

_SEEN = ("text", "inlineData", "functionCall", "fileData", "executableCode", "codeExecutionResult")


def read_piece(data: bytes, event: bytes | None = None) -> Piece:
    """Read one chunk, one whole answer, or the array of a stream that is no SSE. Raises `FormatError`."""
    del event  # Google's events have no names
    value = load_any(data)
    piece = Piece()
    words: list[str] = []
    for chunk in value if is_array(value) else [value]:
        if not is_object(chunk):
            raise FormatError("expected a JSON object")
        _read(camel(chunk), piece, words)
    piece.text = "".join(words)
    return piece


def read_vectors(data: bytes, event: bytes | None = None) -> Piece:
    """Read an answer to `embedContent` or `batchEmbedContents`. Raises `FormatError`."""
    del event  # vectors are not streamed
    answer = load_any(data)
    if not is_object(answer):
        raise FormatError("expected a JSON object")
    error = answer.get("error")
    if is_object(error):
        return Piece(error=dump(error))
    response = decode_embed_response(data)
    return Piece(usage=response.usage, finishes=True, has_content=True)


def ends(event: Event) -> bool:
    """Whether this is the terminal event of a stream: there is none.

    A chunk that tells why one candidate stopped may be followed by others. The stream is over when it closes.
    """
    del event
    return False


def _read(chunk: JsonObject, piece: Piece, words: list[str]) -> None:
    error = chunk.get("error")
    if is_object(error):
        piece.error = dump(error)
        return
    searches = 0
    candidates = chunk.get("candidates")
    model = chunk.get("modelVersion")
    for candidate in candidates if is_array(candidates) else ():
        if not is_object(candidate):
            continue
        candidate = camel(candidate)
        piece.finishes = piece.finishes or bool(candidate.get("finishReason"))
        content = candidate.get("content")
        parts = content.get("parts") if is_object(content) else None
        for part in parts if is_array(parts) else ():
            if is_object(part):
                _read_part(camel(part), piece, words)
        grounding = candidate.get("groundingMetadata")
        if is_object(grounding):
            searches += count_searches(grounding, model if isinstance(model, str) else "")
    piece.has_content = piece.has_content or piece.finishes
    _read_rest(chunk, piece, searches)


def _read_rest(chunk: JsonObject, piece: Piece, searches: int) -> None:
    piece.usage = read_usage(chunk, searches) or piece.usage
    feedback = chunk.get("promptFeedback")
    reason = feedback.get("blockReason") if is_object(feedback) else None
    if reason and not chunk.get("candidates"):
        piece.error = dump(
            {"code": 400, "message": f"the prompt was blocked ({reason})", "status": "INVALID_ARGUMENT"}
        )


def _read_part(part: JsonObject, piece: Piece, words: list[str]) -> None:
    said = part.get("text")
    if isinstance(said, str):
        words.append(said)
        piece.has_content = piece.has_content or bool(said)
        return
    piece.has_content = piece.has_content or any(name in part for name in _SEEN)
    call = part.get("functionCall")
    if is_object(call):
        words.append(str(call.get("name") or ""))
        words.append(dump_text(call.get("args") or {}))
