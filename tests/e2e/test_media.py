"""Images, sound and realtime sessions through the program, with the official client where it has a call for it."""

from __future__ import annotations

import hashlib
import io
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import openai
import pytest
import trio

from adapters.transport.http1 import Http1Transport
from adapters.transport.types import SocketRefused, UpstreamRequest
from tests.e2e.test_openai_client import in_thread, official
from tests.support import sounds
from tests.support.provider import Answer, failure
from tests.support.realtime import Close, Cut, Hear, Refuse, Say, realtime_provider
from tests.support.tls import no_tls
from tests.support.world import World, bearer, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from adapters.transport.websocket import WebSocket

pytestmark = pytest.mark.slow

IMAGE = {"created": 1, "data": [{"b64_json": "aGk="}]}
MODELS = ("dall-e-2", "gpt-image-1", "whisper-1", "tts-1", "gpt-4o-realtime-preview", "gpt-realtime")
REALTIME = "gpt-4o-realtime-preview"
DONE: dict[str, Any] = {
    "type": "response.done",
    "response": {
        "usage": {
            "total_tokens": 250,
            "input_tokens": 120,
            "output_tokens": 130,
            "input_token_details": {"text_tokens": 100, "audio_tokens": 20, "cached_tokens": 50},
            "output_token_details": {"text_tokens": 30, "audio_tokens": 100},
        }
    },
}
# 5 USD a million in, 2.5 cached, 20 out; sound 8 and 16 times the price of text in:
# 50 text + 50 cached + 20 x 8 in, 30 text out, 100 x 16 out at the output price
DONE_UNITS = 16888  # the sum is 16887.5


