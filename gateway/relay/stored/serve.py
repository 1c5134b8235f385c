"""Answers what clients ask about responses that a provider keeps: each goes to the channel that made the response.

Costs nothing, except that whoever learns here how a background response ended settles it. A response of somebody
else, or one that nobody remembers, is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from adapters.formats.openai_responses import read_error
from adapters.providers.urls import UrlError
from adapters.transport.types import ConnectFailed, HeadTimeout, TransportError
from adapters.wires.exchange import read_all
from gateway.relay import head as heads
from gateway.relay.admit import check_model
from gateway.relay.errors import Invalid, Refused, RelayError, UpstreamCut, UpstreamUnreachable
from gateway.relay.failures import refusal
from gateway.relay.running import RunningRelay
from gateway.relay.stored.asking import ask, keeps_responses
from storage.errors import StorageError
from storage.records import ChannelStatus

if TYPE_CHECKING:
    from adapters.transport.types import UpstreamResponse
    from gateway.registry.snapshot import ChannelView, Snapshot
    from gateway.relay.admit import Caller
    from gateway.relay.arrival import Arrival
    from gateway.relay.body import RequestBody
    from gateway.relay.client import Client
    from gateway.relay.head import RequestHead
    from gateway.relay.stored.book import ResponseBook
    from gateway.relay.stored.calls import StoredCall
    from gateway.relay.supervisor import RelayDeps
    from storage.repositories.responses import StoredResponse

# A whole response may hold pictures.
MOST_BYTES = 256 << 20
# An answer in one piece is there at once; what takes longer is no answer.
ANSWER_S = 120.0


class NotKept(RelayError):
    """There is no such response, or it is somebody else's."""

    code = "response_not_found"
    status = 404
    type = "invalid_request_error"
    param = "response_id"


class NotContinued(Invalid):
    """The response that a request goes on from is not there, or not for this model."""

    code = "previous_response_not_found"
    type = "invalid_request_error"
    param = "previous_response_id"


async def continued(
    body: RequestBody, model: str, caller: Caller, snapshot: Snapshot, book: ResponseBook
) -> ChannelView | None:
    """Return the channel that a request has to go to since it goes on from a response; `None`: to any.

    Raises `NotContinued`, `Invalid`, `StorageError`.
    """
    previous = body.value("previous_response_id", str)
    if not previous:
        return None
    stored = await book.find(caller.user.id, previous)
    if stored is None:
        raise NotContinued(f"Previous response with id '{previous}' not found.")
    channel = snapshot.channels.get(stored.channel_id)
    if channel is None or channel not in snapshot.candidates(caller.user.group, model):
        raise NotContinued(f"The channel that made response '{previous}' does not serve {model}.")
    # Another key's account does not have it.
    bound = channel.with_key(stored.key_id)
    if bound is None:
        raise NotContinued(f"The channel that made response '{previous}' has another key now.")
    return bound


async def serve(call: StoredCall, arrival: Arrival, client: Client, deps: RelayDeps) -> None:
    """Answer `call`. Raises `RelayError`, `StorageError`."""
    caller = arrival.caller
    assert caller is not None, "strangers have no responses"  # noqa: S101
    snapshot = deps.registry.current
    stored = await deps.responses.book.find(caller.user.id, call.response_id)
    if stored is None:
        if not any(keeps_responses(channel) for channel in _channels_of(snapshot, caller)):
            raise RelayError("no provider here keeps responses", status=501, code="api_not_implemented")
        raise NotKept(f"Response with id '{call.response_id}' not found.")
    arrival.model = stored.model
    check_model(caller.token, stored.model)
    channel = snapshot.channels.get(stored.channel_id)
    if channel is None:
        raise NotKept(f"Response with id '{call.response_id}' not found: its channel is gone.")
    channel = channel.with_key(stored.key_id)
    if channel is None:
        raise NotKept(f"Response with id '{call.response_id}' not found: its channel has another key now.")
    if channel.status != ChannelStatus.ENABLED:
        raise Refused("The channel that keeps this response has been disabled", status=503)
    if not keeps_responses(channel):
        raise RelayError("the provider of this response does not keep any", status=501, code="api_not_implemented")
    running = RunningRelay(
        request_id=arrival.request_id,
        user=caller.user.username,
        started_at=arrival.started_at,
        scope=trio.CancelScope(),
        user_id=caller.user.id,
        token=caller.token.name,
        model=stored.model,
        channel=channel.label,
        endpoint=arrival.endpoint,
        address=arrival.head.address,
    )
    failure: RelayError | StorageError | None = None
    with deps.running.entered(running), running.scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_leave_with, client, running.scope)
            try:
                await _answer(call, stored, channel, arrival.head, client, deps)
            except (RelayError, StorageError) as error:
                # Raised further down: a nursery would wrap it.
                failure = error
            nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
    if running.scope.cancelled_caught and not client.left:
        raise RelayError("the request was ended", status=503, code=running.end_reason or "interrupted")


