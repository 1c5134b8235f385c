"""What a provider says when it fails, as errors of ours: refusals with a status, and errors inside a 200 answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from gateway.relay.errors import UpstreamFailed

if TYPE_CHECKING:
    from adapters.formats.codec import ReadError
    from adapters.transport.types import UpstreamResponse
    from gateway.relay.head import Headers

# An error body longer than this is not an error message.
MAX_ERROR_BYTES = 1 << 20
# What a provider may take to finish its error body.
ERROR_BODY_S = 10.0
LONGEST_RETRY_AFTER_S = 86_400.0


async def refusal(response: UpstreamResponse, read_error: ReadError) -> UpstreamFailed:
    """Read an answer with an error status; what it says becomes the error. Raises `TransportError`."""
    body = bytearray()
    with trio.move_on_after(ERROR_BODY_S):
        while len(body) < MAX_ERROR_BYTES and (data := await response.receive_some()):
            body += data
    error = read_error(bytes(body), response.status)
    return UpstreamFailed(
        error.message,
        # A redirect or an odd status of a provider is not the client's to follow.
        status=response.status if response.status >= 400 else 502,
        type=error.type,
        param=error.param,
        upstream_code=error.code,
        retry_after_s=retry_after(response.headers),
    )


def retry_after(headers: Headers) -> float | None:
    """Return the seconds of a `Retry-After` header (RFC 9110, the form that providers use), or `None`."""
    for name, value in headers:
        if name == b"retry-after":
            try:
                seconds = float(value)
            except ValueError:
                return None
            return seconds if 0 <= seconds <= LONGEST_RETRY_AFTER_S else None
    return None


def failure_in_answer(raw: bytes, read_error: ReadError) -> UpstreamFailed:
    """Return the failure that an `error` member (its JSON text) inside a 200 answer stands for."""
    error = read_error(b'{"error":' + raw + b"}", 502)
    return UpstreamFailed(
        error.message,
        status=error.status or 502,
        type=error.type or "upstream_error",
        param=error.param,
        upstream_code=error.code,
    )
