"""How one channel stands: since when it is on or off and by whom, and what it is left alone for and why."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.channels.mapping import read_mapping
from gateway.channels.trail import SWITCHED
from gateway.traffic import figures
from gateway.traffic.channels import Doing, Slice, suspensions_of
from gateway.traffic.figures import Span
from storage.repositories import audit, channel_models, channel_tests
from storage.repositories.usage import Only

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.services import Services
    from storage.records import Channel
    from storage.repositories.audit import AuditRow
    from storage.repositories.channel_tests import TestRow
    from storage.repositories.requests import FailedAttempt

_MADE = "channel.create"
_BAR_S = 2 * 3600
_BARS = 84
_LATELY_S = 86_400
"""How far back the failure is looked for that a channel is left alone for; nothing rests for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """When a channel came into its state (Unix seconds), by whom (empty: the program), and why if that was told."""

    at: float
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """For whom a channel is left alone, how many seconds more, and the failure that led to it if it is known."""

    group: str
    model: str
    left_s: float
    failure: FailedAttempt | None


async def since(services: Services, channel: Channel) -> Since | None:
    """Return since when a channel is in its state; `None` where nobody wrote it down, as with one-api's own."""

    def work(conn: Connection) -> AuditRow | None:
        rows = audit.last_about(conn, "channel", [channel.id], [*SWITCHED.values(), _MADE])
        return next(iter(rows), None)

    row = await services.database.read(work)
    expected = SWITCHED.get(channel.status)
    if row is None or (row.action != expected and row.action != _MADE):
        return None
    reason = ""
    with suppress(ValueError, LookupError, TypeError):
        reason = str(json.loads(row.changes)["reason"][1])
    return Since(at=row.created_at / 1000, by=row.actor if row.actor_id else "", reason=reason)


async def rests(services: Services, channel: Channel) -> list[Rest]:
    """Return what a channel is left alone for, the shortest first."""
    found, now = suspensions_of(services, channel.id), time.time()
    if not found:
        return []
    mapping = read_mapping(channel.model_mapping)
    sent = {one.model: mapping.get(one.model) or one.model for one in found}
    names = sorted(set(sent.values()))
    since_ms = int((now - _LATELY_S) * 1000)
    failures = await services.database.read(
        lambda conn: channel_models.last_failures(conn, channel.id, names, since_ms=since_ms)
    )
    return [
        Rest(group=one.group, model=one.model, left_s=one.until - now, failure=failures.get(sent[one.model]))
        for one in found
    ]


async def last_week(services: Services, channel_id: int) -> Doing:
    """Return how a channel did in the last seven days, in bars of two hours, the running one included.

    From sums: a week of a busy channel's requests is too much to count while somebody waits.
    """
    until = -(-int(time.time()) // _BAR_S) * _BAR_S
    since = until - _BARS * _BAR_S
    edges = list(range(since, until + 1, _BAR_S))
    span = Span(since=since, until=until, edges=edges, only=Only(channel_id=channel_id))
    charged = (await figures.series(services, span)).get("", [])
    _whole, ended = await figures.failures(services, span)
    lost = await figures.over_time(services, span, kind="error")
    (_middle, p95_ms), _parts = await figures.first_content(services, span)
    slices = []
    for bar, start in enumerate(edges[:-1]):
        answered = charged[bar].requests if charged else 0
        # What was charged and failed all the same is no answer.
        answered = max(answered - ended[bar].get("logged", 0), 0)
        slices.append(Slice(start, answered, sum(counts[bar] for counts in lost.values())))
    return Doing(slices=slices, p95_ms=p95_ms)


async def last_tests(services: Services, channel_id: int, limit: int) -> list[TestRow]:
    """Return the last tests of a channel, newest first."""
    return await services.database.read(lambda conn: channel_tests.of_channel(conn, channel_id, limit))