def _channels_of(snapshot: Snapshot, caller: Caller) -> list[ChannelView]:
    return [channel for channel in snapshot.channels.values() if caller.user.group in channel.groups]


async def _leave_with(client: Client, scope: trio.CancelScope) -> None:
    await client.gone()
    if client.left:
        scope.cancel()


async def _answer(
    call: StoredCall,
    stored: StoredResponse,
    channel: ChannelView,
    head: RequestHead,
    client: Client,
    deps: RelayDeps,
) -> None:
    book, charges = deps.responses.book, deps.responses.charges
    if call.method == "DELETE" and stored.pending:
        # Once it is deleted nobody tells any more what it used.
        await charges.look(stored, deps.registry.current)
        stored = await book.find(stored.user_id, call.response_id) or stored
    streams = call.method == "GET" and not call.rest and head.flag("stream")
    response = await _asked(call, channel, stored, head, deps, streams=streams)
    try:
        if not 200 <= response.status < 300:
            raise await refusal(response, read_error)
        if b"event-stream" in dict(response.headers).get(b"content-type", b""):
            await _carry(response, client, deps)
            return
        with trio.fail_after(ANSWER_S):
            body = await read_all(response, most=MOST_BYTES)
    except trio.TooSlowError:
        raise UpstreamUnreachable("the provider did not answer in time", status=504) from None
    except TransportError:
        raise UpstreamCut("the provider broke its answer off") from None
    finally:
        await response.aclose()
    if call.method == "DELETE":
        if stored.pending:
            await charges.gone(stored)
        await book.forget(stored)
    elif stored.pending and not call.rest.startswith("/input"):
        await charges.learnt(stored, body)
    await client.answer(response.status, heads.for_client(response.headers), body)


async def _asked(
    call: StoredCall,
    channel: ChannelView,
    stored: StoredResponse,
    head: RequestHead,
    deps: RelayDeps,
    *,
    streams: bool,
) -> UpstreamResponse:
    try:
        return await ask(call, channel, stored.model, head, wires=deps.wires, settings=deps.settings, streams=streams)
    except UrlError as error:
        raise RelayError(str(error), status=503, code=error.code) from None
    except ConnectFailed:
        raise UpstreamUnreachable("the provider could not be reached") from None
    except HeadTimeout:
        raise UpstreamUnreachable("the provider did not answer in time", status=504) from None
    except TransportError:
        raise UpstreamUnreachable("the connection to the provider broke before it answered") from None


async def _carry(response: UpstreamResponse, client: Client, deps: RelayDeps) -> None:
    """Bring a stream to the client as it comes; a background response is charged by who asks about it."""
    idle_s = deps.settings.idle_timeout_sec or float("inf")
    await client.start_events(heads.for_client(response.headers))
    while True:
        data = b""
        with trio.move_on_after(idle_s) as silence:
            try:
                data = await response.receive_some()
            except TransportError:
                return
        if silence.cancelled_caught:
            return
        if not data:
            await client.finish()
            return
        await client.write(data)
