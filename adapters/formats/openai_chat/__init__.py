"""OpenAI's Chat Completions: the codec in both directions, and what a relay reads of answers that pass through.

`request_in`, `request_out`     requests: of clients, and to providers
`answer_in`, `answer_out`       whole answers: of providers, and to clients
`stream_in`, `stream_out`       the same for streams
`passing`                       reading answers that stay as they are
`failures`, `usage`             the error envelope; tokens
"""

from __future__ import annotations

from adapters.formats.errors import FormatError, ProviderError
from adapters.formats.openai_chat.failures import error_body, read_error
from adapters.formats.openai_chat.passing import DONE, DONE_EVENT, read_piece
from adapters.formats.openai_chat.usage import WireUsage
from adapters.formats.piece import Piece

__all__ = [
    "DONE",
    "DONE_EVENT",
    "FormatError",
    "Piece",
    "ProviderError",
    "WireUsage",
    "error_body",
    "read_error",
    "read_piece",
]
