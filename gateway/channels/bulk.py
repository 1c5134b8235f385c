"""The same change to many channels: what it would do before it is done, done in parts, and taken back.

Parts are transactions of `_PART` rows, since on SQLite charges wait for each of them. A channel that cannot have the
change is left out and told of; the others are changed all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.accounts.clock import now_ms
from gateway.accounts.refusals import NotFound, Refused
from gateway.accounts.transactions import commit
from gateway.audit.author import at_once
from gateway.channels.changes import split
from gateway.channels.edits import read_channel
from gateway.channels.jobs import Done, Failed
from gateway.channels.labels import read_labels, write_label
from gateway.channels.removal import KEPT_MS, new_batch
from gateway.channels.trail import SWITCHED, noted
from storage.records import Channel, ChannelStatus
from storage.repositories import abilities, channel_labels, channel_lists, channel_undo, channels
from storage.repositories.channel_undo import Replaced
from storage.repositories.rows import Sort

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from gateway.audit.author import Author
    from gateway.channels.changes import Change
    from gateway.channels.jobs import Progress
    from gateway.services import Services
    from storage.repositories.channel_labels import Label
    from storage.repositories.channel_lists import WantedChannels

MOST: Final = 5_000
_PART = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a change would do to one channel: columns with both values; nothing where it is so already."""

    channel: Channel
    changes: Mapping[str, tuple[object, object]] = field(default_factory=dict)
    fault: str = ""
    """Why it cannot be done."""


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

    @property
    def faulty(self) -> int:
        """How many channels could not be changed."""
        return sum(bool(row.fault) for row in self.rows)


async def plan_change(services: Services, ids: Sequence[int], change: Change) -> Plan:
    """Return what a change would do, and write nothing. Raises `Refused` when it can be done to none of them."""
    found, labels = await _read(services, ids)
    rows = []
    for channel in found:
        try:
            rows.append(Planned(channel=channel, changes=_differences(channel, labels[channel.id], change)))
        except Refused as error:
            rows.append(Planned(channel=channel, fault=error.message))
    if rows and all(row.fault for row in rows):
        raise Refused(rows[0].fault)
    after = {row.channel.id: split(_text(row.changes.get("models", (0, row.channel.models))[1])) for row in rows}
    return Plan(rows=rows, orphans=_orphans(services, after))


async def plan_absence(services: Services, ids: Sequence[int]) -> Plan:
    """Return what is lost when channels are switched off or deleted."""
    found, _labels = await _read(services, ids)
    rows = [Planned(channel=channel) for channel in found]
    return Plan(rows=rows, orphans=_orphans(services, {channel.id: [] for channel in found}))


async def change_channels(
    services: Services,
    author: Author,
    ids: Sequence[int],
    change: Change,
    progress: Progress | None = None,
    *,
    action: str = "channel.update",
) -> Done:
    """Change channels. `progress` is told how far it is. Raises `Refused` for more than `MOST` of them.

    `action` is what the audit calls it where they are several.
    """
    author = at_once(author, action, len(set(ids)))
    return await _in_parts(services, ids, partial(_change, author=author, change=change), progress)


async def switch_channels(
    services: Services, author: Author, ids: Sequence[int], *, enabled: bool, progress: Progress | None = None
) -> Done:
    """Switch channels on or off by hand; those that are so already are left alone."""
    status = ChannelStatus.ENABLED if enabled else ChannelStatus.DISABLED
    return await change_channels(
        services, author, ids, lambda _channel: {"status": status}, progress, action=SWITCHED[status]
    )


async def undo_changes(services: Services, author: Author, batch: str) -> int:
    """Give channels back what a change replaced, as far as nobody changed it since, and return how many got any.

    Raises `NotFound` when it is too late.
    """
    replaced = await services.database.write(lambda conn: channel_undo.replaced(conn, batch, now_ms=now_ms()))
    if not replaced:
        raise NotFound("it is too late to undo this")
    before = {one.channel_id: one.values for one in replaced}
    labels = await read_labels(services, list(before))

    def change(channel: Channel) -> dict[str, object]:
        now = {"tag": labels[channel.id].tag}
        return {
            name: old
            for name, (old, new) in before[channel.id].items()
            if (now[name] if name in now else getattr(channel, name)) == new
        }

    done = await change_channels(services, author, list(before), change, action="channel.restore")
    return len(done.changed)


