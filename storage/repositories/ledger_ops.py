"""What can be asked of the ledger in one batch, and what comes back. Units are quota units."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.records import LogRow, TraceRow


@dataclass(slots=True, kw_only=True)
class Reserve:
    """Take `units` from a user and, if it is limited, from the token (0 = none), and remember it under `request_id`.

    `repeated` says that an earlier try may have been stored; then a row that is there already is the answer.
    """

    request_id: str
    replica_id: str
    user_id: int
    token_id: int
    channel_id: int
    model: str
    units: int
    log_seed: str
    repeated: bool = False


@dataclass(slots=True, kw_only=True)
class Amend:
    """Move a reservation to another channel and take `add_units` more.

    `number` differs from that of every other amendment of the reservation, so that a repeated one is recognised.
    """

    request_id: str
    user_id: int
    token_id: int
    channel_id: int
    add_units: int
    number: int


@dataclass(slots=True, kw_only=True)
class Settle:
    """Give the reservation back and charge `units`, once. `bare` leaves out the rows beside the money."""

    request_id: str
    user_id: int
    token_id: int
    channel_id: int
    units: int
    counted: bool
    log: LogRow | None
    trace: TraceRow | None
    bare: bool = False


@dataclass(slots=True, kw_only=True)
class Reap:
    """Charge a reservation of `replica_id`, which died, at what it reserved, and mark it."""

    request_id: str
    replica_id: str
    user_id: int
    token_id: int


Op = Reserve | Amend | Settle | Reap


class Verdict(Enum):
    """How one item of a batch went; each is decided on its own."""

    DONE = auto()
    USER_SHORT = auto()
    """The user has too little, or is gone."""
    TOKEN_SHORT = auto()
    """The token has too little, or is gone."""
    GONE = auto()
    """There is no such reservation (any more)."""
    REPEATED = auto()
    """It was settled before; nothing was booked."""
    LATE = auto()
    """It had been settled by estimate; the difference was booked."""
    TAKEN = auto()
    """Another request has this id."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict, and how many units were missing."""

    verdict: Verdict
    missing_units: int = 0


DONE = Outcome(Verdict.DONE)
