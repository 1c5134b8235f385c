"""The edits to a body that passes: the model's name, the channel's system prompt, images, usage in streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from adapters.formats.anthropic import platform_changes
from adapters.providers.provider import CALL_SIGNATURES
from gateway.relay.betas import body_betas
from gateway.relay.endpoints import Kind
from gateway.relay.signed.chat import names_signatures, without
from gateway.relay.vectors import renamed

if TYPE_CHECKING:
    from adapters.transport.types import BodySource
    from gateway.config.settings import Settings
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.body import RequestBody
    from gateway.relay.state import Relay

# Who asks for usage in a stream by this member; the other formats tell it unasked.
_SAMPLING = ("temperature", "top_p", "n", "presence_penalty", "frequency_penalty")
_USAGE_ON_DEMAND = (Kind.CHAT, Kind.COMPLETIONS)


class Edited(NamedTuple):
    """A body for a channel."""

    body: bytes | BodySource
    system_prompt_reset: bool
    """The channel's own system prompt went into it."""
    dropped: tuple[str, ...] = ()
    """What the channel's provider would refuse."""


def edited(relay: Relay, channel: ChannelView, sent_model: str, settings: Settings) -> Edited:
    """Return the body for `channel`. Raises `Invalid`."""
    body, kind = relay.body, relay.endpoint.kind
    dropped: tuple[str, ...] = ()
    changes: dict[str, object | None] = dict(relay.filled)
    if relay.endpoint.envelope is not None:
        changes |= renamed(relay, sent_model)
    elif kind is not Kind.GENERATE and (sent_model != relay.model or "model" not in body):
        changes["model"] = sent_model
    asks = settings.enforce_include_usage and channel.provider.takes_stream_options
    if relay.streams and kind in _USAGE_ON_DEMAND and asks:
        _ask_for_usage(body, changes)
    if kind is Kind.CHAT:
        changes |= additions(body, channel, settings)
        if relay.messages is not None:
            changes["messages"] = relay.messages
        if names_signatures(body.raw):
            dropped = _leave_signatures_out(relay, channel, changes)
        if channel.provider.wants_max_completion_tokens(sent_model):
            _rename_output_limit(body, changes, "max_tokens", "max_completion_tokens")
        elif channel.provider.knows_only_max_tokens:
            _rename_output_limit(body, changes, "max_completion_tokens", "max_tokens")
        changes |= clamped(body, channel) | unsampled(body, sent_model)
    if kind is Kind.MESSAGES and channel.provider.platform:
        changes |= platform_changes(channel.provider.platform)
        changes |= body_betas(relay.head, channel, body)
    if channel.system_prompt:
        _force_system_prompt(relay, channel.system_prompt, changes)
    if relay.form is not None:
        return Edited(relay.form.edited(changes), system_prompt_reset=False)
    reset = bool(channel.system_prompt) and relay.endpoint.format is not None
    return Edited(body.edited(changes), reset, dropped)


def _leave_signatures_out(relay: Relay, channel: ChannelView, changes: dict[str, object | None]) -> tuple[str, ...]:
    row = channel.provider
    given = changes.get("messages") or relay.body.any("messages")
    messages, dropped = without(
        given,
        details=row.reasoning_history != "reasoning_details",
        on_calls=CALL_SIGNATURES not in row.quirks,
    )
    if dropped:
        changes["messages"] = messages
    return dropped


def additions(body: RequestBody, channel: ChannelView, settings: Settings) -> dict[str, object | None]:
    """Return what the provider's row adds to a chat request that lacks it."""
    added: dict[str, object | None] = {
        name: value for name, value in channel.provider.adds.items() if name not in body
    }
    return added | sort_order(body, channel, settings)


def clamped(body: RequestBody, channel: ChannelView) -> dict[str, object | None]:
    """Return `temperature` and `top_p` at the provider's highest, where they are above it."""
    if not channel.provider.samples_to_one:
        return {}
    return {
        name: 1
        for name in ("temperature", "top_p")
        if isinstance(value := body.any(name), int | float) and not isinstance(value, bool) and value > 1
    }


def unsampled(body: RequestBody, sent_model: str) -> dict[str, object | None]:
    """Take out what models that search refuse: they cannot be told how to sample."""
    if not sent_model.endswith("-search"):
        return {}
    return {name: None for name in _SAMPLING if name in body}


def sort_order(body: RequestBody, channel: ChannelView, settings: Settings) -> dict[str, object | None]:
    """Return OpenRouter's `provider` with the operator's order, where the client chose none."""
    sort = settings.openrouter_provider_sort
    if not sort or channel.provider.key != "openrouter":
        return {}
    wanted = body.any("provider")
    known = wanted if isinstance(wanted, dict) else {}
    return {} if "sort" in known else {"provider": {**known, "sort": sort}}


def _force_system_prompt(relay: Relay, prompt: str, changes: dict[str, object | None]) -> None:
    match relay.endpoint.kind:
        case Kind.CHAT:
            messages = changes.get("messages") or relay.body.any("messages")
            changes["messages"] = _with_system_prompt(messages, prompt)
        case Kind.MESSAGES:
            changes["system"] = prompt
        case Kind.RESPONSES:
            changes["instructions"] = prompt
        case Kind.GENERATE:
            changes["system_instruction"] = None
            changes["systemInstruction"] = {"parts": [{"text": prompt}]}
        case _:
            pass


def _ask_for_usage(body: RequestBody, changes: dict[str, object | None]) -> None:
    options = body.any("stream_options")
    known = dict(options) if isinstance(options, dict) else {}
    if known.get("include_usage") is not True:
        changes["stream_options"] = {**known, "include_usage": True}


def _rename_output_limit(body: RequestBody, changes: dict[str, object | None], refused: str, known: str) -> None:
    """Providers refuse the one or the other (https://platform.openai.com/docs/guides/reasoning)."""
    if refused in body:
        if known not in body:
            changes[known] = body.any(refused)
        changes[refused] = None


def _with_system_prompt(messages: object, prompt: str) -> object:
    """Replace the text of a leading system message, or put one in front. Never changes what it is given."""
    if not isinstance(messages, list):
        return messages
    if messages and isinstance(messages[0], dict) and messages[0].get("role") == "system":
        return [{**messages[0], "content": prompt}, *messages[1:]]
    return [{"role": "system", "content": prompt}, *messages]
