"""One thing that the ledger was asked to do, from the queue to its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

import trio

from gateway.ledger.types import (
    DuplicateRequest,
    LedgerError,
    ReservationGone,
    TokenExhausted,
    Unavailable,
    UserExhausted,
)
from storage.repositories.ledger_ops import Amend, Reserve, Settle, Verdict

if TYPE_CHECKING:
    from storage.repositories.ledger_ops import Outcome

WriterOp = Reserve | Amend | Settle


class Stage(IntEnum):
    """How far a settlement that the database refuses has come."""

    BATCHED = 0
    PARK_PRICED = 1
    """Alone: book the money, park the rest."""
    PARK = 2
    """Alone: only park it."""


@dataclass(slots=True, eq=False)
class Item:
    """`done` is set once `error` says how it went. `abandoned`: the caller stopped waiting for an answer."""

    op: WriterOp
    done: trio.Event = field(default_factory=trio.Event)
    error: LedgerError | None = None
    abandoned: bool = False
    in_doubt: bool = False
    """An earlier try may have been stored although it was not confirmed."""
    stage: Stage = Stage.BATCHED
    fault: str = ""
    """Why it was refused, once it is on its way to be parked."""

    def finish(self, error: LedgerError | None = None) -> None:
        """Give the answer."""
        self.error = error
        self.done.set()

    def doubt(self) -> None:
        """Note that the last try may have been stored."""
        self.in_doubt = True
        if isinstance(self.op, Reserve):
            self.op.repeated = True


def release_of(op: Reserve) -> Settle:
    """Return what gives a reservation back that nobody waits for any more."""
    return Settle(
        request_id=op.request_id,
        user_id=op.user_id,
        token_id=op.token_id,
        channel_id=op.channel_id,
        units=0,
        counted=False,
        log=None,
        trace=None,
    )


def refusal(outcome: Outcome) -> LedgerError | None:
    """Return the error that stands for a verdict, `None` for those that are fine."""
    if outcome.verdict is Verdict.USER_SHORT:
        return UserExhausted(needed_units=outcome.missing_units)
    if outcome.verdict is Verdict.TOKEN_SHORT:
        return TokenExhausted(needed_units=outcome.missing_units)
    if outcome.verdict is Verdict.GONE:
        return ReservationGone("the reservation was settled by estimate")
    if outcome.verdict is Verdict.TAKEN:
        return DuplicateRequest("the request id is in use")
    return None


def late() -> Unavailable:
    """Return the error of an item whose deadline passed."""
    return Unavailable("the ledger did not confirm in time")
