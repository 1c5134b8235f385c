"""How long is this prompt? Asked of a provider that can tell, else counted here.

Costs nothing and is not charged. A provider is asked where it speaks the client's own format; its judgement of a
request it finds wrong is passed on, and anything else that goes wrong only means that we count ourselves.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import trio

from adapters.formats.anthropic import platform_changes
from adapters.formats.errors import FormatError
from adapters.formats.table import COUNTED, PROVIDERS
from adapters.providers.urls import UrlError, upstream_url
from adapters.transport.types import ResponseBroken, TransportError
from adapters.wires.exchange import read_all
from gateway.relay import head as heads
from gateway.relay.admit import check_model
from gateway.relay.body import RequestBody
from gateway.relay.choose import Request, choose
from gateway.relay.endpoints import asked_model
from gateway.relay.errors import Invalid, Refused
from gateway.relay.failures import refusal
from gateway.relay.outgoing import account_of, outgoing

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import Format
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.arrival import Arrival
    from gateway.relay.client import Client
    from gateway.relay.endpoints import Found
    from gateway.relay.supervisor import RelayDeps

ENDPOINT = "count_tokens"
# A provider that does not answer by then is not waited for; what we count ourselves is near enough.
ANSWER_S = 15.0
_MOST_BYTES = 1 << 20
_THE_REQUEST_IS_WRONG = (400, 413, 422)


async def serve(
    arrival: Arrival, found: Found, client: Client, raw: bytes, only: ChannelView | None, deps: RelayDeps
) -> None:
    """Answer with the number of tokens; `only` is the channel that the client's key names. Raises `RelayError`."""
    assert arrival.caller is not None, "nobody counts for strangers"  # noqa: S101
    assert found.endpoint.format is not None, "prompts are counted in formats for chats"  # noqa: S101
    body = RequestBody(raw)
    model = arrival.model = asked_model(found, body)
    check_model(arrival.caller.token, model)
    snapshot = deps.registry.current
    group = arrival.caller.user.group
    candidates = snapshot.candidates(group, model) if only is None else (only,)
    if not candidates:
        raise Refused(f"No available channels for Model {model} under Group {group}", status=503)
    channel = choose(
        candidates,
        Request(group=group, model=model, able=lambda one: _can_tell(one, found.endpoint.format, model)),
        suspended_until=lambda channel_id: deps.registry.suspensions.until(group, model, channel_id),
        now=time.time(),
        rng=deps.rng,
    )
    if channel is not None:
        channel = deps.registry.keys.take_any(channel, model, now=time.time())
    if channel is not None and (told := await _asked(arrival, channel, body, model, deps)) is not None:
        await client.answer(200, *told)
        return
    await client.answer_json(200, await _counted(found, raw, model, candidates[0], deps))


def _can_tell(channel: ChannelView, spoken: Format | None, model: str) -> bool:
    row = channel.provider
    return row.serves(ENDPOINT) and row.format_of(channel.upstream_model(model)) == spoken


async def _asked(
    arrival: Arrival, channel: ChannelView, body: RequestBody, model: str, deps: RelayDeps
) -> tuple[list[tuple[bytes, bytes]], bytes] | None:
    """Return the provider's answer, `None` if there is none to rely on. Raises `UpstreamFailed` for a wrong request.

    The head comes with it, as far as it is the client's business.
    """
    sent = channel.upstream_model(model)
    row = channel.provider
    try:
        url = upstream_url(row, channel.base_url, ENDPOINT, sent, channel.config)
    except UrlError:
        return None
    changes = _renamed(body, row.format_of(sent), model, sent)
    if row.platform and row.format_of(sent) == "anthropic":
        # The model stays in the body, unlike in requests for answers: it is no part of this address.
        changes |= platform_changes(row.platform) | {"model": sent}
    asked = body.edited(changes)
    request = outgoing(arrival.head, channel, url, asked, deps.settings)
    transport = deps.wires.over(row, account_of(channel), endpoint=ENDPOINT, model=sent, streams=False)
    with trio.move_on_after(ANSWER_S):
        try:
            response = await transport.send(request)
            try:
                if response.status in _THE_REQUEST_IS_WRONG:
                    raise await refusal(response, PROVIDERS[row.format_of(sent)].read_error)
                answer = await read_all(response, most=_MOST_BYTES)
            finally:
                await response.aclose()
        except (TransportError, ResponseBroken):
            return None
        if response.status == 200:
            return heads.for_client(response.headers), answer
    return None


def _renamed(body: RequestBody, spoken: str, model: str, sent: str) -> dict[str, object | None]:
    """Return the members that name the model, as the provider calls it."""
    if spoken != "gemini":
        return {"model": sent} if sent != model else {}
    inner = body.any("generateContentRequest")
    if not isinstance(inner, dict):
        return {}
    return {"generateContentRequest": {**inner, "model": f"models/{sent}"}}


async def _counted(found: Found, raw: bytes, model: str, channel: ChannelView, deps: RelayDeps) -> bytes:
    """Count ourselves, by the words of the model that would answer."""
    assert found.endpoint.format is not None  # noqa: S101
    side = COUNTED[found.endpoint.format]
    try:
        request = side.decode(raw)
    except FormatError as error:
        raise Invalid(str(error), code=found.endpoint.invalid_code) from None
    tokens = await deps.counter.count_chat(
        channel.upstream_model(model),
        request,
        approximate=deps.registry.current.options.flag("ApproximateTokenEnabled"),
    )
    return side.encode(tokens)
