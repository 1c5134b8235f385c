"""What a relay does with time, failures and money."""

from __future__ import annotations

import json

import pytest
import trio
from trio.testing import MockClock

from gateway.traffic.facts import read_detail
from storage.records import TokenStatus
from tests.relay.harness import (
    DONE,
    ROLE,
    STOP,
    UNREACHABLE,
    Got,
    Reply,
    answer,
    delta,
    plane,
    refusal,
    usage,
)  # fmt: skip
from tests.relay.views import channel

HEARTBEAT = b": keep-alive\n\n"
ASK = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
STREAM = ASK | {"stream": True}
# Model "m" has the fallback price: 1.25 units a token, in and out.


def stream(*pieces: bytes | float, ends: str = "well", head_after: float = 0.0) -> Reply:
    return Reply(pieces=list(pieces), ends=ends, head_after=head_after)


async def test_whole_answer_passes_untouched_and_is_charged_once(autojump_clock: MockClock) -> None:
    async with plane() as p:
        reply = answer(prompt=100, completion=20)
        sent = bytes(reply.pieces[0])  # type: ignore[arg-type]
        p.transport.script.append(reply)
        got = await p.ask(ASK)
    assert (got.status, got.body) == (200, sent)
    assert [s.units for s in p.books.settled] == [150]
    assert p.books.user == 10**9 - 150
    assert reply.closed


async def test_stream_passes_byte_for_byte(autojump_clock: MockClock) -> None:
    pieces = (ROLE, delta("a"), b": a comment\n\n", delta("b") + STOP, usage(8, 2), DONE)
    async with plane() as p:
        p.transport.script.append(stream(*pieces))
        got = await p.ask(STREAM)
    assert got.body == b"".join(pieces)
    assert got.complete
    assert p.books.settled[0].units == 13
    assert json.loads(p.transport.requests[0].body)["stream_options"] == {"include_usage": True}


async def test_missing_done_is_added_after_a_finish_reason(autojump_clock: MockClock) -> None:
    async with plane() as p:
        p.transport.script.append(stream(delta("a"), STOP))
        got = await p.ask(STREAM)
    assert got.body.endswith(STOP + DONE)


async def test_stream_without_its_end_is_a_failure_and_never_a_normal_end(autojump_clock: MockClock) -> None:
    async with plane() as p:
        p.transport.script.append(stream(delta("one two"), delta(" three")))
        got = await p.ask(STREAM)
    assert DONE not in got.body
    assert b"upstream_stream_broken" in got.body.rpartition(b"data: ")[2]
    assert got.complete
    settled = p.books.settled[0]
    assert settled.log is not None
    assert settled.log.completion_tokens == 3


@pytest.mark.parametrize("ends", ["cut", "silent"])
async def test_after_content_a_failure_is_a_terminal_event_and_no_retry(ends: str, autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1), channel(2)], options={"RetryTimes": "3"}) as p:
        p.transport.script.append(stream(delta("one two"), ends=ends))
        got = await p.ask(STREAM)
    assert len(p.transport.requests) == 1
    assert got.status == 200
    assert b'"error"' in got.body
    assert DONE not in got.body
    assert p.books.settled[0].units > 0


async def test_before_content_another_channel_takes_over(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, priority=9), channel(2)], options={"RetryTimes": "1"}) as p:
        p.transport.script += [stream(ROLE, ends="cut"), stream(ROLE, delta("b"), STOP, usage(1, 1), DONE)]
        got = await p.ask(STREAM)
    assert got.body == ROLE + delta("b") + STOP + usage(1, 1) + DONE
    assert [s.channel_id for s in p.books.settled] == [2]
    assert p.books.amended == [2]


async def test_error_in_a_200_stream_before_content_keeps_a_true_status(autojump_clock: MockClock) -> None:
    async with plane() as p:
        p.transport.script.append(stream(b'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n'))
        got = await p.ask(STREAM)
    assert got.status == 502
    assert str(got.error["message"]).startswith("overloaded (request id: ")
    assert p.books.user == 10**9


