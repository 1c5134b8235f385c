"""Answers about images, sound and ranks, as they pass through: what a relay must read of them.

Sources: https://platform.openai.com/docs/api-reference/images, .../audio, and for ranks
https://docs.cohere.com/reference/rerank, whose shape Jina, vLLM and others took over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from adapters.formats.errors import FormatError
from adapters.formats.piece import Piece
from adapters.pricing.usage import Usage

if TYPE_CHECKING:
    from adapters.sse import Event

DONE = b"[DONE]"
_NO_ERROR = (b"", b"null", b'""', b"[]", b"{}")
_SOUND_ENDS = ("transcript.text.done", "speech.audio.done")

T = TypeVar("T")


class _CachedDetails(msgspec.Struct):
    text_tokens: int | None = None
    image_tokens: int | None = None


class _InputDetails(msgspec.Struct):
    text_tokens: int | None = None
    image_tokens: int | None = None
    cached_tokens: int | None = None
    cached_tokens_details: _CachedDetails | None = None


class _OutputDetails(msgspec.Struct):
    text_tokens: int | None = None


class _ImageUsage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None

    def normalised(self) -> Usage | None:
        """Return disjoint buckets, or `None` when nothing was reported."""
        given = max(self.input_tokens or 0, 0)
        made = max(self.output_tokens or 0, 0)
        if not given and not made:
            return None
        # What is not told apart is the image.
        told = self.output_tokens_details or _OutputDetails()
        said = min(max(told.text_tokens or 0, 0), made)
        details = self.input_tokens_details or _InputDetails()
        image = min(max(details.image_tokens or 0, 0), given)
        text = given - image
        cached = min(max(details.cached_tokens or 0, 0), given)
        parts = details.cached_tokens_details
        if parts is not None and parts.image_tokens is not None:
            cached_image = parts.image_tokens
        else:
            # Not told apart: in proportion to what went in.
            cached_image = round(cached * image / given) if given else 0
        cached_image = max(min(cached_image, image, cached), cached - text)
        return Usage(
            input=text - (cached - cached_image),
            cached_read=cached - cached_image,
            image_input=image - cached_image,
            cached_image=cached_image,
            output=said,
            image_output=made - said,
        )


class _Images(msgspec.Struct):
    type: str | None = None
    data: list[msgspec.Raw] | None = None
    usage: _ImageUsage | None = None
    error: msgspec.Raw = msgspec.Raw()


class _Sound(msgspec.Struct):
    type: str | None = None
    error: msgspec.Raw = msgspec.Raw()


class _Tokens(msgspec.Struct):
    prompt_tokens: int | None = None
    input_tokens: int | None = None
    total_tokens: int | None = None
    search_units: int | None = None


class _Meta(msgspec.Struct):
    billed_units: _Tokens | None = None
    tokens: _Tokens | None = None


class _Ranks(msgspec.Struct):
    results: list[msgspec.Raw] | None = None
    data: list[msgspec.Raw] | None = None
    usage: _Tokens | None = None
    meta: _Meta | None = None
    error: msgspec.Raw = msgspec.Raw()


_images = msgspec.json.Decoder(_Images)
_sounds = msgspec.json.Decoder(_Sound)
_ranks = msgspec.json.Decoder(_Ranks)


class ImageReader:
    """Reads images, whole or as they take shape. Each image of a stream reports its own tokens; they add up."""

    __slots__ = ("_usage",)

    def __init__(self) -> None:
        self._usage: Usage | None = None

    def read(self, data: bytes, event: bytes | None = None) -> Piece:
        """See `adapters.formats.codec.Reader`. A whole answer without an image is damaged."""
        del event  # the object says it, too
        answer = _decoded(_images, data)
        if (raw := bytes(answer.error)) not in _NO_ERROR:
            return Piece(error=raw)
        if answer.type is None and not answer.data:
            raise FormatError("there is no image in the answer")
        if answer.usage is not None and (found := answer.usage.normalised()) is not None:
            self._usage = found if self._usage is None else added(self._usage, found)
        ends = answer.type is None or answer.type.endswith(".completed")
        return Piece(has_content=True, finishes=ends, usage=self._usage)


def read_sound(data: bytes, event: bytes | None = None) -> Piece:
    """Read a transcript in any of its forms (JSON, text, subtitles), or one event of a stream of sound."""
    del event
    if not data.lstrip().startswith(b"{"):
        return Piece(has_content=True, finishes=True)
    answer = _decoded(_sounds, data)
    if (raw := bytes(answer.error)) not in _NO_ERROR:
        return Piece(error=raw)
    return Piece(has_content=True, finishes=answer.type is None or answer.type in _SOUND_ENDS)


def read_ranks(data: bytes, event: bytes | None = None) -> Piece:
    """Read documents in the order of their worth, with the tokens or searches that they cost."""
    del event
    answer = _decoded(_ranks, data)
    if (raw := bytes(answer.error)) not in _NO_ERROR:
        return Piece(error=raw)
    if answer.results is None and answer.data is None:
        raise FormatError("there are no ranks in the answer")
    meta = answer.meta or _Meta()
    tokens, searches = 0, 0
    for told in (answer.usage, meta.tokens, meta.billed_units):
        if told is not None:
            tokens = tokens or told.prompt_tokens or told.input_tokens or told.total_tokens or 0
            searches = searches or told.search_units or 0
    usage = Usage(input=max(tokens, 0), calls=max(searches, 1)) if tokens or searches else None
    return Piece(has_content=True, finishes=True, usage=usage)


def ends(event: Event) -> bool:
    """Whether this is a terminal event, which not all streams of these kinds have."""
    return event.data == DONE


def added(one: Usage, other: Usage) -> Usage:
    """Return the sum of two reports of tokens."""
    return Usage(
        input=one.input + other.input,
        cached_read=one.cached_read + other.cached_read,
        audio_input=one.audio_input + other.audio_input,
        image_input=one.image_input + other.image_input,
        cached_image=one.cached_image + other.cached_image,
        output=one.output + other.output,
        audio_output=one.audio_output + other.audio_output,
        image_output=one.image_output + other.image_output,
    )


def _decoded(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FormatError(str(error)) from None
    except RecursionError:
        raise FormatError("JSON is nested too deeply") from None
