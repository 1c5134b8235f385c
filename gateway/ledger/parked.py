"""Settlements that the database refused once, tried again when a person asks for it."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from gateway.accounts.transactions import commit
from gateway.audit.trail import note
from storage.errors import StorageError
from storage.repositories import ledger_parked

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.audit.author import Author
    from gateway.services import Services
    from storage.repositories.ledger_parked import Parked


async def write_again(services: Services, author: Author) -> tuple[int, int]:
    """Return how many were written, and how many were refused again. Each is a transaction of its own."""
    written = left = 0
    for item in await services.database.read(ledger_parked.parked):
        try:
            written += await commit(services, partial(_write, services, author, item))
        except (StorageError, ValueError, OverflowError):
            # What is wrong with it stands in its row, and for the command line.
            left += 1
    return written, left


def _write(services: Services, author: Author, item: Parked, conn: Connection) -> bool:
    done = ledger_parked.retry(
        conn, item, now_ms=time.time_ns() // 1_000_000, outbox=bool(services.settings.log_sql_dsn)
    )
    if done:
        changes = {"units": ["", item.op.units]}
        note(conn, author, "charge.write-again", name=item.request_id, changes=changes)
    return done
