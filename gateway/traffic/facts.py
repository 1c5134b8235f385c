"""A relay that ended, as the row that pages show.

Kinds of failed attempts: `auth`, `rate_limit`, `quota`, `timeout`, `server`, `request`, `network`, `cut`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
import trio

from adapters.pricing.figures import UNITS_PER_USD
from adapters.pricing.usage import Usage
from gateway.relay.errors import OutOfQuota, UpstreamCut, UpstreamUnreachable
from gateway.relay.state import now_ms
from gateway.traffic.session import session_of
from storage.repositories.requests import FailedAttempt, FinishedRequest

if TYPE_CHECKING:
    from fractions import Fraction

    from adapters.pricing.charge import Charge
    from gateway.relay.errors import RelayError
    from gateway.relay.state import Relay, Try

_LONGEST_ERROR = 500
_PER_MILLION = 1_000_000
_LONGEST_AGENT = 200
_LONGEST_PATH = 200
_LONGEST_PARAMETER = 120
# What asks for an answer of some kind, never what is asked: no texts of a conversation are kept here.
_PARAMETERS = frozenset(
    (
        *("temperature", "top_p", "top_k", "n", "seed", "stop", "max_tokens", "max_completion_tokens"),
        *("max_output_tokens", "presence_penalty", "frequency_penalty", "repetition_penalty", "logprobs"),
        *("top_logprobs", "reasoning_effort", "reasoning", "thinking", "verbosity", "service_tier", "truncation"),
        *("parallel_tool_calls", "tool_choice", "store", "background", "modalities", "stream_options", "stream"),
        *("response_format", "generationConfig", "web_search_options", "size", "quality", "style", "voice", "speed"),
        *("dimensions", "encoding_format", "input_type", "top_n", "output_format", "language"),
    )
)


class TryFacts(msgspec.Struct, omit_defaults=True):
    """One attempt. Times in milliseconds since the request was received."""

    channel_id: int
    channel: str
    model: str = ""
    priority: int = 0
    weight: int = 0
    path: str = ""
    """Of the address that it was sent to."""
    spoken: str = ""
    """The format in which the provider was asked; empty where there is no choice."""
    began: int = 0
    sent: int | None = None
    """The request was written, its pictures fetched, and it was about to go out."""
    reused: bool = False
    """A connection that was there already took it."""
    opened: int | None = None
    """A connection was there: the name was found, TCP agreed on."""
    ready: int | None = None
    """It was secured as well, and the request could be sent."""
    head: int | None = None
    """The provider's status line and headers were there."""
    first: int | None = None
    """The client got the first content."""
    ended: int = 0
    answered: int = 0
    """The status of the provider's answer; 0: none came, or it is older than this."""
    status: int = 0
    """Of the failure; 0 for an attempt that did not fail."""
    kind: str = ""
    error: str = ""
    rests_s: float = 0.0
    """For how many seconds the channel was suspended for this model and group."""
    key: str = ""
    """What people call the key, where the channel has several."""
    key_rests_s: float = 0.0
    """For how many seconds the key rests for this model."""
    key_is_bad: bool = False
    """The key was refused, and is left out."""


class Bill(msgspec.Struct, omit_defaults=True):
    """What the charge was made of, beside the tokens. Prices in USD per million tokens, before the group's ratio."""

    input_usd: float = 0.0
    output_usd: float = 0.0
    cached_usd: float | None = None
    """`None`: not known, or none were read from a cache."""
    group_ratio: float = 1.0
    tool_units: int = 0
    tools: dict[str, int] = {}
    """How often each hosted tool was used."""
    cache_write: int = 0
    """Tokens written to a cache; they cost more than others."""
    cache_write_usd: float | None = None
    cache_write_1h: int = 0
    """Those of them that stay for an hour."""
    cache_write_1h_usd: float | None = None
    reasoning: int = 0
    """Those of the answer that nobody saw."""
    is_fallback: bool = False
    """Nobody knows a price for this model."""
    source: str = ""
    """Where the price is from: `channel`, `table` or `fallback`; empty: not known."""
    table: str = ""
    """The provider's table that it is from."""
    text: str = ""
    """What was charged for, where that is not tokens."""
    is_counted: bool = False
    """The provider did not report all of it, so tokens were counted here."""


class LeftOut(msgspec.Struct, omit_defaults=True):
    """A channel that could not be chosen for a request."""

    channel_id: int
    rests_s: float = 0.0
    """For how many seconds more it was suspended; 0: it does not serve such requests."""


