"""Lists of channels as pages show them, with what the relay thinks of each and how it did lately."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway.channels.trail import SWITCHED
from gateway.traffic.attention import HOUR_S, LEAST_ATTEMPTS, WORST_SHARE
from gateway.traffic.channels import Doing, last_day
from gateway.traffic.figures import Span, series, totals
from storage.records import ChannelStatus
from storage.repositories import channel_labels, channel_lists, channel_tests, channel_traffic
from storage.repositories.channel_labels import Label
from storage.repositories.steps import percentile
from storage.repositories.usage import Sums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from gateway.services import Services
    from storage.records import Channel
    from storage.repositories.audit import AuditRow
    from storage.repositories.channel_lists import WantedChannels
    from storage.repositories.channel_tests import TestRow
    from storage.repositories.rows import Page, Sort

DAY_SORTS: Final = ("share", "first", "requests", "cost")
"""What lists are sorted by beside columns of channels: how they did in the last day."""
# More channels than anybody has; they are put in order here, not by the database.
_MOST_SORTED = 20_000
_DAY_S = 86_400
_SHOWN_TESTS = 200
# The slowest test, a picture, may take three minutes.
_QUIET_S = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How many of a channel's pairs of group and model are left alone just now, and how long for (s)."""

    suspended: int = 0
    pairs: int = 0
    shortest_s: float = 0.0
    models: tuple[str, ...] = ()
    model_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Who or what switched a channel off, when (Unix seconds), and why where the program did."""

    at: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of one channel of a page beside its row."""

    label: Label = Label()  # noqa: RUF009 - frozen
    health: Health = Health()
    day: Doing = field(default_factory=lambda: Doing(slices=()))
    used: Sums = Sums()  # noqa: RUF009 - a tuple
    """In the running hour and the 23 before: charged requests, and their cost."""
    test: TestRow | None = None
    switch: Switch | None = None
    """For one that is off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How tests of several channels went so far."""

    passed: int
    failed: int
    tests: Sequence[tuple[TestRow, Channel]]
    """Failed ones first, then the newest."""
    is_stale: bool
    """Nothing has come for longer than any test takes."""


async def list_channels(
    services: Services, wanted: WantedChannels, sort: Sort, page: Page
) -> tuple[list[Channel], int]:
    """Return one page of channels, and their number."""
    if sort.column in DAY_SORTS:
        return await _by_day(services, wanted, sort, page)
    return await services.database.read(lambda conn: channel_lists.channel_page(conn, wanted, sort, page))


async def know(services: Services, rows: Sequence[Channel]) -> dict[int, Known]:
    """Return what is known of the channels of a page."""
    ids = [row.id for row in rows]
    off = [row.id for row in rows if row.status != ChannelStatus.ENABLED]

    def work(conn: Connection) -> tuple[dict[int, Label], dict[int, TestRow], dict[int, AuditRow]]:
        return (
            channel_labels.of_several(conn, ids),
            channel_tests.last_of_several(conn, ids),
            channel_lists.last_switches(conn, off, list(SWITCHED.values())),
        )

    labels, tests, switches = await services.database.read(work)
    day = await last_day(services, ids)
    used = await _used(services, ids)
    return {
        row.id: Known(
            label=labels[row.id],
            health=health(services, row),
            day=day[row.id],
            used=used.get(row.id, Sums()),
            test=_current(tests.get(row.id), row),
            switch=_switch(switches.get(row.id), row.status),
        )
        for row in rows
    }


async def count_by_state(services: Services) -> dict[int, int]:
    """Return how many channels there are by state."""
    return await services.database.read(channel_lists.channel_counts)


async def count_tested_since(services: Services, seconds: int) -> int:
    """Return how many channels were tested at or after a moment (Unix seconds)."""
    return await services.database.read(lambda conn: channel_lists.tested_since(conn, seconds))


async def read_progress(services: Services, since: int) -> Progress:
    """Return how tests went that were begun at a moment (Unix seconds)."""

    def work(conn: Connection) -> Progress:
        passed, failed, last_ms = channel_tests.count_since(conn, since * 1000)
        rows = channel_tests.tested_since(conn, since * 1000, _SHOWN_TESTS)
        of = {channel.id: channel for channel in channel_lists.channels_of(conn, [row.channel_id for row in rows])}
        return Progress(
            passed=passed,
            failed=failed,
            tests=[(row, of[row.channel_id]) for row in rows if row.channel_id in of],
            is_stale=time.time() - max(last_ms / 1000, since) > _QUIET_S,
        )

    return await services.database.read(work)


async def read_tiers(services: Services) -> dict[int, int]:
    """Return how many channels of each priority are on."""
    return await services.database.read(channel_lists.tiers)


def suspended_ids(services: Services) -> set[int]:
    """Return the channels that are left alone for at least one model, as this process knows."""
    return {one.channel_id for one in services.registry.suspensions.active(time.time())}


