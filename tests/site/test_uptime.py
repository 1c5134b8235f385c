"""How models were, day by day, on each engine."""

from __future__ import annotations

import time

from gateway.registry.suspensions import Suspension
from gateway.site.uptime import DAYS, Uptime
from storage.repositories import requests
from storage.repositories.requests import FailedAttempt, FinishedRequest
from storage.repositories.uptime import DAY_S
from tests.management.conftest import site_everywhere
from tests.management.site import Site

__all__ = ["site_everywhere"]

CHANNEL = {"type": 1, "name": "x", "key": "k", "models": "m,n", "group": "default", "base_url": "https://a.example"}


async def test_failures_count_on_their_day_and_only_those_that_are_ours(site_everywhere: Site) -> None:
    site = site_everywhere
    await site.root.call("POST", "/api/channel/", json=CHANNEL)
    today = int(time.time()) // DAY_S * DAY_S
    rows = [
        FinishedRequest(
            request_id=f"{days}-{outcome}-{number}",
            finished_at=(today - days * DAY_S) * 1000 + 1,
            user_id=1,
            model="m",
            outcome=outcome,
            failed=True,
            logged=False,
        )
        for days, outcome, count in (
            (2, "upstream_failed", 3),
            (2, "refused", 5),
            (0, "deadline", 1),
            (DAYS + 3, "deadline", 9),
        )
        for number in range(count)
    ]
    await site.services.database.write(lambda conn: requests.add(conn, rows, []))
    m, n = await Uptime(site.services).look("default", ["m", "n"])
    assert len(m.days) == DAYS
    assert {DAYS - 1 - place: day.failed for place, day in enumerate(m.days) if day.failed} == {2: 3, 0: 1}
    assert (m.share, n.share, m.state) == (0.0, None, "up")
    assert m.worst is not None
    assert m.worst.failed == 3


async def test_a_model_whose_channels_are_all_left_alone_is_paused(site_everywhere: Site) -> None:
    site = site_everywhere
    await site.root.call("POST", "/api/channel/", json=CHANNEL)
    until = time.time() + 60
    site.services.registry.suspensions.add(Suspension("default", "m", 1, until), now=time.time())
    states = [one.state for one in await Uptime(site.services).look("default", ["m", "n", "unknown"])]
    assert states == ["paused", "up", "down"]


async def test_channels_of_one_public_name_are_one_service(site_everywhere: Site) -> None:
    site, now_ms = site_everywhere, int(time.time() * 1000)
    for name in ("a", "b", "c"):
        await site.root.call("POST", "/api/channel/", json=CHANNEL | {"name": name})
    await site.root.call("PUT", "/api/channel/", json=CHANNEL | {"id": 1, "name": "a", "status": 2})
    names = '{"1": "EU", "2": "EU", "99": "gone"}'
    await site.root.call("PUT", "/api/option/", json={"key": "StatusPageChannels", "value": names})
    attempts = [
        FailedAttempt(request_id="x", failed_at=now_ms, channel_id=channel, model="m", kind=kind)
        for channel, kind in ((1, "server"), (2, "network"), (2, "request"), (3, "server"))
    ]
    await site.services.database.write(lambda conn: requests.add(conn, [], attempts))
    (service,) = await Uptime(site.services).services()
    assert (service.model, service.state, service.days[-1].failed) == ("EU", "up", 2)
