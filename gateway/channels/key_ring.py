"""The keys of a channel that uses several in turn: adding, removing, clearing, and how each one is.

The first key stays in the channel's own row, where the original program looks for its only one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.accounts.clock import now_ms
from gateway.accounts.refusals import NotFound, Refused
from gateway.accounts.transactions import commit
from gateway.audit.trail import note
from gateway.channels.edits import found
from gateway.channels.key_rules import MOST, check_ring, lines_of
from gateway.channels.secrets import read_config
from gateway.registry.key_names import end_of, name_of
from storage.repositories import channel_keys, channels
from storage.sealing import is_sealed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from sqlalchemy import Connection

    from gateway.audit.author import Author
    from gateway.services import Services
    from storage.records import Channel
    from storage.repositories.channel_keys import KeyRow

    State = Literal["good", "rests", "bad", "locked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """One key as people see it. Times are Unix seconds, 0 for never."""

    id: int
    """0: the only key of a channel that never had several."""
    name: str
    end: str
    is_first: bool
    state: State
    rests: Mapping[str, float] = field(default_factory=dict)
    """By model, how many seconds more it is not used for it."""
    added_at: float = 0.0
    bad_at: float = 0.0
    failed_at: float = 0.0
    status: int = 0
    """HTTP, of the last failure that was the key's."""
    error: str = ""


async def list_keys(services: Services, channel: Channel) -> list[KeyFacts]:
    """Return the keys of a channel, the first one first."""
    rows = await services.database.read(lambda conn: channel_keys.of_channel(conn, channel.id))
    if not rows:
        end = end_of(channel.key)
        return [KeyFacts(id=0, name=f"…{end}" if end else "#1", end=end, is_first=True, state="good")]
    return [_facts(row, row.key or channel.key) for row in rows]


async def add_keys(services: Services, author: Author, channel_id: int, text: str) -> int:
    """Give a channel the keys in `text`, one a line, and return how many; those that it has are passed over."""
    given = lines_of(text)

    def work(conn: Connection) -> int:
        channel = found(channels.locked(conn, channel_id), channel_id)
        _check_type(services, channel, given)
        rows = channel_keys.of_channel(conn, channel_id)
        present = {channel.key, *(row.key for row in rows)}
        new = [key for key in given if key not in present]
        if not new:
            raise Refused("the channel has these keys already")
        if max(len(rows), 1) + len(new) > MOST:
            raise Refused(f"a channel may have {MOST} keys")
        channel_keys.add(conn, channel_id, new if rows else ["", *new], now_ms=now_ms())
        ends = ", ".join(f"…{end}" if (end := end_of(key)) else "…" for key in new)
        _noted(conn, author, "channel.keys-add", channel, ["", ends])
        return len(new)

    count = await commit(services, work)
    await services.registry.refresh()
    return count


async def remove_key(services: Services, author: Author, channel_id: int, key_id: int) -> None:
    """Take a key away; the first of the others takes the place of the first one."""

    def work(conn: Connection) -> None:
        channel = found(channels.locked(conn, channel_id), channel_id)
        rows = channel_keys.of_channel(conn, channel_id)
        gone = _one(rows, key_id)
        others = [row for row in rows if row.id != key_id]
        if not others:
            raise Refused("a channel needs a key: change this one in the settings")
        channel_keys.remove(conn, key_id)
        if gone.is_first:
            heir = next((row for row in others if not row.is_locked and not row.bad_at), None)
            heir = heir or next((row for row in others if not row.is_locked), None)
            if heir is None:
                raise Refused("no secret in ENCRYPTION_KEYS opens the other keys")
            channels.change(conn, channel_id, {"key": heir.key, "updated_at": now_ms()})
            channel_keys.become_first(conn, heir.id)
        _noted(conn, author, "channel.key-remove", channel, [name_of(gone.id, gone.key or channel.key), ""])

    await commit(services, work)
    await services.registry.refresh()


async def clear_key(services: Services, author: Author, channel_id: int, key_id: int) -> None:
    """Use a key again at once that rests or was refused, in every process."""

    def work(conn: Connection) -> None:
        channel = found(channels.by_id(conn, channel_id), channel_id)
        row = _one(channel_keys.of_channel(conn, channel_id), key_id)
        if channel_keys.clear(conn, key_id):
            _noted(conn, author, "channel.key-clear", channel, ["", name_of(row.id, row.key or channel.key)])

    await commit(services, work)
    services.registry.clear_key(key_id)
    await services.registry.refresh()


def _check_type(services: Services, channel: Channel, keys: Sequence[str]) -> None:
    provider = services.catalogue.provider(channel.type)
    if provider is None:
        raise Refused(f"unknown channel type {channel.type}")
    if is_sealed(channel.key):
        raise Refused("no secret in ENCRYPTION_KEYS opens the channel's key")
    check_ring(provider, read_config(channel.config), keys)
    # The one that is there has to be of that kind as well.
    check_ring(provider, read_config(channel.config), [channel.key])


def _one(rows: Sequence[KeyRow], key_id: int) -> KeyRow:
    row = next((row for row in rows if row.id == key_id), None)
    if row is None:
        raise NotFound(f"the channel has no key {key_id}")
    return row


def _noted(conn: Connection, author: Author, action: str, channel: Channel, change: list[object]) -> None:
    note(conn, author, action, object_id=channel.id, name=channel.name, changes={"keys": change})


def _facts(row: KeyRow, key: str) -> KeyFacts:
    now = time.time()
    rests = {model: until - now for model, until in row.rests.items() if until > now}
    return KeyFacts(
        id=row.id,
        name=f"#{row.id}" if row.is_locked else name_of(row.id, key),
        end="" if row.is_locked else end_of(key),
        is_first=row.is_first,
        state="locked" if row.is_locked else "bad" if row.bad_at else "rests" if rests else "good",
        rests=rests,
        added_at=row.added_at / 1000,
        bad_at=row.bad_at / 1000,
        failed_at=row.failed_at / 1000,
        status=row.status,
        error=row.error,
    )
