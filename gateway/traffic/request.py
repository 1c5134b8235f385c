"""One request in detail: its entry, its attempts, and when each of its steps happened."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from gateway.accounts.refusals import NotFound
from gateway.traffic.facts import Bill, Detail, read_detail
from gateway.traffic.log import Entry, joined, masked, of_log, of_request, own, read_stamps
from storage.records import Role
from storage.repositories import logs, requests, traces
from storage.repositories.rows import as_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from gateway.services import Services
    from storage.records import LogRow, TraceRow, User
    from storage.repositories.requests import FinishedRequest

_OLD_BILL = re.compile(r"model rate ([\d.]+), group rate ([\d.]+), completion rate ([\d.]+)")
# Units of a ratio of 1 are worth 2 USD per million tokens.
_USD_PER_RATIO = 2.0
_MOST_OTHERS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPage:
    """All that is kept of one entry."""

    entry: Entry
    detail: Detail | None = None
    """`None`: this gateway did not serve it, or it is older than what is kept."""
    stamps: Mapping[str, int]
    """Steps of its trace, in Unix milliseconds; empty when there is none."""
    path: str = ""
    method: str = ""
    size: int = 0
    bill: Bill | None = None
    others: Sequence[Entry] = ()
    """Some more of the same session or trace, newest first."""


async def read_request(services: Services, actor: User, key: str) -> RequestPage:
    """Return an entry of the actor's own, or any for administrators. Raises `NotFound`."""
    is_request = key.startswith("f")
    number = as_id(key.removeprefix("f"))
    if number is None:
        raise NotFound("log not found", status=404)
    row: LogRow | None = None
    request: FinishedRequest | None = None
    if is_request:
        request = await services.database.read(lambda conn: requests.by_id(conn, number))
        owner = request.user_id if request is not None else 0
    else:
        row = await services.log_database.read(lambda conn: logs.by_id(conn, number))
        owner = row.user_id if row is not None else 0
    if (row is None and request is None) or (actor.role < Role.ADMIN and owner != actor.id):
        raise NotFound("log not found", status=404)
    trace_id = row.trace_id if row is not None else request.trace_id if request is not None else ""

    def work(conn: Connection) -> tuple[FinishedRequest | None, TraceRow | None]:
        known = request
        if known is None and row is not None and row.request_id:
            known = requests.by_request_id(conn, row.request_id)
        return known, traces.by_trace_id(conn, trace_id) if trace_id else None

    request, trace = await services.database.read(work)
    page = _page(services, actor, row, request, trace)
    return replace(page, others=await _others(services, actor, page.entry))


async def _others(services: Services, actor: User, entry: Entry) -> list[Entry]:
    """Return some more requests of the same session or trace that the actor may see."""
    owner = None if actor.role >= Role.ADMIN else actor.id
    found: list[Entry] = []
    if entry.session:
        rows = await services.database.read(
            lambda conn: requests.of_session(conn, entry.session, user_id=owner, limit=_MOST_OTHERS + 1)
        )
        found = [of_request(row, "") for row in rows if row.request_id != entry.request_id]
    if entry.trace_id and not found:
        logged = await services.log_database.read(lambda conn: logs.of_trace(conn, entry.trace_id))
        found = [
            of_log(row, "")
            for row in logged
            if str(row.id) != entry.key
            and (not entry.request_id or row.request_id != entry.request_id)
            and owner in (None, row.user_id)
        ]
    return [own(other) for other in found[:_MOST_OTHERS]]


def _page(
    services: Services, actor: User, row: LogRow | None, request: FinishedRequest | None, trace: TraceRow | None
) -> RequestPage:
    is_admin = actor.role >= Role.ADMIN
    channel_id = row.channel_id if row is not None else request.channel_id if request is not None else 0
    view = services.registry.current.channels.get(channel_id)
    label = view.name if view is not None and is_admin else ""
    if row is not None:
        entry = joined(of_log(row, label), request, trace)
    else:
        assert request is not None, "either is there"  # noqa: S101
        entry = of_request(request, label)
    detail = read_detail(request.detail) if request is not None else None
    if detail is not None and not is_admin:
        # Whose channels they were, and what their providers said to us, is the site's own business.
        tries = [
            msgspec.structs.replace(tried, channel="", channel_id=0, error="", path="", priority=0, weight=0, key="")
            for tried in detail.tries
        ]
        detail = msgspec.structs.replace(detail, tries=tries, candidates=0)
        entry = own(entry)
    elif detail is not None:
        tries = [msgspec.structs.replace(tried, error=masked(tried.error)) for tried in detail.tries]
        detail = msgspec.structs.replace(detail, tries=tries)
    return RequestPage(
        entry=entry,
        detail=detail,
        stamps=read_stamps(trace) if trace is not None else {},
        # Without its query, which may hold a key.
        path=(trace.url if trace is not None else detail.path if detail is not None else "").partition("?")[0],
        method=trace.method if trace is not None else "",
        size=trace.body_size if trace is not None else detail.size if detail is not None else 0,
        bill=detail.bill if detail is not None and detail.bill is not None else _bill_of(entry),
    )


def _bill_of(entry: Entry) -> Bill | None:
    """Read the prices out of the text that one-api writes; they are rounded to a hundredth there."""
    found = _OLD_BILL.search(entry.content)
    if found is None:
        return None
    ratio, group, completion = (float(text) for text in found.groups())
    return Bill(input_usd=ratio * _USD_PER_RATIO, output_usd=ratio * completion * _USD_PER_RATIO, group_ratio=group)


async def key_of(services: Services, request_id: str) -> str:
    """Return the key under which `read_request` knows a request, empty while it is not stored yet.

    Who may read it is asked there.
    """
    request = await services.database.read(lambda conn: requests.by_request_id(conn, request_id))
    if request is None:
        return ""
    if request.logged and request.trace_id:
        rows = await services.log_database.read(lambda conn: logs.of_trace(conn, request.trace_id))
        if rows:
            return str(rows[0].id)
    return f"f{request.id}"
