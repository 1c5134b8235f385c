"""What the relay hands to the ledger, and the ways it can refuse.

LedgerError
 x DuplicateRequest     the request id is in use: a bug of the caller, nothing was taken
 x Unavailable          the database did not take the item within the deadline; answer 503, never 401
    x ReservationGone   the reservation was settled by estimate, since this process seemed dead
 x InsufficientQuota    a conditional update found too little
    x UserExhausted
    x TokenExhausted
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from storage.records import LogRow, TraceRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What is taken from the balances before the upstream is called; the row that outlives a crash.

    `units` come off the user's quota and, if `token_limited`, off the token's. `log_seed` is the log row
    that is written when nobody comes back to settle.
    """

    request_id: str
    user_id: int
    token_id: int
    token_limited: bool
    channel_id: int
    model: str
    units: int
    log_seed: LogRow
    group: str = ""
    """The user's, whose budgets concern the request, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How one relay ended. `units` is the true charge; 0 with `log` None means nothing was delivered.

    `counted` says whether the request counts as served (`request_count`), which free ones do, too.
    """

    request_id: str
    user_id: int
    token_id: int
    token_limited: bool
    channel_id: int
    units: int
    counted: bool
    log: LogRow | None
    trace: TraceRow | None


class LedgerError(Exception):
    """Base: the ledger did not do what was asked."""

    code = "ledger"


class Unavailable(LedgerError):
    """The database did not confirm in time. Nothing may be sent upstream."""

    code = "database_unavailable"


class ReservationGone(Unavailable):
    """The reservation is not there any more, so nothing can be added to it.

    Settle with the true charge all the same: the difference to the estimate is booked.
    """

    code = "reservation_gone"


class DuplicateRequest(LedgerError):
    """Another reservation has this request id."""

    code = "duplicate_request"


class InsufficientQuota(LedgerError):
    """A balance is below what was asked. The caller may retry with a smaller output limit."""

    code = "insufficient_quota"

    def __init__(self, *, needed_units: int) -> None:
        super().__init__(f"needs {needed_units} quota units more than there are")
        self.needed_units = needed_units


class UserExhausted(InsufficientQuota):
    """The user's quota is too small."""

    code = "insufficient_user_quota"


class TokenExhausted(InsufficientQuota):
    """The token's remaining quota is too small."""

    code = "insufficient_token_quota"


class Ledger(Protocol):
    """The relay's view of the books. Every call is durable when it returns."""

    async def reserve(self, reservation: Reservation) -> None:
        """Take `units` from user and token, all or nothing, and store the reservation.

        Raises `UserExhausted`, `TokenExhausted`, or `Unavailable` past the deadline; an item whose caller was
        cancelled or gave up is undone by the writer if it was committed after all.
        """

    async def amend(self, request_id: str, *, channel_id: int, add_units: int) -> None:
        """Move a reservation to another channel and add `add_units` (0 or more) to it, conditionally.

        Raises as `reserve`. Used for a retry on a dearer channel and for top-ups while a stream runs.
        """

    async def settle(self, settlement: Settlement) -> None:
        """Hand the settlement over; the writer owns it from here, and the caller's deadline only ends waiting.

        Returns once it is durable, in the books or, if the database refuses it on its own, parked. Raises
        `Unavailable` when the writer has stopped: the reservation is then settled by estimate at the next start.
        """

    def leave(self, request_id: str) -> None:
        """Forget a reservation that outlives its relay: it is amended no more, and another process may settle it."""
