"""Deleting channels, and taking that back for some minutes.

What is deleted is gone for relays at once. A copy of the row stays aside for `KEPT_MS`; brought back, the channel has
its id, its key, its tag, and what was charged for it meanwhile, so that log, ledger and charts never notice.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.accounts.clock import now_ms
from gateway.accounts.refusals import NotFound
from gateway.accounts.transactions import commit
from gateway.audit.author import at_once
from gateway.channels.trail import noted
from storage.records import ChannelStatus
from storage.repositories import abilities, channel_undo, channels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from gateway.audit.author import Author
    from gateway.channels.jobs import Progress
    from gateway.services import Services
    from storage.records import Channel

KEPT_MS: Final = 15 * 60_000
"""How long a deletion or a change can be taken back: longer than the message that offers it is seen."""
# Rows of one transaction: on SQLite, charges wait for it.
_PART = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What was deleted. `batch` takes it back; empty when there was nothing."""

    channels: Sequence[Channel] = ()
    batch: str = ""


def new_batch() -> str:
    """Return a name for things that are done together, which nobody can guess."""
    return secrets.token_hex(16)


async def remove_channels(
    services: Services, author: Author, channel_ids: Sequence[int], progress: Progress | None = None
) -> Removed:
    """Remove those channels that are there, and return them; what runs on them goes on.

    `progress` is told how far it is.
    """
    batch = new_batch()
    gone: list[Channel] = []
    ids = sorted(set(channel_ids))
    author = at_once(author, "channel.delete", len(ids))
    for start in range(0, len(ids), _PART):
        part = ids[start : start + _PART]
        gone += await commit(services, partial(remove_rows, author=author, channel_ids=part, batch=batch))
        if progress is not None:
            progress(start + len(part))
    if gone:
        await services.registry.refresh()
    return Removed(channels=gone, batch=batch if gone else "")


async def remove_channel(services: Services, author: Author, channel_id: int) -> Removed:
    """Remove one channel. Raises `NotFound`."""
    removed = await remove_channels(services, author, [channel_id])
    if not removed.channels:
        raise NotFound(f"channel {channel_id} was not found")
    return removed


async def remove_disabled(services: Services, author: Author, among: Sequence[int] | None = None) -> Removed:
    """Remove every channel that is switched off, by hand or by itself; of `among`, where only some are meant."""
    off = (ChannelStatus.DISABLED, ChannelStatus.AUTO_DISABLED)
    ids = await services.database.read(lambda conn: channels.ids(conn, off))
    return await remove_channels(services, author, ids if among is None else [n for n in ids if n in set(among)])


async def restore_channels(services: Services, author: Author, batch: str) -> list[Channel]:
    """Bring back what was removed together, and return it. Raises `NotFound` when it is too late."""

    def work(conn: Connection) -> list[Channel]:
        restored = []
        ids = channel_undo.bring_back(conn, batch, now_ms=now_ms())
        who = at_once(author, "channel.restore", len(ids))
        for channel_id in ids:
            channel = channels.by_id(conn, channel_id)
            assert channel is not None  # noqa: S101 - stored a moment ago
            abilities.rebuild(conn, channel, now_ms=now_ms())
            noted(conn, who, "channel.restore", None, channel)
            restored.append(channel)
        return restored

    restored = await commit(services, work)
    if not restored:
        raise NotFound("it is too late to undo this")
    await services.registry.refresh()
    return restored


def remove_rows(conn: Connection, *, author: Author, channel_ids: Sequence[int], batch: str) -> list[Channel]:
    """Remove channels within the caller's transaction and return those that there were. `batch` takes it back."""
    # All are held before anything is read: what the ledger says then is what their counters say.
    held = [channel for number in channel_ids if (channel := channels.locked(conn, number)) is not None]
    ids = [channel.id for channel in held]
    if not ids:
        return []
    channel_undo.keep_rows(conn, batch, ids, now_ms=now_ms(), expires_at=now_ms() + KEPT_MS)
    abilities.remove(conn, ids)
    for channel in held:
        channels.remove(conn, channel.id)
        noted(conn, author, "channel.delete", channel, None)
    return held
