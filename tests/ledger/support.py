"""Accounts to charge, and short ways to say what is asked of the ledger."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

import trio
from sqlalchemy import func, insert, select

from gateway.ledger.types import Reservation, Settlement
from gateway.ledger.verify import verify
from gateway.ledger.writer import LedgerWriter
from storage.ledger_tables import gw_reservations
from storage.records import LogRow, LogType, TraceRow
from storage.repositories.ledger import OPENING, post
from storage.repositories.ledger_ops import Amend, Reserve, Settle
from storage.repositories.ledger_rows import seed_text
from storage.tables import channels, tokens, users

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import Connection, Row, Table

    from gateway.observe.types import Level, RelaySummary
    from storage.database import Database
    from tests.support.engines import FreshDatabase

NOW_MS = 1_800_000_000_000
_numbers = count(1)


@dataclass
class Notes:
    """A journal that remembers the names of events."""

    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def relay(self, summary: RelaySummary) -> None:
        """Ledgers report no relays."""

    def event(self, level: Level, name: str, message: str, **fields: object) -> None:
        """Remember."""
        self.events.append((name, {"level": level, "message": message, **fields}))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]


@dataclass
class Books:
    """A database and what tests ask of it."""

    fresh: FreshDatabase
    database: Database

    def add_user(self, quota: int) -> int:
        return self.database.write_sync(lambda conn: add_user(conn, quota))

    def add_token(self, user_id: int, remain: int | None) -> int:
        """Add a token with `remain` units, `None` for an unlimited one."""
        return self.database.write_sync(lambda conn: add_token(conn, user_id, remain))

    def add_channel(self) -> int:
        return self.database.write_sync(add_channel)

    def accounts(self, quota: int, remain: int | None = None) -> Accounts:
        user = self.add_user(quota)
        return Accounts(user=user, token=self.add_token(user, remain), channel=self.add_channel())

    def user(self, id_: int) -> Row:
        return self.row(users, id_)

    def token(self, id_: int) -> Row:
        return self.row(tokens, id_)

    def channel(self, id_: int) -> Row:
        return self.row(channels, id_)

    def row(self, table: Table, id_: int) -> Row:
        return self.database.read_sync(lambda conn: conn.execute(select(table).where(table.c.id == id_)).one())

    def rows(self, table: Table) -> list[Row]:
        return self.database.read_sync(lambda conn: list(conn.execute(select(table))))

    def count(self, table: Table) -> int:
        return self.database.read_sync(
            lambda conn: conn.execute(select(func.count()).select_from(table)).scalar_one()
        )

    def held(self) -> list[str]:
        return [row.request_id for row in self.rows(gw_reservations)]

    def differences(self) -> list[object]:
        return list(self.database.read_sync(verify))


@dataclass(frozen=True)
class Accounts:
    """Who pays, with what, for which channel."""

    user: int
    token: int
    channel: int

    def reservation(self, request_id: str, units: int) -> Reservation:
        return Reservation(
            request_id=request_id,
            user_id=self.user,
            token_id=self.token,
            token_limited=True,
            channel_id=self.channel,
            model="m",
            units=units,
            log_seed=self.log(request_id),
        )

    def settlement(self, request_id: str, units: int, *, counted: bool = True, delivered: bool = True) -> Settlement:
        return Settlement(
            request_id=request_id,
            user_id=self.user,
            token_id=self.token,
            token_limited=True,
            channel_id=self.channel,
            units=units,
            counted=counted and delivered,
            log=self.log(request_id) if delivered else None,
            trace=trace(request_id),
        )

    def log(self, request_id: str) -> LogRow:
        return LogRow(
            user_id=self.user,
            type=LogType.CONSUME,
            created_at=NOW_MS // 1000,
            content="ok",
            username="somebody",
            token_name="t",
            model_name="m",
            channel_id=self.channel,
            request_id=request_id,
            trace_id=f"t-{request_id}",
        )

    def reserve_op(self, request_id: str, units: int, replica_id: str = "r") -> Reserve:
        return Reserve(
            request_id=request_id,
            replica_id=replica_id,
            user_id=self.user,
            token_id=self.token,
            channel_id=self.channel,
            model="m",
            units=units,
            log_seed=seed_text(self.log(request_id)),
        )

    def amend_op(self, request_id: str, add_units: int, number: int) -> Amend:
        return Amend(
            request_id=request_id,
            user_id=self.user,
            token_id=self.token,
            channel_id=self.channel,
            add_units=add_units,
            number=number,
        )

    def settle_op(self, request_id: str, units: int, *, delivered: bool = True) -> Settle:
        return Settle(
            request_id=request_id,
            user_id=self.user,
            token_id=self.token,
            channel_id=self.channel,
            units=units,
            counted=delivered,
            log=self.log(request_id) if delivered else None,
            trace=trace(request_id),
        )


def trace(request_id: str) -> TraceRow:
    return TraceRow(trace_id=f"t-{request_id}", url="/v1/chat/completions", method="POST", created_at=NOW_MS)


def add_user(conn: Connection, quota: int) -> int:
    name = f"u{next(_numbers)}"
    made = conn.execute(
        insert(users), {"username": name, "password": "", "quota": quota, "access_token": name, "aff_code": name}
    )
    id_ = made.inserted_primary_key[0]
    post(conn, kind=OPENING, at_ms=NOW_MS, user_id=id_, user_units=quota)
    return id_


def add_token(conn: Connection, user_id: int, remain: int | None) -> int:
    made = conn.execute(
        insert(tokens),
        {
            "user_id": user_id,
            "key": f"k{next(_numbers)}",
            "remain_quota": -1 if remain is None else remain,
            "unlimited_quota": remain is None,
        },
    )
    id_ = made.inserted_primary_key[0]
    post(conn, kind=OPENING, at_ms=NOW_MS, token_id=id_, token_units=-1 if remain is None else remain)
    return id_


def add_channel(conn: Connection) -> int:
    id_ = conn.execute(insert(channels), {"type": 1}).inserted_primary_key[0]
    post(conn, kind=OPENING, at_ms=NOW_MS, channel_id=id_)
    return id_


@asynccontextmanager
async def writing(database: Database, notes: Notes, *, reserve_limit_s: float = 5) -> AsyncIterator[LedgerWriter]:
    """A writer that is closed, and so has written all, at the end of the block."""
    writer = LedgerWriter(
        database, replica_id="r", journal=notes, reserve_limit_s=reserve_limit_s, now_ms=lambda: NOW_MS
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(writer.run)
        yield writer
        with trio.fail_after(20):
            await writer.aclose()
