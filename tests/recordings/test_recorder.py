"""Every answer of a token that is recorded is kept, however it ends, within bounds, and at no client's cost."""

from __future__ import annotations

import base64
import json
import zlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import trio
from sqlalchemy import Connection, select

from gateway.recordings import recorder as recorders
from gateway.recordings.access import Recorded
from gateway.recordings.packing import Content, shortened, unpacked
from gateway.recordings.reading import Talk, read_talk
from gateway.recordings.recorder import MessageRecorder
from storage.database import Lane
from storage.engines import EngineOptions
from storage.errors import DatabaseUnavailable
from storage.message_tables import gw_messages
from storage.repositories import messages
from storage.sealing import PREFIX
from tests.management.site import Notes
from tests.relay.harness import DONE, ROLE, STOP, Got, Plane, Reply, answer, delta, plane, refusal, usage
from tests.relay.views import channel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from gateway.recordings.recording import Recording
    from storage.database import Database
    from storage.repositories.messages import StoredMessages
    from tests.support.engines import FreshDatabase

ON = {"MessageRecordingEnabled": "true"}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "ping"}]}
PICTURE = base64.b64encode(bytes(range(256)) * 80).decode()


@dataclass
class Site:
    """A relay plane whose token is recorded, and where it is recorded."""

    plane: Plane
    recorder: MessageRecorder
    database: Database
    notes: Notes

    async def rows(self) -> list[StoredMessages]:
        """Close the recorder and return what it wrote, oldest first."""
        with trio.fail_after(10):
            await self.recorder.aclose()
        found = await self.database.read(
            lambda conn: messages.newest(conn, user_id=None, since_ms=0, until_ms=0, before=None, limit=100)
        )
        return found[::-1]

    async def only(self) -> tuple[StoredMessages, Content, Talk]:
        """Return the one recording, what it holds, and the conversation that it is."""
        (row,) = await self.rows()
        content = unpacked(row.content)
        assert content is not None
        return row, content, read_talk(Recorded(row=row, content=content))


@asynccontextmanager
async def recorded(
    database: Database, options: dict[str, str] | None = None, *, kind: int = 50, room: int = recorders.ROOM_BYTES
) -> AsyncIterator[Site]:
    notes = Notes()
    recorder = MessageRecorder(database, journal=notes, room_bytes=room)
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: recorder.run(task_status=task_status))
        async with plane(channels=[channel(1, type=kind)], options=ON | (options or {}), messages=recorder) as made:
            yield Site(made, recorder, database, notes)
        with trio.fail_after(10):
            await recorder.aclose()


@pytest.fixture
def engine() -> str:
    """One engine is enough here; the repository has tests of its own."""
    return "sqlite"


def said(talk: Talk) -> list[tuple[str, str]]:
    return [(turn.role, "".join(part.text for part in turn.parts)) for turn in talk.turns]


async def test_request_and_answer_are_kept_as_the_client_knows_them(database: Database) -> None:
    async with recorded(database) as site:
        site.plane.transport.script.append(answer("pong"))
        got = await site.plane.ask(CHAT | {"odd": 1.0})
        row, content, talk = await site.only()
    assert json.loads(content.request) == CHAT | {"odd": 1.0}
    assert content.answer == got.body.decode()
    assert said(talk) == [("user", "ping"), ("assistant", "pong")]
    assert (row.user_id, row.token_id, row.format, row.status, row.whole) == (3, 7, "openai_chat", 200, True)
    assert (row.request_bytes, row.answer_bytes) == (len(content.request), len(got.body))


async def test_neither_keys_nor_headers_are_kept(database: Database) -> None:
    async with recorded(database) as site:
        site.plane.transport.script.append(answer("pong"))
        await site.plane.ask(CHAT, headers={"x-title": "a-header-of-mine", "authorization": "Bearer sk-k-secretkey"})
        site.plane.transport.script.append(answer("pong"))
        await site.plane.ask(CHAT, headers={"x-title": "a-header-of-mine"})
        rows = await site.rows()
    everything = b"".join(zlib.decompress(row.content) for row in rows)
    assert rows
    assert b"ping" in everything
    assert b"a-header-of-mine" not in everything
    assert b"sk-" not in everything


