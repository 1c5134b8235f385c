"""Responses that providers keep: whose they are, where they are asked about, and that each is charged once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from gateway.relay.stored.settler import EVERY_S, PATIENCE_MS
from storage.errors import DatabaseUnavailable
from storage.records import User
from storage.repositories.relay_reads import Account
from tests.relay.harness import DONE, UNREACHABLE, Got, Plane, Reply, answer, plane, refusal
from tests.relay.views import channel, with_keys

if TYPE_CHECKING:
    from trio.testing import MockClock

OPENAI, COMPATIBLE = 1, 50
JSON = ((b"content-type", b"application/json"),)
PATH = "/v1/responses"
ASK = {"model": "m", "input": "hi"}
BACKGROUND = ASK | {"background": True, "max_output_tokens": 1000}
USAGE = {"input_tokens": 100, "output_tokens": 20}
# Model "m" has the fallback price, 1.25 units a token, in and out.
CHARGE = 150


def told(**members: object) -> Reply:
    body = {"id": "resp_1", "object": "response", "status": "completed", "output": [], **members}
    return Reply(headers=JSON, pieces=[json.dumps(body).encode()])


def queued(**members: object) -> Reply:
    return told(**{"status": "queued", "background": True, **members})


def event(kind: str, **members: object) -> bytes:
    response = {"id": "resp_1", "status": "in_progress", "background": True, **members}
    return (
        f"event: {kind}\ndata: {json.dumps({'type': kind, 'sequence_number': 0, 'response': response})}\n\n".encode()
    )


def one(**changes: object) -> dict[str, object]:
    return {"channels": [channel(1, type=OPENAI, base_url="", **changes)]}


async def create(p: Plane, reply: Reply, body: object = ASK) -> Got:
    p.transport.script.append(reply)
    return await p.ask(body, path=PATH)


async def call(p: Plane, reply: Reply | None, *, method: str = "GET", path: str = f"{PATH}/resp_1") -> Got:
    if reply is not None:
        p.transport.script.append(reply)
    return await p.ask({}, method=method, path=path)


async def be_somebody_else(p: Plane) -> None:
    account = p.accounts.account
    p.accounts.account = Account(account.token, User(id=4, username="eve"))
    await trio.lowlevel.checkpoint()


def charged(p: Plane) -> list[int]:
    return [settled.units for settled in p.books.settled]


async def test_a_response_stays_with_the_key_that_made_it(autojump_clock: MockClock) -> None:
    ring = with_keys(channel(1, type=OPENAI, base_url=""), "sk-a", "sk-b", "sk-c")
    async with plane(channels=[ring]) as p:
        for number in (1, 2, 3):
            await create(p, told(id=f"resp_{number}"))
        assert (await call(p, told(id="resp_2"), path=f"{PATH}/resp_2")).status == 200
        await create(p, told(id="resp_4"), ASK | {"previous_response_id": "resp_3"})
        # Nor does a failure lead to another key: its account knows nothing of the response.
        await create(p, refusal(429), ASK | {"previous_response_id": "resp_1"})
        keys = [dict(request.headers)[b"Authorization"][-1:] for request in p.transport.requests]
        assert keys == [b"a", b"b", b"c", b"b", b"c", b"a"]
        # Known elsewhere and after a restart as well.
        assert sorted(stored.key_id for stored in p.kept.rows.values()) == [1, 2, 3, 3]


# --- whose it is, and where -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("GET", f"{PATH}/resp_1?include[]=x&key=k", f"{PATH}/resp_1?include%5B%5D=x"),
        ("DELETE", f"{PATH}/resp_1", f"{PATH}/resp_1"),
        ("POST", f"{PATH}/resp_1/cancel", f"{PATH}/resp_1/cancel"),
        ("GET", f"{PATH}/resp_1/input_items?limit=2", f"{PATH}/resp_1/input_items?limit=2"),
    ],
)
async def test_calls_go_to_the_channel_that_made_the_response(
    method: str, path: str, sent: str, autojump_clock: MockClock
) -> None:
    both = [channel(n, type=OPENAI, base_url=f"https://c{n}.test", key=f"sk-{n}") for n in (1, 2)]
    async with plane(channels=both) as p:
        await create(p, told(usage=USAGE))
        host = p.transport.requests[0].url.removesuffix(PATH)
        for _ in range(4):
            got = await call(p, told(kept=True), method=method, path=path)
            if method == "DELETE":
                break
            assert (got.status, got.json["kept"]) == (200, True)
    for request in p.transport.requests[1:]:
        assert (request.method, request.url) == (method, host + sent)
        assert dict(request.headers)[b"Authorization"] == f"Bearer sk-{host[-6]}".encode()
    assert charged(p) == [CHARGE]


async def test_a_response_is_known_after_a_restart_and_elsewhere(autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        await create(p, told(usage=USAGE))
        await trio.testing.wait_all_tasks_blocked()
        p.responses._known.clear()
        got = await call(p, told(usage=USAGE))
    assert got.status == 200


async def test_a_streamed_response_is_known_from_its_first_event_on(autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        done = event("response.completed", status="completed", background=False, usage=USAGE)
        await create(
            p, Reply(pieces=[event("response.created", background=False), done, DONE]), ASK | {"stream": True}
        )
        got = await call(p, told(usage=USAGE))
    assert got.status == 200
    assert charged(p) == [CHARGE]


@pytest.mark.parametrize(
    ("method", "rest"), [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items")]
)
async def test_a_response_of_somebody_else_is_not_there(method: str, rest: str, autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        await create(p, told(usage=USAGE))
        await be_somebody_else(p)
        got = await call(p, None, method=method, path=f"{PATH}/resp_1{rest}")
    assert (got.status, got.error["code"], got.error["type"]) == (404, "response_not_found", "invalid_request_error")
    assert len(p.transport.requests) == 1


@pytest.mark.parametrize("body", [{"store": False}, {}])
async def test_what_the_provider_does_not_keep_is_not_remembered(
    body: dict[str, object], autojump_clock: MockClock
) -> None:
    async with plane(**one()) as p:
        await create(p, told(usage=USAGE, store=False), ASK | body)
        got = await call(p, None)
    assert got.status == 404


async def test_a_deleted_response_is_forgotten(autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        await create(p, told(usage=USAGE))
        await call(p, told(deleted=True), method="DELETE")
        got = await call(p, None)
    assert got.status == 404


async def test_where_no_provider_keeps_responses_that_is_said(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=COMPATIBLE)]) as p:
        made = await create(p, answer())
        got = await call(p, None, path=f"{PATH}/{made.json['id']}")
    assert (got.status, got.error["code"]) == (501, "api_not_implemented")


async def test_what_the_provider_says_of_a_lost_response_is_passed_on(autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        await create(p, told(usage=USAGE))
        got = await call(p, refusal(404, "No response found"))
        unreachable = None
        p.transport.script.append(UNREACHABLE)
        unreachable = await call(p, None)
    assert (got.status, unreachable.status) == (404, 502)
    assert str(got.error["message"]).startswith("No response found")


async def test_other_methods_and_paths_are_not_ours(autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        for method, path in (("PUT", f"{PATH}/resp_1"), ("GET", f"{PATH}/resp_1/cancel"), ("POST", f"{PATH}/resp_1")):
            with pytest.raises(AssertionError, match="not for the relay plane"):
                await p.ask({}, method=method, path=path)


# --- going on from one ------------------------------------------------------------------------------------------


async def test_a_request_goes_on_where_its_previous_response_is_kept(autojump_clock: MockClock) -> None:
    both = [channel(n, type=OPENAI, base_url=f"https://c{n}.test") for n in (1, 2)]
    async with plane(channels=both, options={"RetryTimes": "3"}) as p:
        await create(p, told(usage=USAGE))
        for _ in range(6):
            await create(p, told(id="resp_2", usage=USAGE), ASK | {"previous_response_id": "resp_1"})
        failed = await create(p, refusal(500), ASK | {"previous_response_id": "resp_1"})
    assert len({request.url for request in p.transport.requests}) == 1
    # No other channel could go on from there.
    assert (failed.status, len(p.transport.requests)) == (500, 8)


async def test_nobody_goes_on_from_a_response_of_somebody_else(autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        await create(p, told(usage=USAGE))
        await be_somebody_else(p)
        got = await p.ask(ASK | {"previous_response_id": "resp_1"}, path=PATH)
    assert (got.status, got.error["code"]) == (400, "previous_response_not_found")
    assert got.error["param"] == "previous_response_id"
    assert len(p.transport.requests) == 1


# --- background -------------------------------------------------------------------------------------------------


async def test_a_background_response_is_charged_when_its_client_sees_its_end(autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        made = await create(p, queued(), BACKGROUND)
        held = 10**9 - p.books.user
        assert p.books.left == list(p.books.held), "any process may settle it"
        running = await call(p, queued(status="in_progress"))
        assert charged(p) == []
        ended = [await call(p, told(background=True, usage=USAGE)) for _ in range(1)]
        again = await call(p, told(background=True, usage=USAGE))
        await p.settler.round()
    assert [made.json["status"], running.json["status"], again.status] == ["queued", "in_progress", 200]
    assert held > CHARGE
    assert charged(p) == [CHARGE]
    assert p.books.user == 10**9 - CHARGE
    log = p.books.settled[0].log
    assert log is not None
    assert (log.quota, log.prompt_tokens, log.completion_tokens) == (CHARGE, 100, 20)
    assert ended[0].status == 200


async def test_what_a_background_response_is_charged_by_is_written_down_before_its_client_reads(
    autojump_clock: MockClock,
) -> None:
    reads = trio.Event()
    async with plane(**one()) as p, trio.open_nursery() as nursery:
        p.transport.script.append(queued())
        nursery.start_soon(lambda: p.ask(BACKGROUND, path=PATH, reads=reads))
        await trio.testing.wait_all_tasks_blocked()
        # What is left if the process is killed now.
        (row,) = p.kept.rows.values()
        assert row.ask_at is not None
        assert json.loads(row.pending)["held_units"] == 10**9 - p.books.user
        assert p.books.left == []
        reads.set()
        await trio.testing.wait_all_tasks_blocked()
        p.transport.script.append(told(background=True, usage=USAGE))
        p.later(minutes=1)
        await p.settler.round()
        await p.settler.round()
    assert charged(p) == [CHARGE]
    trace = p.books.settled[0].trace
    assert trace is not None
    assert (trace.status, "request_completed" in json.loads(trace.timestamps)) == (200, True)


async def test_a_background_response_that_nobody_fetches_is_charged_all_the_same(autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        await create(p, queued(), BACKGROUND)
        await trio.testing.wait_all_tasks_blocked()
        await p.settler.round()
        assert len(p.transport.requests) == 1, "it is not asked about at once"
        p.later(minutes=1)
        p.transport.script.append(queued(status="in_progress"))
        await p.settler.round()
        assert charged(p) == []
        p.later(minutes=5)
        p.transport.script.append(told(background=True, usage=USAGE))
        await p.settler.round()
        p.later(minutes=60)
        await p.settler.round()
    assert charged(p) == [CHARGE]
    assert p.books.user == 10**9 - CHARGE
    assert [request.method for request in p.transport.requests[1:]] == ["GET", "GET"]


@pytest.mark.parametrize("step", ["due", "put_off"])
async def test_a_database_that_is_away_does_not_end_the_service(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async with plane(**one()) as p:
        await create(p, queued(), BACKGROUND)

        async def away(*_args: object, **_wishes: object) -> object:
            raise DatabaseUnavailable("the database cannot be reached")

        p.later(minutes=1)
        with monkeypatch.context() as during:
            during.setattr(p.kept, step, away)
            with trio.move_on_after(3 * EVERY_S):
                await p.settler.run()
        p.transport.script.append(told(background=True, usage=USAGE))
        with trio.move_on_after(2 * EVERY_S):
            await p.settler.run()
    assert charged(p) == [CHARGE]
    assert [name for name, _message in p.journal.events].count("responses.failing") == 1


async def test_a_background_stream_that_its_client_leaves_is_charged_by_its_end(autojump_clock: MockClock) -> None:
    leave = trio.Event()
    async with plane(**one()) as p:
        p.transport.script.append(
            Reply(pieces=[event("response.created"), event("response.in_progress"), 30.0], ends="silent")
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: p.ask(BACKGROUND | {"stream": True}, path=PATH, leave=leave))
            await trio.sleep(10)
            leave.set()
        assert charged(p) == []
        await call(p, told(background=True, usage=USAGE))
    assert charged(p) == [CHARGE]


async def test_a_background_response_is_not_begun_twice_when_its_stream_breaks(autojump_clock: MockClock) -> None:
    both = [channel(n, type=OPENAI, base_url=f"https://c{n}.test") for n in (1, 2)]
    async with plane(channels=both, options={"RetryTimes": "3"}) as p:
        p.transport.script.append(Reply(pieces=[event("response.created")], ends="cut"))
        got = await p.ask(BACKGROUND | {"stream": True}, path=PATH)
        assert charged(p) == []
        await call(p, told(background=True, usage=USAGE))
    assert (got.status, charged(p)) == (502, [CHARGE])
    assert len({request.url.partition("/v1")[0] for request in p.transport.requests}) == 1


async def test_a_background_stream_that_is_heard_to_its_end_is_charged_at_once(autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        done = event("response.completed", status="completed", usage=USAGE)
        await create(p, Reply(pieces=[event("response.created"), done, DONE]), BACKGROUND | {"stream": True})
        p.later(minutes=60)
        await p.settler.round()
    assert charged(p) == [CHARGE]


@pytest.mark.parametrize("status", ["cancelled", "failed"])
async def test_a_background_response_that_came_to_nothing_costs_nothing(
    status: str, autojump_clock: MockClock
) -> None:
    async with plane(**one()) as p:
        await create(p, queued(), BACKGROUND)
        await call(p, queued(status=status), method="POST", path=f"{PATH}/resp_1/cancel")
    assert charged(p) == [0]
    assert p.books.user == 10**9


async def test_a_cancelled_background_response_costs_what_it_used(autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        await create(p, queued(), BACKGROUND)
        await call(p, queued(status="cancelled", usage=USAGE), method="POST", path=f"{PATH}/resp_1/cancel")
    assert charged(p) == [CHARGE]


async def test_what_a_background_response_used_is_asked_before_it_is_deleted(autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        await create(p, queued(), BACKGROUND)
        p.transport.script.append(told(background=True, usage=USAGE))
        await call(p, told(deleted=True), method="DELETE")
    assert charged(p) == [CHARGE]
    assert [request.method for request in p.transport.requests] == ["POST", "GET", "DELETE"]


@pytest.mark.parametrize("lost", ["forgotten", "silent", "gone"])
async def test_what_nobody_tells_any_more_is_charged_as_reserved(lost: str, autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        await create(p, queued(), BACKGROUND)
        held = 10**9 - p.books.user
        await trio.testing.wait_all_tasks_blocked()
        if lost == "gone":
            p.registry.current.channels.clear()  # type: ignore[attr-defined]
        else:
            p.transport.script.append(refusal(404 if lost == "forgotten" else 500))
        p.later(minutes=PATIENCE_MS // 60_000 + 1 if lost == "silent" else 1)
        await p.settler.round()
    assert charged(p) == [held]
    assert p.books.user == 10**9 - held


async def test_a_price_is_that_of_the_time_when_the_response_was_made(autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        await create(p, queued(), BACKGROUND)
        pending = json.loads(next(iter(p.responses._known.values())).pending)
        await call(p, told(background=True, usage=USAGE))
    assert (pending["sent_model"], pending["group_ratio"], pending["channel_type"]) == ("m", "1", OPENAI)
    assert charged(p) == [CHARGE]


async def test_responses_wait_for_a_database_that_is_away(autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        p.kept.broken = True
        await create(p, told(usage=USAGE))
        got = await call(p, told(usage=USAGE))
        assert (got.status, p.kept.rows) == (200, {})
        p.kept.broken = False
        await trio.sleep(2)
    assert [stored.response_id for stored in p.kept.rows.values()] == ["resp_1"]


async def test_what_could_not_be_written_down_before_the_end_is_said(autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        p.kept.broken = True
        await create(p, told(usage=USAGE))
        await p.responses.aclose()
    assert [name for name, _message in p.journal.events] == ["responses.failing", "responses.lost"]


async def test_a_response_that_the_database_refuses_holds_up_no_other(autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        p.kept.broken = True
        p.kept.refused.add("resp_odd")
        await create(p, told(id="resp_odd", usage=USAGE))
        await create(p, told(usage=USAGE))
        p.kept.broken = False
        await trio.sleep(2)
    assert [stored.response_id for stored in p.kept.rows.values()] == ["resp_1"]


@pytest.mark.parametrize("pending", ["no JSON", "{}"])
async def test_what_nobody_can_read_is_not_asked_about_for_ever(pending: str, autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        await create(p, queued(), BACKGROUND)
        await trio.testing.wait_all_tasks_blocked()
        ((key, stored),) = p.kept.rows.items()
        p.kept.rows[key] = replace(stored, pending=pending)
        p.later(minutes=PATIENCE_MS // 60_000 + 1)
        p.transport.script.append(told(background=True, usage=USAGE))
        await p.settler.round()
        p.later(minutes=60)
        await p.settler.round()
    assert [request.method for request in p.transport.requests] == ["POST", "GET"]
    assert charged(p) == []


async def test_one_odd_response_does_not_end_the_settling_of_others(autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        await create(p, queued(), BACKGROUND)
        await create(p, queued(id="resp_2"), BACKGROUND)
        await trio.testing.wait_all_tasks_blocked()
        p.later(minutes=1)
        p.transport.script += [ZeroDivisionError("odd"), told(id="resp_2", background=True, usage=USAGE)]
        await p.settler.round()
    assert charged(p) == [CHARGE]


async def test_names_that_are_no_text_do_not_keep_a_charge_from_being_written_down(autojump_clock: MockClock) -> None:
    async with plane(**one()) as p:
        p.accounts.account = replace(p.accounts.account, token=replace(p.accounts.account.token, name="a\ud800b"))
        await create(p, queued(), BACKGROUND)
        await call(p, told(background=True, usage=USAGE))
    assert charged(p) == [CHARGE]
