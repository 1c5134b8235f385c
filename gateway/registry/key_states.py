"""Which keys of channels that have several rest or are bad, and whose turn it is.

Kept in this process and told to the others over the bus, like suspensions; the key's own row keeps it over a restart.
A key rests for one model, since that is what providers limit; it is bad for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway.registry.suspensions import UNSTORED_S

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from gateway.registry.snapshot import ChannelView
    from storage.repositories.channel_keys import KeyRow


class KeyFailure(msgspec.Struct, frozen=True, kw_only=True):
    """What a failure does to a key: it is not used for `model` before `until` (Unix seconds), or it is `bad`."""

    key_id: int
    channel_id: int
    model: str = ""
    until: float = 0.0
    bad: bool = False
    status: int = 0
    error: str = ""


class KeyStates:
    """All that this process knows of keys. Channels with one key are not in here, and cost nothing."""

    __slots__ = ("_bad", "_rests", "_turns", "_young")

    def __init__(self) -> None:
        self._bad: set[int] = set()
        self._rests: dict[tuple[int, str], float] = {}
        self._turns: dict[int, int] = {}
        self._young: list[tuple[float, KeyFailure]] = []

    def is_bad(self, key_id: int) -> bool:
        """Whether the provider refused this key."""
        return key_id in self._bad

    def count_bad(self, channel: ChannelView) -> int:
        """Return how many keys of a channel the provider refused."""
        return sum(one.key_id in self._bad for one in channel.ring)

    def take(
        self, channel: ChannelView, model: str, *, now: float, tried: Collection[int] = ()
    ) -> ChannelView | None:
        """Return `channel` with the key whose turn it is, `None` when all are bad, rest or were tried."""
        ring = channel.ring
        begin = self._turns.get(channel.id, 0)
        for step in range(len(ring)):
            place = (begin + step) % len(ring)
            one = ring[place]
            if one.key_id not in self._bad and one.key_id not in tried and self._until(one, model) <= now:
                self._turns[channel.id] = place + 1
                return one
        return None

    def take_any(self, channel: ChannelView, model: str, *, now: float) -> ChannelView:
        """Return `channel` with a key whatever is known of it: the one that may be used soonest where none may now.

        Where all are bad each has its turn, as a channel with one bad key is tried again.
        """
        if not channel.ring:
            return channel
        if (one := self.take(channel, model, now=now)) is not None:
            return one
        good = [one for one in channel.ring if one.key_id not in self._bad]
        if good:
            return min(good, key=lambda one: self._until(one, model))
        place = self._turns.get(channel.id, 0) % len(channel.ring)
        self._turns[channel.id] = place + 1
        return channel.ring[place]

    def back_at(self, channel: ChannelView, model: str) -> float | None:
        """Return when the first good key may be used for `model` (Unix seconds, 0 for now); `None`: all are bad."""
        return min((self._until(one, model) for one in channel.ring if one.key_id not in self._bad), default=None)

    def add(self, failure: KeyFailure, *, now: float) -> None:
        """Note what a failure does to a key."""
        self._forget_stored(now)
        self._young.append((now, failure))
        self._note(failure)

    def forget(self, key_id: int) -> None:
        """Take back what was noted of a key."""
        self._young = [(at, one) for at, one in self._young if one.key_id != key_id]
        self._bad.discard(key_id)
        self._rests = {pair: until for pair, until in self._rests.items() if pair[0] != key_id}

    def replace(self, stored: Iterable[KeyRow], *, now: float) -> None:
        """Take what the database holds, and what is too young to be there."""
        self._forget_stored(now)
        self._bad, self._rests = set(), {}
        for row in stored:
            if row.bad_at:
                self._bad.add(row.id)
            self._rests |= {(row.id, model): until for model, until in row.rests.items() if until > now}
        for _, failure in self._young:
            self._note(failure)

    def _until(self, one: ChannelView, model: str) -> float:
        return self._rests.get((one.key_id, model), 0.0)

    def _forget_stored(self, now: float) -> None:
        self._young = [(at, one) for at, one in self._young if at > now - UNSTORED_S]

    def _note(self, failure: KeyFailure) -> None:
        if failure.bad:
            self._bad.add(failure.key_id)
        pair = (failure.key_id, failure.model)
        if failure.until > self._rests.get(pair, 0.0):
            self._rests[pair] = failure.until