async def test_nothing_is_kept_without_both_the_switch_and_the_permission(database: Database) -> None:
    async with recorded(database, {"MessageRecordingEnabled": "false"}) as site:
        site.plane.transport.script.append(answer("pong"))
        await site.plane.ask(CHAT)
        assert await site.rows() == []
    async with recorded(database) as site:
        site.plane.accounts.account = type(site.plane.accounts.account)(
            site.plane.accounts.account.token, site.plane.accounts.account.user
        )
        site.plane.transport.script.append(answer("pong"))
        await site.plane.ask(CHAT)
        assert await site.rows() == []


FORMATS = {
    "openai_chat": ("/v1/chat/completions", CHAT),
    "openai_responses": ("/v1/responses", {"model": "m", "input": "ping"}),
    "anthropic": (
        "/v1/messages",
        {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "ping"}]},
    ),
    "gemini": ("/v1beta/models/m:{}", {"contents": [{"role": "user", "parts": [{"text": "ping"}]}]}),
    "gemini array": ("/v1beta/models/m:{}", {"contents": [{"role": "user", "parts": [{"text": "ping"}]}]}),
}


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", FORMATS)
async def test_every_format_is_kept_as_the_answer_that_it_is(name: str, is_stream: bool, database: Database) -> None:
    """Three of four are converted on their way from a provider that speaks Chat."""
    path, body = FORMATS[name]
    path = path.format("streamGenerateContent" if is_stream else "generateContent")
    if name == "gemini":
        path += "?alt=sse"
    elif not name.startswith("gemini"):
        body = body | {"stream": is_stream}
    whole = [delta("po"), delta("ng"), STOP, usage(3, 2), DONE]
    async with recorded(database) as site:
        site.plane.transport.script.append(Reply(pieces=[ROLE, *whole]) if is_stream else answer("pong"))
        got = await site.plane.ask(body, path=path)
        row, content, talk = await site.only()
    assert got.status == 200, got.body
    assert said(talk) == [("user", "ping"), ("assistant", "pong")]
    assert (row.format, row.whole, row.answer_cut, talk.is_readable) == (name.partition(" ")[0], True, False, True)
    # No stream is kept as one: it is JSON, and shorter than what was sent.
    assert isinstance(json.loads(content.answer), dict)
    assert content.error == ""


async def test_older_completions_are_put_together_too(database: Database) -> None:
    pieces = [b'data: {"choices":[{"index":0,"text":"' + text + b'"}]}\n\n' for text in (b"po", b"ng")]
    async with recorded(database) as site:
        end = b'data: {"choices":[{"index":0,"text":"","finish_reason":"stop"}]}\n\n'
        site.plane.transport.script.append(Reply(pieces=[*pieces, end, usage(1, 2), DONE]))
        await site.plane.ask({"model": "m", "prompt": "ping", "stream": True}, path="/v1/completions")
        _row, _content, talk = await site.only()
    assert said(talk) == [("user", "ping"), ("assistant", "pong")]


async def test_tools_thoughts_and_pictures_are_told_apart(database: Database) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at":"sky"}'}}
    url = f"data:image/png;base64,{PICTURE}"
    asked = CHAT | {
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
        "messages": [
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": [
                {"type": "text", "text": "what is this"},
                {"type": "image_url", "image_url": {"url": url}},
                {"type": "image_url", "image_url": {"url": "https://elsewhere.example/cat.png"}},
                {"type": "image_url", "image_url": {"url": "data:image/svg+xml;base64,PHN2Zy8+"}},
            ]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "blue"},
        ],
    }  # fmt: skip
    body = {
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "the sky", "reasoning_content": "hmm"},
                "finish_reason": "stop",
            }
        ]
    }
    async with recorded(database) as site:
        site.plane.transport.script.append(
            Reply(headers=((b"content-type", b"application/json"),), pieces=[json.dumps(body).encode()])
        )
        await site.plane.ask(asked)
        _row, _content, talk = await site.only()
    found = [(turn.role, [(part.kind, part.name, part.url[:25]) for part in turn.parts]) for turn in talk.turns]
    assert found == [
        ("system", [("text", "", "")]),
        ("user", [
            ("text", "", ""), ("image", "image/png", url[:25]),
            ("link", "image", "https://elsewhere.example"), ("file", "image/svg+xml", ""),
        ]),
        ("assistant", [("call", "look", "")]),
        ("tool", [("result", "look", "")]),
        ("assistant", [("thought", "", ""), ("text", "", "")]),
    ]  # fmt: skip
    assert talk.tools == ["look"]