async def clear_suspensions(services: Services, author: Author, channel_id: int) -> None:
    """Let a channel be tried again at once, in every process."""
    channel = await read_channel(services, channel_id)

    def work(conn: Connection) -> None:
        abilities.rebuild(conn, channel, now_ms=now_ms())
        noted(conn, author, "channel.resume", channel, channel)

    await commit(services, work)
    services.registry.resume(channel_id)
    await services.registry.refresh()


async def matching_ids(services: Services, wanted: WantedChannels) -> list[int]:
    """Return the channels that match. Raises `Refused` when they are too many to be changed together."""
    ids = await services.database.read(lambda conn: channel_lists.channel_ids(conn, wanted, Sort(), MOST + 1))
    if len(ids) > MOST:
        raise _too_many()
    return ids


def _differences(channel: Channel, label: Label, change: Change) -> dict[str, tuple[object, object]]:
    found = {}
    for name, value in change(channel).items():
        before = label.tag if name == "tag" else getattr(channel, name)
        if before != value:
            found[name] = (before, value)
    return found


async def _in_parts(
    services: Services,
    ids: Sequence[int],
    work: partial[tuple[list[Replaced], list[Failed]]],
    progress: Progress | None,
) -> Done:
    if len(ids) > MOST:
        raise _too_many()
    batch = new_batch()
    changed: list[int] = []
    failed: list[Failed] = []
    # In one order, so that two of these at the same time cannot block each other.
    numbers = sorted(set(ids))
    try:
        for start in range(0, len(numbers), _PART):
            part = numbers[start : start + _PART]
            replaced, faults = await commit(services, partial(work, channel_ids=part, batch=batch))
            changed += [one.channel_id for one in replaced]
            failed += faults
            if progress is not None:
                progress(start + len(part))
    finally:
        # What is written counts, even where the rest could not be.
        if changed:
            await services.registry.refresh()
    return Done(changed=changed, failed=failed, batch=batch if changed else "")


def _change(
    conn: Connection, *, author: Author, change: Change, channel_ids: Sequence[int], batch: str
) -> tuple[list[Replaced], list[Failed]]:
    replaced: list[Replaced] = []
    failed: list[Failed] = []
    for channel_id in channel_ids:
        channel = channels.locked(conn, channel_id)
        if channel is None:
            continue
        try:
            found = _differences(channel, channel_labels.of(conn, channel_id), change)
        except Refused as error:
            failed.append(Failed(channel.id, channel.name, error.message))
            continue
        if found:
            _write(conn, author, channel, {name: after for name, (_before, after) in found.items()})
            replaced.append(Replaced(channel_id, found))
    channel_undo.keep_values(conn, batch, replaced, expires_at=now_ms() + KEPT_MS)
    return replaced, failed


def _write(conn: Connection, author: Author, channel: Channel, values: dict[str, object]) -> None:
    tag = values.pop("tag", None)
    labels = write_label(conn, channel.id, tag if isinstance(tag, str) else None, None)
    channels.change(conn, channel.id, values | {"updated_at": now_ms()})
    if values.keys() == {"status"} and isinstance(status := values["status"], int):
        # Suspensions stay: nobody asked to have it tried again.
        abilities.switch(conn, channel.id, enabled=status == ChannelStatus.ENABLED, now_ms=now_ms())
        noted(conn, author, SWITCHED[status], channel, replace(channel, status=status))
        return
    changed = channels.by_id(conn, channel.id)
    assert changed is not None  # noqa: S101 - its row is held
    if values:
        abilities.rebuild(conn, changed, now_ms=now_ms())
    noted(conn, author, "channel.update", channel, changed, labels)


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


async def _read(services: Services, ids: Sequence[int]) -> tuple[list[Channel], dict[int, Label]]:
    if len(ids) > MOST:
        raise _too_many()
    numbers = sorted(set(ids))
    return await services.database.read(
        lambda conn: (channel_lists.channels_of(conn, numbers), channel_labels.of_several(conn, numbers))
    )


def _too_many() -> Refused:
    return Refused(f"at most {MOST} channels at once")
