"""Settlements that the database refused on their own, kept for a person to look at."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from storage.ledger_tables import gw_parked
from storage.records import LogRow, TraceRow
from storage.repositories.ledger_batch import apply, describe
from storage.repositories.ledger_ops import Settle
from storage.repositories.ledger_rows import fit

if TYPE_CHECKING:
    from sqlalchemy import Connection

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """One settlement that waits for a person. `created_at` in Unix milliseconds, `units` in quota units."""

    id: int
    request_id: str
    error: str
    created_at: int
    op: Settle

    @property
    def booked(self) -> bool:
        """Whether the money moved already, and only the rows beside it are missing."""
        return self.error.startswith(PRICED)


def parked(conn: Connection) -> list[Parked]:
    """Return what waits, oldest first."""
    return [
        Parked(
            id=row.id,
            request_id=row.request_id,
            error=row.error,
            created_at=row.created_at,
            op=_settle(json.loads(row.payload)),
        )
        for row in conn.execute(select(gw_parked).order_by(gw_parked.c.id))
    ]


def retry(conn: Connection, item: Parked, *, now_ms: int, outbox: bool) -> bool:
    """Do what was refused, once, and forget `item`; return whether it still waited.

    Raises as `apply` does; then `item` keeps waiting, since all is one transaction.
    """
    taken = conn.execute(delete(gw_parked).where(gw_parked.c.id == item.id))
    if taken.rowcount != 1:
        return False
    if item.booked:
        describe(conn, item.op, now_ms=now_ms, outbox=outbox)
    else:
        apply(conn, [item.op], now_ms=now_ms, outbox=outbox)
    return True


def _settle(payload: dict[str, Any]) -> Settle:
    log, trace = payload.pop("log"), payload.pop("trace")
    return Settle(
        **payload,
        log=LogRow(**log) if log is not None else None,
        trace=TraceRow(**trace) if trace is not None else None,
    )
