"""Log entries and sums, costs of single requests, traces."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from pydantic import Field

from adapters.pricing.figures import UNITS_PER_USD
from gateway.accounts import history
from gateway.accounts.refusals import Refused
from gateway.management import answers, shapes
from gateway.management.contract import Answer, Area
from gateway.management.guard import actor, author, for_all, for_role, visitor
from gateway.management.queries import Listing, Number, Query, Text
from gateway.management.shown.envelope import Data, Paged
from gateway.management.shown.history import LogEntry, RequestCost, Sum, TraceAnswer, TraceOfEntryAnswer
from storage.records import Role
from storage.repositories.logs import LogFilter
from storage.repositories.rows import Sort, as_id

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from gateway.services import Services
    from storage.records import TraceRow
    from storage.repositories.rows import Page

_DURATIONS = (
    ("processing_time", "request_received", "request_forwarded"),
    ("upstream_response_time", "request_forwarded", "first_upstream_response"),
    ("response_processing_time", "first_upstream_response", "first_client_response"),
    ("streaming_time", "first_client_response", "upstream_completed"),
    ("total_time", "request_received", "request_completed"),
)


class LogList(Listing):
    """Which page of entries, and in which order.

    Entries are sorted by `created_time`, `prompt_tokens`, `completion_tokens`, `quota` or `elapsed_time` only.
    """

    items_per_page: Number = Field(0, description="The same as `size`.")
    sort_by: Text = Field("", description="The same as `sort`.")
    sort_order: Text = Field("", description="The same as `order`.")

    def page_of_log(self, most: int) -> Page:
        """Return which page the client wants."""
        return self.model_copy(update={"size": self.items_per_page}).page(most) if self.size <= 0 else self.page(most)

    def sorting(self) -> Sort:
        """Return how the client wants the entries sorted."""
        if self.sort:
            return super().sorting()
        return Sort(self.sort_by, self.sort_order == "asc", "")


class OwnFilter(LogList):
    """Which of one's own entries."""

    type: Number = Field(0, description="1 top-up, 2 consumption, 3 management, 4 system; 0 all.")
    token_name: Text = ""
    model_name: Text = ""
    start_timestamp: Number = Field(0, description="Unix seconds, included.")
    end_timestamp: Number = Field(0, description="Unix seconds, included.")

    def filter(self, user_id: int | None) -> LogFilter:
        """Return it as storage takes it, for one person's entries."""
        return LogFilter(
            user_id=user_id,
            type=self.type,
            token_name=self.token_name,
            model_name=self.model_name,
            since=self.start_timestamp,
            until=self.end_timestamp,
        )


class Filter(OwnFilter):
    """Which entries."""

    username: Text = ""
    channel: Number = Field(0, description="The channel's number; 0 all.")

    def filter(self, user_id: int | None) -> LogFilter:
        """Return it as storage takes it."""
        return replace(super().filter(user_id), username=self.username, channel_id=self.channel)


class LogSearch(LogList):
    """Which entries, by their text."""

    keyword: Text = Field("", description="Part of the text.")


class Before(Query):
    """Up to when."""

    target_timestamp: Number = Field(0, description="Unix seconds; required.", examples=[1767225600])


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Area("logs", "Logs")
    _entries(area, services)
    _requests(area, services)
    return area.blueprint


