"""The same change to many channels: one transaction, one refresh, and what it would do before it is done.

A `Change` says what becomes of one channel, as columns and their new values. It is pure, so that a preview shows
exactly what is written later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gateway.accounts.clock import now_ms
from gateway.accounts.refusals import Refused
from gateway.accounts.transactions import commit
from gateway.channels.edits import read_channel
from gateway.channels.trail import SWITCHED, noted
from storage.records import Channel, ChannelStatus
from storage.repositories import abilities, channels, filtered
from storage.repositories.rows import Page, Sort

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from gateway.audit.author import Author
    from gateway.services import Services
    from storage.repositories.filtered import Wanted

Change = Callable[[Channel], dict[str, object]]

MOST: Final = 500
COPIED: Final = (
    "models",
    "group",
    "model_mapping",
    "model_configs",
    "ratelimit",
    "system_prompt",
    "priority",
    "weight",
)
"""What may be copied from one channel to others."""
_LONGEST_GROUPS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a change would do to one channel: columns with both values; nothing where it is so already."""

    channel: Channel
    changes: Mapping[str, tuple[object, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a change would do."""

    rows: Sequence[Planned]
    orphans: Sequence[str]
    """Models that no enabled channel would serve any more."""

    @property
    def affected(self) -> int:
        """How many channels would become different."""
        return sum(bool(row.changes) for row in self.rows)


def to_priority(number: int) -> Change:
    """Give channels a priority."""
    return lambda _channel: {"priority": number}


def to_weight(number: int) -> Change:
    """Give channels a weight."""
    if number < 0:
        raise Refused("weight cannot be negative")
    return lambda _channel: {"weight": number}


def with_names(column: str, names: Sequence[str]) -> Change:
    """Add models or groups (`column` is `models` or `group`) to channels that lack them."""
    return _names(column, lambda present: [*present, *(n for n in names if n not in present)])


def without_names(column: str, names: Sequence[str]) -> Change:
    """Take models or groups away from channels."""
    return _names(column, lambda present: [name for name in present if name not in names])


def to_names(column: str, names: Sequence[str]) -> Change:
    """Replace the models or groups of channels."""
    return _names(column, lambda _present: list(names))


def copied_from(source: Channel, fields: Sequence[str]) -> Change:
    """Give channels what another one has, in those of `COPIED` that are named."""
    values = {name: getattr(source, name) for name in COPIED if name in fields}
    if not values:
        raise Refused("name at least one thing to copy")
    return lambda channel: values if channel.id != source.id else {}


async def plan_change(services: Services, ids: Sequence[int], change: Change) -> Plan:
    """Return what a change would do, and write nothing. Raises `Refused`."""
    found = await _read(services, ids)
    rows = []
    for channel in found:
        values = change(channel)
        different = {name: (getattr(channel, name), value) for name, value in values.items()}
        rows.append(
            Planned(channel=channel, changes={n: pair for n, pair in different.items() if pair[0] != pair[1]})
        )
    after = {row.channel.id: _split(_text(row.changes.get("models", (0, row.channel.models))[1])) for row in rows}
    return Plan(rows=rows, orphans=_orphans(services, after))


async def plan_absence(services: Services, ids: Sequence[int]) -> Plan:
    """Return what is lost when channels are switched off or deleted."""
    found = await _read(services, ids)
    rows = [Planned(channel=channel, changes={}) for channel in found]
    return Plan(rows=rows, orphans=_orphans(services, {channel.id: [] for channel in found}))


async def change_channels(services: Services, author: Author, ids: Sequence[int], change: Change) -> int:
    """Change channels and return how many were there. All of them, or none: raises `Refused`."""

    def one(conn: Connection, channel: Channel) -> None:
        values = change(channel)
        if all(getattr(channel, name) == value for name, value in values.items()):
            return
        channels.change(conn, channel.id, values | {"updated_at": now_ms()})
        changed = channels.by_id(conn, channel.id)
        if changed is not None:
            abilities.rebuild(conn, changed, now_ms=now_ms())
            noted(conn, author, "channel.update", channel, changed)

    return await _each(services, ids, one)


async def switch_channels(services: Services, author: Author, ids: Sequence[int], *, enabled: bool) -> int:
    """Switch channels on or off by hand and return how many were there."""
    status = ChannelStatus.ENABLED if enabled else ChannelStatus.DISABLED

    def one(conn: Connection, channel: Channel) -> None:
        channels.change(conn, channel.id, {"status": status, "updated_at": now_ms()})
        noted(conn, author, SWITCHED[status], channel, replace(channel, status=status))
        abilities.switch(conn, channel.id, enabled=enabled, now_ms=now_ms())

    return await _each(services, ids, one)


async def delete_channels(services: Services, author: Author, ids: Sequence[int]) -> int:
    """Remove channels and return how many were there."""

    def one(conn: Connection, channel: Channel) -> None:
        channels.remove(conn, channel.id)
        noted(conn, author, "channel.delete", channel, None)
        abilities.remove(conn, [channel.id])

    return await _each(services, ids, one)


async def clear_suspensions(services: Services, author: Author, channel_id: int) -> None:
    """Let a channel be tried again at once, in every process."""
    channel = await read_channel(services, channel_id)

    def work(conn: Connection) -> None:
        abilities.rebuild(conn, channel, now_ms=now_ms())
        noted(conn, author, "channel.resume", channel, channel)

    await commit(services, work)
    services.registry.resume(channel_id)
    await services.registry.refresh()


async def matching_ids(services: Services, wanted: Wanted) -> list[int]:
    """Return the channels that match. Raises `Refused` when they are too many to be changed together."""
    rows, total = await services.database.read(
        lambda conn: filtered.channel_page(conn, wanted, Sort(), Page(0, MOST))
    )
    if total > MOST:
        raise _too_many()
    return [channel.id for channel in rows]


def _names(column: str, rule: Callable[[list[str]], list[str]]) -> Change:
    def change(channel: Channel) -> dict[str, object]:
        text = ",".join(rule(_split(getattr(channel, column))))
        if column == "group" and (not text or len(text) > _LONGEST_GROUPS):
            raise Refused(f"{channel.name}: a channel needs a group, and their list may have 32 characters")
        return {column: text}

    return change


def _split(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _orphans(services: Services, after: Mapping[int, Sequence[str]]) -> list[str]:
    """Return the models that are served now, and by nobody once the channels have those of `after`."""
    served: set[str] = set()
    left: set[str] = set()
    for channel in services.registry.current.channels.values():
        if channel.status == ChannelStatus.ENABLED:
            served.update(channel.models)
            left.update(after.get(channel.id, channel.models))
    return sorted(served - left)


async def _read(services: Services, ids: Sequence[int]) -> list[Channel]:
    if len(ids) > MOST:
        raise _too_many()

    def work(conn: Connection) -> list[Channel]:
        return [channel for number in sorted(set(ids)) if (channel := channels.by_id(conn, number)) is not None]

    return await services.database.read(work)


async def _each(services: Services, ids: Sequence[int], one: Callable[[Connection, Channel], None]) -> int:
    if len(ids) > MOST:
        raise _too_many()

    def work(conn: Connection) -> int:
        done = 0
        # In one order, so that two of these at the same time cannot block each other.
        for channel_id in sorted(set(ids)):
            channel = channels.locked(conn, channel_id)
            if channel is not None:
                one(conn, channel)
                done += 1
        return done

    done = await commit(services, work)
    if done:
        await services.registry.refresh()
    return done


def _too_many() -> Refused:
    return Refused(f"at most {MOST} channels at once")
