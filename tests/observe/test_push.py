"""Alerts go out, few at a time, without secrets."""

from __future__ import annotations

import json

import httpx2
import pytest
import trio

from gateway.observe.journal import JournalService
from gateway.observe.push import CAPACITY, AlertPusher
from gateway.observe.redact import Redactor
from tests.support.tls import no_tls


class Service:
    """The alert service, in place of its socket."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.variables: dict[str, str] = {}
        self.status = 200

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        assert "TelegramMonitorAlert" in body["query"]
        self.variables = body["variables"]
        if self.status == 200:
            self.messages.append(body["variables"]["msg"])
        return httpx2.Response(self.status)


@pytest.fixture
def service() -> Service:
    return Service()


def pusher(service: Service, *, per_minute: int = 10) -> AlertPusher:
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(service), verify=no_tls())
    return AlertPusher(
        client, url="http://alerts/query", kind="gateway", token="t0k", redactor=Redactor(), per_minute=per_minute
    )


async def test_errors_and_only_errors_are_pushed(
    service: Service, nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    del autojump_clock
    alerts = pusher(service)
    journal = JournalService([], alerts=alerts)
    await nursery.start(alerts.run)
    journal.event("warning", "channel.suspended", "not this")
    journal.event("error", "ledger.parked", "Bearer abcdefgh", request="r1", api_key="k")
    await trio.sleep(1)
    (message,) = service.messages
    assert "ledger.parked\nBearer ***\nrequest: r1\napi_key: ***" in message
    assert service.variables["type"] == "gateway"
    assert service.variables["token"] == "t0k"


async def test_storm_is_thinned_and_the_rest_counted(
    service: Service, nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    del autojump_clock
    alerts = pusher(service, per_minute=6)
    journal = JournalService([], alerts=alerts)
    for number in range(CAPACITY + 50):
        journal.event("error", "storm", str(number))
    assert alerts.left_out == 50
    await nursery.start(alerts.run)
    await trio.sleep(5)
    assert len(service.messages) == 6
    assert "(50 alerts before this one were not sent)" in service.messages[0]
    await trio.sleep(20)
    assert len(service.messages) == 8


async def test_failing_service_is_counted_and_does_not_end_the_task(
    service: Service, nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    del autojump_clock
    alerts = pusher(service)
    journal = JournalService([], alerts=alerts)
    await nursery.start(alerts.run)
    service.status = 500
    journal.event("error", "a", "lost")
    await trio.sleep(1)
    service.status = 200
    journal.event("error", "b", "arrives")
    await trio.sleep(1)
    assert len(service.messages) == 1
    assert "(1 alerts before" in service.messages[0]


async def test_closing_sends_what_waits(
    service: Service, nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    del autojump_clock
    alerts = pusher(service, per_minute=2)
    journal = JournalService([], alerts=alerts)
    await nursery.start(alerts.run)
    for number in range(3):
        journal.event("error", "end", str(number))
    started = trio.current_time()
    await alerts.aclose()
    # Two at once, and the third would have had to wait for half a minute.
    assert len(service.messages) == 2
    assert trio.current_time() - started <= 3
