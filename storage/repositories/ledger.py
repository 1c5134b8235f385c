"""The append-only record of everything that moved a balance.

`gw_ledger` explains every balance: what stands in `users.quota`, `tokens.remain_quota` and
`channels.used_quota` is an opening plus all rows since, less what running relays have reserved. Whoever
changes a balance calls `post` in the same transaction; relays do so through `ledger_batch`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert

from storage.ledger_tables import gw_ledger

if TYPE_CHECKING:
    from sqlalchemy import Connection

OPENING = "opening"
"""What an account stood at when its books began: exactly one account a row."""
CHARGE = "charge"
"""A relay that was settled."""
ESTIMATE = "estimate"
"""A relay that nobody came back to settle, charged at what it had reserved."""
LATE = "late"
"""The difference between an estimate and the true charge that came after all."""
CORRECTION = "correction"
"""A difference that an operator accepted."""

NOTE_LIMIT = 255


def post(
    conn: Connection,
    *,
    kind: str,
    at_ms: int,
    user_id: int = 0,
    user_units: int = 0,
    token_id: int = 0,
    token_units: int = 0,
    channel_id: int = 0,
    channel_units: int = 0,
    request_id: str = "",
    note: str = "",
) -> None:
    """Append one row: signed changes to a user's quota, a token's rest, and what a channel has served.

    `kind` is a word of at most 24 letters (`topup`, `gift`, `admin`, `redeem` …). An `opening` names exactly one
    account, so that it can be found by it. Raises `ValueError` for units without an account.
    """
    named = [bool(user_id), bool(token_id), bool(channel_id)]
    if kind == OPENING and sum(named) != 1:
        raise ValueError("an opening is for exactly one account")
    if (user_units and not user_id) or (token_units and not token_id) or (channel_units and not channel_id):
        raise ValueError("units need the account that they belong to")
    conn.execute(
        insert(gw_ledger),
        {
            "created_at": at_ms,
            "kind": kind,
            "request_id": request_id,
            "user_id": user_id,
            "user_units": user_units,
            "token_id": token_id,
            "token_units": token_units,
            "channel_id": channel_id,
            "channel_units": channel_units,
            "note": note[:NOTE_LIMIT],
        },
    )
