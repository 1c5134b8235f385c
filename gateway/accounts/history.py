"""What happened: log entries, sums, costs of single requests, traces. Owners see their own, administrators all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.accounts.refusals import NotFound, Refused
from gateway.audit.trail import note
from storage.records import Role
from storage.repositories import costs, logs, messages, requests, traces, usage_rolled

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.audit.author import Author
    from gateway.services import Services
    from storage.records import LogRow, RequestCost, TraceRow, User
    from storage.repositories.logs import LogFilter
    from storage.repositories.rows import Page, Sort

LONGEST_SORTED_RANGE_S = 30 * 86_400
# A transaction of this size takes a blink, so that charges get their turn in between.
_DELETED_AT_ONCE = 2_000
_LATEST_S = 2**52


async def list_entries(services: Services, wanted: LogFilter, sort: Sort, page: Page) -> tuple[list[LogRow], int]:
    """Return one page of entries. Sorting a range of more than 30 days is refused: no index helps with it."""
    if sort.column and wanted.since and wanted.until and wanted.until - wanted.since > LONGEST_SORTED_RANGE_S:
        raise Refused("Date range for sorting cannot exceed 30 days")
    return await services.log_database.read(lambda conn: logs.page(conn, wanted, sort, page))


async def charged(services: Services, wanted: LogFilter) -> int:
    """Return the sum of charges that fit."""
    return await services.log_database.read(lambda conn: logs.charged(conn, wanted))


async def forget_before(services: Services, author: Author, moment: int) -> int:
    """Delete what is older than `moment` (Unix seconds), a little at a time, and return how many entries that was.

    Balances do not depend on them. What pages know of requests of that time is forgotten, too, and what was recorded.
    Raises `Refused`.
    """
    if moment <= 0:
        raise Refused("target timestamp is required")
    count = 0
    while True:
        gone = await services.log_database.write(lambda conn: logs.remove_before(conn, moment, _DELETED_AT_ONCE))
        if not gone:
            break
        count += gone
    await services.database.write(lambda conn: usage_rolled.forget_usage(conn, min(moment, _LATEST_S)))
    before_ms = min(moment, _LATEST_S) * 1000

    def work(conn: Connection) -> int:
        place = {"before_ms": before_ms, "limit": _DELETED_AT_ONCE}
        return (
            requests.delete_requests(conn, **place)
            + requests.delete_attempts(conn, **place)
            + messages.delete_before(conn, **place)
        )

    while await services.database.write(work):
        pass
    done = {"before": ["", moment], "entries": ["", count]}
    await services.database.write(lambda conn: note(conn, author, "log.clear", changes=done))
    return count


async def count_before(services: Services, moment: int) -> int:
    """Return how many entries are older than `moment`."""
    return await services.log_database.read(lambda conn: logs.count_before(conn, moment))


async def cost_of(services: Services, request_id: str) -> RequestCost:
    """Return what a request cost."""
    found = await services.database.read(lambda conn: costs.by_request_id(conn, request_id))
    if found is None:
        raise NotFound("no cost is known for this request")
    return found


async def trace_of(services: Services, actor: User, trace_id: str) -> TraceRow:
    """Return a trace of the actor's own, or any for administrators."""
    trace = await services.database.read(lambda conn: traces.by_trace_id(conn, trace_id))
    if trace is not None and actor.role < Role.ADMIN:
        entries = await services.log_database.read(lambda conn: logs.of_trace(conn, trace_id))
        if all(entry.user_id != actor.id for entry in entries):
            trace = None
    if trace is None:
        raise NotFound("trace not found", status=404)
    return trace


async def trace_of_entry(services: Services, actor: User, log_id: int) -> tuple[TraceRow, LogRow]:
    """Return the trace behind a log entry, and the entry."""
    entry = await services.log_database.read(lambda conn: logs.by_id(conn, log_id))
    if entry is None or (actor.role < Role.ADMIN and entry.user_id != actor.id):
        raise NotFound("log not found", status=404)
    if not entry.trace_id:
        raise NotFound("no trace information available for this log entry", status=404)

    def work(conn: Connection) -> TraceRow | None:
        return traces.by_trace_id(conn, entry.trace_id)

    trace = await services.database.read(work)
    if trace is None:
        raise NotFound("trace information not found", status=404)
    return trace, entry
