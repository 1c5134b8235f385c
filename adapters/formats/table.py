"""Every format that there is a codec for, as rows."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from adapters.formats import anthropic, gemini, media, openai_chat, openai_responses
from adapters.formats.codec import ClientSide, CountSide, Passing, ProviderSide, Stateless
from adapters.formats.dialects.table import DIALECTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.formats.neutral.terms import Format

CLIENTS: Mapping[str, ClientSide] = MappingProxyType(
    {
        "openai_chat": ClientSide(
            decode_request=openai_chat.decode_request,
            encode_response=openai_chat.encode_response,
            stream_encoder=openai_chat.StreamEncoder,
            error_body=openai_chat.error_body,
            error_event=openai_chat.error_event,
        ),
        "openai_responses": ClientSide(
            decode_request=openai_responses.decode_request,
            encode_response=openai_responses.encode_response,
            stream_encoder=openai_responses.StreamEncoder,
            error_body=openai_responses.error_body,
            error_event=openai_responses.error_event,
            always_tells_tokens=True,
        ),
        "anthropic": ClientSide(
            decode_request=anthropic.decode_request,
            encode_response=anthropic.encode_response,
            stream_encoder=anthropic.StreamEncoder,
            error_body=anthropic.error_body,
            error_event=anthropic.error_event,
            always_tells_tokens=True,
        ),
        "gemini": ClientSide(
            decode_request=gemini.decode_request,
            encode_response=gemini.encode_response,
            stream_encoder=gemini.StreamEncoder,
            error_body=gemini.error_body,
            error_event=gemini.error_event,
            heartbeat=gemini.HEARTBEAT,
            always_tells_tokens=True,
        ),
    }
)

GEMINI_ARRAY = replace(
    CLIENTS["gemini"], error_event=gemini.error_array, heartbeat=b"\n", stream_type=b"application/json"
)
"""Gemini's streams as one JSON array: what clients get who do not ask for events."""

COUNTED: Mapping[Format, CountSide] = MappingProxyType(
    {
        "openai_responses": CountSide(
            decode=openai_responses.decode_request, encode=openai_responses.encode_count_response
        ),
        "anthropic": CountSide(decode=anthropic.decode_count_request, encode=anthropic.encode_count_response),
        "gemini": CountSide(decode=gemini.decode_count_request, encode=gemini.encode_count_response),
    }
)
"""The formats whose clients can ask how many tokens a prompt has."""

PROVIDERS: Mapping[str, ProviderSide] = MappingProxyType(
    {
        "openai_chat": ProviderSide(
            encode_request=openai_chat.encode_request,
            decode_response=openai_chat.decode_response,
            stream_decoder=openai_chat.StreamDecoder,
            read_error=openai_chat.read_error,
            endpoint="chat_completions",
        ),
        "openai_responses": ProviderSide(
            encode_request=openai_responses.encode_request,
            decode_response=openai_responses.decode_response,
            stream_decoder=openai_responses.StreamDecoder,
            read_error=openai_responses.read_error,
            endpoint="responses",
        ),
        "anthropic": ProviderSide(
            encode_request=anthropic.encode_request,
            decode_response=anthropic.decode_response,
            stream_decoder=anthropic.StreamDecoder,
            read_error=anthropic.read_error,
            endpoint="messages",
        ),
        "gemini": ProviderSide(
            encode_request=gemini.encode_request,
            decode_response=gemini.decode_response,
            stream_decoder=gemini.StreamDecoder,
            read_error=gemini.read_error,
            endpoint="chat_completions",
            stream_url=gemini.stream_url,
        ),
        **{name: dialect.side() for name, dialect in DIALECTS.items()},
    }
)

_CHAT = Passing(
    reader=lambda: Stateless(openai_chat.read_piece),
    ends=lambda event: event.data == openai_chat.DONE,
    missing_end=openai_chat.DONE_EVENT,
    read_error=openai_chat.read_error,
)

PASSING: Mapping[str, Passing] = MappingProxyType(
    {
        "openai_chat": _CHAT,
        "openai_responses": Passing(
            reader=lambda: Stateless(openai_responses.read_piece),
            ends=openai_responses.ends,
            missing_end=None,
            read_error=openai_responses.read_error,
            trailer=openai_chat.DONE_EVENT,
            fail=openai_responses.fail,
        ),
        "anthropic": Passing(
            reader=anthropic.PieceReader,
            ends=anthropic.ends,
            missing_end=None,
            read_error=anthropic.read_error,
        ),
        "gemini": Passing(
            reader=lambda: Stateless(gemini.read_piece),
            ends=gemini.ends,
            missing_end=b"",
            read_error=gemini.read_error,
        ),
        "gemini_vectors": Passing(
            reader=lambda: Stateless(gemini.read_vectors),
            ends=media.ends,
            missing_end=None,
            read_error=gemini.read_error,
        ),
        "images": Passing(
            reader=media.ImageReader, ends=media.ends, missing_end=b"", read_error=openai_chat.read_error
        ),
        "sound": Passing(
            reader=lambda: Stateless(media.read_sound),
            ends=media.ends,
            missing_end=b"",
            read_error=openai_chat.read_error,
        ),
        "ranks": Passing(
            reader=lambda: Stateless(media.read_ranks),
            ends=media.ends,
            missing_end=None,
            read_error=openai_chat.read_error,
        ),
    }
)
"""Completions, embeddings and moderations are framed like chat, and pass as it does."""
