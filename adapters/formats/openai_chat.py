"""OpenAI's formats as they pass through: what a relay must read in an answer that it does not change.

Chat completions, legacy completions, embeddings and moderations. Every answer and every chunk is decoded
once, into the few members that matter (usage, whether there is content, whether it is over, the text for
counting); the bytes themselves go on untouched. Sources: https://platform.openai.com/docs/api-reference/chat
(objects "chat completion" and "chat completion chunk"), .../completions, .../embeddings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from adapters.pricing.usage import Usage

DONE = b"[DONE]"
DONE_EVENT = b"data: [DONE]\n\n"


class FormatError(Exception):
    """The provider's answer is not what its format says; the message names the place, not the content."""


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None
    audio_tokens: int | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class WireUsage(msgspec.Struct):
    """`usage` as providers send it; every member may be missing or null."""

    prompt_tokens: int | float | None = None
    completion_tokens: int | float | None = None
    total_tokens: int | float | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    """DeepSeek's name for cached tokens (https://api-docs.deepseek.com/guides/kv_cache)."""

    def normalised(self) -> Usage | None:
        """Return the disjoint buckets, or `None` when nothing was reported."""
        prompt = max(int(self.prompt_tokens or 0), 0)
        completion = max(int(self.completion_tokens or 0), 0)
        if not prompt and not completion:
            return None
        before = self.prompt_tokens_details or _PromptDetails()
        after = self.completion_tokens_details or _CompletionDetails()
        audio_in = min(max(before.audio_tokens or 0, 0), prompt)
        cached = min(max(before.cached_tokens or self.prompt_cache_hit_tokens or 0, 0), prompt - audio_in)
        audio_out = min(max(after.audio_tokens or 0, 0), completion)
        reasoning = min(max(after.reasoning_tokens or 0, 0), completion - audio_out)
        return Usage(
            input=prompt - cached - audio_in,
            cached_read=cached,
            audio_input=audio_in,
            output=completion - reasoning - audio_out,
            reasoning=reasoning,
            audio_output=audio_out,
        )


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


class _Answer(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: WireUsage | None = None
    error: msgspec.Raw = msgspec.Raw()


_answers = msgspec.json.Decoder(_Answer)
_NO_ERROR = (b"", b"null", b'""', b"[]", b"{}")


@dataclass(slots=True)
class Piece:
    """What one chunk, or a whole answer, says. `text` is all that the model wrote, for counting."""

    text: str = ""
    has_content: bool = False
    is_empty: bool = False
    """Neither choices, usage nor error: Azure opens its streams with such a chunk."""
    finishes: bool = False
    usage: Usage | None = None
    error: bytes | None = None


def read_piece(data: bytes) -> Piece:
    """Read the JSON of one chunk or whole answer. Raises `FormatError` when it is not a JSON object."""
    try:
        answer = _answers.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FormatError(str(error)) from None
    piece = Piece()
    if (raw := bytes(answer.error)) not in _NO_ERROR:
        piece.error = raw
        return piece
    piece.usage = answer.usage.normalised() if answer.usage is not None else None
    choices = answer.choices
    if not choices:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderError:
    """The provider's own words about a failure."""

    message: str
    type: str
    code: object
    param: object


class _ErrorObject(msgspec.Struct):
    message: msgspec.Raw = msgspec.Raw(b"null")
    type: msgspec.Raw = msgspec.Raw(b"null")
    code: msgspec.Raw = msgspec.Raw(b"null")
    param: msgspec.Raw = msgspec.Raw(b"null")


class _Header(msgspec.Struct):
    message: str | None = None


class _Nested(msgspec.Struct):
    error: _Header | None = None


class _ErrorBody(msgspec.Struct):
    error: _ErrorObject | str | None = None
    message: str | None = None
    msg: str | None = None
    err: str | None = None
    error_msg: str | None = None
    header: _Header | None = None
    response: _Nested | None = None


def read_error(body: bytes, *, status: int) -> ProviderError:
    """Read an error body of any of the shapes that OpenAI-compatible servers use; never raises.

    A body that is not JSON (the HTML of a proxy) is not repeated to the client.
    """
    try:
        parsed = msgspec.json.decode(body, type=_ErrorBody)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _plain("", status)
    error = parsed.error
    if isinstance(error, _ErrorObject) and (message := _plain_text(error.message)):
        return ProviderError(
            message=message,
            type=_plain_text(error.type),
            code=_plain_value(error.code),
            param=_plain_value(error.param) or "",
        )
    nested = parsed.response.error.message if parsed.response and parsed.response.error else None
    header = parsed.header.message if parsed.header else None
    own = error if isinstance(error, str) else None
    return _plain(
        parsed.message or parsed.msg or parsed.err or parsed.error_msg or header or nested or own or "", status
    )


def _plain(message: str, status: int) -> ProviderError:
    return ProviderError(
        message=message or f"bad response status code {status}",
        type="upstream_error",
        code="bad_response_status_code",
        param=str(status),
    )


def _plain_value(raw: msgspec.Raw) -> object:
    value: object = msgspec.json.decode(raw)
    return value


def _plain_text(raw: msgspec.Raw) -> str:
    value = _plain_value(raw)
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value)