class Detail(msgspec.Struct, omit_defaults=True):
    """What only the page of one request shows."""

    tries: list[TryFacts] = []
    received_at: int = 0
    """Unix milliseconds."""
    admitted: int | None = None
    """When token, limits and body were in order, in milliseconds since the request was received; others like it."""
    chosen: int | None = None
    candidates: int = 0
    """Channels that serve the model to the group."""
    left_out: list[LeftOut] = []
    """Those of them that could not be chosen at first, twenty at the most."""
    reserved: int | None = None
    """When the reservation was durable."""
    reserved_units: int = 0
    """What was held at first."""
    held_units: int = 0
    """What was held at the end."""
    completed: int | None = None
    """When the client had everything."""
    settled: int | None = None
    """When the charge was durable."""
    path: str = ""
    size: int = 0
    sent: int = 0
    """How many bytes the answer's body had, comments of a stream included."""
    address: str = ""
    agent: str = ""
    group: str = ""
    params: dict[str, Any] = {}
    """What the client asked for beside its conversation."""
    dropped: list[str] = []
    prompt_reset: bool = False
    bill: Bill | None = None


_decoder = msgspec.json.Decoder(Detail)


def read_detail(text: str) -> Detail:
    """Return a stored detail; what cannot be read is an empty one."""
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError):
        return Detail()


def kind_of(error: RelayError) -> str:
    """Return in a word what went wrong."""
    if isinstance(error, UpstreamCut):
        return "timeout" if error.status == 504 else "cut"
    if error.status in (408, 504):
        return "timeout"
    if isinstance(error, UpstreamUnreachable):
        return "network"
    if error.status in (401, 403):
        return "auth"
    if error.status == 429:
        return "rate_limit"
    if error.status == 402 or isinstance(error, OutOfQuota):
        return "quota"
    return "server" if error.status >= 500 else "request"


def finished(
    relay: Relay,
    *,
    outcome: str,
    status: int,
    cost: Charge | None,
    usage: Usage | None,
    error: RelayError | None,
    logged: bool,
    counted: bool = False,
    listed: int | None = None,
    held_units: int = 0,
) -> tuple[FinishedRequest, list[FailedAttempt]]:
    """Return the row of a relay that ends now, and those of its attempts that failed.

    `counted`: not all of its usage was reported; `listed`: what the same use costs at the provider's list price;
    `held_units`: what was reserved in the end.
    """
    at_ms = now_ms()
    since = relay.timestamps.get("request_received", at_ms)
    first = relay.timestamps.get("first_client_response")
    row = FinishedRequest(
        request_id=relay.request_id,
        trace_id=relay.trace_id,
        finished_at=at_ms,
        user_id=relay.caller.user.id,
        username=relay.caller.user.username,
        token_name=relay.caller.token.name,
        user_group=relay.group,
        session=session_of(relay.head.headers, relay.body),
        model=relay.model,
        sent_model=relay.sent_model,
        channel_id=relay.channel.id if relay.channel is not None else 0,
        endpoint=relay.endpoint.kind.value,
        is_stream=relay.streams,
        status=status,
        outcome=outcome,
        failed=outcome != "ok",
        logged=logged,
        attempts=len(relay.tries),
        first_ms=None if first is None else max(first - since, 0),
        duration_ms=round((trio.current_time() - relay.started_at) * 1000),
        prompt_tokens=cost.prompt_tokens if cost is not None else relay.prompt_tokens,
        completion_tokens=cost.completion_tokens if cost is not None else 0,
        cached_tokens=usage.cached_read if usage is not None else 0,
        reasoning_tokens=usage.reasoning if usage is not None and cost is not None else 0,
        units=cost.units if cost is not None else 0,
        saved_units=saved_units(cost, usage) if cost is not None and usage is not None else 0,
        list_units=listed,
        error=error.message[:_LONGEST_ERROR] if error is not None else "",
        detail=_detail(
            relay, since=since, at_ms=at_ms, bill=_bill(cost, usage, counted=counted), held_units=held_units
        ),
    )
    failures = [
        FailedAttempt(
            request_id=relay.request_id,
            failed_at=tried.ended_ms,
            channel_id=tried.channel_id,
            model=tried.model,
            status=tried.status,
            kind=tried.kind,
            duration_ms=max(tried.ended_ms - tried.began_ms, 0),
            error=tried.error[:_LONGEST_ERROR],
        )
        for tried in relay.tries
        if tried.kind
    ]
    return row, failures


