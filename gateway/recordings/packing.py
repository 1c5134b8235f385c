"""What is stored of a recording: its JSON within bounds, a stream put together to the answer that it was.

What is too long is cut where that hurts least: what is encoded (pictures, sound) goes first, then the ends of long
texts; only what is no JSON is cut as it stands. All of this runs in a thread.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import TYPE_CHECKING, Final

import msgspec

from adapters.formats.assembly import Assembler
from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.neutral.encoding import ResponseOptions
from adapters.formats.table import CLIENTS, PROVIDERS
from adapters.sse import Event, EventScanner, EventTooLong, parse_event
from gateway.relay.endpoints import Kind
from storage.repositories.messages import StoredMessages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.recordings.recording import Recording

_LEVEL: Final = 4
# Texts of one member that are tried, longest first, until all of it fits.
_LONGEST: Final = (16_000, 4_000, 1_000, 200)
_ENCODED: Final = re.compile(r"[A-Za-z0-9+/_=-]{1000,}", re.ASCII)
_DATA_URL: Final = re.compile(r"data:[^,\s]{0,100};base64,", re.ASCII | re.IGNORECASE)
_DEEPEST: Final = 100


class Content(msgspec.Struct, omit_defaults=True):
    """What was said: JSON as the client's format has it, or plain text where it was none."""

    request: str = ""
    answer: str = ""
    error: str = ""
    """Why a stream broke off, in the words that the client was told."""


def packed(recording: Recording, at_ms: int) -> StoredMessages:
    """Return what is stored of a recording that ended at a moment (Unix milliseconds)."""
    answer, error = _answer(recording)
    request, request_cut = shortened(recording.request, recording.keep)
    answer, answer_cut = shortened(answer, recording.keep)
    content = Content(request=_text(request), answer=_text(answer), error=error[: recording.keep])
    return StoredMessages(
        request_id=recording.request_id,
        user_id=recording.user_id,
        token_id=recording.token_id,
        created_at=at_ms,
        format=recording.format,
        endpoint=recording.endpoint,
        status=recording.status,
        request_bytes=recording.request_bytes,
        answer_bytes=recording.answer_bytes,
        request_cut=request_cut or len(recording.request) < recording.request_bytes,
        answer_cut=answer_cut or recording.is_full,
        whole=recording.whole,
        content=zlib.compress(msgspec.json.encode(content), _LEVEL),
    )


def unpacked(content: bytes) -> Content | None:
    """Return what was stored, `None` for what cannot be read."""
    try:
        return msgspec.json.decode(zlib.decompress(content), type=Content)
    except (zlib.error, msgspec.DecodeError):
        return None


# --- what is too long


def shortened(raw: bytes, most: int) -> tuple[bytes, bool]:
    """Return JSON with at most about `most` bytes that can still be read, and whether anything was left out."""
    if len(raw) <= most:
        return raw, False
    try:
        value = msgspec.json.decode(raw)
        for longest in (None, *_LONGEST):
            value = _without(value, longest, 0)
            found = msgspec.json.encode(value)
            if len(found) <= most:
                return found, True
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    return raw[:most], True


def _without(value: object, longest: int | None, depth: int) -> object:
    """Return `value` without what is encoded, and with shorter texts."""
    if depth > _DEEPEST:
        return value
    if isinstance(value, str):
        return _without_encoded(value) if longest is None else _shorter(value, longest)
    if isinstance(value, list):
        return [_without(one, longest, depth + 1) for one in value]
    if isinstance(value, dict):
        return {name: _without(one, longest, depth + 1) for name, one in value.items()}
    return value


def _without_encoded(text: str) -> str:
    begin = _DATA_URL.match(text)
    head = begin.group() if begin is not None else ""
    return head if _ENCODED.match(text, len(head)) else text


def _shorter(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… [{len(text) - longest} characters were not kept]"


# --- answers


def _answer(recording: Recording) -> tuple[bytes, str]:
    """Return an answer as one piece, and why it broke off."""
    raw = b"".join(recording.answer)
    is_array = recording.format == "gemini" and raw.lstrip()[:1] == b"["
    if not raw or not (recording.is_stream or is_array):
        return raw, ""
    try:
        if recording.endpoint == Kind.COMPLETIONS:
            return _completion(raw), ""
        found, error = _assembled(recording.format, _elements(raw) if is_array else _events(raw))
    except Exception:  # noqa: BLE001 - the boundary: whatever a provider sent, it is kept as it came
        return raw, ""
    return found or raw, error


def _assembled(name: str, events: Iterator[Event]) -> tuple[bytes, str]:
    """Return the whole answer that the events of a client's format tell, as far as they go; empty for nothing."""
    decoder, assembler, error = PROVIDERS[name].stream_decoder(), Assembler(), ""
    try:
        for event in events:
            for told in decoder.feed(event):
                assembler.add(told)
    except ProviderFailure as failure:
        error = failure.error.message
    try:
        response = assembler.so_far()
    except FormatError:
        return b"", error
    return CLIENTS[name].encode_response(response, ResponseOptions(model=response.model)).body, error


def _events(raw: bytes) -> Iterator[Event]:
    scanner = EventScanner()
    try:
        yield from (event for event in scanner.feed(raw) if event.data)
    except EventTooLong:
        return


def _elements(raw: bytes) -> Iterator[Event]:
    """Give the elements of a JSON array that may break off, each as the event that it would have been."""
    text, decoder = raw.decode("utf-8", "replace"), json.JSONDecoder()
    place = text.index("[") + 1
    while True:
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        try:
            value, place = decoder.raw_decode(text, place)
        except ValueError:
            return
        yield parse_event(b"data: " + json.dumps(value).encode())


def _completion(raw: bytes) -> bytes:
    """Return what the older completions said; they have no codec."""
    said: dict[int, list[str]] = {}
    for event in _events(raw):
        if event.data == b"[DONE]":
            break
        for choice in json.loads(event.data).get("choices", []):
            said.setdefault(choice.get("index", 0), []).append(choice.get("text") or "")
    choices = [{"index": index, "text": "".join(texts)} for index, texts in sorted(said.items())]
    return json.dumps({"object": "text_completion", "choices": choices}, ensure_ascii=False).encode()


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
