"""Tests of several channels: how far they are, and how those went that are done."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from quart import request

from admin_ui.i18n import _
from admin_ui.ui import with_query
from admin_ui.views.channels import LIST, OFF
from admin_ui.views.picked import as_number
from gateway.accounts.refusals import Refused
from gateway.channels import directory
from gateway.channels.probe import Order
from gateway.management.guard import needs
from storage.records import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quart import Blueprint, Response

    from admin_ui.ui import Ui

_PROGRESS = "/channels/test"


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.post(_PROGRESS)
    @needs(Role.ADMIN)
    async def test_all() -> Response:
        only_disabled = (await request.form).get("scope") == "disabled"
        return await begin_tests(ui, Order.TEST_DISABLED if only_disabled else Order.TEST_ALL, (), LIST)

    @area.post("/channels/test/stop")
    @needs(Role.ADMIN)
    async def stop_tests() -> Response:
        ui.plane.prober.stop()
        return ui.go(LIST, note=_("Testing was stopped; channels that were tested keep their outcome."), kind="info")

    @area.get(_PROGRESS)
    @needs(Role.ADMIN)
    async def test_progress() -> Response:
        since = as_number(request.args.get("since", ""))
        total = as_number(request.args.get("of", "")) or len(ui.plane.prober.testable(Order.TEST_ALL))
        skipped = as_number(request.args.get("skipped", ""))
        progress = await directory.read_progress(ui.services, since)
        return ui.page(
            "pages/channel_tests.html",
            total=total,
            skipped=skipped,
            progress=progress,
            done=min(progress.passed + progress.failed, total),
            ended=ui.plane.prober.has_ended(since) or progress.is_stale or progress.passed + progress.failed >= total,
            again=with_query(_PROGRESS, since=since, of=total, skipped=skipped or ""),
        )


async def begin_tests(ui: Ui, order: Order, ids: Sequence[int], back: str, again: str = "") -> Response:
    """Have channels tested and lead to where one sees how far it is; if not, to where it can be asked for `again`."""
    able = ui.plane.prober.testable(order, ids)
    counts = {} if order is Order.TEST_SOME else await directory.count_by_state(ui.services)
    meant = len(set(ids)) + sum(n for state, n in counts.items() if order is Order.TEST_ALL or state in OFF)
    if not able:
        return ui.go(again or back, note=_("None of them can be tested."), kind="bad")
    since = int(time.time())
    try:
        ui.plane.prober.begin(order, ids)
    except Refused as error:
        return ui.refused(again or back, error)
    skipped = max(meant - len(able), 0)
    return ui.go(with_query(_PROGRESS, since=since, of=len(able), skipped=skipped or ""))
