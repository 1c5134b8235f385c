"""The rows that one batch of the ledger touches: read and locked at its start, written once at its end.

Rows are locked in one order everywhere (users, tokens, reservations, each by id), and written in the order
users, tokens, channels, so that batches of several processes rarely deadlock. SQLite has no row locks and
needs none: its write transactions run one after another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import Integer, bindparam, delete, exists, func, literal_column, select, true, update

from storage.errors import Retryable
from storage.ledger_tables import gw_ledger, gw_outbox, gw_reaped, gw_reservations
from storage.people_tables import gw_unlimited_users
from storage.repositories.ledger_rows import Values, outbox_values
from storage.repositories.ledger_sql import insert_many, run_many
from storage.tables import channels, logs, tokens, traces, user_request_costs, users

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Table

_ZERO = literal_column("0", Integer)
_LOCK_USERS = (
    # Looked up in the same statement: where nobody is unlimited it costs a glance at an empty index.
    select(users.c.id, users.c.quota, exists().where(gw_unlimited_users.c.user_id == users.c.id))
    .where(users.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(users.c.id)
    .with_for_update()
)
_LOCK_TOKENS = (
    select(tokens.c.id, tokens.c.remain_quota, tokens.c.unlimited_quota)
    .where(tokens.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(tokens.c.id)
    .with_for_update()
)
_RESERVATION = gw_reservations.c
_LOCK_RESERVATIONS = (
    select(
        _RESERVATION.request_id,
        _RESERVATION.replica_id,
        _RESERVATION.user_id,
        _RESERVATION.token_id,
        _RESERVATION.channel_id,
        _RESERVATION.user_units,
        _RESERVATION.token_units,
        _RESERVATION.token_limited,
        _RESERVATION.last_amend,
        _RESERVATION.user_limited,
        _RESERVATION.free_units,
    )
    .where(_RESERVATION.request_id.in_(bindparam("ids", expanding=True)))
    .order_by(_RESERVATION.request_id)
    .with_for_update()
)
_SEEDS = select(_RESERVATION.request_id, _RESERVATION.log_seed).where(
    _RESERVATION.request_id.in_(bindparam("ids", expanding=True))
)
_LOCK_REAPED = select(gw_reaped).where(gw_reaped.c.request_id.in_(bindparam("ids", expanding=True))).with_for_update()
_MOVE_USERS = (
    update(users)
    .where(users.c.id == bindparam("at"))
    .values(
        quota=func.coalesce(users.c.quota, _ZERO) + bindparam("moved"),
        used_quota=func.coalesce(users.c.used_quota, _ZERO) + bindparam("used"),
        request_count=func.coalesce(users.c.request_count, _ZERO) + bindparam("count"),
    )
)
_MOVE_TOKENS = (
    update(tokens)
    .where(tokens.c.id == bindparam("at"))
    .values(
        remain_quota=func.coalesce(tokens.c.remain_quota, _ZERO) + bindparam("moved"),
        used_quota=func.coalesce(tokens.c.used_quota, _ZERO) + bindparam("used"),
    )
)
_TOUCH_TOKENS = _MOVE_TOKENS.values(accessed_time=bindparam("now"))
_MOVE_CHANNELS = (
    update(channels)
    .where(channels.c.id == bindparam("at"))
    .values(used_quota=func.coalesce(channels.c.used_quota, _ZERO) + bindparam("used"))
)
_DELETE_RESERVATIONS = delete(gw_reservations).where(_RESERVATION.request_id.in_(bindparam("ids", expanding=True)))
_AMEND_RESERVATIONS = (
    update(gw_reservations)
    .where(_RESERVATION.request_id == bindparam("at"))
    .values(
        channel_id=bindparam("channel"),
        user_units=bindparam("of_user"),
        free_units=bindparam("of_nobody"),
        token_units=bindparam("of_token"),
        last_amend=bindparam("number"),
    )
)
_CORRECT_REAPED = update(gw_reaped).where(gw_reaped.c.request_id == bindparam("at")).values(corrected=true())
_CORRECT_COSTS = (
    update(user_request_costs)
    .where(user_request_costs.c.request_id == bindparam("at"))
    .values(quota=bindparam("units"), updated_at=bindparam("now"))
)


@dataclass(slots=True)
class Balance:
    """A user or token while a batch runs. `left` already holds what the batch has moved."""

    left: int
    limited: bool = True
    moved: int = 0
    used: int = 0
    count: int = 0
    served: bool = False
    """A relay ended, as opposed to began: the token was used now."""

    def take(self, units: int) -> None:
        """Move `units` out; negative ones in."""
        self.left -= units
        self.moved -= units


@dataclass(slots=True)
class Held:
    """A reservation while a batch runs."""

    request_id: str
    replica_id: str
    user_id: int
    token_id: int
    channel_id: int
    user_units: int
    token_units: int
    token_limited: bool
    last_amend: int
    user_limited: bool = True
    free_units: int = 0
    """What is held although nothing was taken from the account, which is unlimited."""
    stored: bool = True
    amended: bool = False
    gone: bool = False
    model: str = ""
    log_seed: str = ""

    @property
    def units(self) -> int:
        """The estimate, whoever pays it."""
        return self.user_units + self.free_units

    def add(self, units: int) -> None:
        """Hold `units` more."""
        if self.user_limited:
            self.user_units += units
        else:
            self.free_units += units
        self.token_units += units if self.token_limited else 0


@dataclass(slots=True)
class Reaped:
    """A request that was settled by estimate."""

    user_id: int
    token_id: int
    channel_id: int
    units: int
    token_limited: bool
    user_limited: bool
    log_seed: str
    corrected: bool


@dataclass(slots=True, kw_only=True)
class Books:
    """All rows of one batch. Accounts that do not exist (any more) are missing from `users` and `tokens`."""

    now_ms: int
    outbox: bool
    """Log rows go to another database, by way of `gw_outbox`."""
    users: dict[int, Balance] = field(default_factory=dict)
    tokens: dict[int, Balance] = field(default_factory=dict)
    channels: dict[int, int] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    reaped: dict[str, Reaped] = field(default_factory=dict)
    corrected: list[str] = field(default_factory=list)
    cost_changes: list[Values] = field(default_factory=list)
    rows: dict[Table, list[Values]] = field(default_factory=dict)

    def lock(self, conn: Connection, *, user_ids: set[int], token_ids: set[int], request_ids: set[str]) -> None:
        """Read and lock what the batch may change."""
        if user_ids:
            for id_, quota, unlimited in conn.execute(_LOCK_USERS, {"ids": sorted(user_ids)}):
                self.users[id_] = Balance(quota or 0, limited=not unlimited)
        if token_ids:
            for id_, remain, unlimited in conn.execute(_LOCK_TOKENS, {"ids": sorted(token_ids)}):
                self.tokens[id_] = Balance(remain or 0, limited=not unlimited)
        if request_ids:
            for row in conn.execute(_LOCK_RESERVATIONS, {"ids": sorted(request_ids)}):
                self.held[row[0]] = Held(*row)

    def lock_reaped(self, conn: Connection, request_ids: Iterable[str]) -> None:
        """Read and lock what was settled by estimate."""
        for row in conn.execute(_LOCK_REAPED, {"ids": sorted(request_ids)}):
            self.reaped[row.request_id] = Reaped(
                user_id=row.user_id,
                token_id=row.token_id,
                channel_id=row.channel_id,
                units=row.units,
                token_limited=row.token_limited,
                user_limited=row.user_limited,
                log_seed=row.log_seed,
                corrected=row.corrected,
            )

    def read_seeds(self, conn: Connection, request_ids: Iterable[str]) -> None:
        """Read the log seeds of reservations, which only the reaper needs."""
        for request_id, seed in conn.execute(_SEEDS, {"ids": sorted(request_ids)}):
            if request_id in self.held:
                self.held[request_id].log_seed = seed

    def add(self, table: Table, values: Values) -> None:
        """Insert a row at the end."""
        self.rows.setdefault(table, []).append(values)

    def add_log(self, values: Values) -> None:
        """Insert a log row where log rows go."""
        if self.outbox:
            self.add(gw_outbox, outbox_values(values, now_ms=self.now_ms))
        else:
            self.add(logs, values)

    def write(self, conn: Connection) -> None:
        """Make all changes. Raises `Retryable` if a reservation vanished in spite of its lock."""
        self._move_balances(conn)
        self._write_reservations(conn)
        if self.corrected:
            run_many(conn, _CORRECT_REAPED, [{"at": request_id} for request_id in self.corrected])
        if self.cost_changes:
            run_many(conn, _CORRECT_COSTS, self.cost_changes)
        for table in (gw_reaped, gw_ledger, logs, gw_outbox, user_request_costs, traces):
            if rows := self.rows.get(table):
                insert_many(conn, table, rows)

    def _move_balances(self, conn: Connection) -> None:
        moves = [
            {"at": id_, "moved": user.moved, "used": user.used, "count": user.count}
            for id_, user in sorted(self.users.items())
            if user.moved or user.used or user.count
        ]
        if moves:
            run_many(conn, _MOVE_USERS, moves)
        now_s = self.now_ms // 1000
        touched: list[Values] = []
        moved: list[Values] = []
        for id_, token in sorted(self.tokens.items()):
            if token.served:
                touched.append({"at": id_, "moved": token.moved, "used": token.used, "now": now_s})
            elif token.moved or token.used:
                moved.append({"at": id_, "moved": token.moved, "used": token.used})
        if moved:
            run_many(conn, _MOVE_TOKENS, moved)
        if touched:
            run_many(conn, _TOUCH_TOKENS, touched)
        served = [{"at": id_, "used": used} for id_, used in sorted(self.channels.items()) if id_ and used]
        if served:
            run_many(conn, _MOVE_CHANNELS, served)

    def _write_reservations(self, conn: Connection) -> None:
        ended = sorted(held.request_id for held in self.held.values() if held.gone and held.stored)
        if ended:
            count = conn.execute(_DELETE_RESERVATIONS, {"ids": ended}).rowcount
            if count != len(ended):
                raise Retryable("a reservation was settled by somebody else meanwhile")
        begun: list[Values] = []
        amended: list[Values] = []
        for held in self.held.values():
            if held.gone:
                continue
            if not held.stored:
                begun.append(self._reservation(held))
            elif held.amended:
                amended.append(
                    {
                        "at": held.request_id,
                        "channel": held.channel_id,
                        "of_user": held.user_units,
                        "of_nobody": held.free_units,
                        "of_token": held.token_units,
                        "number": held.last_amend,
                    }
                )
        if amended:
            run_many(conn, _AMEND_RESERVATIONS, amended)
        if begun:
            insert_many(conn, gw_reservations, begun)

    def _reservation(self, held: Held) -> Values:
        return {
            "request_id": held.request_id,
            "replica_id": held.replica_id,
            "user_id": held.user_id,
            "token_id": held.token_id,
            "channel_id": held.channel_id,
            "model": held.model,
            "user_units": held.user_units,
            "free_units": held.free_units,
            "token_units": held.token_units,
            "token_limited": held.token_limited,
            "user_limited": held.user_limited,
            "last_amend": held.last_amend,
            "log_seed": held.log_seed,
            "created_at": self.now_ms,
        }
