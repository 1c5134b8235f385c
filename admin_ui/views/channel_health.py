"""How one channel does: its last week, what it is left alone for, and what it failed at."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from admin_ui.views.picked import as_number
from admin_ui.waterfall import failure_word
from gateway.channels import directory
from gateway.channels.edits import read_channel
from gateway.management.guard import needs
from gateway.traffic import channels as traffic
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui

_WEEK_STEP_S = 2 * 3600
_WEEK_BARS = 84


@dataclass(frozen=True, slots=True)
class Rest:
    """For whom a channel is left alone, and how many seconds more."""

    group: str
    model: str
    left_s: float


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get("/channels/<number>/health")
    @needs(Role.ADMIN)
    async def channel_health(number: str) -> Response:
        channel = await read_channel(ui.services, as_number(number))
        day = (await traffic.last_day(ui.services, [channel.id]))[channel.id]
        week = await traffic.last_day(ui.services, [channel.id], step=_WEEK_STEP_S, bars=_WEEK_BARS)
        now = time.time()
        return ui.page(
            "pages/channel_health.html",
            channel=channel,
            health=directory.health(ui.services, channel),
            day=day,
            week=week[channel.id],
            rests=[
                Rest(one.group, one.model, one.until - now) for one in traffic.suspensions_of(ui.services, channel.id)
            ],
            failures=await traffic.last_failures(ui.services, channel.id),
            failure_word=failure_word,
        )
