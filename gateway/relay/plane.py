"""The relay plane: an ASGI callable in front of the management app.

A small table decides what is ours; everything else goes on to the app behind. No framework stands on this
path, and the relay keeps its nursery in one frame.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import trio

from adapters.formats.table import CLIENTS, GEMINI_ARRAY
from gateway.relay import counts, endpoints, models, proxy
from gateway.relay.admit import admit, check_model
from gateway.relay.arrival import Arrival
from gateway.relay.body import RequestBody
from gateway.relay.client import Client
from gateway.relay.errors import Refused, RelayError
from gateway.relay.head import read_head
from gateway.relay.media.intake import measured, taken_in
from gateway.relay.realtime.client import SocketClient
from gateway.relay.state import Relay
from gateway.relay.stored import serve as stored
from gateway.relay.stored.calls import stored_call
from gateway.relay.stored.serve import continued
from gateway.relay.supervisor import Supervisor
from gateway.relay.validate import validate
from gateway.request_id import new_request_id
from gateway.server.body import BodyError, ClientGone, read_body
from gateway.server.client_address import find_client
from storage.errors import StorageError
from storage.records import ChannelStatus

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from adapters.providers.catalogue import Catalogue
    from gateway.lifecycle_types import AsgiApp, Phase, Receive, Scope, Send
    from gateway.registry.snapshot import ChannelView, Snapshot
    from gateway.relay.admit import Caller
    from gateway.relay.endpoints import Found
    from gateway.relay.head import RequestHead
    from gateway.relay.supervisor import RelayDeps
    from gateway.server.client_address import Network

# The largest body that is read; base64 images and audio of a long conversation stay far below.
MAX_BODY_BYTES = 128 << 20
TOKEN_WINDOW_S = 180.0

_PREFLIGHT = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET,POST,PUT,DELETE,OPTIONS"),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-max-age", b"43200"),
]


class RelayPlane:
    """Answers relay requests; hands all others to `behind`."""

    def __init__(
        self,
        behind: AsgiApp,
        *,
        deps: RelayDeps,
        catalogue: Catalogue,
        phase: Phase,
        trusted_proxies: Sequence[Network],
    ) -> None:
        self._behind = behind
        self._deps = deps
        self._catalogue = catalogue
        self._phase = phase
        self._trusted = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "websocket" and scope["path"] == endpoints.REALTIME_PATH:
            await self._serve_socket(scope, receive, send)
            return
        if scope["type"] != "http" or not scope["path"].startswith(endpoints.PREFIXES):
            await self._behind(scope, receive, send)
            return
        path, method = scope["path"], scope["method"]
        if method == "OPTIONS":
            own = (b"x-oneapi-request-id", new_request_id().encode("ascii"))
            await send({"type": "http.response.start", "status": 204, "headers": [*_PREFLIGHT, own]})
            await send({"type": "http.response.body", "body": b""})
            return
        if not _is_ours(method, path):
            await self._behind(scope, receive, send)
            return
        request_id = new_request_id()
        client = Client(receive, send, request_id=request_id)
        head = read_head(scope, address=find_client(scope, self._trusted).address)
        found = endpoints.find(path)
        if found is not None and endpoints.wants_array(found, head):
            client.voice = GEMINI_ARRAY
        elif path.startswith(endpoints.MODEL_LISTS) and method == "GET" and models.is_googles(head):
            client.voice = CLIENTS["gemini"]
        else:
            client.voice = CLIENTS[endpoints.spoken_at(path, found)]
        arrival = _arrived(head, request_id, endpoint=found.endpoint.kind.value if found is not None else "")
        try:
            await self._answer(self._serve(arrival, found, client, receive), client, arrival)
        finally:
            if arrival.recording is not None:
                arrival.recording.end()

    async def _serve_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # "connect": the client waits to be accepted
        request_id = new_request_id()
        client = SocketClient(scope, receive, send, request_id=request_id)
        head = read_head(scope, address=find_client(scope, self._trusted).address)
        if client.key and b"authorization" not in head.headers:
            head = replace(head, headers={**head.headers, b"authorization": b"Bearer " + client.key.encode()})
        arrival = _arrived(head, request_id, endpoint=endpoints.REALTIME.kind.value)
        await self._answer(self._serve_session(arrival, client), client, arrival)

    async def _answer(self, serving: Coroutine[object, object, None], client: Client, arrival: Arrival) -> None:
        """Serve one request; what is wrong before anything was reserved is answered here."""
        try:
            await serving
        except ClientGone:
            return
        except BodyError as error:
            refusal = RelayError(str(error), status=error.status, code=error.code)
        except StorageError as error:
            self._deps.journal.event(
                "error", "relay.database", f"refused {arrival.head.path}: {error}", request_id=arrival.request_id
            )
            refusal = RelayError("the gateway's database is not available", status=503, code="database_unavailable")
        except RelayError as error:
            refusal = error
        else:
            return
        self._deps.journal.relay(arrival.refused(refusal.status, refusal.message))
        await client.answer_error(refusal)

    async def _serve(self, arrival: Arrival, found: Found | None, client: Client, receive: Receive) -> None:
        deps, head, request_id = self._deps, arrival.head, arrival.request_id
        if not self._phase.admits:
            client.close_after_answer()
            raise Refused("the gateway is shutting down", status=503)
        caller = await admit(head, accounts=deps.accounts, prefix=deps.settings.token_key_prefix, now=time.time())
        arrival.caller = caller
        snapshot = deps.registry.current
        if head.path.startswith(endpoints.PROXY_PREFIX):
            await self._limit(caller)
            body = await read_body(receive, limit=MAX_BODY_BYTES)
            await proxy.serve(
                proxy.ProxyRequest(
                    head=head, body=body, caller=caller, client=client, request_id=request_id,
                    trace_id=uuid.uuid4().hex, started_at=arrival.started_at, received_ms=arrival.received_ms,
                ),
                deps, snapshot,
            )  # fmt: skip
            return
        if head.method == "GET" and head.path.startswith(endpoints.MODEL_LISTS):
            status, answer = models.answer(head, caller=caller, snapshot=snapshot, catalogue=self._catalogue)
            await client.answer_json(status, answer)
            return
        if head.path == endpoints.REALTIME_PATH:
            _session_model(head)
            raise Refused("this path wants a websocket", status=426)
        if (call := stored_call(head.method, head.path)) is not None:
            await self._limit(caller)
            await stored.serve(call, arrival, client, deps)
            return
        if found is None:
            raise RelayError("API not implemented", status=501, code="api_not_implemented")
        if found.counts:
            await self._limit(caller)
            raw = await read_body(receive, head.headers.items(), limit=MAX_BODY_BYTES)
            await counts.serve(arrival, found, client, raw, named_channel(caller, snapshot), deps)
            return
        endpoint = found.endpoint
        async with taken_in(endpoint, head, receive, limit=MAX_BODY_BYTES, uploads=deps.uploads) as (body_view, form):
            model = arrival.model = endpoints.asked_model(found, body_view)
            arrival.streams = endpoint.streams and (found.streams or body_view.value("stream", bool) is True)
            check_model(caller.token, model)
            only = named_channel(caller, snapshot)
            if endpoint is endpoints.RESPONSES:
                only = await continued(body_view, model, caller, snapshot, deps.responses.book) or only
            if not model and only is None:
                raise Refused(f"No available channels for Model  under Group {caller.user.group}", status=503)
            await self._limit(caller)
            validate(body_view, endpoint)
            relay = Relay(
                request_id=request_id,
                trace_id=uuid.uuid4().hex,
                head=head,
                client=client,
                caller=caller,
                endpoint=endpoint,
                body=body_view,
                form=form,
                seconds=await measured(endpoint, form, deps.uploads),
                model=model,
                as_array=endpoints.wants_array(found, head),
                streams=arrival.streams,
                snapshot=snapshot,
                started_at=arrival.started_at,
                timestamps={"request_received": arrival.received_ms},
            )
            if caller.records:
                arrival.recording = deps.messages.begin(relay)
            await Supervisor(relay, deps).serve(only)

    async def _serve_session(self, arrival: Arrival, client: SocketClient) -> None:
        deps, head = self._deps, arrival.head
        if not self._phase.admits:
            raise Refused("the gateway is shutting down", status=503)
        caller = await admit(head, accounts=deps.accounts, prefix=deps.settings.token_key_prefix, now=time.time())
        arrival.caller = caller
        model = arrival.model = _session_model(head)
        check_model(caller.token, model)
        snapshot = deps.registry.current
        only = named_channel(caller, snapshot)
        await self._limit(caller)
        relay = Relay(
            request_id=arrival.request_id,
            trace_id=uuid.uuid4().hex,
            head=head,
            client=client,
            caller=caller,
            endpoint=endpoints.REALTIME,
            body=RequestBody(b"{}"),
            model=model,
            streams=False,
            snapshot=snapshot,
            started_at=arrival.started_at,
            timestamps={"request_received": arrival.received_ms},
        )
        await Supervisor(relay, deps).serve(only)

    async def _limit(self, caller: Caller) -> None:
        settings = self._deps.settings
        if settings.debug:
            return
        key = f"relay:token:{caller.token.id}"
        if not await self._deps.windows.hit(key, limit=settings.global_relay_rate_limit, window_s=TOKEN_WINDOW_S):
            raise Refused("rate limit exceeded", status=429)


def _arrived(head: RequestHead, request_id: str, *, endpoint: str) -> Arrival:
    now_ms = time.time_ns() // 1_000_000
    return Arrival(head, request_id, trio.current_time(), received_ms=now_ms, endpoint=endpoint)


def _is_ours(method: str, path: str) -> bool:
    if path.startswith((endpoints.PROXY_PREFIX, *endpoints.UNSERVED_PREFIXES)):
        return True
    if method == "POST" and endpoints.find(path) is not None:
        return True
    if stored_call(method, path) is not None:
        return True
    if path.startswith(endpoints.MODEL_LISTS):
        return method == "GET" or (method == "DELETE" and path.startswith(f"{endpoints.MODELS_PATH}/"))
    if path == endpoints.REALTIME_PATH:
        return method == "GET"
    return False


def _session_model(head: RequestHead) -> str:
    model = head.parameter("model")
    if not model:
        raise Refused("missing required query parameter: model", status=400)
    return model


def named_channel(caller: Caller, snapshot: Snapshot) -> ChannelView | None:
    """Return the channel that the key asks for, if any. Raises `Refused` when it cannot be used."""
    if caller.channel_id is None:
        return None
    channel = snapshot.channels.get(caller.channel_id)
    if channel is None:
        raise Refused("Invalid Channel Id", status=400)
    if channel.status != ChannelStatus.ENABLED:
        raise Refused("The channel has been disabled", status=403)
    return channel