async def test_first_content_limit_gives_way_to_the_next_channel(autojump_clock: MockClock) -> None:
    settings = {"first_content_timeout_sec": 20.0, "stream_heartbeat_sec": 0}
    async with plane(
        channels=[channel(1, priority=9), channel(2)], options={"RetryTimes": "1"}, settings=settings
    ) as p:
        p.transport.script += [stream(ROLE, ends="silent"), stream(delta("b"), STOP, DONE)]
        began = trio.current_time()
        got = await p.ask(STREAM)
        assert trio.current_time() - began == pytest.approx(20, abs=0.1)
    assert delta("b") in got.body


async def test_idle_limit_ends_a_silent_stream(autojump_clock: MockClock) -> None:
    settings = {"idle_timeout_sec": 30.0, "stream_heartbeat_sec": 0}
    async with plane(settings=settings) as p:
        p.transport.script.append(stream(delta("a"), 29.0, delta("b"), ends="silent"))
        began = trio.current_time()
        got = await p.ask(STREAM)
        assert trio.current_time() - began == pytest.approx(59, abs=0.1)
    assert b"fell silent" in got.body


async def test_head_limit_is_a_504(autojump_clock: MockClock) -> None:
    async with plane(settings={"head_timeout_sec": 5.0}) as p:
        p.transport.script.append(Reply(head_after=9.0))
        got = await p.ask(ASK)
    assert (got.status, got.error["code"]) == (504, "do_request_failed")


async def test_total_limit_ends_whatever_runs(autojump_clock: MockClock) -> None:
    async with plane(settings={"relay_timeout": 7, "stream_heartbeat_sec": 0}) as p:
        p.transport.script.append(stream(*[x for i in range(20) for x in (1.0, delta(f" w{i}"))], ends="silent"))
        began = trio.current_time()
        got = await p.ask(STREAM)
        assert trio.current_time() - began == pytest.approx(7, abs=0.1)
    assert b"longer than allowed" in got.body
    assert p.books.settled[0].units > 0


async def test_head_waits_for_content_but_not_beyond_the_heartbeat(autojump_clock: MockClock) -> None:
    async with plane(settings={"stream_heartbeat_sec": 15}) as p:
        p.transport.script.append(stream(ROLE, 40.0, delta("late"), STOP, DONE, head_after=2.0))
        began = trio.current_time()
        got = await p.ask(STREAM)
    beats = [(round(at - began), data) for at, data in got.at if data == HEARTBEAT]
    assert beats == [(15, HEARTBEAT), (30, HEARTBEAT)]
    assert got.body == HEARTBEAT * 2 + ROLE + delta("late") + STOP + DONE
    assert "no-transform" in got.headers["cache-control"]
    assert got.headers["x-accel-buffering"] == "no"


async def test_busy_stream_gets_no_heartbeat(autojump_clock: MockClock) -> None:
    async with plane(settings={"stream_heartbeat_sec": 15}) as p:
        p.transport.script.append(stream(delta("a"), 14.0, delta("b"), 14.0, delta("c"), STOP, DONE))
        got = await p.ask(STREAM)
    assert HEARTBEAT not in got.body


async def test_retry_is_possible_after_a_heartbeat_but_the_status_is_gone(autojump_clock: MockClock) -> None:
    channels = [channel(1, priority=9), channel(2)]
    async with plane(channels=channels, options={"RetryTimes": "1"}, settings={"stream_heartbeat_sec": 15}) as p:
        p.transport.script += [stream(20.0, ends="cut"), refusal(500, "boom")]
        got = await p.ask(STREAM)
    assert got.status == 200
    assert got.body.startswith(HEARTBEAT)
    assert b'"boom (request id' in got.body
    assert p.books.user == 10**9