async def test_images_are_made_and_edited(tmp_path: Path) -> None:
    usage = {
        "input_tokens": 400, "output_tokens": 272, "total_tokens": 672,
        "input_tokens_details": {"text_tokens": 20, "image_tokens": 380},
    }  # fmt: skip
    async with world(tmp_path, models=MODELS) as here, official(here) as client:
        here.provider.script(Answer(body=IMAGE), Answer(body={**IMAGE, "usage": usage}))
        made = await in_thread(lambda: client.images.generate(model="dall-e-2", prompt="Cats", n=3, size="512x512"))
        assert made.data
        assert made.data[0].b64_json == "aGk="
        picture = io.BytesIO(b"\x89PNG" + bytes(range(256)) * 20_000)  # five megabytes
        picture.name = "a.png"
        await in_thread(
            lambda: client.images.edit(
                model="gpt-image-1", prompt="A hat", image=picture, size="1024x1024", quality="low"
            )
        )
        sent = here.provider.requests[1]
        assert sent.headers["content-length"] == str(len(sent.body))
        assert hashlib.sha256(picture.getvalue()).hexdigest() in {
            hashlib.sha256(part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")).hexdigest()
            for part in sent.body.split(b"--" + sent.headers["content-type"].partition("boundary=")[2].encode())
        }
        logs = await here.logs(2)
        assert [log["content"] for log in logs] == [
            "image usd 0.011, tier 1.00, group rate 1.00, num 1",
            "image usd 0.016, tier 1.12, group rate 1.00, num 3",
        ]
        await here.assert_charged(27000 + 7390)


async def test_a_large_upload_does_not_grow_the_process(tmp_path: Path) -> None:
    async with world(tmp_path, models=MODELS) as here:
        here.provider.standing(Answer(body={"text": "Hello"}))
        file = sounds.wav(1, rate=60 << 20)
        before = resident(here)
        answer = await here.client.post(
            "/v1/audio/transcriptions", data={"model": "whisper-1"}, files={"file": ("a.wav", file)}, headers=bearer(here.key)
        )  # fmt: skip
        assert answer.json() == {"text": "Hello"}
        assert len(here.provider.requests[0].body) > 60 << 20
        assert resident(here) - before < 30 << 20
        await here.logs(1)
        await here.assert_charged(30)


def resident(here: World) -> int:
    """Return the most memory that the process has had so far, bytes."""
    with open(f"/proc/{here.gateway.pid}/status", encoding="ascii") as file:  # noqa: PTH123
        (line,) = [line for line in file if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


async def test_sound_is_heard_and_made(tmp_path: Path) -> None:
    async with world(tmp_path, models=MODELS) as here, official(here) as client:
        here.provider.script(
            Answer(body={"text": "Hello"}),
            Answer(body="Bonjour.\n"),
            Answer(events=(b"\xff\xfb", b"sound"), headers=(("Content-Type", "audio/mpeg"),), pause_s=0.05),
        )
        file = ("a.wav", sounds.wav(12.0))
        heard = await in_thread(lambda: client.audio.transcriptions.create(model="whisper-1", file=file))
        assert heard.text == "Hello"
        french = await here.client.post(
            "/v1/audio/translations",
            data={"model": "whisper-1", "response_format": "text"},
            files={"file": file},
            headers=bearer(here.key),
        )
        assert (french.text, french.headers["content-type"]) == ("Bonjour.\n", "text/plain; charset=utf-8")
        spoken = await in_thread(lambda: client.audio.speech.create(model="tts-1", voice="alloy", input="a" * 45))
        assert spoken.content == b"\xff\xfbsound"
        logs = await here.logs(3)
        assert [log["quota"] for log in logs] == [337, 360, 360]
        await here.assert_charged(337 + 720)
        with pytest.raises(openai.BadRequestError) as caught:
            await in_thread(lambda: client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", b"nothing")))
        assert caught.value.code == "invalid_audio"


async def test_speech_that_breaks_off_is_an_error_for_the_client(tmp_path: Path) -> None:
    async with world(tmp_path, models=MODELS) as here, official(here) as client:
        sound = (("Content-Type", "audio/mpeg"),)
        here.provider.script(Answer(events=(b"one", b"two", b"three"), headers=sound, cut_after=2, pause_s=0.05))
        with pytest.raises(openai.APIConnectionError):
            await in_thread(lambda: client.audio.speech.create(model="tts-1", voice="alloy", input="hello"))
        await here.logs(1)
        await here.assert_charged(37)


@asynccontextmanager
async def session(
    here: World, *, model: str = REALTIME, key: str = "", subprotocols: tuple[str, ...] = ()
) -> AsyncIterator[WebSocket]:
    """Open a session as a client."""
    transport = Http1Transport(tls=no_tls())
    headers = [(b"x-forwarded-for", b"10.0.0.9")]
    if not subprotocols:
        headers.append((b"authorization", f"Bearer {key or here.key}".encode()))
    request = UpstreamRequest(
        method="GET", url=f"{here.gateway.url}/v1/realtime?model={model}&voice=alloy", headers=tuple(headers), body=b"",
        connect_timeout_s=5, head_timeout_s=10, idle_timeout_s=20,
    )  # fmt: skip
    with trio.fail_after(20):
        socket = await transport.open_socket(request, subprotocols)
        try:
            yield socket
        finally:
            await socket.aclose()


async def test_a_realtime_session_is_mirrored_and_charged(tmp_path: Path) -> None:
    created = {"type": "session.created", "session": {"id": "sess_1"}}
    async with (
        world(tmp_path, models=("other",)) as here,
        realtime_provider(
            Say(created), Hear(), Say({"type": "response.text.delta", "delta": "Hello"}), Say(DONE)
        ) as provider,
    ):
        number = await here.root.add_channel(base_url=provider.url, models=[REALTIME])
        async with session(here) as socket:
            assert json.loads(await socket.receive() or "") == created
            await socket.send('{"type":"response.create"}')
            assert json.loads(await socket.receive() or "")["delta"] == "Hello"
            assert json.loads(await socket.receive() or "") == DONE
        (met,) = provider.sessions
        with trio.fail_after(5):
            await met.over.wait()
        assert met.heard == ['{"type":"response.create"}']
        assert met.target == f"/v1/realtime?model={REALTIME}&voice=alloy"
        assert met.headers["authorization"] == "Bearer sk-upstream-key"
        assert met.headers["openai-beta"] == "realtime=v1"
        assert "x-forwarded-for" not in met.headers
        (log,) = await here.logs(1)
        assert (log["quota"], log["model_name"]) == (DONE_UNITS, REALTIME)
        assert (await here.root.user(here.user_id))["used_quota"] == DONE_UNITS
        assert (await here.root.channel(number))["used_quota"] == DONE_UNITS
        (line,) = await here.gateway.wait_line("relay")
        assert (line["outcome"], line["endpoint"], line["status"]) == ("ok", "realtime", 101)
        await here.gateway.assert_books_balance()


async def test_a_browsers_key_opens_a_session_and_stays_here(tmp_path: Path) -> None:
    async with world(tmp_path, models=("other",)) as here, realtime_provider(subprotocol="realtime") as provider:
        await here.root.add_channel(base_url=provider.url, models=["gpt-realtime"])
        offered = ("realtime", f"openai-insecure-api-key.{here.key}")
        async with session(here, model="gpt-realtime", subprotocols=offered) as socket:
            assert socket.subprotocol == "realtime"
        with trio.fail_after(5):
            await provider.sessions[0].over.wait()
        assert provider.sessions[0].subprotocols == ["realtime"]
        # Models after the preview would fall back to its events.
        assert "openai-beta" not in provider.sessions[0].headers
        (log,) = await here.logs(1)
        assert (log["quota"], log["content"]) == (0, "realtime session, no quota consumption")


async def test_refusals_have_their_status_and_the_next_channel_is_asked(tmp_path: Path) -> None:
    async with (
        world(tmp_path, models=("other",), options={"RetryTimes": 1}) as here,
        realtime_provider(Refuse(500, b'{"error":{"message":"broken","type":"server_error"}}')) as bad,
        realtime_provider(Say("hello")) as good,
    ):
        for key, model, status in (("sk-" + "x" * 48, REALTIME, 401), ("", "nobody-has-this", 503)):
            with pytest.raises(SocketRefused) as caught:
                async with session(here, key=key, model=model):
                    pass
            assert caught.value.status == status
            assert "request id" in json.loads(caught.value.body)["error"]["message"]
        await here.root.add_channel(base_url=bad.url, models=[REALTIME], name="bad", priority=1)
        with pytest.raises(SocketRefused) as caught:
            async with session(here):
                pass
        assert (caught.value.status, json.loads(caught.value.body)["error"]["type"]) == (500, "server_error")
        await here.root.add_channel(base_url=bad.url, models=["gpt-realtime"], name="bad2", priority=1)
        await here.root.add_channel(base_url=good.url, models=["gpt-realtime"], name="good")
        async with session(here, model="gpt-realtime") as socket:
            assert await socket.receive() == "hello"
        await here.logs(1)
        await here.gateway.assert_books_balance()


async def test_how_a_provider_ends_a_session_is_told(tmp_path: Path) -> None:
    async with (
        world(tmp_path, models=("other",)) as here,
        realtime_provider(Say("a"), Close(1000, "over")) as polite,
        realtime_provider(Say("a"), Cut()) as rude,
    ):
        await here.root.add_channel(base_url=polite.url, models=[REALTIME])
        await here.root.add_channel(base_url=rude.url, models=["gpt-realtime"])
        async with session(here) as socket:
            assert [await socket.receive(), await socket.receive()] == ["a", None]
            assert socket.closed_with == (1000, "over")
        async with session(here, model="gpt-realtime") as socket:
            assert await socket.receive() == "a"
            event = json.loads(await socket.receive() or "")
            assert (event["type"], event["error"]["code"]) == ("error", "upstream_stream_broken")
            assert await socket.receive() is None
            assert socket.closed_with is not None
            assert socket.closed_with[0] == 1011


async def test_a_session_ends_when_the_balance_does(tmp_path: Path) -> None:
    async with world(tmp_path, models=("other",)) as here, realtime_provider(Say(DONE), Hear()) as provider:
        await here.root.add_channel(base_url=provider.url, models=[REALTIME])
        poor = await here.owner.add_token(name="poor", quota=5000)
        async with session(here, key=poor["key"]) as socket:
            assert json.loads(await socket.receive() or "") == DONE
            event = json.loads(await socket.receive() or "")
            assert event["error"]["code"] == "insufficient_quota"
            assert await socket.receive() is None
        (log,) = await here.logs(1)
        assert log["quota"] == DONE_UNITS
        with pytest.raises(SocketRefused) as caught:
            async with session(here, key=poor["key"]):
                pass
        assert caught.value.status in (401, 403)
        broke = await here.owner.add_token(name="broke", quota=100)
        with pytest.raises(SocketRefused) as caught:
            async with session(here, key=broke["key"]):
                pass
        assert caught.value.status == 403
        await here.gateway.assert_books_balance()


async def test_a_session_ends_when_a_budget_does(tmp_path: Path) -> None:
    async with world(tmp_path, models=("other",)) as here, realtime_provider(Say(DONE), Hear()) as provider:
        await here.root.add_channel(base_url=provider.url, models=[REALTIME])
        budget = {"kind": "token", "subject": str(here.token["id"]), "period": "day", "hard_quota": DONE_UNITS}
        await here.owner.call("POST", "/api/budget/", json=budget)
        async with session(here) as socket:
            assert json.loads(await socket.receive() or "") == DONE
            event = json.loads(await socket.receive() or "")
            assert event["error"]["code"] == "budget_exhausted"
            assert await socket.receive() is None
        (log,) = await here.logs(1)
        assert log["quota"] == DONE_UNITS
        with pytest.raises(SocketRefused) as caught:
            async with session(here):
                pass
        assert caught.value.status == 429
        await here.gateway.assert_books_balance()


async def test_a_drain_ends_sessions_with_a_word_and_a_charge(tmp_path: Path) -> None:
    async with (
        world(tmp_path, models=("other",), env={"SHUTDOWN_TIMEOUT_SEC": 1}) as here,
        realtime_provider(Say(DONE), Hear()) as provider,
    ):
        await here.root.add_channel(base_url=provider.url, models=[REALTIME])
        async with session(here) as socket:
            await socket.receive()
            await here.gateway.terminate()
            event = json.loads(await socket.receive() or "")
            assert (event["type"], event["error"]["code"]) == ("error", "drained")
            assert await socket.receive() is None
            assert socket.closed_with is not None
            assert socket.closed_with[0] == 1012
        assert await here.gateway.wait() == 0
        await here.gateway.start()
        await here.log_in_again()
        (log,) = await here.logs(1)
        assert log["quota"] == DONE_UNITS
        await here.gateway.assert_books_balance()


async def test_other_failures_of_images_are_retried(tmp_path: Path) -> None:
    async with world(tmp_path, models=("dall-e-2",), options={"RetryTimes": 1}) as here:
        await here.root.add_channel(base_url=here.provider.url, models=["dall-e-2"], name="second")
        here.provider.script(failure(500), Answer(body=IMAGE))
        answer = await here.client.post("/v1/images/generations", json={"prompt": "a cat"}, headers=bearer(here.key))
        assert answer.json() == IMAGE
        assert [request.json["model"] for request in here.provider.requests] == ["dall-e-2"] * 2
        (log,) = await here.logs(1)
        assert log["quota"] == 10000