async def troubles(services: Services) -> dict[int, str]:
    """Return the channels that somebody should look at though nobody switched them off, each with a word for why.

    `suspended`, `failing` (a good part of what it was asked in the last hour), `test` (the last one failed), or
    `unready` (it is on, and relays cannot use it). What went off by itself is known by its state.
    """
    until = int(time.time()) + 1

    def work(conn: Connection) -> tuple[channel_traffic.Counts, channel_traffic.Counts, list[int], list[int]]:
        span = {"since": until - HOUR_S, "until": until, "step": HOUR_S}
        failed = channel_traffic.failed(conn, channels=None, **span)
        suspects = sorted({channel for channel, _bar in failed})
        answered = channel_traffic.answered(conn, channels=suspects, **span) if suspects else {}
        return answered, failed, channel_lists.failed_last_test(conn), channel_lists.enabled_ids(conn)

    answered, failed, untested, enabled = await services.database.read(work)
    found = dict.fromkeys(untested, "test")
    for (channel, bar), count in failed.items():
        attempts = count + answered.get((channel, bar), 0)
        if attempts >= LEAST_ATTEMPTS and count / attempts >= WORST_SHARE:
            found[channel] = "failing"
    found |= dict.fromkeys(suspended_ids(services), "suspended")
    usable = services.registry.current.channels
    return found | dict.fromkeys((number for number in enabled if number not in usable), "unready")


def health(services: Services, channel: Channel) -> Health:
    """Return a channel's suspensions, as this process knows them."""
    suspensions, now = services.registry.suspensions, time.time()
    groups = [name.strip() for name in channel.group.split(",") if name.strip()]
    models = [name.strip() for name in channel.models.split(",") if name.strip()]
    waits: dict[str, float] = {}
    suspended = 0
    for model in models:
        for group in groups:
            left = suspensions.until(group, model, channel.id) - now
            if left > 0:
                suspended += 1
                waits[model] = min(left, waits.get(model, left))
    return Health(
        suspended=suspended,
        pairs=len(models) * len(groups),
        shortest_s=min(waits.values(), default=0.0),
        models=tuple(waits),
        model_count=len(models),
    )


def only_here(services: Services, channel: Channel) -> list[str]:
    """Return the models that no other enabled channel serves to any group."""
    serving = services.registry.current.serving
    elsewhere = {model for (_group, model), views in serving.items() if any(view.id != channel.id for view in views)}
    mine = {model for (_group, model), views in serving.items() if any(view.id == channel.id for view in views)}
    return sorted(mine - elsewhere)


def _current(test: TestRow | None, channel: Channel) -> TestRow | None:
    """A test that another program made later is in the channel's own row, and only there."""
    return test if test is not None and test.tested_at // 1000 >= channel.test_time - 1 else None


def _switch(entry: AuditRow | None, status: int) -> Switch | None:
    # Another one than the last that is written down: one-api did it, or somebody by hand in the database.
    if entry is None or entry.action != SWITCHED.get(status):
        return None
    reason = ""
    with suppress(ValueError, LookupError, TypeError):
        reason = str(json.loads(entry.changes)["reason"][1])
    return Switch(at=entry.created_at // 1000, by=entry.actor, reason=reason)


def _last_day() -> Span:
    """The running hour and the 23 before: whole hours, of which there are sums."""
    until = (int(time.time()) // HOUR_S + 1) * HOUR_S
    return Span(since=until - _DAY_S, until=until, edges=(until - _DAY_S, until))


async def _used(services: Services, ids: Sequence[int]) -> dict[int, Sums]:
    found = await series(services, _last_day(), by="channel", keys=[str(number) for number in ids])
    return {int(key): sums[0] for key, sums in found.items()}


async def _by_day(services: Services, wanted: WantedChannels, sort: Sort, page: Page) -> tuple[list[Channel], int]:
    plain = type(sort)()
    ids = await services.database.read(lambda conn: channel_lists.channel_ids(conn, wanted, plain, _MOST_SORTED))
    rank = await _ranks(services, sort.column, ids)
    # What was not measured comes last, whichever way it is sorted; equals stay in the order of ids.
    known = sorted((number for number in ids if rank.get(number) is not None), key=lambda number: number)
    known.sort(key=lambda number: rank[number] or 0, reverse=not sort.ascending)
    order = [*known, *(number for number in ids if rank.get(number) is None)]
    part = order[page.offset : page.offset + page.limit]
    rows = await services.database.read(lambda conn: channel_lists.channels_of(conn, part))
    return rows, len(ids)


async def _ranks(services: Services, column: str, ids: Sequence[int]) -> Mapping[int, float | None]:
    if column in ("requests", "cost"):
        sums = await totals(services, _last_day(), by="channel")
        found = {int(key): one for key, one in sums.items() if key.isdigit()}
        return {
            number: found.get(number, Sums()).units if column == "cost" else found.get(number, Sums()).requests
            for number in ids
        }
    span = _last_day()
    step = span.until - span.since

    def work(conn: Connection) -> dict[int, float | None]:
        if column == "first":
            waits = channel_traffic.waits(conn, channels=ids, since=span.since, until=span.until)
            return {number: percentile(steps, 0.95) for number, steps in waits.items()}
        answered = channel_traffic.answered(conn, channels=None, since=span.since, until=span.until, step=step)
        failed = channel_traffic.failed(conn, channels=None, since=span.since, until=span.until, step=step)
        return {
            channel: answered.get((channel, 0), 0) / (answered.get((channel, 0), 0) + failed.get((channel, 0), 0))
            for channel, _bar in {**answered, **failed}
        }

    return await services.database.read(work) if ids else {}
