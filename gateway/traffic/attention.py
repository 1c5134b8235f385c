"""What somebody should look at: channels that are off or fail, models that nobody serves, accounts that run dry."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.audit.author import PROGRAM
from gateway.budgets.edits import standings
from gateway.traffic.figures import Span, totals_by
from storage.records import ChannelStatus
from storage.repositories import audit, channel_traffic, tokens, upkeep_counts, usage_rolled, users
from storage.repositories.rows import as_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from gateway.budgets.edits import Standing
    from gateway.live.live import Live
    from gateway.registry.suspensions import Suspension
    from gateway.services import Services
    from storage.records import Token, User
    from storage.repositories.audit import AuditRow
    from storage.repositories.usage import Sums

HOUR_S, DAY_S = 3600, 86_400
# Fewer attempts say nothing.
LEAST_ATTEMPTS = 10
WORST_SHARE = 0.2
SOON_S = 48 * HOUR_S
_SPENDERS = 20
# Of each source, so that those are among them; there may be tens of thousands.
_COUNTED = 400
_STALE_MS = HOUR_S * 1000
# Channels whose reason is looked up.
_TOLD = 50
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class NamedChannel:
    """A channel."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """A channel that the program switched off. `since` in Unix seconds; both are unknown for what is long ago."""

    channel: NamedChannel
    reason: str = ""
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Failing:
    """A channel that failed at a good part of what it was asked in the last hour."""

    channel: NamedChannel
    failed: int
    attempts: int


@dataclass(frozen=True, slots=True)
class RunningDry:
    """An account whose balance lasts for `seconds` more if it goes on spending as in the last day."""

    user_id: int
    username: str
    units: int
    seconds: float


@dataclass(frozen=True, slots=True)
class TokenDry:
    """A token whose own limit lasts for `seconds` more, in the same way."""

    token_id: int
    name: str
    user_id: int
    username: str
    units: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """All of it; most often empty."""

    switched_off: Sequence[SwitchedOff] = ()
    """The newest first."""
    suspended: Sequence[tuple[NamedChannel, Sequence[Suspension]]] = ()
    """By channel; the shortest suspension first."""
    unserved: Sequence[str] = ()
    """Models that only channels have that are off."""
    failing: Sequence[Failing] = ()
    refused_keys: Sequence[tuple[NamedChannel, int, int]] = ()
    """Channels that are on, each with how many of its keys were refused, and how many it has."""
    running_dry: Sequence[RunningDry] = ()
    tokens_dry: Sequence[TokenDry] = ()
    budgets: Sequence[Standing] = ()
    """Those over a limit, spent ones first."""
    stale_reservations: int = 0
    parked: int = 0
    """Settlements that the database refused."""
    skewed: Sequence[tuple[str, float]] = ()
    """Processes whose clocks are wrong, and by how many seconds at least."""
    now: float = field(default_factory=time.time)

    @property
    def is_empty(self) -> bool:
        """Whether all is well."""
        return not (
            self.switched_off
            or self.suspended
            or self.unserved
            or self.failing
            or self.refused_keys
            or self.running_dry
            or self.tokens_dry
            or self.budgets
            or self.skewed
            or self.stale_reservations
            or self.parked
        )


async def look(services: Services, live: Live) -> Attention:
    """Return what needs attention now, in all processes."""
    now = time.time()
    views = services.registry.current.channels
    by_channel: dict[int, list[Suspension]] = defaultdict(list)
    for suspension in services.registry.suspensions.active(now):
        by_channel[suspension.channel_id].append(suspension)

    def named(number: int) -> NamedChannel:
        view = views.get(number)
        return NamedChannel(number, view.name if view is not None and view.name else f"#{number}")

    until = int(now) + 1
    off = [view.id for view in views.values() if view.status == ChannelStatus.AUTO_DISABLED]

    def work(
        conn: Connection,
    ) -> tuple[channel_traffic.Counts, channel_traffic.Counts, int, int, list[AuditRow]]:
        span = {"channels": None, "since": until - HOUR_S, "until": until, "step": HOUR_S}
        failed = channel_traffic.failed(conn, **span)  # type: ignore[arg-type]
        answered = channel_traffic.answered(conn, **span) if failed else {}  # type: ignore[arg-type]
        stale = upkeep_counts.reservations_older_than(conn, int(now * 1000) - _STALE_MS)
        told = audit.last_about(conn, "channel", off[:_TOLD], ["channel.auto-disable"])
        return answered, failed, stale, upkeep_counts.parked(conn), told

    (answered, failed, stale, parked, told), hours = await services.database.read(
        lambda conn: (work(conn), usage_rolled.rolled_hours(conn))
    )
    running_dry, tokens_dry = await _dry(services, until, hours)
    failing = [
        Failing(named(channel), count, count + answered.get((channel, bar), 0))
        for (channel, bar), count in failed.items()
        if count + answered.get((channel, bar), 0) >= LEAST_ATTEMPTS
        and count / (count + answered.get((channel, bar), 0)) >= WORST_SHARE
    ]
    return Attention(
        switched_off=_switched_off([named(number) for number in off], told),
        suspended=[(named(channel), found) for channel, found in by_channel.items() if channel in views],
        unserved=_unserved(services),
        failing=sorted(failing, key=lambda one: -one.failed / one.attempts),
        refused_keys=[
            (named(view.id), bad, len(view.ring))
            for view in views.values()
            if view.status == ChannelStatus.ENABLED and (bad := services.registry.keys.count_bad(view))
        ],
        running_dry=running_dry,
        tokens_dry=tokens_dry,
        budgets=await _budgets(services),
        skewed=await live.flow.skewed(),
        stale_reservations=stale,
        parked=parked,
        now=now,
    )


async def _budgets(services: Services) -> list[Standing]:
    if not services.registry.current.budgets:
        return []
    found = [one for one in await standings(services, PROGRAM) if one.is_over_soft or one.is_spent]
    return sorted(found, key=lambda one: not one.is_spent)


def _switched_off(channels: list[NamedChannel], told: list[AuditRow]) -> list[SwitchedOff]:
    known = {row.object_id: row for row in told}
    found = []
    for channel in channels:
        row = known.get(channel.id)
        found.append(
            SwitchedOff(channel) if row is None else SwitchedOff(channel, _reason(row.changes), row.created_at / 1000)
        )
    return sorted(found, key=lambda one: -one.since)


def _reason(changes: str) -> str:
    """Return why, as the audit has it: the second of a pair of before and after."""
    try:
        why = json.loads(changes).get("reason", ["", ""])[1]
    except (ValueError, AttributeError, LookupError, TypeError):
        return ""
    return str(why)[:_LONGEST_REASON]


def _unserved(services: Services) -> list[str]:
    snapshot = services.registry.current
    served = {model for _group, model in snapshot.serving}
    named = {model for view in snapshot.channels.values() for model in view.models}
    return sorted(named - served)


async def _dry(services: Services, until: int, hours: tuple[int, int]) -> tuple[list[RunningDry], list[TokenDry]]:
    """Return who, and which tokens, run out at the rate of the last day, of those who spent most; the next first."""
    span = Span(since=until - DAY_S, until=until, rolled=hours)
    by_user, by_token = await totals_by(services, span, ("user", "token"), most=_COUNTED)
    rates = {number: units / DAY_S for key, units in _dearest(by_user) if (number := as_id(key))}
    of_tokens: dict[tuple[int, str], float] = {}
    for key, units in _dearest(by_token):
        owner, _sep, name = key.partition(":")
        if number := as_id(owner):
            of_tokens[number, name] = units / DAY_S

    def work(conn: Connection) -> tuple[list[User], list[Token], dict[int, str]]:
        limited = tokens.limited_of(conn, list(of_tokens))
        names = users.names_of(conn, sorted({one.user_id for one in limited}))
        return users.by_ids(conn, list(rates)), limited, names

    people, limited, names = await services.database.read(work)
    found = [
        RunningDry(person.id, person.username, person.quota, max(person.quota, 0) / rates[person.id])
        for person in people
        if not person.unlimited_quota and person.quota / rates[person.id] < SOON_S
    ]
    dry = [
        TokenDry(
            token.id,
            token.name,
            token.user_id,
            names.get(token.user_id, ""),
            token.remain_quota,
            max(token.remain_quota, 0) / of_tokens[token.user_id, token.name],
        )
        for token in limited
    ]
    return (
        sorted(found, key=lambda one: one.seconds),
        sorted((one for one in dry if one.seconds < SOON_S), key=lambda one: one.seconds),
    )


def _dearest(spent: Mapping[str, Sums]) -> list[tuple[str, int]]:
    top = sorted(spent.items(), key=lambda item: -item[1].units)[:_SPENDERS]
    return [(key, sums.units) for key, sums in top if sums.units > 0]
