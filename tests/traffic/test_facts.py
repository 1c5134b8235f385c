"""What is remembered of a request: every step and attempt, what was asked, what it was charged for; never what was said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gateway.relay.body import RequestBody
from gateway.traffic.bill import bill_lines
from gateway.traffic.facts import Bill, Detail, TryFacts, read_detail
from gateway.traffic.log import Entry, masked, of_request
from gateway.traffic.session import session_of
from storage.repositories.log_pages import Place
from tests.relay.harness import DONE, STOP, Reply, delta, plane, usage
from tests.relay.views import channel

if TYPE_CHECKING:
    from trio.testing import MockClock

STREAM = {
    "model": "m",
    "stream": True,
    "temperature": 0.3,
    "messages": [{"role": "user", "content": "a secret of mine"}],
    "tools": [{"type": "function", "function": {"name": "f" * 200}}],
}


def answered() -> Reply:
    return Reply(pieces=[1.0, delta("one two"), 2.0, STOP, usage(5, 40), DONE])


async def test_each_step_and_attempt_is_remembered(autojump_clock: MockClock) -> None:
    busy = Reply(
        status=429, headers=((b"content-type", b"application/json"),), pieces=[b'{"error":{"message":"slow"}}']
    )
    channels = [channel(1, priority=5), channel(2, model_mapping={"m": "other"})]
    async with plane(channels=channels, options={"RetryTimes": "1"}) as p:
        p.transport.script += [busy, answered()]
        await p.ask(STREAM, headers={"x-session-id": "run-1", "user-agent": "tests/1"})
        (row,) = p.remembered.rows
    detail = read_detail(row.detail)
    assert (row.session, row.user_group, row.attempts) == ("run-1", "default", 2)
    assert (detail.candidates, detail.params, detail.agent) == (2, {"stream": True, "temperature": 0.3}, "tests/1")
    assert "secret of mine" not in row.detail
    first, second = detail.tries
    assert (first.priority, first.status, first.kind, first.rests_s) == (5, 429, "rate_limit", 60)
    assert (second.model, second.answered, second.spoken, second.reused) == ("other", 200, "openai_chat", True)
    assert second.path == "/v1/chat/completions"
    assert detail.reserved_units == detail.held_units > 0
    steps = [
        detail.admitted,
        detail.chosen,
        detail.reserved,
        second.began,
        second.head,
        detail.completed,
        detail.settled,
    ]
    known = [step for step in steps if step is not None]
    assert len(known) == len(steps)
    assert known == sorted(known)


async def test_what_a_provider_did_not_report_is_marked_as_counted_here(autojump_clock: MockClock) -> None:
    async with plane() as p:
        p.transport.script += [Reply(pieces=[delta("one two"), STOP, DONE]), answered()]
        await p.ask(STREAM)
        await p.ask(STREAM)
        counted, reported = [of_request(row, "").was_counted for row in p.remembered.rows]
    assert (counted, reported) == (True, False)


async def test_a_format_that_is_converted_is_told(autojump_clock: MockClock) -> None:
    async with plane() as p:
        p.transport.script.append(answered())
        body = {"model": "m", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        await p.ask(body, path="/v1/messages")
        entry = of_request(p.remembered.rows[0], "")
    assert (entry.format, entry.spoken, entry.is_converted) == ("anthropic", "openai_chat", True)


@pytest.mark.parametrize(
    ("headers", "body", "found"),
    [
        ({b"x-session-id": b"run-4711"}, {}, "run-4711"),
        ({b"session_id": b"abc"}, {"prompt_cache_key": "cache-1"}, "cache-1"),
        ({}, {"metadata": {"user_id": "user_a_account_b_session_11112222-3333"}}, "11112222-3333"),
        ({}, {"metadata": {"user_id": '{"session_id":"11112222-3333"}'}}, "11112222-3333"),
        ({}, {"conversation": {"id": "conv_12"}}, "conv_12"),
        (
            {b"traceparent": b"00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"},
            {},
            "0123456789abcdef0123456789abcdef",
        ),
        ({b"x-session-id": b"no good id"}, {"session_id": 7, "metadata": "x"}, ""),
    ],
)
def test_a_session_is_what_the_client_calls_it(headers: dict[bytes, bytes], body: object, found: str) -> None:
    assert session_of(headers, RequestBody(json.dumps(body).encode())) == found


def entry(**values: object) -> Entry:
    return Entry(key="1", place=Place(1, 0, 2, 1), at=1.0, type=2, **values)  # type: ignore[arg-type]


def test_lines_of_a_bill_add_up_to_the_charge() -> None:
    bill = Bill(
        input_usd=2.5, cached_usd=1.25, output_usd=10, group_ratio=0.8, tool_units=5000, cache_write=100,
        cache_write_usd=3.125,
    )  # fmt: skip
    units = 0.8 * (1104 * 1.25 + 800 * 0.625 + 100 * 1.5625 + 412 * 5) + 5000
    lines = bill_lines(
        entry(prompt_tokens=2004, cached_tokens=800, completion_tokens=412, units=int(units) + 1), bill
    )
    assert [line.kind for line in lines] == ["input", "cached", "write_5m", "output", "tools", "rest"]
    assert sum(line.units or 0 for line in lines) == pytest.approx(int(units) + 1)


def test_a_line_without_a_price_leaves_the_rest_open() -> None:
    lines = bill_lines(entry(prompt_tokens=10, cached_tokens=5, units=9), Bill(input_usd=1, output_usd=2))
    assert [(line.kind, line.units is None) for line in lines] == [
        ("input", False),
        ("cached", True),
        ("output", False),
    ]


def test_secrets_that_a_provider_quotes_are_masked() -> None:
    assert "sk-abc" not in masked("Incorrect API key provided: sk-abcdefghijklmnop1234")


def test_an_older_detail_is_still_read() -> None:
    found = read_detail('{"tries":[{"channel_id":1,"channel":"c","began":3,"ended":9}],"received_at":1,"reserved":3}')
    assert found.tries == [TryFacts(channel_id=1, channel="c", began=3, ended=9)]
    assert (found.admitted, found.settled) == (None, None)
    assert read_detail("no json") == Detail()
