"""OpenAI's Chat Completions: the codec in both directions, and what a relay reads of answers that pass through.

`request_in`, `request_out`     requests: of clients, and to providers
`answer_in`, `answer_out`       whole answers: of providers, and to clients
`stream_in`, `stream_out`       the same for streams
`passing`                       reading answers that stay as they are
`failures`, `usage`             the error envelope; tokens
"""

from __future__ import annotations

from adapters.formats.errors import FormatError, ProviderError
from adapters.formats.openai_chat.answer_in import decode_response
from adapters.formats.openai_chat.answer_out import encode_response
from adapters.formats.openai_chat.failures import error_body, read_error
from adapters.formats.openai_chat.passing import DONE, DONE_EVENT, read_piece
from adapters.formats.openai_chat.request_in import decode_request
from adapters.formats.openai_chat.request_out import encode_request
from adapters.formats.openai_chat.stream_in import StreamDecoder
from adapters.formats.openai_chat.stream_out import StreamEncoder, error_event
from adapters.formats.openai_chat.usage import WireUsage
from adapters.formats.piece import Piece

__all__ = [
    "DONE",
    "DONE_EVENT",
    "FormatError",
    "Piece",
    "ProviderError",
    "StreamDecoder",
    "StreamEncoder",
    "WireUsage",
    "decode_request",
    "decode_response",
    "encode_request",
    "encode_response",
    "error_body",
    "error_event",
    "read_error",
    "read_piece",
]