@pytest.mark.parametrize("how", ["cut", "silent", "left", "error"])
async def test_an_answer_that_breaks_off_is_kept_as_far_as_it_went(how: str, database: Database) -> None:
    leave, got = trio.Event(), Got()
    pieces: list[bytes | float] = [ROLE, delta("po"), delta("n")]
    if how == "error":
        pieces.append(b'data: {"error":{"message":"out of steam","type":"server_error"}}\n\n')
    async with recorded(database) as site:
        site.plane.transport.script.append(Reply(pieces=pieces, ends="silent" if how == "left" else how))
        async with trio.open_nursery() as nursery:
            if how == "silent":
                # What ends it is an operator.
                nursery.start_soon(_end_when_said, site.plane, got)
            if how == "left":
                nursery.start_soon(_leave_when_said, leave, got)
            await site.plane.ask(CHAT | {"stream": True}, leave=leave if how == "left" else None, got=got)
        row, content, talk = await site.only()
    assert said(talk)[-1] == ("assistant", "pon")
    assert row.whole is (how != "left")
    why = {"cut": "the provider broke its answer off", "silent": "an operator ended this request", "left": ""}
    assert content.error.partition(" (request id")[0] == why.get(how, "out of steam")
    assert talk.error == content.error


async def test_one_that_cannot_be_packed_costs_no_other(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = recorders.packed

    def packed(recording: Recording, at_ms: int) -> StoredMessages:
        if b"unlucky" in recording.request:
            raise KeyError("nobody foresaw this")
        return pack(recording, at_ms)

    monkeypatch.setattr(recorders, "packed", packed)
    async with recorded(database) as site:
        site.plane.transport.script += [answer("one"), answer("two")]
        await site.plane.ask(CHAT | {"messages": [{"role": "user", "content": "unlucky"}]})
        await site.plane.ask(CHAT)
        assert len(await site.rows()) == 1
    assert site.recorder.dropped == 1
    (note,) = site.notes.named("messages.unrecorded")
    assert "could not be packed: KeyError" in note


async def _end_when_said(made: Plane, got: Got) -> None:
    while got.body.count(b"content") < 3:
        await trio.lowlevel.checkpoint()
    made.running.end_all("cancelled")


async def _leave_when_said(leave: trio.Event, got: Got) -> None:
    while got.body.count(b"content") < 3:
        await trio.lowlevel.checkpoint()
    leave.set()


async def test_a_refusal_is_kept_with_what_was_asked(database: Database) -> None:
    async with recorded(database) as site:
        site.plane.transport.script.append(refusal(400, "too hot"))
        await site.plane.ask(CHAT)
        row, _content, talk = await site.only()
    assert talk.error.startswith("too hot (request id")
    assert (row.status, said(talk)) == (400, [("user", "ping")])


async def test_what_is_too_long_is_cut_where_it_can_still_be_read(database: Database) -> None:
    long = [{"role": "user", "content": "word " * 3_000} for _ in range(6)]
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}
    asked = CHAT | {"messages": [*long, {"role": "user", "content": [{"type": "text", "text": "end"}, picture]}]}
    async with recorded(database, {"MessageLargestKiB": "16"}) as site:
        site.plane.transport.script.append(Reply(pieces=[ROLE, *[delta("na " * 33)] * 900, STOP, DONE]))
        await site.plane.ask(asked | {"stream": True})
        row, content, talk = await site.only()
    assert (row.request_cut, row.answer_cut) == (True, True)
    assert len(content.request) <= 16 << 10
    assert len(content.answer) <= 16 << 10
    assert row.request_bytes > 100_000
    assert row.answer_bytes > 120_000
    assert talk.turns[0].parts[0].text.endswith("characters were not kept]")
    assert talk.turns[6].parts[0].text == "end"
    assert talk.turns[7].parts[0].text.startswith("na na")


