"""OpenAI's Responses API: the codec in both directions, and what a relay reads of answers that pass through.

`request_in`, `request_out`     requests: of clients, and to providers (`items_*`, `tools_out`, `content`)
`answer_in`, `answer_out`       whole answers: of providers, and to clients
`stream_in`, `stream_out`       the same for streams
`passing`                       reading answers that stay as they are
`failures`, `usage`             the error envelope and event; tokens and uses of hosted tools
"""

from __future__ import annotations

from adapters.formats.openai_responses.answer_in import decode_response
from adapters.formats.openai_responses.answer_out import encode_count_response, encode_response
from adapters.formats.openai_responses.failures import error_body, error_event, read_error
from adapters.formats.openai_responses.passing import ends, fail, read_piece
from adapters.formats.openai_responses.request_in import decode_request
from adapters.formats.openai_responses.request_out import encode_request
from adapters.formats.openai_responses.stream_in import StreamDecoder
from adapters.formats.openai_responses.stream_out import StreamEncoder

__all__ = [
    "StreamDecoder",
    "StreamEncoder",
    "decode_request",
    "decode_response",
    "encode_count_response",
    "encode_request",
    "encode_response",
    "ends",
    "error_body",
    "error_event",
    "fail",
    "read_error",
    "read_piece",
]
