"""The list of channels: what it is narrowed by, what it shows, and its export."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from admin_ui.arrangement import Column, arrange
from admin_ui.exports import file_response, instant
from admin_ui.i18n import _
from admin_ui.lists import read_query
from gateway.channels import directory
from gateway.channels.balances import has_balance
from gateway.channels.labels import read_labels, read_tags
from gateway.management.guard import needs
from storage.records import Channel, ChannelStatus, Role
from storage.repositories.channel_lists import OWN, WantedChannels
from storage.repositories.channels import SORTABLE
from storage.repositories.rows import Page, Sort

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from quart import Blueprint, Response

    from adapters.providers.provider import Provider
    from admin_ui.arrangement import Arrangement
    from admin_ui.lists import ListQuery
    from admin_ui.ui import Ui
    from gateway.channels.directory import Known
    from storage.repositories.channel_labels import Label

LIST = "/channels"
_STATES = {"enabled": "1", "disabled": "2", "auto": "3", "suspended": "suspended", "draining": "draining"}
OFF = (ChannelStatus.DISABLED, ChannelStatus.AUTO_DISABLED)
_STALE_S = 7 * 86_400
# What ran on a channel when it was switched off seldom runs longer.
_DRAINS_S = 3600
_EXPORTED = (
    "id", "name", "type", "state", "models", "groups", "priority", "weight", "base_url", "used_units", "balance_usd",
    "tested", "test_ms", "created", "tag", "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of the list, and what is known of each by its id."""

    query: ListQuery
    rows: Sequence[Channel]
    known: Mapping[int, Known]
    providers: Mapping[int, Provider]
    running: Mapping[int, int]
    troubles: Mapping[int, str]

    def tells_balance(self, row: Channel) -> bool:
        """Say whether a row's provider can be asked what is left."""
        provider = self.providers.get(row.type)
        return provider is not None and has_balance(provider)


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get(LIST)
    @needs(Role.ADMIN)
    async def channels() -> Response:
        query = channel_query(ui)
        view = query.filters["view"]
        troubles = await directory.troubles(ui.services) if view == "attention" else {}
        running = await running_by_channel(ui) if query.filters["status"] == "draining" else Counter[int]()
        wanted = narrowed(ui, query, troubles, running)
        order = Sort() if view == "tiers" else query.order
        rows, total = await directory.list_channels(ui.services, wanted, order, query.rows)
        return ui.page(
            "pages/channels.html",
            query=query,
            total=total,
            arranged=await arranged(ui, query),
            type_filter=_types_in_use(ui),
            groups=list(ui.options.group_ratio),
            tags=await read_tags(ui.services),
            tiers=await directory.read_tiers(ui.services) if view == "tiers" else {},
            shown=await rows_of(ui, query, rows, troubles),
        )

    @area.get("/channels/export.<kind>")
    @needs(Role.ADMIN)
    async def export_channels(kind: str) -> Response:
        query = channel_query(ui)
        wanted = await wanted_channels(ui, query)
        types = {provider.id: provider.name for provider in ui.services.catalogue.providers}

        async def read(page: Page) -> tuple[list[tuple[Channel, Label]], int]:
            rows, total = await directory.list_channels(ui.services, wanted, query.order, page)
            labels = await read_labels(ui.services, [row.id for row in rows])
            return [(row, labels[row.id]) for row in rows], total

        return file_response("channels", kind, _EXPORTED, read, lambda pair: _cells(*pair, types))


def channel_query(ui: Ui, address: str | None = None) -> ListQuery:
    """Read what somebody wants of the list of channels."""
    used = {view.type for view in ui.services.registry.current.channels.values()}
    types = {p.key: str(p.id) for p in ui.services.catalogue.providers}
    groups = list(ui.options.group_ratio)
    return read_query(
        columns=(*SORTABLE, *directory.DAY_SORTS),
        filters={
            "status": tuple(_STATES.values()),
            "type": tuple(types.values()),
            "group": groups,
            "model": None,
            "tag": None,
            "has": tuple(OWN),
            "tested": ("stale",),
            "id": None,
            "view": ("attention", "tiers"),
        },
        choices={
            "status": _STATES,
            "type": {key: number for key, number in types.items() if int(number) in used},
            "group": {name: name for name in groups},
            "has": {name: name for name in OWN},
            "tested": {"stale": "stale"},
            "view": {"attention": "attention", "tiers": "tiers"},
        },
        address=address,
    )


