"""The log as pages show it: entries with what is known of their requests, place by place, and as CSV."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from storage.records import LogType, Role
from storage.repositories import log_pages, requests, traces

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sqlalchemy import Connection

    from gateway.services import Services
    from storage.records import LogRow, TraceRow, User
    from storage.repositories.log_pages import Asked, Place, Total
    from storage.repositories.requests import FinishedRequest

VIEWS = ("all", "failed", "retried")
_EXPORTED_AT_ONCE = 500
# Cells that spreadsheets would take for formulas.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the log. Names of channels are for administrators; `first_ms` and `status` `None`: not known."""

    key: str
    """What its page is called: a number of `logs`, or `f` and one of `gw_requests`."""
    place: Place
    at: float
    type: int
    user_id: int = 0
    username: str = ""
    token_name: str = ""
    model: str = ""
    asked_model: str = ""
    channel_id: int = 0
    channel: str = ""
    """Empty for a channel that is gone."""
    units: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    took_ms: int = 0
    first_ms: int | None = None
    status: int | None = None
    outcome: str = ""
    """As in `RelaySummary`; empty where nothing is known."""
    attempts: int = 0
    endpoint: str = ""
    is_stream: bool = False
    prompt_reset: bool = False
    error: str = ""
    content: str = ""
    request_id: str = ""
    trace_id: str = ""

    @property
    def is_request(self) -> bool:
        """Whether a program sent it; otherwise it tells of money, people or tests."""
        return self.type == LogType.CONSUME

    @property
    def has_failed(self) -> bool:
        """Whether it is known to have failed."""
        return self.outcome not in ("", "ok")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """Some entries, newest first, and where to go on; `None` where there are no more."""

    entries: list[Entry]
    older: Place | None = None
    newer: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What somebody wants to see: which entries, of which view, in which order."""

    asked: Asked
    view: str = "all"
    sort: str = ""


def for_actor(actor: User, asked: Asked) -> Asked:
    """Narrow what is asked to what the actor may see: everything for administrators, else their own."""
    return asked if actor.role >= Role.ADMIN else replace(asked, user_id=actor.id, username="", channel_id=0)


async def read_page(
    services: Services, actor: User, look: Look, *, place: Place | None = None, newer: bool = False, size: int
) -> LogPage:
    """Return the entries after `place` (`newer`: before it), or the newest."""
    look = replace(look, asked=for_actor(actor, look.asked))
    found = await _entries(services, look, place, newer=newer, limit=size + 1)
    has_more = len(found) > size
    found = found[:size]
    if newer:
        found.reverse()
    if not found:
        return LogPage(entries=[])
    entries = await _with_requests(services, found)
    return LogPage(
        entries=entries if actor.role >= Role.ADMIN else [replace(entry, channel="") for entry in entries],
        older=entries[-1].place if has_more or newer else None,
        newer=entries[0].place if (has_more if newer else place is not None) else None,
    )


async def sum_up(services: Services, actor: User, look: Look) -> tuple[Total, int]:
    """Return the sums over a filter, and how many requests failed without a charge. Reads all that fits."""
    asked = for_actor(actor, look.asked)
    sums = await services.log_database.read(lambda conn: log_pages.total(conn, asked))
    failed = 0
    if asked.wants_failures:
        failed = await services.database.read(lambda conn: log_pages.count_uncharged(conn, asked))
    return sums, failed


async def about_how_many(services: Services) -> int:
    """Return about how many entries the log has."""
    return await services.log_database.read(log_pages.size)


async def export_csv(services: Services, actor: User, look: Look) -> AsyncIterator[str]:
    """Give all that fits as CSV, piece by piece, however much that is. A byte order mark tells Excel it is UTF-8."""
    is_admin = actor.role >= Role.ADMIN
    yield "\ufeff" + _csv([_COLUMNS if is_admin else [name for name in _COLUMNS if name not in _FOR_ADMINS]])
    place: Place | None = None
    while True:
        page = await read_page(services, actor, look, place=place, size=_EXPORTED_AT_ONCE)
        if page.entries:
            yield _csv([_cells(entry, is_admin=is_admin) for entry in page.entries])
        if page.older is None:
            return
        place = page.older


# --- reading -----------------------------------------------------------------------------------------------


async def _entries(services: Services, look: Look, place: Place | None, *, newer: bool, limit: int) -> list[Entry]:
    """Return entries of both sources, nearest to `place` first."""
    asked, names = look.asked, services.registry.current.channels

    def label(channel_id: int) -> str:
        view = names.get(channel_id)
        return view.name if view is not None else ""

    if look.view in ("failed", "retried"):
        read = log_pages.failed_requests if look.view == "failed" else log_pages.retried_requests
        rows = await services.database.read(lambda conn: read(conn, asked, place, newer=newer, limit=limit))
        return [of_request(row, label(row.channel_id)) for row in rows]
    entries = [
        of_log(row, label(row.channel_id), sort=look.sort)
        for row in await services.log_database.read(
            lambda conn: log_pages.log_entries(conn, asked, place, newer=newer, limit=limit, sort=look.sort)
        )
    ]
    if look.sort or not asked.wants_failures:
        return entries
    uncharged = await services.database.read(
        lambda conn: log_pages.uncharged_requests(conn, asked, place, newer=newer, limit=limit)
    )
    entries += [of_request(row, label(row.channel_id)) for row in uncharged]
    entries.sort(key=_order, reverse=not newer)
    return entries[:limit]


def _order(entry: Entry) -> tuple[int, int, int, int]:
    place = entry.place
    return place.second, -place.source, place.within, place.id


def of_log(row: LogRow, channel: str, *, sort: str = "") -> Entry:
    """Return the entry of a row of `logs`."""
    return Entry(
        key=str(row.id),
        place=log_pages.place_of_log(row, sort),
        at=row.created_at,
        type=row.type,
        user_id=row.user_id,
        username=row.username,
        token_name=row.token_name,
        model=row.model_name,
        channel_id=row.channel_id,
        channel=channel,
        units=row.quota,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        cached_tokens=row.cached_prompt_tokens,
        took_ms=row.elapsed_time,
        is_stream=row.is_stream,
        prompt_reset=row.system_prompt_reset,
        content=row.content,
        request_id=row.request_id,
        trace_id=row.trace_id,
    )


def of_request(row: FinishedRequest, channel: str) -> Entry:
    """Return the entry of a request, charged or not."""
    return Entry(
        key=f"f{row.id}",
        place=log_pages.place_of_request(row),
        at=row.finished_at / 1000,
        type=LogType.CONSUME,
        user_id=row.user_id,
        username=row.username,
        token_name=row.token_name,
        model=row.sent_model or row.model,
        asked_model=row.model,
        channel_id=row.channel_id,
        channel=channel,
        units=row.units,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        cached_tokens=row.cached_tokens,
        took_ms=row.duration_ms,
        first_ms=row.first_ms,
        status=row.status,
        outcome=row.outcome,
        attempts=row.attempts,
        endpoint=row.endpoint,
        is_stream=row.is_stream,
        error=row.error,
        request_id=row.request_id,
        trace_id=row.trace_id,
    )


async def _with_requests(services: Services, entries: Sequence[Entry]) -> list[Entry]:
    """Add to entries of `logs` what is known of their requests; of older ones their traces tell a little."""
    charged = [entry for entry in entries if entry.is_request and not entry.key.startswith("f")]
    if not charged:
        return list(entries)

    def work(conn: Connection) -> tuple[dict[str, FinishedRequest], dict[str, TraceRow]]:
        known = requests.of_requests(conn, [entry.request_id for entry in charged])
        strangers = [entry.trace_id for entry in charged if entry.request_id not in known]
        return known, traces.by_trace_ids(conn, strangers)

    known, traced = await services.database.read(work)
    return [joined(entry, known.get(entry.request_id), traced.get(entry.trace_id)) for entry in entries]


def joined(entry: Entry, request: FinishedRequest | None, trace: TraceRow | None) -> Entry:
    """Return an entry of `logs` with what its request or, failing that, its trace tells."""
    if entry.key.startswith("f") or not entry.is_request:
        return entry
    if request is not None:
        return replace(
            entry,
            asked_model=request.model,
            first_ms=request.first_ms,
            status=request.status,
            outcome=request.outcome,
            attempts=request.attempts,
            endpoint=request.endpoint,
            error=request.error,
        )
    if trace is not None:
        stamps = read_stamps(trace)
        began, first = stamps.get("request_received"), stamps.get("first_client_response")
        return replace(
            entry,
            status=trace.status or None,
            first_ms=max(first - began, 0) if began is not None and first is not None else None,
        )
    return entry


def read_stamps(trace: TraceRow) -> dict[str, int]:
    """Return the steps of a trace and when they happened, in Unix milliseconds."""
    try:
        stored = json.loads(trace.timestamps or "{}")
    except ValueError:
        return {}
    if not isinstance(stored, dict):
        return {}
    return {name: value for name, value in stored.items() if isinstance(value, int) and value > 0}


# --- CSV ---------------------------------------------------------------------------------------------------

_COLUMNS = [
    "time",
    "type",
    "status",
    "outcome",
    "model",
    "asked_model",
    "channel_id",
    "channel",
    "user",
    "token",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "quota",
    "first_ms",
    "total_ms",
    "stream",
    "attempts",
    "endpoint",
    "request_id",
    "trace_id",
    "error",
    "content",
]
_FOR_ADMINS = frozenset(("channel_id", "channel"))
_TYPES = {1: "topup", 2: "consume", 3: "manage", 4: "system", 5: "test"}


def _cells(entry: Entry, *, is_admin: bool) -> list[object]:
    values: dict[str, object] = {
        "time": datetime.fromtimestamp(entry.at, UTC).isoformat(timespec="seconds"),
        "type": _TYPES.get(entry.type, entry.type),
        "status": entry.status,
        "outcome": entry.outcome,
        "model": entry.model,
        "asked_model": entry.asked_model,
        "channel_id": entry.channel_id or None,
        "channel": entry.channel,
        "user": entry.username,
        "token": entry.token_name,
        "prompt_tokens": entry.prompt_tokens,
        "cached_tokens": entry.cached_tokens,
        "completion_tokens": entry.completion_tokens,
        "quota": entry.units,
        "first_ms": entry.first_ms,
        "total_ms": entry.took_ms,
        "stream": str(entry.is_stream).lower(),
        "attempts": entry.attempts or None,
        "endpoint": entry.endpoint,
        "request_id": entry.request_id,
        "trace_id": entry.trace_id,
        "error": entry.error,
        "content": entry.content,
    }
    return [_tame(value) for name, value in values.items() if is_admin or name not in _FOR_ADMINS]


def _tame(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULAS):
        return f"'{value}"
    return value


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
