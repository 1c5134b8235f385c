"""Google's Gemini: the codec in both directions, and what a relay reads of answers that pass through.

`request_in`, `request_out`     requests: of clients, and to providers (`parts_*`, `tools_*`, `schema` …)
`answer_in`, `answer_out`       whole answers: of providers, and to clients (`grounding`, `logprobs`)
`stream_in`, `stream_out`       the same for streams
`passing`                       reading answers that stay as they are
`counting`, `embeddings`        `countTokens`, `embedContent` and `batchEmbedContents`
`listing`                       the list of models
`failures`, `usage`, `wire`     the error envelope; tokens; names and reasons
"""

from __future__ import annotations

from adapters.formats.gemini.answer_in import decode_response
from adapters.formats.gemini.answer_out import encode_response
from adapters.formats.gemini.counting import (
    decode_count_request,
    decode_count_response,
    encode_count_request,
    encode_count_response,
)
from adapters.formats.gemini.embeddings import (
    decode_embed_request,
    decode_embed_response,
    encode_embed_request,
    encode_embed_response,
)
from adapters.formats.gemini.failures import error_array, error_body, error_event, read_error
from adapters.formats.gemini.listing import model_body, models_body
from adapters.formats.gemini.passing import ends, read_piece, read_vectors
from adapters.formats.gemini.request_in import decode_request
from adapters.formats.gemini.request_out import encode_request
from adapters.formats.gemini.stream_in import StreamDecoder
from adapters.formats.gemini.stream_out import HEARTBEAT, StreamEncoder
from adapters.formats.gemini.wire import stream_url

__all__ = [
    "HEARTBEAT",
    "StreamDecoder",
    "StreamEncoder",
    "decode_count_request",
    "decode_count_response",
    "decode_embed_request",
    "decode_embed_response",
    "decode_request",
    "decode_response",
    "encode_count_request",
    "encode_count_response",
    "encode_embed_request",
    "encode_embed_response",
    "encode_request",
    "encode_response",
    "ends",
    "error_array",
    "error_body",
    "error_event",
    "model_body",
    "models_body",
    "read_error",
    "read_piece",
    "read_vectors",
    "stream_url",
]
