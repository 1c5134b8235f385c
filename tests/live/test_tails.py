"""The journals of all processes as one."""

from __future__ import annotations

from gateway.cluster.local import LocalBus
from gateway.cluster.subscriptions import Subscriptions
from gateway.live.tails import MOST, Tails
from gateway.observe.records import Event, Relayed, Started, StartUp
from gateway.observe.redact import Redactor
from gateway.observe.tail import Tail
from gateway.observe.types import RelaySummary
from tests.cluster.members import Events, worker_members


def said(at_s: float, message: str, **fields: object) -> Event:
    return Event(at_s, "info", "test.event", message, fields)


async def test_only_what_is_new_is_told_again() -> None:
    tail = Tail(Redactor())
    tails = Tails(tail, bus=LocalBus(Subscriptions(Events())), process="here/0", is_alone=True)
    tail.put(said(1.0, "first"))
    lines, seen = await tails.after({})
    assert [(line.message, line.process) for line in lines] == [("first", "here/0")]
    tail.put(said(2.0, "second", request_id="7"))
    lines, seen = await tails.after(seen)
    assert [(line.message, line.request_id) for line in lines] == [("second", "7")]
    assert (await tails.after(seen))[0] == []


async def test_processes_are_told_apart_and_put_in_order() -> None:
    async with worker_members() as (first, second):
        one, other = Tail(Redactor()), Tail(Redactor())
        here = Tails(one, bus=first.bus, process="a/0", is_alone=False)
        Tails(other, bus=second.bus, process="a/1", is_alone=False)
        other.put(said(1.0, "early"))
        one.put(said(2.0, "late"))
        lines, seen = await here.after({})
        assert [(line.process, line.message) for line in lines] == [("a/1", "early"), ("a/0", "late")]
        one.put(said(3.0, "later"))
        assert [line.message for line in (await here.after(seen))[0]] == ["later"]


async def test_secrets_are_masked_and_all_kinds_of_records_are_readable() -> None:
    tail = Tail(Redactor())
    tails = Tails(tail, bus=LocalBus(Subscriptions(Events())), process="x", is_alone=True)
    tail.put(said(1.0, "the key is sk-abcdefghijklmnop"))
    summary = RelaySummary(
        request_id="5", user="ann", token_name="t", endpoint="chat_completions", model="m", channel="c#1", status=502,
        outcome="upstream_failed", is_stream=True, attempts=2, first_content_s=None, duration_s=1.25, prompt_tokens=3,
        completion_tokens=0, cached_tokens=0, units=0, error="the provider fell silent",
    )  # fmt: skip
    tail.put(Relayed(2.0, summary))
    tail.put(Started(3.0, StartUp(version="v1", addresses=(), database="x")))
    secret, relayed, started = (await tails.after({}))[0]
    assert "abcdefghijklmnop" not in secret.message
    assert (relayed.level, relayed.request_id) == ("error", "5")
    assert "ann · m · c#1 · 502 · upstream_failed" in relayed.message
    assert started.event == "server.started"


async def test_what_is_kept_and_told_is_bounded() -> None:
    tail = Tail(Redactor(), kept=250)
    for number in range(400):
        tail.put(said(number, str(number)))
    tails = Tails(tail, bus=LocalBus(Subscriptions(Events())), process="x", is_alone=True)
    lines, _seen = await tails.after({})
    assert [line.message for line in lines] == [str(n) for n in range(400 - MOST, 400)]
    assert len(tail.after(0, most=1000)) == 250


async def test_a_process_without_a_journal_of_its_own_has_nothing_to_tell() -> None:
    tails = Tails(None, bus=LocalBus(Subscriptions(Events())), process="x", is_alone=True)
    assert await tails.after({}) == ([], {})
