"""One try with one channel: send, look at the head, and bring the answer to the client.

Returns when the client has the whole answer. Every way in which the provider can fail comes out as an
`UpstreamFailed`; whether another channel may try depends on the meter: once content is delivered, none may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from adapters.transport.types import ConnectFailed, HeadTimeout, IdleTimeout, TransportError
from adapters.wires.types import CredentialError
from gateway.relay import head as heads
from gateway.relay.endpoints import Delivery
from gateway.relay.errors import UpstreamCut, UpstreamFailed, UpstreamUnreachable
from gateway.relay.failures import refusal
from gateway.relay.media.carry import carry
from gateway.relay.stream import EventStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from adapters.formats.codec import ReadError
    from adapters.transport.types import Transport, UpstreamRequest, UpstreamResponse
    from gateway.relay.exchange import Exchange, Unfetched
    from gateway.relay.meter import Meter
    from gateway.relay.state import Relay

# What a provider may take to close a stream that it has ended.
DRAIN_S = 0.25
# A whole answer is held in memory to be read before it is passed on.
MAX_WHOLE_BYTES = 256 << 20


async def attempt(
    relay: Relay,
    request: UpstreamRequest,
    exchange: Exchange,
    read_error: ReadError,
    *,
    transport: Transport,
    meter: Meter,
    complete: Callable[[Unfetched], Awaitable[bytes]],
    idle_s: float,
    first_content_s: float,
    outgrown: Callable[[], Awaitable[None]],
    before_end: Callable[[], Awaitable[None]],
) -> None:
    """Try `request` once. `outgrown` is awaited after every write of a stream, to top the reservation up;
    `complete` writes an answer whose pictures must be fetched; `before_end` is awaited before the client learns that
    its answer is over.

    Raises `UpstreamFailed`. Cancelled: the upstream connection is closed at once.
    """
    relay.stamp("request_forwarded")
    first_content_at = trio.current_time() + first_content_s
    try:
        response = await transport.send(request)
    except CredentialError as error:
        raise UpstreamFailed(
            error.message, status=error.status, type="authentication_error", upstream_code=error.code
        ) from None
    except ConnectFailed:
        raise UpstreamUnreachable("the provider could not be reached") from None
    except HeadTimeout:
        raise UpstreamUnreachable("the provider did not answer in time", status=504) from None
    except TransportError:
        raise UpstreamUnreachable("the connection to the provider broke before it answered") from None
    try:
        relay.stamp("first_upstream_response")
        if relay.tries:
            relay.tries[-1].answered = response.status
        if not 200 <= response.status < 300:
            raise await refusal(response, read_error)
        if relay.endpoint.delivery is Delivery.BYTES and not _is_json(response) and not _is_events(response):
            await carry(relay, response, meter, first_content_at=first_content_at)
            return
        if relay.endpoint.delivery is not Delivery.AS_ASKED:
            relay.streams = _is_events(response)
        if relay.streams and not _is_json(response):
            stream = EventStream(relay, exchange, meter=meter, outgrown=outgrown, before_end=before_end)
            await stream.pump(response, idle_s=idle_s, first_content_at=first_content_at)
            with trio.move_on_after(DRAIN_S):
                # The end of the body lets the connection be used again; a provider that keeps it open loses it.
                while await response.receive_some():
                    pass
        else:
            await _whole(relay, response, exchange, meter, complete, before_end)
    except IdleTimeout:
        raise UpstreamCut("the provider fell silent", status=504) from None
    except TransportError:
        raise UpstreamCut("the provider broke its answer off") from None
    finally:
        await response.aclose()


def _is_json(response: UpstreamResponse) -> bool:
    return b"json" in _kind(response) and not _is_events(response)


def _is_events(response: UpstreamResponse) -> bool:
    return b"event-stream" in _kind(response)


def _kind(response: UpstreamResponse) -> bytes:
    return dict(response.headers).get(b"content-type", b"").lower()


async def _whole(
    relay: Relay,
    response: UpstreamResponse,
    exchange: Exchange,
    meter: Meter,
    complete: Callable[[Unfetched], Awaitable[bytes]],
    before_end: Callable[[], Awaitable[None]],
) -> None:
    """Read a whole answer, look at it, and pass its bytes on."""
    parts: list[bytes] = []
    size = 0
    while data := await response.receive_some():
        parts.append(data)
        size += len(data)
        if size > MAX_WHOLE_BYTES:
            raise UpstreamFailed("the provider's answer is too large")
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    passed = exchange.whole(body)
    if relay.streams:
        raise UpstreamFailed("the provider answered a request for a stream with a whole answer")
    if passed.piece is not None:
        meter.add(passed.piece)
    meter.add_whole()
    raw = passed.raw
    if passed.with_usage is not None:
        # Clients count on it, though the provider does not.
        raw = passed.with_usage(await meter.usage(relay.prompt_tokens))
    headers = heads.for_client(response.headers)
    if passed.unfetched is not None:
        raw = await complete(passed.unfetched)
        # What came may have been the picture itself.
        headers = [(name, b"application/json" if name == b"content-type" else value) for name, value in headers]
    relay.first_content_at = trio.current_time()
    relay.stamp("first_client_response")
    await before_end()
    await relay.client.answer(response.status, headers, raw)
