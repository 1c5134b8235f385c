"""The log as pages show it: entries with what is known of their requests, place by place."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict

from gateway.observe.redact import Redactor
from gateway.traffic.facts import read_detail
from gateway.traffic.names import find_user
from storage.records import LogType, Role
from storage.repositories import log_pages, requests, traces
from storage.repositories.log_pages import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from gateway.services import Services
    from storage.records import LogRow, TraceRow, User
    from storage.repositories.log_asked import Asked
    from storage.repositories.requests import FinishedRequest

FORMATS: dict[str, str] = {
    "chat_completions": "openai_chat",
    "responses": "openai_responses",
    "messages": "anthropic",
    "generate_content": "gemini",
}
"""The format in which a client asks at an endpoint, where there are several."""
LEAST_TOKENS = 20
"""Streams of fewer say nothing of a speed."""
_REDACTOR = Redactor()
_SORTED_BY = {
    "quota": "units",
    "prompt_tokens": "prompt_tokens",
    "completion_tokens": "completion_tokens",
    "elapsed_time": "took_ms",
}
"""What columns of `log_pages.SORTABLE` are called here."""


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
    group: str = ""
    session: str = ""
    address: str = ""
    """The client's."""
    spoken: str = ""
    """The format in which the provider was asked; empty where it is not known, or there is no choice."""
    was_counted: bool = False
    """The provider did not report all that was used, so it was counted here."""

    @property
    def format(self) -> str:
        """The client's format, empty where there is no choice."""
        return FORMATS.get(self.endpoint, "")

    @property
    def is_converted(self) -> bool:
        """Whether the provider was asked in another format than the client's."""
        return bool(self.spoken and self.format and self.spoken != self.format)

    @property
    def is_mapped(self) -> bool:
        """Whether the provider was asked for another model than the client named."""
        return bool(self.asked_model and self.asked_model != self.model)

    @property
    def speed(self) -> float | None:
        """Tokens per second since the first content; `None` where nothing was measured that says so."""
        if not self.is_stream or self.first_ms is None or self.completion_tokens < LEAST_TOKENS:
            return None
        flow_ms = self.took_ms - self.first_ms
        return self.completion_tokens * 1000 / flow_ms if flow_ms > 0 else None

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
    reached: Place | None = None
    """Where it was stopped looking, since what fits is rare; `None`: as far as there are entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What somebody wants to see: which entries, in which order; sorted only where `logs` alone can tell."""

    asked: Asked
    sort: str = ""
    ascending: bool = False
    """Of what is sorted: from the smallest on."""


def for_actor(actor: User, asked: Asked) -> Asked:
    """Narrow what is asked to what the actor may see: everything for administrators, else their own."""
    return asked if actor.role >= Role.ADMIN else replace(asked, user_id=actor.id, username="", channel_id=0)


async def asked_by(services: Services, actor: User, asked: Asked) -> Asked:
    """Return what is asked as `for_actor` does, with somebody's number in place of a name, since those are indexed.

    A name that no account has any more stays a name.
    """
    asked = for_actor(actor, asked)
    number = await find_user(services, asked.username) if asked.username else 0
    return replace(asked, user_id=number, username="") if number else asked


async def read_page(
    services: Services, actor: User, look: Look, *, place: Place | None = None, newer: bool = False, size: int
) -> LogPage:
    """Return the entries after `place` (`newer`: before it), or the newest."""
    look = replace(look, asked=await asked_by(services, actor, look.asked))
    found, reached = await _entries(services, look, place, newer=newer, limit=size + 1)
    has_more = len(found) > size
    found = found[:size]
    if newer:
        found.reverse()
    if not found:
        return LogPage(entries=[], older=reached, newer=None if newer else place, reached=reached)
    entries = await _with_requests(services, found)
    return LogPage(
        entries=entries if actor.role >= Role.ADMIN else [own(entry) for entry in entries],
        older=entries[-1].place if has_more or newer else reached,
        newer=entries[0].place if (has_more if newer else place is not None) else None,
        reached=reached if not has_more else None,
    )


async def neighbours(services: Services, actor: User, look: Look, entry: Entry) -> tuple[str, str]:
    """Return the keys of the entries that stand before and after one in a list; empty where there is none."""
    look = replace(look, asked=await asked_by(services, actor, look.asked))
    place = entry.place
    if look.sort and not entry.key.startswith("f"):
        value = getattr(entry, _SORTED_BY[look.sort])
        place = Place(value, log_pages.LOG, entry.type, place.id)
    keys: list[str] = []
    for newer in (True, False):
        found, _reached = await _entries(services, look, place, newer=newer, limit=1)
        keys.append(found[0].key if found else "")
    return keys[0], keys[1]


async def about_how_many(services: Services) -> int:
    """Return about how many entries the log has."""
    return await services.log_database.read(log_pages.size)


async def count_newer(services: Services, actor: User, look: Look, place: Place, *, most: int) -> int:
    """Return how many entries came before `place`, up to `most`."""
    look = replace(look, asked=await asked_by(services, actor, look.asked))
    found, _reached = await _entries(services, look, place, newer=True, limit=most)
    return len(found)


# --- reading -----------------------------------------------------------------------------------------------


def own(entry: Entry) -> Entry:
    """Return an entry as its owner sees it: whose channels serve is the site's own business."""
    return replace(entry, channel="", channel_id=0)


async def _entries(
    services: Services, look: Look, place: Place | None, *, newer: bool, limit: int
) -> tuple[list[Entry], Place | None]:
    """Return entries of both sources, nearest to `place` first, and where it was stopped looking."""
    asked, names = look.asked, services.registry.current.channels

    def label(channel_id: int) -> str:
        view = names.get(channel_id)
        return view.name if view is not None else ""

    if asked.only_requests:
        rows, reached = await services.database.read(
            lambda conn: log_pages.request_entries(conn, asked, place, newer=newer, limit=limit)
        )
        return [of_request(row, label(row.channel_id)) for row in rows], reached
    entries = [
        of_log(row, label(row.channel_id), sort=look.sort)
        for row in await services.log_database.read(
            lambda conn: log_pages.log_entries(
                conn, asked, place, newer=newer != (bool(look.sort) and look.ascending), limit=limit, sort=look.sort
            )
        )
    ]
    if look.sort or not asked.wants_failures:
        return entries, None
    uncharged = await services.database.read(
        lambda conn: log_pages.uncharged_requests(conn, asked, place, newer=newer, limit=limit)
    )
    entries += [of_request(row, label(row.channel_id)) for row in uncharged]
    entries.sort(key=_order, reverse=not newer)
    return entries[:limit], None


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
        error=masked(row.error),
        request_id=row.request_id,
        trace_id=row.trace_id,
        **_of_detail(row),
    )


def masked(text: str) -> str:
    """Return what a provider said without what looks like a secret: some quote the key that they refuse."""
    return _REDACTOR.text(text) if text else ""


class _Known(TypedDict):
    group: str
    session: str
    address: str
    spoken: str
    was_counted: bool


def _of_detail(row: FinishedRequest) -> _Known:
    """Return what a line shows of what is kept of a request beside its columns."""
    detail = read_detail(row.detail)
    return {
        "group": row.user_group or detail.group,
        "session": row.session,
        "address": detail.address,
        "spoken": detail.tries[-1].spoken if detail.tries else "",
        "was_counted": detail.bill is not None and detail.bill.is_counted,
    }


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
            error=masked(request.error),
            **_of_detail(request),
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
