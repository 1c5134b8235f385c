"""Sending a test's question, and reading what comes: whole answers and streams, as relays read them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from adapters.sse import EventScanner, EventTooLong, parse_event
from adapters.transport.types import TransportError, UpstreamRequest
from adapters.wires.types import CredentialError
from gateway.relay.errors import UpstreamCut, UpstreamFailed
from gateway.relay.failures import ERROR_BODY_S, MAX_ERROR_BYTES
from gateway.relay.outgoing import USER_AGENT, account_of, channel_headers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from adapters.formats.codec import ReadError
    from adapters.pricing.usage import Usage
    from adapters.sse import Event
    from adapters.transport.types import UpstreamResponse
    from gateway.channels.samples import Sample
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.exchange import Exchange, Passed
    from gateway.services import Services

LONGEST_BODY = 4000
"""Bytes of an error's body that are kept to be shown."""
_MOST_BYTES = 64 << 20


@dataclass(slots=True)
class Seen:
    """What was seen of an answer so far, also where it came to nothing."""

    started: float = field(default_factory=time.monotonic)
    status: int = 0
    """HTTP; 0: there was no answer."""
    first_s: float | None = None
    """When its first byte came, of a stream its first content."""
    body: bytes = b""
    """The beginning of an answer that was an error, as the provider wrote it."""

    def began(self) -> None:
        """Note that something came; only the first time counts."""
        if self.first_s is None:
            self.first_s = time.monotonic() - self.started


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A request to a provider: where to, and how its errors are read."""

    url: str
    endpoint: str
    model: str
    """As the provider names it."""
    sample: Sample
    read_error: ReadError
    streams: bool = False


async def send_whole(services: Services, channel: ChannelView, letter: Letter, seen: Seen, *, most_s: float) -> bytes:
    """Return an answer. Raises `UpstreamFailed`."""
    content = bytearray()

    async def read(response: UpstreamResponse) -> None:
        while data := await response.receive_some():
            seen.began()
            content.extend(data)
            if len(content) > _MOST_BYTES:
                raise UpstreamFailed("the provider's answer is too large")

    await _send(services, channel, letter, seen, most_s, read)
    return bytes(content)


async def send_stream(
    services: Services, channel: ChannelView, letter: Letter, seen: Seen, exchange: Exchange, *, most_s: float
) -> tuple[str, Usage | None]:
    """Return the text of a stream, and the usage that it told. Raises `UpstreamFailed`."""
    texts: list[str] = []
    usages: list[Usage] = []

    def take(passed: Passed) -> bool:
        if passed.piece is not None:
            if passed.piece.has_content:
                seen.began()
            if passed.piece.usage is not None:
                usages.append(passed.piece.usage)
            texts.append(passed.piece.text)
        if passed.failure is not None:
            raise passed.failure
        return passed.done

    async def read(response: UpstreamResponse) -> None:
        if b"json" in dict(response.headers).get(b"content-type", b"").lower():
            raise UpstreamFailed("the provider answered a request for a stream with a whole answer")
        scanner = EventScanner()
        while data := await response.receive_some():
            try:
                events = scanner.feed(data)
            except EventTooLong:
                raise UpstreamCut("the provider sent an event without end") from None
            if any(take(exchange.event(event)) for event in events):
                return
        if not any(take(exchange.event(event)) for event in _unended(scanner)):
            take(exchange.end())

    await _send(services, channel, letter, seen, most_s, read)
    return "".join(texts), usages[-1] if usages else None


def _unended(scanner: EventScanner) -> list[Event]:
    """Return the last event if the provider left out the empty line after it."""
    left = scanner.close()
    return [parse_event(left)] if left.strip() else []


async def _send(
    services: Services,
    channel: ChannelView,
    letter: Letter,
    seen: Seen,
    most_s: float,
    read: Callable[[UpstreamResponse], Awaitable[None]],
) -> None:
    provider, account = channel.provider, account_of(channel)
    request = UpstreamRequest(
        method="POST",
        url=letter.url,
        headers=((b"content-type", letter.sample.content_type), USER_AGENT, *channel_headers(channel)),
        body=letter.sample.body,
        connect_timeout_s=services.settings.connect_timeout_sec or most_s,
        head_timeout_s=most_s,
        idle_timeout_s=most_s,
    )
    transport = services.wires.over(
        provider, account, endpoint=letter.endpoint, model=letter.model, streams=letter.streams
    )
    seen.started = time.monotonic()
    try:
        response = await transport.send(request)
        try:
            seen.status = response.status
            if not 200 <= response.status < 300:
                raise await _refusal(response, letter.read_error, seen)
            await read(response)
        finally:
            await response.aclose()
    except CredentialError as error:
        services.wires.refused(provider, account)
        raise UpstreamFailed(
            error.message, status=error.status, type="authentication_error", upstream_code=error.code
        ) from error
    except TransportError as error:
        raise UpstreamFailed(str(error) or "the provider could not be reached") from error
    except UpstreamFailed as error:
        if error.status in (401, 403):
            # A token that was taken for it is fetched anew the next time.
            services.wires.refused(provider, account)
        raise


async def _refusal(response: UpstreamResponse, read_error: ReadError, seen: Seen) -> UpstreamFailed:
    """Read an answer with an error status; its body is kept beside what it says."""
    body = bytearray()
    with trio.move_on_after(ERROR_BODY_S):
        while len(body) < MAX_ERROR_BYTES and (data := await response.receive_some()):
            seen.began()
            body += data
    seen.body = bytes(body[:LONGEST_BODY])
    error = read_error(bytes(body), response.status)
    return UpstreamFailed(
        error.message,
        status=response.status if response.status >= 400 else 502,
        type=error.type,
        param=error.param,
        upstream_code=error.code,
    )
