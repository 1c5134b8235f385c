"""One session with one provider: messages pass both ways until a side ends it.

    session nursery
    ├─ to the provider      what the client says; its goodbye ends the session
    └─ to the client        the body of the nursery: what the provider says; its goodbye, too

Another channel may take over only while the provider's websocket is not open: after that the session has a state
that no one else knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from adapters.formats import openai_chat
from adapters.transport.types import ConnectFailed, HeadTimeout, IdleTimeout, SocketRefused, TransportError
from gateway.relay.errors import RelayError, UpstreamCut, UpstreamFailed, UpstreamUnreachable
from gateway.relay.failures import retry_after

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from adapters.transport.types import Transport, UpstreamRequest, UpstreamSocket
    from gateway.relay.realtime.client import SocketClient
    from gateway.relay.realtime.meter import SessionMeter
    from gateway.relay.state import Relay

# Goodbyes of RFC 6455 that are no complaint: done, going away, none given. From 3000 on applications have their own.
_CALM = (1000, 1001, 1005)
_FIRST_OF_APPLICATIONS = 3000
# Codes that a peer may not send; what stands for a connection that ended otherwise.
_UNSENDABLE = (1004, 1005, 1006, 1015)
_NORMAL = 1000


async def hold_session(
    relay: Relay,
    client: SocketClient,
    request: UpstreamRequest,
    *,
    transport: Transport,
    meter: SessionMeter,
    used: Callable[[], Awaitable[None]],
) -> None:
    """Open the provider's websocket, accept the client's, and hold the session to its end.

    `used` is awaited after every report of usage, to keep the reservation ahead of it. Raises `UpstreamFailed`, and
    what `used` raises. Cancelled: the provider is told goodbye.
    """
    relay.stamp("request_forwarded")
    socket = await _open(request, client, transport)
    try:
        relay.stamp("first_upstream_response")
        await client.accept(socket.subprotocol)
        meter.add_whole()
        relay.first_content_at = trio.current_time()
        relay.stamp("first_client_response")
        error: RelayError | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_to_provider, client, socket, nursery.cancel_scope)
            error = await _to_client(client, socket, meter, used)
            nursery.cancel_scope.cancel()
    finally:
        await socket.aclose()
    relay.stamp("upstream_completed")
    if error is not None:
        raise error


async def _open(request: UpstreamRequest, client: SocketClient, transport: Transport) -> UpstreamSocket:
    try:
        return await transport.open_socket(request, client.offered)
    except SocketRefused as refused:
        told = openai_chat.read_error(refused.body, refused.status)
        raise UpstreamFailed(
            told.message,
            status=refused.status if refused.status >= 400 else 502,
            type=told.type,
            param=told.param,
            upstream_code=told.code,
            retry_after_s=retry_after(refused.headers),
        ) from None
    except ConnectFailed:
        raise UpstreamUnreachable("the provider could not be reached") from None
    except HeadTimeout:
        raise UpstreamUnreachable("the provider did not answer in time", status=504) from None
    except TransportError:
        raise UpstreamUnreachable("the connection to the provider broke before it answered") from None


async def _to_provider(client: SocketClient, socket: UpstreamSocket, session: trio.CancelScope) -> None:
    async with client.inbox:
        try:
            async for message in client.inbox:
                await socket.send(message)
        except TransportError:
            # Who listens to the provider finds out, too, and knows better how it ended.
            return
    session.cancel()


async def _to_client(
    client: SocketClient, socket: UpstreamSocket, meter: SessionMeter, used: Callable[[], Awaitable[None]]
) -> RelayError | None:
    """Pass on what the provider says; return what ended the session, if not a goodbye."""
    try:
        while (message := await socket.receive()) is not None:
            reported = meter.hear(message)
            if meter.is_long:
                await meter.fold()
            await client.say(message)
            if reported:
                await used()
    except IdleTimeout:
        return UpstreamCut("the provider fell silent", status=504)
    except TransportError:
        return UpstreamCut("the provider broke the session off")
    except RelayError as error:
        return error
    code, reason = socket.closed_with or (_NORMAL, "")
    await client.close(_NORMAL if code in _UNSENDABLE else code, reason)
    if code in _CALM or code >= _FIRST_OF_APPLICATIONS:
        return None
    return UpstreamCut("the provider ended the session with an error")
