"""Testing a channel that has several keys: a key that is refused is left out, and the next one asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gateway.channels.trial import measured
from gateway.registry.key_states import KeyFailure

if TYPE_CHECKING:
    from gateway.channels.question import Outcome, Wish
    from gateway.registry.snapshot import ChannelView
    from gateway.services import Services


async def measured_by_keys(services: Services, view: ChannelView, wish: Wish) -> Outcome:
    """Ask a channel with the key whose turn it is, and with others while keys are refused; note what that says.

    The outcome is that of the last one. A channel with one key is simply asked.
    """
    keys = services.registry.keys
    tried: set[int] = set()
    using: ChannelView | None = keys.take_any(view, wish.model, now=time.time())
    while True:
        assert using is not None  # noqa: S101 - told by the lines below
        outcome = await measured(services, using, wish)
        if not using.key_id:
            return outcome
        tried.add(using.key_id)
        await note_outcome(services, using, outcome)
        if not outcome.may_disable:
            return outcome
        if (following := keys.take(view, wish.model, now=time.time(), tried=tried)) is None:
            return outcome
        using = following


async def note_outcome(services: Services, using: ChannelView, outcome: Outcome) -> None:
    """Note what a test says of the key that it was made with: it works, or it is refused."""
    registry = services.registry
    if outcome.passed and registry.keys.is_bad(using.key_id):
        await registry.use_key(using.id, using.key_id)
    elif outcome.may_disable:
        failure = KeyFailure(
            key_id=using.key_id, channel_id=using.id, bad=True, status=outcome.status, error=outcome.text
        )
        if await registry.fail_key(failure):
            services.journal.event(
                "error",
                "channel.key_refused",
                f"{using.label}: the key {using.key_name} is refused, and left out: {outcome.text}",
                channel=using.id,
                which=using.key_name,
                status=outcome.status,
            )
