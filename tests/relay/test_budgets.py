"""What clients are told when a budget is used up, and what becomes of their requests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from adapters.providers.catalogue import load_catalogue
from gateway.registry.snapshot import ChannelView
from storage.repositories.budgets import Budget
from tests.relay.harness import DONE, ROLE, STOP, Reply, answer, delta, plane, refusal, usage
from tests.relay.views import channel

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
CONTENTS: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
# The harness begins on Friday, 2027-01-15, at 08:00.
REST_OF_DAY = 16 * 3600
REQUESTS = {
    "chat": ("/v1/chat/completions", ASK),
    "responses": ("/v1/responses", {"model": "m", "input": "hi"}),
    "messages": ("/v1/messages", ASK | {"max_tokens": 50}),
    "gemini": ("/v1beta/models/m:generateContent", CONTENTS),
    "gemini stream": ("/v1beta/models/m:streamGenerateContent", CONTENTS),
    "embeddings": ("/v1/embeddings", {"model": "m", "input": "hi"}),
}
FULL = Budget(id=1, kind="token", subject="7", period="day", hard_units=100)


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_spent_budget_is_refused_in_the_clients_format(name: str, autojump_clock: MockClock) -> None:
    async with plane() as p:
        p.limit(FULL)
        p.transport.script.append(answer(prompt=100, completion=20))
        assert (await p.ask(ASK)).status == 200
        path, body = REQUESTS[name]
        got = await p.ask(body, path=path)
    assert got.status == 429
    assert got.headers["retry-after"] == str(REST_OF_DAY)
    assert got.headers["x-should-retry"] == "false"
    error = got.error
    assert str(error["message"]).startswith(
        "the daily budget of the token tok ($0.000200) is spent; it renews at 2027-01-16 00:00 UTC"
    )
    match name:
        case "gemini" | "gemini stream":
            assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
        case "messages":
            assert (got.json["type"], error["type"], error["code"]) == (
                "error",
                "rate_limit_error",
                "budget_exhausted",
            )
        case _:
            assert (error["type"], error["code"]) == ("one_api_error", "budget_exhausted")


async def test_what_is_refused_reaches_no_provider_and_costs_nothing(autojump_clock: MockClock) -> None:
    async with plane() as p:
        p.limit(Budget(id=1, kind="user", subject="3", period="month", hard_units=100))
        p.transport.script.append(answer(prompt=100, completion=20))
        await p.ask(ASK)
        paid = p.books.user
        for _ in range(3):
            assert (await p.ask(ASK)).status == 429
        assert (len(p.transport.requests), len(p.books.settled)) == (1, 1)
        assert (p.books.user, p.books.held) == (paid, {})
        failed = [row for row in p.remembered.rows if row.failed]
        assert [(row.status, row.units) for row in failed] == [(429, 0)] * 3
        assert [one.status for one in p.journal.relays][-3:] == [429] * 3  # type: ignore[attr-defined]


async def test_a_period_that_ends_lets_requests_in_again(autojump_clock: MockClock) -> None:
    async with plane() as p:
        p.limit(Budget(id=1, kind="group", subject="default", period="day", hard_units=100))
        p.transport.script += [answer(prompt=100, completion=20), answer(prompt=1, completion=1)]
        assert (await p.ask(ASK)).status == 200
        p.now_s += REST_OF_DAY - 1
        got = await p.ask(ASK)
        assert (got.status, got.headers["retry-after"]) == (429, "1")
        p.now_s += 1
        assert (await p.ask(ASK)).status == 200


async def test_what_runs_holds_a_budget_and_gives_it_back(autojump_clock: MockClock) -> None:
    """The reservation of one who waits for a provider fills the budget; what it costs in the end does not."""
    async with plane() as p:
        p.limit(Budget(id=1, kind="token", subject="7", period="day", hard_units=400))
        slow = answer(prompt=5, completion=5)
        slow.head_after = 60
        p.transport.script += [slow, answer(prompt=5, completion=5)]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(p.ask, ASK | {"max_tokens": 1000})
            await trio.sleep(30)
            got = await p.ask(ASK)
            assert (got.status, got.error["code"]) == (429, "budget_reserved")
            assert got.headers["retry-after"] == "5"
            assert "x-should-retry" not in got.headers
        assert (await p.ask(ASK)).status == 200
        assert len(p.books.settled) == 2


async def test_a_stream_that_passes_the_limit_is_served_to_its_end(autojump_clock: MockClock) -> None:
    async with plane() as p:
        p.limit(FULL)
        p.transport.script.append(Reply(pieces=[ROLE, delta("a"), delta("b") + STOP, usage(8, 2000), DONE]))
        got = await p.ask(ASK | {"stream": True})
        assert got.complete
        assert got.body.endswith(DONE)
        assert (await p.ask(ASK | {"stream": True})).status == 429


async def test_what_costs_nothing_is_let_in(autojump_clock: MockClock) -> None:
    row = load_catalogue().by_key("proxy")
    assert row is not None
    async with plane(channels=[channel(1), channel(2, type=43, provider=row, base_url="http://h")]) as p:
        p.limit(FULL)
        p.transport.script += [answer(prompt=100, completion=20), answer()]
        await p.ask(ASK)
        assert (await p.ask(ASK)).status == 429
        assert (await p.ask(ASK, path="/v1/oneapi/proxy/2/v1/things")).status == 200
        assert (await p.ask(method="GET", path="/v1/models")).status == 200
        counted = await p.ask(ASK, path="/v1/messages/count_tokens")
        assert counted.status == 200


def free(number: int, **changes: Any) -> ChannelView:
    return channel(number, models=("free",), group_ratio=Decimal(0), **changes)


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_model_that_costs_nothing_is_served_though_the_budget_is_spent(
    name: str, autojump_clock: MockClock
) -> None:
    path, body = REQUESTS[name]
    async with plane(channels=[channel(1), free(2)]) as p:
        p.limit(FULL)
        p.transport.script += [answer(prompt=100, completion=20), answer(prompt=100, completion=20)]
        await p.ask(ASK)
        assert (await p.ask(ASK)).status == 429
        await p.ask(body | {"model": "free"}, path=path.replace("models/m:", "models/free:"))
        assert len(p.transport.requests) == 2
        assert [one.units > 0 for one in p.books.settled] == [True, False]


async def test_where_a_free_channel_fails_one_that_costs_asks_the_budget(autojump_clock: MockClock) -> None:
    channels = [channel(1, models=("m", "free")), free(2, priority=1)]
    async with plane(channels=channels, options={"RetryTimes": "1"}) as p:
        p.limit(FULL)
        p.transport.script += [answer(prompt=100, completion=20), refusal(500), answer()]
        await p.ask(ASK)
        got = await p.ask(ASK | {"model": "free"})
        assert (got.status, got.error["code"]) == (429, "budget_exhausted")
        assert len(p.transport.requests) == 2
