"""Reserve, amend and settle many requests in one transaction, each decided on its own.

The balances concerned are read under locks, decisions are made on them in order, and sums are written back
once. So a hundred relays of one user cost one update of that user, and one that cannot pay fails alone.

Settling counts only if its reservation is there and goes away in the same transaction; without one it is
either the true charge of something that was settled by estimate, whose difference is booked once, or a
repetition, which changes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from storage.ledger_tables import gw_ledger, gw_reaped
from storage.records import LogType
from storage.repositories.ledger import CHARGE, ESTIMATE, LATE
from storage.repositories.ledger_books import Balance, Books, Held
from storage.repositories.ledger_ops import DONE, Amend, Op, Outcome, Reap, Reserve, Settle, Verdict
from storage.repositories.ledger_rows import cost_values, fit, log_values, seed_log, trace_values
from storage.tables import traces, user_request_costs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from storage.records import LogRow
    from storage.repositories.ledger_books import Reaped

ESTIMATE_NOTE = "settled by estimate after an interrupted relay"
LATE_NOTE = "difference to the estimate charged before"


def apply(conn: Connection, ops: Sequence[Op], *, now_ms: int, outbox: bool = False) -> list[Outcome]:
    """Do `ops` in order within the transaction of `conn` and return how each went.

    A request may be reserved, amended and settled in one batch; reaping and settling it takes two.

    `outbox` sends log rows to `gw_outbox` instead of `logs`. Raises `ValueError` for an item that makes no sense
    (negative units, another account than that of its reservation) and what the database raises; then none of the
    batch is to be committed.
    """
    books = Books(now_ms=now_ms, outbox=outbox)
    books.lock(
        conn,
        user_ids={op.user_id for op in ops if op.user_id},
        token_ids={op.token_id for op in ops if op.token_id},
        request_ids={op.request_id for op in ops if not isinstance(op, Reserve) or op.repeated},
    )
    unknown = [op.request_id for op in ops if isinstance(op, Settle) and op.request_id not in books.held]
    if unknown:
        books.lock_reaped(conn, unknown)
    orphans = [op.request_id for op in ops if isinstance(op, Reap)]
    if orphans:
        books.read_seeds(conn, orphans)
    outcomes = [_decide(books, op) for op in ops]
    books.write(conn)
    return outcomes


def describe(conn: Connection, op: Settle, *, now_ms: int, outbox: bool = False) -> None:
    """Write the rows beside the money of `op`, whose charge was booked `bare`. Raises what the database raises."""
    books = Books(now_ms=now_ms, outbox=outbox)
    _describe(books, op)
    books.write(conn)


def _decide(books: Books, op: Op) -> Outcome:
    if isinstance(op, Reserve):
        return _reserve(books, op)
    if isinstance(op, Settle):
        return _settle(books, op)
    if isinstance(op, Amend):
        return _amend(books, op)
    return _reap(books, op)


def _reserve(books: Books, op: Reserve) -> Outcome:
    there = books.held.get(op.request_id)
    if there is not None:
        ours = (there.replica_id, there.user_id, there.token_id) == (op.replica_id, op.user_id, op.token_id)
        return DONE if ours and op.repeated else Outcome(Verdict.TAKEN)
    user, token = books.users.get(op.user_id), books.tokens.get(op.token_id)
    held = Held(
        request_id=op.request_id,
        replica_id=op.replica_id,
        user_id=op.user_id,
        token_id=op.token_id,
        channel_id=op.channel_id,
        user_units=0,
        token_units=0,
        token_limited=token is not None and token.limited,
        last_amend=0,
        user_limited=user is None or user.limited,
        stored=False,
        model=fit(op.model, 255),
        log_seed=op.log_seed,
    )
    refusal = _take(books, held, op.units)
    if refusal is None:
        books.held[op.request_id] = held
    return refusal or DONE


def _amend(books: Books, op: Amend) -> Outcome:
    held = books.held.get(op.request_id)
    if held is None or held.gone:
        return Outcome(Verdict.GONE)
    _check_account(op, held)
    if held.last_amend == op.number:
        return DONE
    if op.add_units:
        refusal = _take(books, held, op.add_units)
        if refusal is not None:
            return refusal
    held.channel_id = op.channel_id
    held.last_amend = op.number
    held.amended = True
    return DONE


def _take(books: Books, held: Held, units: int) -> Outcome | None:
    """Take `units` from user and token, those that are limited, all or nothing, and hold them; return why not."""
    if units < 0:
        raise ValueError("units must not be negative")
    user = books.users.get(held.user_id)
    token = books.tokens.get(held.token_id)
    if user is None or (held.user_limited and user.left < units):
        return Outcome(Verdict.USER_SHORT, units - (user.left if user else 0))
    if held.token_id and (token is None or (held.token_limited and token.left < units)):
        return Outcome(Verdict.TOKEN_SHORT, units - (token.left if token else 0))
    if held.user_limited:
        user.take(units)
    if held.token_limited and token is not None:
        token.take(units)
    held.add(units)
    return None


def _settle(books: Books, op: Settle) -> Outcome:
    if op.units < 0:
        raise ValueError("units must not be negative")
    held = books.held.get(op.request_id)
    if held is None or held.gone:
        reaped = books.reaped.get(op.request_id)
        if reaped is None or reaped.corrected:
            return Outcome(Verdict.REPEATED)
        return _settle_late(books, op, reaped)
    _check_account(op, held)
    _release(books, held)
    _charge(
        books,
        op,
        kind=CHARGE,
        units=op.units,
        count=int(op.counted),
        terms=held,
        channel_id=op.channel_id,
    )
    if not op.bare:
        _describe(books, op)
    return DONE


def _describe(books: Books, op: Settle) -> None:
    """Add the rows that stand beside the money."""
    if op.log is not None:
        books.add_log(log_values(op.log, quota=op.units))
    if op.units or op.log is not None:
        _add_cost(books, op, op.units)
    if op.trace is not None:
        books.add(traces, trace_values(op.trace))


def _settle_late(books: Books, op: Settle, reaped: Reaped) -> Outcome:
    _check_account(op, reaped)
    difference = op.units - reaped.units
    reaped.corrected = True
    books.corrected.append(op.request_id)
    _charge(
        books,
        op,
        kind=LATE,
        units=difference,
        # The estimate counted as a request.
        count=0 if op.counted else -1,
        terms=reaped,
        channel_id=reaped.channel_id,
        note=LATE_NOTE,
    )
    if op.bare:
        return Outcome(Verdict.LATE)
    log = op.log
    if log is None and difference:
        log = _seed(reaped.log_seed, op, channel_id=reaped.channel_id)
    if log is not None:
        books.add_log(log_values(_noted(books, log, LATE_NOTE), quota=difference))
    books.cost_changes.append({"at": op.request_id, "units": op.units, "now": books.now_ms})
    if op.trace is not None:
        books.add(traces, trace_values(op.trace))
    return Outcome(Verdict.LATE)


def _reap(books: Books, op: Reap) -> Outcome:
    held = books.held.get(op.request_id)
    if held is None or held.gone or held.replica_id != op.replica_id:
        return Outcome(Verdict.GONE)
    _check_account(op, held)
    units = held.units
    _release(books, held)
    _charge(
        books,
        op,
        kind=ESTIMATE,
        units=units,
        count=1,
        terms=held,
        channel_id=held.channel_id,
        note=ESTIMATE_NOTE,
    )
    log = _seed(held.log_seed, op, channel_id=held.channel_id)
    books.add_log(log_values(_noted(books, log, ESTIMATE_NOTE), quota=units))
    _add_cost(books, op, units)
    books.add(
        gw_reaped,
        {
            "request_id": op.request_id,
            "user_id": held.user_id,
            "token_id": held.token_id,
            "channel_id": held.channel_id,
            "units": units,
            "token_limited": held.token_limited,
            "user_limited": held.user_limited,
            "log_seed": held.log_seed,
            "reaped_at": books.now_ms,
            "corrected": False,
        },
    )
    return DONE


def _release(books: Books, held: Held) -> None:
    held.gone = True
    user = books.users.get(held.user_id)
    if user is not None:
        user.take(-held.user_units)
    token = books.tokens.get(held.token_id)
    if token is not None and held.token_limited:
        token.take(-held.token_units)


def _charge(
    books: Books,
    op: Settle | Reap,
    *,
    kind: str,
    units: int,
    count: int,
    terms: Held | Reaped,
    channel_id: int,
    note: str = "",
) -> None:
    """Book `units` (negative: a refund) on user, token and channel, those that still exist.

    `terms` say which balances were limited when the relay began: an administrator may have changed that since.
    """
    user = books.users.get(op.user_id)
    if user is not None:
        if terms.user_limited:
            user.take(units)
        user.used += units
        user.count += count
    token = books.tokens.get(op.token_id)
    if token is not None:
        _charge_token(token, units, limited=terms.token_limited)
    if not units:
        return
    books.channels[channel_id] = books.channels.get(channel_id, 0) + units
    books.add(
        gw_ledger,
        {
            "created_at": books.now_ms,
            "kind": kind,
            "request_id": op.request_id,
            "user_id": op.user_id,
            "user_units": -units if terms.user_limited else 0,
            "token_id": op.token_id,
            "token_units": -units if terms.token_limited else 0,
            "channel_id": channel_id,
            "channel_units": units if channel_id else 0,
            "note": note,
        },
    )


def _charge_token(token: Balance, units: int, *, limited: bool) -> None:
    if limited:
        token.take(units)
    token.used += units
    token.served = True


def _add_cost(books: Books, op: Settle | Reap, units: int) -> None:
    books.add(
        user_request_costs,
        cost_values(request_id=op.request_id, user_id=op.user_id, units=units, now_ms=books.now_ms),
    )


def _seed(text: str, op: Settle | Reap, *, channel_id: int) -> LogRow:
    return seed_log(text, user_id=op.user_id, channel_id=channel_id, request_id=op.request_id)


def _noted(books: Books, log: LogRow, note: str) -> LogRow:
    """Return `log` saying what it stands for, as a consumption of now if it has no time of its own."""
    content = f"{note}; {log.content}" if log.content else note
    return replace(
        log,
        content=content,
        type=log.type or LogType.CONSUME,
        created_at=log.created_at or books.now_ms // 1000,
    )


def _check_account(op: Op, row: Held | Reaped) -> None:
    if (op.user_id, op.token_id) != (row.user_id, row.token_id):
        raise ValueError(f"request {op.request_id} was reserved by another account")
