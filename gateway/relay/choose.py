"""Choose a channel for one attempt.

A pure function over the registry's snapshot, so that a choice can be replayed from a log line and explained
to an operator. Nothing here waits, logs or reads a clock: `now` and `rng` come in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from random import Random

    from gateway.registry.snapshot import ChannelView


class Prefer(Enum):
    """Where to look first among the channels that are left."""

    HIGHEST = "highest"
    """The highest priority; the rule for a first attempt and after most failures."""
    BELOW = "below"
    """Priorities below the one that failed, then the same: after a 429 the whole tier is likely to be busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is looked for. `able` says whether a channel can serve the endpoint at all.

    `smallest_limit` keeps, of a tier, only the channels with the smallest `max_tokens` that the admin set for the
    model; a channel without one counts as unlimited.
    """

    group: str
    model: str
    able: Callable[[ChannelView], bool]
    excluded: frozenset[int] = frozenset()
    prefer: Prefer = Prefer.HIGHEST
    failed_priority: int = 0
    smallest_limit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Why a candidate is in or out, for people: `reason` is empty for a candidate that may be chosen."""

    channel: ChannelView
    reason: str


def explain(
    candidates: Iterable[ChannelView], request: Request, *, suspended_until: Callable[[int], float], now: float
) -> list[Verdict]:
    """Return a verdict for every candidate, in the order in which priorities are tried."""
    verdicts = []
    for channel in candidates:
        until = suspended_until(channel.id)
        if channel.id in request.excluded:
            reason = "failed in this request already"
        elif not request.able(channel):
            reason = "does not serve this endpoint"
        elif until > now:
            reason = f"suspended for another {until - now:.0f} s"
        else:
            reason = ""
        verdicts.append(Verdict(channel=channel, reason=reason))
    return sorted(verdicts, key=lambda verdict: -verdict.channel.priority)


def choose(
    candidates: Iterable[ChannelView],
    request: Request,
    *,
    suspended_until: Callable[[int], float],
    now: float,
    rng: Random,
) -> ChannelView | None:
    """Return the channel for the next attempt, or `None` when none is left to try."""
    return pick(serving(candidates, request, suspended_until=suspended_until, now=now), request, rng)


def serving(
    candidates: Iterable[ChannelView], request: Request, *, suspended_until: Callable[[int], float], now: float
) -> list[ChannelView]:
    """Return the candidates that are left to try, in the same order."""
    return [
        channel
        for channel in candidates
        if channel.id not in request.excluded and suspended_until(channel.id) <= now and request.able(channel)
    ]


def left_out(
    candidates: Iterable[ChannelView],
    left: Sequence[ChannelView],
    *,
    suspended_until: Callable[[int], float],
    now: float,
    most: int,
) -> list[tuple[int, float]]:
    """Return up to `most` candidates that `serving` left out, and for how many seconds each is suspended.

    0: it is not, and cannot serve the request for another reason.
    """
    found: list[tuple[int, float]] = []
    place = 0
    for channel in candidates:
        if place < len(left) and left[place] is channel:
            place += 1
            continue
        found.append((channel.id, max(suspended_until(channel.id) - now, 0.0)))
        if len(found) == most:
            break
    return found


def pick(left: Sequence[ChannelView], request: Request, rng: Random) -> ChannelView | None:
    """Return one of those that are left to try, by priority and weight; `None` when there is none."""
    if not left:
        return None
    tier = tier_of(left, request)
    if len(tier) == 1:
        return tier[0]
    return rng.choices(tier, weights=[share_of(channel) for channel in tier])[0]


def tier_of(left: Sequence[ChannelView], request: Request) -> list[ChannelView]:
    """Return those of the channels that are left among which the weights decide; `left` is not empty."""
    if request.prefer is Prefer.BELOW:
        below = [channel for channel in left if channel.priority < request.failed_priority]
        same = [channel for channel in left if channel.priority == request.failed_priority]
        left = below or same or left
    top = max(channel.priority for channel in left)
    tier = [channel for channel in left if channel.priority == top]
    if request.smallest_limit:
        limits = [_limit(channel, request.model) for channel in tier]
        tier = [channel for channel, limit in zip(tier, limits, strict=True) if limit == min(limits)]
    return tier


def share_of(channel: ChannelView) -> int:
    """Return the weight that counts: one-api stores 0 for "never set", which must still get its share."""
    return max(channel.weight, 1)


def _limit(channel: ChannelView, asked: str) -> float:
    # Prices, and what is set beside them, go by the name that the provider is sent.
    own = channel.model_configs.get(channel.upstream_model(asked))
    return own.max_tokens if own is not None and own.max_tokens else math.inf