def _entries(area: Area, services: Services) -> None:
    users, admins = for_role(Role.USER), for_role(Role.ADMIN)

    async def listed(wanted: LogFilter, asked: LogList) -> Response:
        page = asked.page_of_log(services.settings.max_items_per_page)
        rows, total = await history.list_entries(services, wanted, asked.sorting(), page)
        return answers.page([shapes.log(row) for row in rows], total)

    @area.on("GET", "/api/log/", admins, Answer(Paged[LogEntry]), asks=Filter)
    async def list_log(asked: Filter) -> Response:
        """List everybody's entries.

        Sorting within a range of more than 30 days is refused.
        """
        return await listed(asked.filter(None), asked)

    @area.on("GET", "/api/log/self", users, Answer(Paged[LogEntry]), asks=OwnFilter)
    async def list_own_log(asked: OwnFilter) -> Response:
        """List one's own entries."""
        return await listed(asked.filter(actor().id), asked)

    @area.on("GET", "/api/log/search", admins, Answer(Paged[LogEntry]), asks=LogSearch)
    async def search_log(asked: LogSearch) -> Response:
        """List everybody's entries whose text has a keyword in it."""
        return await listed(LogFilter(text=asked.keyword), asked)

    @area.on("GET", "/api/log/self/search", users, Answer(Paged[LogEntry]), asks=LogSearch)
    async def search_own_log(asked: LogSearch) -> Response:
        """List one's own entries whose text has a keyword in it."""
        return await listed(LogFilter(text=asked.keyword, user_id=actor().id), asked)

    @area.on("GET", "/api/log/stat", admins, Answer(Data[Sum], can_refuse=False), asks=Filter)
    async def sum_log(asked: Filter) -> Response:
        """Sum up what was charged, whatever `type` says."""
        return answers.data({"quota": await history.charged(services, asked.filter(None))})

    @area.on("GET", "/api/log/self/stat", users, Answer(Data[Sum], can_refuse=False), asks=OwnFilter)
    async def sum_own_log(asked: OwnFilter) -> Response:
        """Sum up what oneself was charged, whatever `type` says."""
        return answers.data({"quota": await history.charged(services, asked.filter(actor().id))})

    @area.on("DELETE", "/api/log/", admins, Answer(Data[int]), asks=Before)
    async def delete_old_log(asked: Before) -> Response:
        """Delete entries older than a moment, and return how many.

        Balances do not depend on them.
        """
        return answers.data(await history.forget_before(services, author(), asked.target_timestamp))


def _requests(area: Area, services: Services) -> None:
    users = for_role(Role.USER)

    @area.on("GET", "/api/cost/request/<request_id>", for_all(), Answer(RequestCost))
    async def cost_of_request(request_id: str) -> Response:
        """Tell what a request cost, for whoever knows its id. Kept for some days."""
        found = await history.cost_of(services, request_id)
        shown = asdict(found)
        shown["cost_usd"] = float(Decimal(found.quota) / UNITS_PER_USD)
        person = await visitor(services)
        if person is None or (person.role < Role.ADMIN and person.id != found.user_id):
            # Whoever holds the id may know the cost, yet not whose it was.
            del shown["user_id"]
        return answers.as_json(shown)

    @area.on("GET", "/api/trace/<trace_id>", users, Answer(TraceAnswer, can_refuse=False, also=(404,)))
    async def read_trace(trace_id: str) -> Response:
        """Tell when what happened to a request of one's own; any for administrators."""
        found = await history.trace_of(services, actor(), trace_id)
        return answers.as_json({"success": True, "data": _trace_json(found, _timestamps(found))})

    @area.on(
        "GET",
        "/api/trace/log/<log_id>",
        users,
        Answer(TraceOfEntryAnswer, can_refuse=False, also=(400, 404)),
    )
    async def read_trace_of_entry(log_id: str) -> Response:
        """Tell when what happened to the request of a log entry."""
        number = as_id(log_id)
        if number is None:
            raise Refused("invalid log_id parameter", status=400)
        found, entry = await history.trace_of_entry(services, actor(), number)
        stamps = _timestamps(found)
        shown = _trace_json(found, stamps)
        shown["durations"] = {
            name: stamps[end] - stamps[start] for name, start, end in _DURATIONS if start in stamps and end in stamps
        }
        names = ("id", "user_id", "username", "content", "type")
        shown["log"] = {name: getattr(entry, name) for name in names}
        return answers.as_json({"success": True, "data": shown})


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
