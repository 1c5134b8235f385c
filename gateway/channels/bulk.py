"""The same change to many channels: one transaction, one refresh."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.accounts.clock import now_ms
from gateway.accounts.refusals import Refused
from gateway.accounts.transactions import commit
from gateway.channels.edits import read_channel
from gateway.channels.trail import SWITCHED, noted
from storage.records import ChannelStatus
from storage.repositories import abilities, channels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from gateway.audit.author import Author
    from gateway.services import Services
    from storage.records import Channel

MOST = 500
_LONGEST_GROUPS = 32


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


async def set_priority(services: Services, author: Author, ids: Sequence[int], priority: int) -> int:
    """Give channels a priority and return how many were there."""
    return await _each(services, ids, lambda conn, channel: _rewrite(conn, author, channel, {"priority": priority}))


async def set_weight(services: Services, author: Author, ids: Sequence[int], weight: int) -> int:
    """Give channels a weight and return how many were there."""
    if weight < 0:
        raise Refused("weight cannot be negative")
    return await _each(services, ids, lambda conn, channel: _rewrite(conn, author, channel, {"weight": weight}))


async def add_names(
    services: Services, author: Author, ids: Sequence[int], *, column: str, names: Sequence[str]
) -> int:
    """Add models or groups (`column` is `models` or `group`) to channels that lack them."""
    return await _names(
        services, author, ids, column, lambda present: [*present, *(n for n in names if n not in present)]
    )


async def remove_names(
    services: Services, author: Author, ids: Sequence[int], *, column: str, names: Sequence[str]
) -> int:
    """Take models or groups away from channels."""
    return await _names(
        services, author, ids, column, lambda present: [name for name in present if name not in names]
    )


async def clear_suspensions(services: Services, author: Author, channel_id: int) -> None:
    """Let a channel be tried again at once, in every process."""
    channel = await read_channel(services, channel_id)

    def work(conn: Connection) -> None:
        abilities.rebuild(conn, channel, now_ms=now_ms())
        noted(conn, author, "channel.resume", channel, channel)

    await commit(services, work)
    await services.registry.refresh()


async def _names(
    services: Services, author: Author, ids: Sequence[int], column: str, change: Callable[[list[str]], list[str]]
) -> int:
    def one(conn: Connection, channel: Channel) -> None:
        present = [name.strip() for name in getattr(channel, column).split(",") if name.strip()]
        text = ",".join(change(present))
        if column == "group" and (not text or len(text) > _LONGEST_GROUPS):
            raise Refused(f"{channel.name}: a channel needs a group, and their list may have 32 characters")
        _rewrite(conn, author, channel, {column: text})

    return await _each(services, ids, one)


def _rewrite(conn: Connection, author: Author, channel: Channel, values: dict[str, object]) -> None:
    channels.change(conn, channel.id, values | {"updated_at": now_ms()})
    changed = channels.by_id(conn, channel.id)
    if changed is not None:
        abilities.rebuild(conn, changed, now_ms=now_ms())
        noted(conn, author, "channel.update", channel, changed)


async def _each(services: Services, ids: Sequence[int], one: Callable[[Connection, Channel], None]) -> int:
    if len(ids) > MOST:
        raise Refused(f"at most {MOST} channels at once")

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
