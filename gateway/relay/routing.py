"""Why this channel: what the choice would be for a group, a model and an endpoint, and why the others are out of it.

For people, by the functions that relays use. Pure: a snapshot, a clock and dice come in.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.relay.choose import Request, Verdict, choose, explain, share_of, tier_of
from gateway.relay.prepare import can_serve
from storage.records import ChannelStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random

    from gateway.registry.snapshot import ChannelView, Snapshot
    from gateway.relay.endpoints import Endpoint

LEFT_OUT: Final = "left out here"
DRAWS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The question. `left_out` holds channels that are taken out to see what happens then."""

    group: str
    model: str
    endpoint: Endpoint
    left_out: frozenset[int] = frozenset()
    smallest_limit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A channel of a tier, and how much of the tier's requests it gets, from 0 to 1."""

    channel: ChannelView
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Channels among which the weights decide."""

    shares: Sequence[Share]


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """The answer: tiers in the order in which they are tried, and who is out, with the reason."""

    tiers: Sequence[Tier]
    out: Sequence[Verdict]
    others: int
    """Channels that do not have the model at all."""


def routing(snapshot: Snapshot, asked: Asked, *, suspended_until: Callable[[int], float], now: float) -> Routing:
    """Explain the choice for `asked` as things stand."""
    candidates = snapshot.candidates(asked.group, asked.model)
    request = _request(asked)
    verdicts = explain(candidates, request, suspended_until=suspended_until, now=now)
    left = [verdict.channel for verdict in verdicts if not verdict.reason]
    tiers = []
    while left:
        members = tier_of(left, request)
        total = sum(map(share_of, members))
        tiers.append(Tier(shares=[Share(channel=c, share=share_of(c) / total) for c in members]))
        taken = {channel.id for channel in members}
        left = [channel for channel in left if channel.id not in taken]
    known = {channel.id for channel in candidates}
    elsewhere = [channel for channel in snapshot.channels.values() if channel.id not in known]
    having = [channel for channel in elsewhere if asked.model in channel.models]
    out = [
        Verdict(channel=v.channel, reason=LEFT_OUT) if v.channel.id in asked.left_out else v
        for v in verdicts
        if v.reason
    ]
    out += [Verdict(channel=channel, reason=_why_none(channel, asked.group)) for channel in having]
    return Routing(tiers=tiers, out=out, others=len(elsewhere) - len(having))


def drawn(
    snapshot: Snapshot, asked: Asked, *, suspended_until: Callable[[int], float], now: float, rng: Random
) -> Mapping[int, int]:
    """Return how often each channel comes first in `DRAWS` choices, by its number."""
    candidates = snapshot.candidates(asked.group, asked.model)
    request = _request(asked)
    found: Counter[int] = Counter()
    for _ in range(DRAWS):
        channel = choose(candidates, request, suspended_until=suspended_until, now=now, rng=rng)
        if channel is None:
            break
        found[channel.id] += 1
    return found


def _request(asked: Asked) -> Request:
    return Request(
        group=asked.group,
        model=asked.model,
        able=lambda channel: can_serve(channel, asked.endpoint, asked.model),
        excluded=asked.left_out,
        smallest_limit=asked.smallest_limit,
    )


def _why_none(channel: ChannelView, group: str) -> str:
    if channel.status == ChannelStatus.AUTO_DISABLED:
        return "disabled automatically"
    if channel.status != ChannelStatus.ENABLED:
        return "disabled"
    if group not in channel.groups:
        return "does not serve this group"
    return "is switched off for this model"