async def test_client_that_leaves_pays_for_what_it_got_and_closes_the_upstream(autojump_clock: MockClock) -> None:
    reply = stream(delta("one two three"), ends="silent")
    leave = trio.Event()
    async with plane() as p:
        p.transport.script.append(reply)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: p.ask(STREAM, leave=leave))
            await trio.sleep(3)
            assert not reply.closed
            leave.set()
        assert trio.current_time() == pytest.approx(3, abs=0.01)
    assert reply.closed
    settled = p.books.settled[0]
    assert settled.log is not None
    assert settled.log.completion_tokens == 3


@pytest.mark.parametrize("trouble", ["it hangs", "it fails"])
async def test_what_cannot_be_counted_is_charged_by_its_length(
    trouble: str, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def count_text(*_args: object, **_more: object) -> int:
        if trouble == "it fails":
            raise ZeroDivisionError
        await trio.sleep_forever()

    monkeypatch.setattr("tests.relay.harness.Counter.count_text", count_text)
    leave = trio.Event()
    async with plane() as p:
        p.transport.script.append(stream(delta("four" * 50), ends="silent"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: p.ask(STREAM, leave=leave))
            await trio.sleep(3)
            leave.set()
    (settled,) = p.books.settled
    assert settled.log is not None
    assert settled.log.completion_tokens == 50
    assert "relay.uncounted" in [name for name, _message in p.journal.events]


async def test_a_relay_whose_last_words_fail_is_settled(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer_error(*_args: object) -> None:
        raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no text")

    monkeypatch.setattr("gateway.relay.client.Client.answer_error", answer_error)
    async with plane() as p:
        p.transport.script.append(UNREACHABLE)
        with pytest.raises(UnicodeEncodeError):
            await p.ask(ASK)
    assert (p.books.user, p.books.held) == (10**9, {})


async def test_client_that_leaves_before_content_pays_nothing(autojump_clock: MockClock) -> None:
    leave = trio.Event()
    async with plane() as p:
        p.transport.script.append(stream(ends="silent"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: p.ask(STREAM, leave=leave))
            await trio.sleep(3)
            leave.set()
    assert p.books.user == 10**9
    assert p.books.settled[0].log is None


@pytest.mark.parametrize(("reason", "words"), [("drained", b"shutting down"), ("cancelled", b"operator")])
async def test_relay_ended_from_outside_says_why_and_settles(
    reason: str, words: bytes, autojump_clock: MockClock
) -> None:
    got = Got()
    async with plane() as p:
        p.transport.script.append(stream(delta("one two"), ends="silent"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: p.ask(STREAM, got=got))
            await trio.sleep(3)
            p.running.end_all(reason)
    assert words in got.body
    assert got.complete
    assert DONE not in got.body
    assert p.books.settled[0].units > 0


async def test_stream_that_outgrows_its_reservation_is_topped_up(autojump_clock: MockClock) -> None:
    async with plane(user_quota=100_000) as p:
        p.transport.script.append(stream(*[delta(" word") for _ in range(2000)], STOP, usage(8, 2000), DONE))
        got = await p.ask(STREAM | {"max_tokens": 10})
    assert got.body.endswith(DONE)
    assert p.books.amended
    assert p.books.user == 100_000 - 2510


async def test_stream_ends_with_insufficient_quota_when_it_cannot_be_topped_up(autojump_clock: MockClock) -> None:
    async with plane(user_quota=300) as p:
        p.transport.script.append(stream(*[delta(" word") for _ in range(2000)], STOP, DONE))
        got = await p.ask(STREAM | {"max_tokens": 10})
    assert b'"insufficient_quota"' in got.body
    assert DONE not in got.body
    assert -20 < p.books.user < 300


async def test_nothing_is_sent_upstream_that_the_balance_cannot_hold(autojump_clock: MockClock) -> None:
    async with plane(user_quota=10) as p:
        got = await p.ask(ASK)
    assert (got.status, got.error["code"]) == (403, "insufficient_user_quota")
    assert p.transport.requests == []
    assert p.books.settled == []


async def test_whole_answers_at_once_hold_what_they_may_cost_and_a_sole_one_the_estimate(
    autojump_clock: MockClock,
) -> None:
    # gpt-4o costs four times as much for output: 100 tokens are 500 units, the original's estimate holds 126.
    ask = ASK | {"model": "gpt-4o", "max_tokens": 100}
    async with plane(channels=[channel(1, models=("gpt-4o",))], user_quota=300) as p:
        p.transport.script += [answer(prompt=1, completion=100) for _ in range(10)]
        answers: list[Got] = []

        async def one() -> None:
            answers.append(await p.ask(ask))

        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(one)
        # Whoever is left when all others were refused is alone.
        assert sum(got.status == 200 for got in answers) <= 1
        p.books.user = 300
        assert (await p.ask(ask)).status == 200


async def test_token_too_small_says_what_is_needed(autojump_clock: MockClock) -> None:
    async with plane(token={"unlimited_quota": False, "remain_quota": 100}) as p:
        got = await p.ask(ASK)
    assert got.status == 403
    assert got.error["code"] == "pre_consume_token_quota_failed"
    assert "available=100, tokenId=7" in str(got.error["message"])


@pytest.mark.parametrize(
    ("path", "ask", "told"),
    [
        ("/v1/responses", {"input": "hi", "max_output_tokens": 1000}, (403, "insufficient_token_quota")),
        ("/v1/images/generations", {"prompt": "a cat"}, (500, "pre_consume_failed")),
    ],
)
async def test_token_too_small_is_told_in_the_words_of_what_was_asked(
    path: str, ask: dict[str, object], told: tuple[int, str], autojump_clock: MockClock
) -> None:
    channels = [channel(1, model_mapping={"m": "dall-e-3" if "prompt" in ask else "gpt-4o"})]
    async with plane(channels=channels, token={"unlimited_quota": False, "remain_quota": 100}) as p:
        got = await p.ask({"model": "m"} | ask, path=path)
    assert (got.status, got.error["code"]) == told


async def test_a_token_that_was_used_up_unseen_is_refused_as_one_that_is(autojump_clock: MockClock) -> None:
    async with plane(token={"unlimited_quota": False, "remain_quota": 900}) as p:
        p.transport.script.append(answer(prompt=600, completion=120))
        assert (await p.ask(ASK)).status == 200
        p.accounts.reads(remain_quota=0)
        got = await p.ask(ASK)
    assert p.accounts.marked == [(7, TokenStatus.EXHAUSTED)]
    assert got.status == 401
    assert "quota has been used up (remaining: 0)" in str(got.error["message"])


async def test_429_everywhere_is_told_with_patience(autojump_clock: MockClock) -> None:
    channels = [channel(1, priority=9), channel(2)]
    async with plane(channels=channels, options={"RetryTimes": "1"}) as p:
        p.transport.script += [refusal(429), refusal(429, retry_after="7")]
        got = await p.ask(ASK)
        assert p.registry.suspensions.until("default", "m", 1) > 0
        assert p.registry.suspensions.until("default", "m", 2) > 0
    assert got.status == 429
    assert str(got.error["message"]).startswith(
        "All available channels (2) for this model are currently rate limited"
    )
    assert got.headers["retry-after"] == "7"
    assert p.books.user == 10**9


async def test_channels_that_rest_are_remembered_with_the_requests_that_passed_them(
    autojump_clock: MockClock,
) -> None:
    async with plane(channels=[channel(1, priority=9), channel(2)], options={"RetryTimes": "1"}) as p:
        p.transport.script += [refusal(429, retry_after="50"), answer(), answer()]
        await p.ask(ASK)
        await p.ask(ASK)
    first, second = (read_detail(row.detail) for row in p.remembered.rows)
    assert (first.candidates, first.left_out) == (2, [])
    assert [one.channel_id for one in second.left_out] == [1]
    assert 0 < second.left_out[0].rests_s <= 60


async def test_clients_own_mistake_is_not_retried(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1), channel(2)], options={"RetryTimes": "5"}) as p:
        p.transport.script.append(refusal(400, "bad field"))
        got = await p.ask(ASK)
        assert p.registry.suspensions.until("default", "m", 1) == 0
    assert got.status == 400
    assert len(p.transport.requests) == 1


async def test_413_tries_every_other_channel(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1), channel(2), channel(3)]) as p:
        p.transport.script += [refusal(413), refusal(413), answer()]
        got = await p.ask(ASK)
    assert got.status == 200


async def test_unreachable_provider_is_not_named(autojump_clock: MockClock) -> None:
    async with plane() as p:
        p.transport.script.append(UNREACHABLE)
        got = await p.ask(ASK)
    assert got.status == 502
    assert b"127.0.0.1" not in got.body


async def test_channel_with_a_dead_key_is_switched_off_when_allowed(autojump_clock: MockClock) -> None:
    async with plane(options={"AutomaticDisableChannelEnabled": "true"}) as p:
        p.transport.script.append(refusal(401))
        await p.ask(ASK)
        await trio.testing.wait_all_tasks_blocked()
        assert p.registry.disabled == [1]


async def test_image_urls_are_inlined_and_failures_stay_urls(autojump_clock: MockClock) -> None:
    def part(url: str) -> dict[str, object]:
        return {"type": "image_url", "image_url": {"url": url, "detail": "low"}}

    body = ASK | {"messages": [{"role": "user", "content": [part("https://a/x.png"), part("https://b/y.png")]}]}
    async with plane(images={"https://a/x.png": "data:image/png;base64,AA=="}) as p:
        p.transport.script.append(answer())
        await p.ask(body)
    sent = json.loads(p.transport.requests[0].body)["messages"][0]["content"]
    assert [item["image_url"]["url"] for item in sent] == ["data:image/png;base64,AA==", "https://b/y.png"]
    assert sent[0]["image_url"]["detail"] == "low"


async def test_forced_system_prompt_belongs_to_the_channel_that_has_it(autojump_clock: MockClock) -> None:
    channels = [channel(1, priority=9, system_prompt="be terse"), channel(2)]
    async with plane(channels=channels, options={"RetryTimes": "1"}) as p:
        p.transport.script += [refusal(500), answer()]
        await p.ask(ASK)
    first, second = (json.loads(r.body)["messages"] for r in p.transport.requests)
    assert first[0] == {"role": "system", "content": "be terse"}
    assert second == ASK["messages"]
    assert p.books.settled[0].log is not None
    assert not p.books.settled[0].log.system_prompt_reset


async def test_credentials_and_forwarding_headers_stay_here(autojump_clock: MockClock) -> None:
    headers = {
        "x-api-key": "secret", "cookie": "a=b", "x-forwarded-for": "1.2.3.4", "x-trace-me": "1",
        "openai-beta": "x=1", "traceparent": "00-1", "x-mine": "yes",
    }  # fmt: skip
    async with plane(settings={"forward_headers": ("x-mine",)}) as p:
        p.transport.script.append(answer())
        await p.ask(ASK, headers=headers)
    sent = dict(p.transport.requests[0].headers)
    assert {"openai-beta", "traceparent", "x-mine"} <= {name.decode() for name in sent}
    assert not {b"x-api-key", b"cookie", b"x-forwarded-for", b"x-trace-me"} & set(sent)
    assert sent[b"Authorization"] == b"Bearer sk-upstream"


async def test_draining_process_takes_relays_until_its_listeners_close(autojump_clock: MockClock) -> None:
    async with plane() as p:
        p.phase.advance("draining")
        p.transport.script.append(answer())
        assert (await p.ask(ASK)).status == 200
        p.phase.closed.set()
        got = await p.ask(ASK)
    assert got.status == 503
    assert got.headers["connection"] == "close"


async def test_long_answer_without_usage_is_counted_in_blocks(autojump_clock: MockClock) -> None:
    text = "word " * 20_000
    async with plane() as p:
        p.transport.script.append(stream(delta(text), delta(text), delta("end"), STOP, DONE))
        await p.ask(STREAM)
    log = p.books.settled[0].log
    assert log is not None
    assert log.completion_tokens == 40_001