def saved_units(cost: Charge, usage: Usage) -> int:
    """Return what more it would have cost had the provider read nothing from a cache."""
    rates = cost.rates
    if rates is None or not usage.cached_read:
        return 0
    over, under = cost.group_ratio.as_integer_ratio()
    less = usage.cached_read * (rates.input_units - rates.cached_read_units)
    return max(less * over // (rates.scale * under), 0)


def _bill(cost: Charge | None, usage: Usage | None, *, counted: bool) -> Bill | None:
    if cost is None:
        return None
    input_usd = _usd(cost.ratio)
    price, rates, used = cost.price, cost.rates, usage or Usage()
    source = "" if price is None else "fallback" if cost.is_fallback else "channel" if price.is_override else "table"
    return Bill(
        input_usd=input_usd,
        output_usd=input_usd * float(cost.completion_ratio),
        cached_usd=_usd(rates.cached_read) if rates is not None and used.cached_read else None,
        group_ratio=float(cost.group_ratio),
        tool_units=cost.tool_units,
        tools=dict(used.tool_calls),
        cache_write=used.cache_write_5m + used.cache_write_1h,
        cache_write_usd=_usd(rates.cache_write_5m) if rates is not None and used.cache_write_5m else None,
        cache_write_1h=used.cache_write_1h,
        cache_write_1h_usd=_usd(rates.cache_write_1h) if rates is not None and used.cache_write_1h else None,
        reasoning=used.reasoning,
        is_fallback=cost.is_fallback,
        source=source,
        table=price.table if price is not None and source == "table" else "",
        text=cost.text,
        is_counted=counted,
    )


def _usd(ratio: Fraction) -> float:
    """Return dollars per million tokens for units per token."""
    return float(ratio * _PER_MILLION / UNITS_PER_USD)


def _detail(relay: Relay, *, since: int, at_ms: int, bill: Bill | None, held_units: int) -> str:
    def offset(moment: int | None) -> int | None:
        return max(moment - since, 0) if moment else None

    completed = relay.timestamps.get("request_completed")
    detail = Detail(
        tries=[_try(tried, since=since, at_ms=completed or at_ms) for tried in relay.tries],
        received_at=since,
        path=relay.head.path[:_LONGEST_PATH],
        size=len(relay.body.raw) if relay.form is None else relay.form.size,
        sent=relay.client.sent_bytes,
        address=relay.head.address,
        agent=relay.head.header(b"user-agent")[:_LONGEST_AGENT],
        group=relay.group,
        params=relay.body.brief(_PARAMETERS, longest=_LONGEST_PARAMETER),
        dropped=list(relay.dropped),
        prompt_reset=relay.system_prompt_reset,
        bill=bill,
        admitted=offset(relay.admitted_ms),
        chosen=offset(relay.chosen_ms),
        candidates=relay.candidates,
        left_out=[LeftOut(number, round(seconds, 1)) for number, seconds in relay.left_out],
        reserved=offset(relay.reserved_ms),
        reserved_units=relay.reserved_units,
        held_units=held_units,
        completed=offset(completed),
        settled=at_ms - since if completed is not None else None,
    )
    try:
        return msgspec.json.encode(detail).decode()
    except (UnicodeEncodeError, msgspec.MsgspecError):
        # A name of a channel may hold what is no text.
        return "{}"


def _try(tried: Try, *, since: int, at_ms: int) -> TryFacts:
    def offset(moment: int | None) -> int | None:
        return None if moment is None else max(moment - since, 0)

    stamps = tried.stamps
    return TryFacts(
        channel_id=tried.channel_id,
        channel=tried.channel,
        model=tried.model,
        priority=tried.priority,
        weight=tried.weight,
        path=_path_of(tried.url),
        spoken=tried.spoken,
        began=max(tried.began_ms - since, 0),
        sent=offset(stamps.get("request_forwarded")),
        reused="reused" in stamps and "opened" not in stamps,
        opened=offset(stamps.get("opened")),
        ready=offset(stamps.get("ready")),
        head=offset(stamps.get("first_upstream_response")),
        first=offset(stamps.get("first_client_response")),
        ended=max((tried.ended_ms or at_ms) - since, 0),
        answered=tried.answered,
        status=tried.status,
        kind=tried.kind,
        error=tried.error[:_LONGEST_ERROR],
        rests_s=tried.rests_s,
        key=tried.key,
        key_rests_s=tried.key_rests_s,
        key_is_bad=tried.key_is_bad,
    )


def _path_of(url: str) -> str:
    """Return the path alone: hosts are the site's business, and queries may hold keys."""
    try:
        return urlsplit(url).path[:_LONGEST_PATH]
    except ValueError:
        return ""
