"""`/v1/oneapi/proxy/{channel}/...`: a provider's own API with our token instead of its key.

Nothing is converted and nothing is charged; the request counts and leaves a log row. For admins any enabled
channel, for others the channels of type "proxy" of their group.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import trio

from adapters.transport.types import ConnectFailed, TransportError, UpstreamRequest
from gateway.ledger.types import LedgerError, Reservation, Settlement, Unavailable
from gateway.observe.types import RelaySummary
from gateway.relay import endpoints
from gateway.relay import head as heads
from gateway.relay.endings import interruption, outcome
from gateway.relay.errors import Refused, RelayError, UpstreamCut, UpstreamUnreachable
from gateway.relay.running import RunningRelay
from gateway.relay.state import now_ms
from storage.records import ChannelStatus, LogRow, LogType, Role, TraceRow

if TYPE_CHECKING:
    from gateway.registry.snapshot import ChannelView, Snapshot
    from gateway.relay.admit import Caller
    from gateway.relay.client import Client
    from gateway.relay.supervisor import RelayDeps

PROXY_TYPE = 43
CONTENT = "proxy request, no quota consumption"
MODEL = "proxy"
ENDPOINT = "proxy"
SETTLE_WAIT_S = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyRequest:
    """One admitted proxy request with its body."""

    head: heads.RequestHead
    body: bytes
    caller: Caller
    client: Client
    request_id: str
    trace_id: str
    started_at: float
    """On Trio's clock."""
    received_ms: int


async def serve(asked: ProxyRequest, deps: RelayDeps, snapshot: Snapshot) -> None:
    """Pass one request on and its answer back. Raises `RelayError` while nothing has gone to the client."""
    channel, path = _find(asked, snapshot)
    stamps = {"request_received": asked.received_ms}
    token = asked.caller.token
    log = _log(asked, channel)
    try:
        # Nothing is reserved but the request's place in the books, so that it is settled once, crash or not.
        await deps.ledger.reserve(
            Reservation(
                request_id=asked.request_id,
                user_id=asked.caller.user.id,
                token_id=token.id,
                token_limited=not token.unlimited_quota,
                channel_id=channel.id,
                model=MODEL,
                units=0,
                log_seed=log,
            )
        )
    except Unavailable as away:
        raise RelayError("the gateway's database is not available", status=503, code=away.code) from None
    error: RelayError | None = RelayError("the gateway failed to serve this request", code="internal_error")
    try:
        error = await _in_nursery(asked, channel, path, deps, stamps)
    finally:
        with trio.CancelScope(shield=True):
            try:
                if error is not None and not asked.client.started and not asked.client.left:
                    with trio.move_on_after(5):
                        await asked.client.answer_error(error)
            finally:
                served = asked.client.started and error is None
                stamps["request_completed"] = now_ms()
                settlement = Settlement(
                    request_id=asked.request_id,
                    user_id=asked.caller.user.id,
                    token_id=token.id,
                    token_limited=not token.unlimited_quota,
                    channel_id=channel.id,
                    units=0,
                    counted=served,
                    log=_log(asked, channel) if served and snapshot.options.flag("LogConsumeEnabled") else None,
                    trace=_trace(asked, stamps),
                )
                # What it cannot write it says itself.
                with trio.move_on_after(SETTLE_WAIT_S), suppress(LedgerError):
                    await deps.ledger.settle(settlement)
            deps.journal.relay(_summary(asked, channel, error))


def _find(asked: ProxyRequest, snapshot: Snapshot) -> tuple[ChannelView, str]:
    rest = asked.head.raw_path.removeprefix(endpoints.PROXY_PREFIX)
    number, slash, path = rest.partition("/")
    if not number.isdecimal():
        raise Refused(f"Invalid Channel Id: {number[:20]}", status=400)
    channel = snapshot.channels.get(int(number))
    if channel is None:
        raise Refused("Invalid Channel Id", status=400)
    if channel.status != ChannelStatus.ENABLED:
        raise Refused("The channel has been disabled", status=403)
    user = asked.caller.user
    if user.role < Role.ADMIN and not (channel.type == PROXY_TYPE and user.group in channel.groups):
        raise Refused("this channel is not open to you", status=403)
    return channel, slash + path