def test_pictures_go_before_texts() -> None:
    body = json.dumps({"text": "word " * 100, "image": PICTURE, "url": f"data:image/png;base64,{PICTURE}"}).encode()
    found, is_cut = shortened(body, 2_000)
    assert json.loads(found) == {"text": "word " * 100, "image": "", "url": "data:image/png;base64,"}
    assert is_cut
    assert shortened(b"no json " * 1000, 100) == ((b"no json " * 1000)[:100], True)
    assert shortened(b"{}", 2) == (b"{}", False)


async def test_without_room_a_relay_goes_on_and_its_recording_is_dropped_and_counted(database: Database) -> None:
    async with recorded(database, room=10) as site:
        site.plane.transport.script += [answer("pong"), answer("pong")]
        assert (await site.plane.ask(CHAT)).status == 200
        assert (await site.plane.ask(CHAT)).status == 200
        assert await site.rows() == []
    assert site.recorder.dropped == 2
    assert len(site.notes.named("messages.unrecorded")) == 1


async def test_an_answer_that_outgrows_the_room_is_kept_as_far_as_there_is_room(database: Database) -> None:
    async with recorded(database, room=len(json.dumps(CHAT | {"stream": True})) + len(ROLE + delta("po"))) as site:
        site.plane.transport.script.append(Reply(pieces=[ROLE + delta("po"), delta("ng"), STOP, DONE]))
        assert b"ng" in (await site.plane.ask(CHAT | {"stream": True})).body
        row, _content, talk = await site.only()
    assert row.answer_cut
    assert said(talk)[-1] == ("assistant", "po")


async def test_a_queue_that_is_full_drops_and_counts(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorders, "MOST_WAITING", 2)
    notes = Notes()
    recorder = MessageRecorder(database, journal=notes)
    async with plane(options=ON, messages=recorder) as made:
        made.transport.script += [answer("pong")] * 5
        for _ in range(5):
            made.transport.script[0].pieces = answer("pong").pieces  # type: ignore[union-attr]
            await made.ask(CHAT)
    assert recorder.dropped == 3
    assert len(notes.named("messages.unrecorded")) == 1
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: recorder.run(task_status=task_status))
        await recorder.aclose()
    assert await database.read(messages.count) == 2


async def test_one_that_the_database_refuses_does_not_cost_the_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorders, "FLUSH_S", 60.0)
    async with recorded(database) as site:
        for _ in range(3):
            site.plane.transport.script.append(answer("pong"))
            await site.plane.ask(CHAT)
        middle = site.recorder._waiting[1][0]
        # Its id is taken.
        middle.request_id = site.recorder._waiting[0][0].request_id
        assert len(await site.rows()) == 2
    assert site.recorder.dropped == 1


async def test_what_may_be_stored_already_is_kept_once_and_not_lost(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorders, "FLUSH_S", 0.0)
    monkeypatch.setattr(recorders, "RETRY_S", 0.0)
    write = database.write
    answers = [True, False]

    async def broken(work: Callable[[Connection], None], lane: Lane = Lane.CONTROL) -> None:
        if not answers:
            await write(work, lane)
            return
        # The connection breaks before COMMIT arrives, or after it.
        if answers.pop():
            await write(work, lane)
        raise DatabaseUnavailable("the connection broke", in_doubt=True)

    monkeypatch.setattr(database, "write", broken)
    async with recorded(database) as site:
        for _ in range(3):
            site.plane.transport.script.append(answer("pong"))
            await site.plane.ask(CHAT)
        assert len(await site.rows()) == 3
    assert site.recorder.dropped == 0
    assert len(site.notes.named("messages.unrecorded")) == 1


async def test_at_rest_it_is_sealed_where_there_is_a_secret(migrated: FreshDatabase) -> None:
    database = migrated.open(EngineOptions(secrets=("s" * 40,)))
    async with recorded(database) as site:
        site.plane.transport.script.append(answer("pong"))
        await site.plane.ask(CHAT)
        _row, content, _talk = await site.only()
    raw = await database.read(lambda conn: conn.execute(select(gw_messages.c.content)).scalar_one())
    assert json.loads(content.request) == CHAT
    assert bytes(raw).startswith(PREFIX.encode())
    await database.aclose()
    other = migrated.open(EngineOptions(secrets=("t" * 40,)))
    row = await other.read(
        lambda conn: messages.newest(conn, user_id=3, since_ms=0, until_ms=0, before=None, limit=1)
    )
    assert row[0].content == b""
    await other.aclose()