async def wanted_channels(ui: Ui, query: ListQuery) -> WantedChannels:
    """Return which rows that is."""
    troubles = await directory.troubles(ui.services) if query.filters["view"] == "attention" else {}
    running = await running_by_channel(ui) if query.filters["status"] == "draining" else Counter[int]()
    return narrowed(ui, query, troubles, running)


def narrowed(ui: Ui, query: ListQuery, troubles: Mapping[int, str], running: Mapping[int, int]) -> WantedChannels:
    """Return which rows that is, with what it takes to know that."""
    filters = query.filters
    status, number = filters["status"], filters["id"]
    among: list[int] | None = None
    if status == "suspended":
        among = sorted(directory.suspended_ids(ui.services))
    elif status == "draining":
        views = ui.services.registry.current.channels
        among = [n for n in running if n in views and views[n].status in OFF]
    enabled = status == "suspended"
    return WantedChannels(
        text=query.q,
        # A number that no id can be finds nothing.
        id=(int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0) if number else None,
        status=int(ChannelStatus.ENABLED) if enabled else int(status) if status.isdigit() else None,
        type=int(filters["type"]) if filters["type"] else None,
        group=filters["group"],
        model=filters["model"],
        tag=filters["tag"],
        own=filters["has"],
        untested_since=int(time.time()) - _STALE_S if filters["tested"] else 0,
        among=among,
        troubled=troubles if filters["view"] == "attention" else None,
    )


async def arranged(ui: Ui, query: ListQuery) -> Arrangement:
    """Return the columns and views of the list."""
    return await arrange(
        ui,
        "channels",
        query,
        path=LIST,
        columns=[
            Column("type", _("Type")),
            Column("models", _("Models")),
            Column("groups", _("Groups"), usual=False),
            Column("priority", _("Priority")),
            Column("weight", _("Weight")),
            Column("health", _("Health, 24 h")),
            Column("first", _("p95 first byte")),
            Column("requests", _("Requests, 24 h")),
            Column("cost", _("Cost, 24 h")),
            Column("used", _("Used in all"), usual=False),
            Column("balance", _("Balance"), usual=False),
            Column("tested", _("Last test")),
            Column("created", _("Created"), usual=False),
        ],
        views=[
            (_("All"), {}),
            (_("Enabled"), {"status": 1}),
            (_("Needs attention"), {"view": "attention"}),
            (_("By priority tier"), {"view": "tiers"}),
        ],
    )


async def rows_of(ui: Ui, query: ListQuery, rows: Sequence[Channel], troubles: Mapping[int, str]) -> Rows:
    """Return what the rows of a page are drawn from."""
    known = await directory.know(ui.services, rows)
    return Rows(
        query=query,
        rows=rows,
        known=known,
        providers={provider.id: provider for provider in ui.services.catalogue.providers},
        running=await running_by_channel(ui) if _may_drain(known) else {},
        troubles=troubles,
    )


async def running_by_channel(ui: Ui) -> Counter[int]:
    """Return how many requests run on each channel, in all processes."""
    picture = await ui.plane.live.board.look()
    numbers = (row.channel.rpartition("#")[2] for row in picture.rows)
    return Counter(int(number) for number in numbers if number.isascii() and number.isdigit())


def _may_drain(known: Mapping[int, Known]) -> bool:
    since = time.time() - _DRAINS_S
    return any(one.switch is not None and one.switch.at > since for one in known.values())


def _types_in_use(ui: Ui) -> list[tuple[str, str]]:
    used = {view.type for view in ui.services.registry.current.channels.values()}
    return [(str(p.id), p.name) for p in ui.services.catalogue.providers if p.id in used]


def _cells(channel: Channel, label: Label, types: Mapping[int, str]) -> list[object]:
    """Return what an export says of a channel: everything but its key."""
    status = channel.status
    return [
        channel.id,
        channel.name,
        types.get(channel.type, channel.type),
        ChannelStatus(status).name.lower() if status in set(ChannelStatus) else status,
        channel.models,
        channel.group,
        channel.priority,
        channel.weight,
        channel.base_url,
        channel.used_quota,
        channel.balance if channel.balance_updated_time else "",
        instant(channel.test_time),
        channel.response_time if channel.test_time else "",
        instant(channel.created_time),
        label.tag,
        label.note,
    ]
