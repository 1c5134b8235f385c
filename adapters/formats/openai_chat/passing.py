"""OpenAI's formats as they pass through: what a relay must read in an answer that it does not change.

Chat completions, legacy completions, embeddings and moderations. Every answer and every chunk is decoded
once, into the few members that matter (usage, whether there is content, whether it is over, the text for
counting); the bytes themselves go on untouched. Sources: https://platform.openai.com/docs/api-reference/chat
(objects "chat completion" and "chat completion chunk"), .../completions, .../embeddings.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from adapters.formats.errors import FormatError
from adapters.formats.openai_chat.usage import WireUsage
from adapters.formats.piece import Piece

DONE = b"[DONE]"
DONE_EVENT = b"data: [DONE]\n\n"


class _Part(msgspec.Struct):
    text: str | None = None


_Text: TypeAlias = str | list[_Part] | dict[str, msgspec.Raw] | None


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | dict[str, msgspec.Raw] | None = None


class _ToolCall(msgspec.Struct):
    function: _Function | None = None


class _Message(msgspec.Struct):
    """A message or a delta. Text may come as a string or as parts."""

    content: _Text = None
    reasoning_content: _Text = None
    reasoning: _Text = None
    thinking: _Text = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None
    function_call: _Function | None = None
    audio: dict[str, msgspec.Raw] | None = None


class _Choice(msgspec.Struct):
    delta: _Message | None = None
    message: _Message | None = None
    text: str | None = None
    finish_reason: str | None = None


class _Hidden(msgspec.Struct):
    """MiniMax's way to tell of an error with status 200."""

    status_code: int | None = None
    status_msg: str | None = None


class _Answer(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: WireUsage | None = None
    error: msgspec.Raw = msgspec.Raw()
    base_resp: _Hidden | None = None
    success: bool | None = None
    """Cloudflare's, with `errors`."""
    errors: list[msgspec.Raw] | None = None


_answers = msgspec.json.Decoder(_Answer)
_NO_ERROR = (b"", b"null", b'""', b"[]", b"{}")


def read_piece(data: bytes, event: bytes | None = None) -> Piece:
    """Read the JSON of one chunk or whole answer. Raises `FormatError` when it is not a JSON object.

    `event`, the name of the event, says nothing here; other formats need it.
    """
    del event
    try:
        answer = _answers.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FormatError(str(error)) from None
    except RecursionError:
        raise FormatError("JSON is nested too deeply") from None
    piece = Piece()
    if (raw := bytes(answer.error)) not in _NO_ERROR:
        piece.error = raw
        return piece
    piece.usage = answer.usage.normalised() if answer.usage is not None else None
    choices = answer.choices
    if not choices:
        piece.error = _hidden_error(answer)
        piece.is_odd = piece.error is not None
        piece.is_empty = answer.usage is None
        return piece
    texts: list[str] = []
    for choice in choices:
        if choice.text:
            texts.append(choice.text)
        if choice.finish_reason:
            piece.finishes = True
        message = choice.delta or choice.message
        if message is not None:
            _collect(message, texts, piece)
    if texts:
        piece.text = texts[0] if len(texts) == 1 else "".join(texts)
    piece.has_content = piece.has_content or bool(piece.text) or piece.finishes
    return piece


def _hidden_error(answer: _Answer) -> bytes | None:
    """Return the error that an answer without choices tells of elsewhere."""
    if answer.base_resp is not None and answer.base_resp.status_code:
        return msgspec.json.encode(answer.base_resp)
    if answer.success is False:
        return bytes(answer.errors[0]) if answer.errors else b'{"message":""}'
    return None


def _collect(message: _Message, texts: list[str], piece: Piece) -> None:
    _add(message.content, texts)
    # Servers repeat the same thoughts under several names; one of them is what the model wrote.
    _add(message.reasoning_content or message.reasoning or message.thinking, texts)
    if message.refusal:
        texts.append(message.refusal)
    for call in message.tool_calls or ():
        piece.has_content = True
        _add_function(call.function, texts)
    if message.function_call is not None:
        piece.has_content = True
        _add_function(message.function_call, texts)
    if message.audio:
        piece.has_content = True


def _add_function(function: _Function | None, texts: list[str]) -> None:
    if function is None:
        return
    if function.name:
        texts.append(function.name)
    _add(function.arguments, texts)


def _add(text: _Text, texts: list[str]) -> None:
    if not text:
        return
    if isinstance(text, str):
        texts.append(text)
    elif isinstance(text, list):
        texts.extend(part.text for part in text if part.text)
    else:
        texts.append(msgspec.json.encode(text).decode())
