"""Log entries and sums, costs of single requests, traces."""

from __future__ import annotations

import json
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING

from quart import Blueprint, Response

from adapters.pricing.figures import UNITS_PER_USD
from gateway.accounts import history
from gateway.accounts.refusals import Refused
from gateway.management import answers, shapes
from gateway.management.guard import actor, anybody, needs, visitor
from gateway.management.payloads import integer, query, wanted_page, wanted_sort
from storage.records import Role
from storage.repositories.logs import LogFilter
from storage.repositories.rows import Sort, as_id

if TYPE_CHECKING:
    from gateway.services import Services
    from storage.records import TraceRow

_DURATIONS = (
    ("processing_time", "request_received", "request_forwarded"),
    ("upstream_response_time", "request_forwarded", "first_upstream_response"),
    ("response_processing_time", "first_upstream_response", "first_client_response"),
    ("streaming_time", "first_client_response", "upstream_completed"),
    ("total_time", "request_received", "request_completed"),
)


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Blueprint("logs", __name__)
    _entries(area, services)
    _requests(area, services)
    return area


def _entries(area: Blueprint, services: Services) -> None:
    async def listed(wanted: LogFilter) -> Response:
        page = wanted_page(services.settings.max_items_per_page, synonym="items_per_page")
        rows, total = await history.list_entries(services, wanted, _sort(), page)
        return answers.page([shapes.log(row) for row in rows], total)

    @area.get("/api/log/")
    @needs(Role.ADMIN)
    async def all_entries() -> Response:
        return await listed(_filter())

    @area.get("/api/log/self")
    @needs(Role.USER)
    async def own_entries() -> Response:
        return await listed(_filter(actor().id))

    @area.get("/api/log/search")
    @needs(Role.ADMIN)
    async def search() -> Response:
        return await listed(LogFilter(text=query("keyword")))

    @area.get("/api/log/self/search")
    @needs(Role.USER)
    async def search_own() -> Response:
        return await listed(LogFilter(text=query("keyword"), user_id=actor().id))

    @area.get("/api/log/stat")
    @needs(Role.ADMIN)
    async def sum_of_all() -> Response:
        return answers.data({"quota": await history.charged(services, _filter())})

    @area.get("/api/log/self/stat")
    @needs(Role.USER)
    async def sum_of_own() -> Response:
        return answers.data({"quota": await history.charged(services, _filter(actor().id))})

    @area.delete("/api/log/")
    @needs(Role.ADMIN)
    async def forget() -> Response:
        return answers.data(await history.forget_before(services, integer("target_timestamp")))


def _requests(area: Blueprint, services: Services) -> None:
    @area.get("/api/cost/request/<request_id>")
    @anybody()
    async def cost(request_id: str) -> Response:
        found = await history.cost_of(services, request_id)
        shown = asdict(found)
        shown["cost_usd"] = float(Decimal(found.quota) / UNITS_PER_USD)
        person = await visitor(services)
        if person is None or (person.role < Role.ADMIN and person.id != found.user_id):
            # Whoever holds the id may know the cost, yet not whose it was.
            del shown["user_id"]
        return answers.as_json(shown)

    @area.get("/api/trace/<trace_id>")
    @needs(Role.USER)
    async def trace(trace_id: str) -> Response:
        found = await history.trace_of(services, actor(), trace_id)
        return answers.as_json({"success": True, "data": _trace_json(found, _timestamps(found))})

    @area.get("/api/trace/log/<number>")
    @needs(Role.USER)
    async def trace_by_entry(number: str) -> Response:
        log_id = as_id(number)
        if log_id is None:
            raise Refused("invalid log_id parameter", status=400)
        found, entry = await history.trace_of_entry(services, actor(), log_id)
        stamps = _timestamps(found)
        shown = _trace_json(found, stamps)
        shown["durations"] = {
            name: stamps[end] - stamps[start] for name, start, end in _DURATIONS if start in stamps and end in stamps
        }
        names = ("id", "user_id", "username", "content", "type")
        shown["log"] = {name: getattr(entry, name) for name in names}
        return answers.as_json({"success": True, "data": shown})


def _filter(user_id: int | None = None) -> LogFilter:
    """Read the filter of the query; with `user_id` only that person's entries, whatever the query says."""
    is_own = user_id is not None
    return LogFilter(
        user_id=user_id,
        type=integer("type"),
        username="" if is_own else query("username"),
        token_name=query("token_name"),
        model_name=query("model_name"),
        channel_id=0 if is_own else integer("channel"),
        since=integer("start_timestamp"),
        until=integer("end_timestamp"),
    )


def _sort() -> Sort:
    sort = wanted_sort()
    return sort if sort.column else wanted_sort(column="sort_by", order="sort_order")


def _timestamps(trace: TraceRow) -> dict[str, int]:
    try:
        stored = json.loads(trace.timestamps or "{}")
    except ValueError:
        return {}
    if not isinstance(stored, dict):
        return {}
    return {name: value for name, value in stored.items() if isinstance(value, int) and value > 0}


def _trace_json(trace: TraceRow, stamps: dict[str, int]) -> dict[str, object]:
    return asdict(trace) | {"timestamps": stamps}