async def _in_nursery(
    asked: ProxyRequest, channel: ChannelView, path: str, deps: RelayDeps, stamps: dict[str, int]
) -> RelayError | None:
    ended: tuple[RelayError | None] | None = None
    async with trio.open_nursery() as nursery:
        scope = nursery.cancel_scope
        if deps.settings.relay_timeout:
            scope.deadline = asked.started_at + deps.settings.relay_timeout
        running = RunningRelay(
            request_id=asked.request_id,
            user=asked.caller.user.username,
            started_at=asked.started_at,
            scope=scope,
            user_id=asked.caller.user.id,
            token=asked.caller.token.name,
            model=MODEL,
            channel=channel.label,
            endpoint=ENDPOINT,
            address=asked.head.address,
        )

        async def watch() -> None:
            await asked.client.gone()
            if asked.client.left:
                scope.cancel()

        with deps.running.entered(running):
            nursery.start_soon(watch)
            ended = (await _pass(asked, channel, path, deps, stamps),)
        scope.cancel()
    return ended[0] if ended is not None else interruption(asked.client, running)


async def _pass(
    asked: ProxyRequest, channel: ChannelView, path: str, deps: RelayDeps, stamps: dict[str, int]
) -> RelayError | None:
    settings = deps.settings
    request = UpstreamRequest(
        method=asked.head.method,
        url=channel.base_url.rstrip("/") + path,
        headers=(*heads.for_proxy(asked.head), (b"authorization", channel.key.encode("utf-8"))),
        body=asked.body,
        connect_timeout_s=settings.connect_timeout_sec or float("inf"),
        head_timeout_s=settings.head_timeout_sec or float("inf"),
        idle_timeout_s=settings.idle_timeout_sec or float("inf"),
    )
    stamps["request_forwarded"] = now_ms()
    try:
        response = await deps.transport.send(request)
    except ConnectFailed:
        return UpstreamUnreachable("the provider could not be reached")
    except TransportError:
        return UpstreamUnreachable("the connection to the provider broke before it answered")
    try:
        stamps["first_upstream_response"] = now_ms()
        await asked.client.start(response.status, heads.from_proxy(response.headers))
        stamps["first_client_response"] = now_ms()
        while data := await response.receive_some():
            await asked.client.write(data)
        await asked.client.finish()
    except TransportError:
        # The head is out: all that can be said is that the body is not whole, by not ending it.
        return UpstreamCut("the provider broke its answer off")
    finally:
        await response.aclose()
    return None


def _summary(asked: ProxyRequest, channel: ChannelView, error: RelayError | None) -> RelaySummary:
    status = asked.client.status
    return RelaySummary(
        request_id=asked.request_id,
        user=asked.caller.user.username,
        token_name=asked.caller.token.name,
        endpoint=ENDPOINT,
        model=MODEL,
        channel=channel.label,
        status=status or (error.status if error is not None else 0),
        outcome=outcome(error),
        is_stream=False,
        attempts=1,
        first_content_s=None,
        duration_s=trio.current_time() - asked.started_at,
        prompt_tokens=0,
        completion_tokens=0,
        cached_tokens=0,
        units=0,
        error=error.message if error is not None else "",
    )


def _log(asked: ProxyRequest, channel: ChannelView) -> LogRow:
    return LogRow(
        user_id=asked.caller.user.id,
        created_at=int(time.time()),
        type=LogType.CONSUME,
        content=CONTENT,
        username=asked.caller.user.username,
        token_name=asked.caller.token.name,
        model_name=MODEL,
        channel_id=channel.id,
        request_id=asked.request_id,
        trace_id=asked.trace_id,
        updated_at=now_ms(),
        elapsed_time=round((trio.current_time() - asked.started_at) * 1000),
    )


def _trace(asked: ProxyRequest, stamps: dict[str, int]) -> TraceRow:
    return TraceRow(
        trace_id=asked.trace_id,
        url=asked.head.raw_path[:512],
        method=asked.head.method,
        body_size=len(asked.body),
        status=asked.client.status,
        timestamps=msgspec.json.encode(stamps).decode("ascii"),
        created_at=stamps["request_received"],
        updated_at=stamps["request_completed"],
    )
