"""Which (group, model, channel) is left alone, and until when.

Kept in this process and told to the others over the bus, because a choice may not wait for a database; the
ability row keeps it over a restart, as one-api does.
"""

from __future__ import annotations

import msgspec


class Suspension(msgspec.Struct, frozen=True):
    """`channel_id` is not chosen for `model` of `group` before `until` (Unix seconds)."""

    group: str
    model: str
    channel_id: int
    until: float


# How long an entry of ours may not have reached the table yet.
UNSTORED_S = 5.0


class Suspensions:
    """All suspensions that this process knows of. Expired entries leave when the table is read anew."""

    __slots__ = ("_until", "_young")

    def __init__(self) -> None:
        self._until: dict[tuple[str, str, int], float] = {}
        self._young: list[tuple[float, Suspension]] = []

    def until(self, group: str, model: str, channel_id: int) -> float:
        """Return the end of the suspension in Unix seconds, 0 when there is none."""
        return self._until.get((group, model, channel_id), 0.0)

    def active(self, now: float) -> list[Suspension]:
        """Return what is left alone now, the shortest first."""
        found = [Suspension(*key, until) for key, until in self._until.items() if until > now]
        return sorted(found, key=lambda suspension: suspension.until)

    def add(self, suspension: Suspension, *, now: float) -> None:
        """Note a suspension; the later end wins."""
        self._forget_stored(now)
        self._young.append((now, suspension))
        self._note(suspension)

    def forget(self, channel_id: int) -> None:
        """Take back all that was noted of a channel; an entry that is too young to be in the table would return."""
        self._young = [(at, one) for at, one in self._young if one.channel_id != channel_id]
        self._until = {key: until for key, until in self._until.items() if key[2] != channel_id}

    def replace(self, stored: list[Suspension], *, now: float) -> None:
        """Take what the database holds (an edit of the channel clears it) and what is too young to be there."""
        self._forget_stored(now)
        self._until = {}
        for suspension in stored:
            self._note(suspension)
        for _, suspension in self._young:
            self._note(suspension)

    def _forget_stored(self, now: float) -> None:
        self._young = [(at, one) for at, one in self._young if at > now - UNSTORED_S]

    def _note(self, suspension: Suspension) -> None:
        key = (suspension.group, suspension.model, suspension.channel_id)
        self._until[key] = max(suspension.until, self._until.get(key, 0.0))
