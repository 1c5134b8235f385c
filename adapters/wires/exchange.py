"""Asking a provider something small: one request, one short JSON answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adapters.formats.errors import FormatError
from adapters.formats.reading import load
from adapters.transport.types import ResponseBroken

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject
    from adapters.transport.types import Transport, UpstreamRequest, UpstreamResponse

MOST_BYTES = 1 << 20

JSON_TYPE = (b"content-type", b"application/json")


async def ask_json(request: UpstreamRequest, transport: Transport) -> tuple[int, JsonObject]:
    """Return status and body. Raises `TransportError`; a body that is no JSON object is empty."""
    response = await transport.send(request)
    try:
        body = await read_all(response, most=MOST_BYTES)
    finally:
        await response.aclose()
    try:
        return response.status, load(body)
    except FormatError:
        return response.status, {}


async def read_all(response: UpstreamResponse, *, most: int) -> bytes:
    """Return the whole body. Raises `ResponseBroken` when it is longer than `most`."""
    body = bytearray()
    while data := await response.receive_some():
        body += data
        if len(body) > most:
            raise ResponseBroken("the provider's answer is too large")
    return bytes(body)


def like(
    request: UpstreamRequest,
    *,
    method: str = "POST",
    url: str,
    headers: tuple[tuple[bytes, bytes], ...],
    body: bytes = b"",
) -> UpstreamRequest:
    """Return another request with the deadlines of `request`."""
    return replace(request, method=method, url=url, headers=headers, body=body)


def with_headers(request: UpstreamRequest, *headers: tuple[bytes, bytes]) -> UpstreamRequest:
    """Return the request with more headers; one of the same name is replaced."""
    names = {name.lower() for name, _ in headers}
    kept = tuple(pair for pair in request.headers if pair[0].lower() not in names)
    return replace(request, headers=(*kept, *headers))


def header(request: UpstreamRequest, name: bytes) -> bytes:
    """Return a header's value, empty if it is not there."""
    return next((value for known, value in request.headers if known.lower() == name), b"")
