"""Anthropic's Messages: the codec in both directions, also for Claude on Bedrock and Vertex AI.

`request_in`, `request_out`     requests: of clients, and to providers
`answer_in`, `answer_out`       whole answers: of providers, and to clients
`stream_in`, `stream_out`       the same for streams
`blocks_in`, `blocks_out`       content blocks, which requests and answers share
`thinking_out`, `models`        how much to think, and what models of different age take
`passing`                       reading answers that stay as they are
`failures`, `usage`             the error envelope; tokens
"""

from __future__ import annotations

from adapters.formats.anthropic.answer_in import decode_response
from adapters.formats.anthropic.answer_out import encode_count_response, encode_response
from adapters.formats.anthropic.failures import error_body, error_event, read_error
from adapters.formats.anthropic.passing import PieceReader, ends, read_piece
from adapters.formats.anthropic.request_in import decode_count_request, decode_request
from adapters.formats.anthropic.request_out import encode_request, platform_changes
from adapters.formats.anthropic.stream_in import StreamDecoder
from adapters.formats.anthropic.stream_out import StreamEncoder

__all__ = [
    "PieceReader",
    "StreamDecoder",
    "StreamEncoder",
    "decode_count_request",
    "decode_request",
    "decode_response",
    "encode_count_response",
    "encode_request",
    "encode_response",
    "ends",
    "error_body",
    "error_event",
    "platform_changes",
    "read_error",
    "read_piece",
]
