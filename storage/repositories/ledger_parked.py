"""Settlements that the database refused on their own, kept for a person to look at."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from sqlalchemy import insert

from storage.repositories.ledger_batch import apply
from storage.repositories.ledger_rows import fit
from storage.tables import gw_parked

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.repositories.ledger_ops import Settle

PRICED = "the money is booked, log, cost and trace are not: "
UNPRICED = "nothing is booked, the reservation stays until its process ends: "


def park(conn: Connection, op: Settle, *, error: str, now_ms: int, outbox: bool, with_money: bool) -> None:
    """Store `op` and why it failed; `with_money` books its charge as well, without the rows beside it."""
    if with_money:
        apply(conn, [replace(op, bare=True)], now_ms=now_ms, outbox=outbox)
    conn.execute(
        insert(gw_parked),
        {
            "request_id": fit(op.request_id, 64),
            # json, not msgspec: it takes integers of any size and lone surrogates, one of which may be the fault.
            "payload": json.dumps(asdict(op)),
            "error": (PRICED if with_money else UNPRICED) + fit(error),
            "created_at": now_ms,
        },
    )
