"""Pictures of providers with forms of their own: what is asked, waited for, fetched and charged."""

from __future__ import annotations

import io
import json
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

import pytest
import trio
from PIL import Image

from adapters.providers.catalogue import load_catalogue
from tests.relay.harness import Got, Plane, Reply, plane, refusal
from tests.relay.views import channel
from tests.support.forms import CONTENT_TYPE, form

if TYPE_CHECKING:
    from gateway.registry.snapshot import ChannelView

CATALOGUE = load_catalogue()
JSON = ((b"content-type", b"application/json"),)
GENERATIONS, EDITS = "/v1/images/generations", "/v1/images/edits"
FLUX, FILL, KONTEXT = (f"black-forest-labs/flux-{name}" for name in ("schnell", "fill-pro", "kontext-pro"))
URL = "https://out.example/1.webp"


def picture(kind: str, colour: tuple[int, ...] = (10, 20, 30), mode: str = "RGB") -> bytes:
    target = io.BytesIO()
    Image.new(mode, (2, 2), colour).save(target, kind)
    return target.getvalue()


PNG = picture("PNG")


def of(name: str, /, *models: str, number: int = 1, **changes: object) -> ChannelView:
    provider = CATALOGUE.by_key(name)
    assert provider is not None
    base = "http://up.example/v1/models/" if name == "replicate" else "http://up.example"
    values: dict[str, object] = {"type": provider.id, "provider": provider, "base_url": base, "models": models}
    return channel(number, **(values | changes))


def told(body: object, status: int = 200) -> Reply:
    return Reply(status=status, headers=JSON, pieces=[json.dumps(body).encode()])


def prediction(status: str, **members: object) -> Reply:
    urls = {"get": "http://up.example/p/1", "cancel": "http://up.example/p/1/cancel"}
    return told({"id": "p1", "status": status, "urls": urls, **members}, 201 if status == "starting" else 200)


def sent(p: Plane, place: int = 0) -> dict[str, object]:
    body: dict[str, object] = json.loads(p.transport.bodies[place])
    return body


def asked(p: Plane) -> list[tuple[str, str]]:
    return [(request.method, request.url) for request in p.transport.requests]


async def test_a_prediction_is_waited_for_and_its_picture_comes_as_png(
    autojump_clock: trio.testing.MockClock,
) -> None:
    webp = picture("WEBP")
    async with plane(channels=[of("replicate", FLUX)], images={URL: webp.decode("latin-1")}) as p:
        p.transport.script += [
            prediction("starting"),
            prediction("processing"),
            refusal(502),
            prediction("succeeded", output=[URL], completed_at="2025-09-24T08:00:05.000Z"),
        ]
        got = await p.ask({"model": FLUX, "prompt": "a cat", "response_format": "b64_json"}, path=GENERATIONS)
    assert got.json["created"] == 1758700805
    (one,) = got.json["data"]  # type: ignore[misc]
    assert Image.open(io.BytesIO(b64decode(one["b64_json"]))).format == "PNG"
    assert asked(p) == [("POST", f"http://up.example/v1/models/{FLUX}/predictions")] + 3 * [
        ("GET", "http://up.example/p/1")
    ]
    assert dict(p.transport.requests[-1].headers)[b"authorization"] == b"Bearer sk-upstream"
    assert [s.units for s in p.books.settled] == [1500]


async def test_who_wants_no_bytes_gets_the_address(autojump_clock: trio.testing.MockClock) -> None:
    async with plane(channels=[of("replicate", FLUX)]) as p:
        p.transport.script += [prediction("succeeded", output=URL)]
        got = await p.ask({"model": FLUX, "prompt": "a cat", "response_format": "url"}, path=GENERATIONS)
    assert got.json["data"] == [{"url": URL}]


async def test_a_picture_that_cannot_be_fetched_is_told_by_its_address(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with plane(channels=[of("replicate", FLUX)]) as p:
        p.transport.script += [prediction("succeeded", output=URL)]
        got = await p.ask({"model": FLUX, "prompt": "a cat", "response_format": "b64_json"}, path=GENERATIONS)
    assert (got.status, got.json["data"]) == (200, [{"url": URL}])
    assert [s.units for s in p.books.settled] == [1500]


@pytest.mark.parametrize(
    ("error", "status"),
    [("CUDA out of memory", 502), ("The input or output was flagged as sensitive. (E005)", 400), (None, 502)],
)
async def test_a_failed_prediction_is_an_error_and_costs_nothing(
    error: str | None, status: int, autojump_clock: trio.testing.MockClock
) -> None:
    async with plane(channels=[of("replicate", FLUX)]) as p:
        p.transport.script += [prediction("starting"), prediction("failed", error=error)]
        got = await p.ask({"model": FLUX, "prompt": "a cat"}, path=GENERATIONS)
    assert got.status == status
    assert str(got.error["message"]).startswith(error or "the prediction is failed")
    assert [s.units for s in p.books.settled] == [0]


async def test_a_client_that_leaves_takes_its_prediction_along(autojump_clock: trio.testing.MockClock) -> None:
    leave = trio.Event()
    async with plane(channels=[of("replicate", FLUX)]) as p:
        p.transport.script += [prediction("starting")] + [prediction("processing")] * 3 + [told({})]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_leave_after, 2.5, leave)
            await p.ask({"model": FLUX, "prompt": "a cat"}, path=GENERATIONS, leave=leave)
    assert asked(p)[-1] == ("POST", "http://up.example/p/1/cancel")
    assert [s.units for s in p.books.settled] == [0]


async def _leave_after(seconds: float, leave: trio.Event) -> None:
    await trio.sleep(seconds)
    leave.set()


async def test_a_prediction_without_end_is_given_up_and_cancelled(autojump_clock: trio.testing.MockClock) -> None:
    async with plane(channels=[of("replicate", FLUX)]) as p:
        p.transport.script += [prediction("starting")] + [prediction("processing") for _ in range(601)]
        started_at = trio.current_time()
        got = await p.ask({"model": FLUX, "prompt": "a cat"}, path=GENERATIONS)
    assert (got.status, trio.current_time() - started_at) == (504, pytest.approx(600, abs=2))
    assert asked(p)[-1][1].endswith("/cancel")


async def ask_form(p: Plane, *parts: tuple[str, str | bytes] | tuple[str, str | bytes, str]) -> Got:
    return await p.ask(form(*parts), path=EDITS, headers={"content-type": CONTENT_TYPE})


async def test_an_edit_becomes_json_and_its_mask_is_turned_over(autojump_clock: trio.testing.MockClock) -> None:
    mask = Image.new("RGBA", (2, 1), (0, 0, 0, 255))
    mask.putpixel((1, 0), (9, 9, 9, 0))
    target = io.BytesIO()
    mask.save(target, "PNG")
    async with plane(channels=[of("replicate", "fill", model_mapping={"fill": FILL})]) as p:
        p.transport.script += [prediction("succeeded", output=URL)]
        got = await ask_form(
            p, ("model", "fill"), ("prompt", "a hat"), ("image", picture("JPEG"), "a.jpg"),
            ("mask", target.getvalue(), "m.png"), ("response_format", "url"),
        )  # fmt: skip
    assert got.json["data"] == [{"url": URL}]
    given = sent(p)["input"]
    assert isinstance(given, dict)
    shown, turned = (decoded(given.pop(name)) for name in ("image", "mask"))
    assert given == {
        "prompt": "a hat", "steps": 30, "guidance": 3, "safety_tolerance": 5, "output_format": "png",
        "prompt_unsampling": False,
    }  # fmt: skip
    assert shown.format == "PNG"
    assert [turned.convert("RGBA").getpixel((x, 0)) for x in (0, 1)] == [(0, 0, 0, 255), (255, 255, 255, 255)]
    assert dict(p.transport.requests[0].headers)[b"content-type"] == b"application/json"
    assert p.transport.requests[0].url.endswith(f"{FILL}/predictions")


def decoded(url: object) -> Image.Image:
    head, _, data = str(url).partition(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(b64decode(data)))


@pytest.mark.parametrize(
    "parts",
    [
        (("prompt", "a hat"),),
        (("prompt", "a hat"), ("image", b"no picture", "a.png")),
        (("prompt", "a hat"), ("image", picture("PNG"), "a.png"), ("mask", b"no picture", "m.png")),
        (("image", picture("PNG"), "a.png"),),
    ],
)
async def test_an_edit_without_a_picture_is_refused(parts: tuple[tuple[str, str], ...]) -> None:
    async with plane(channels=[of("replicate", FILL)]) as p:
        got = await ask_form(p, ("model", FILL), *parts)
        assert got.status == 400
        assert not p.transport.requests


async def test_a_task_is_waited_for(autojump_clock: trio.testing.MockClock) -> None:
    png = picture("PNG")
    async with plane(channels=[of("ali", "wanx-v1")], images={URL: png.decode("latin-1")}) as p:
        p.transport.script += [
            told({"output": {"task_id": "t/1", "task_status": "PENDING"}}),
            told({"output": {"task_id": "t/1", "task_status": "RUNNING"}}),
            told({"output": {"task_status": "SUCCEEDED", "results": [{"url": URL}, {"code": "X", "message": "no"}]}}),
        ]
        got = await p.ask(
            {"model": "wanx-v1", "prompt": "a cat", "size": "720x1280", "response_format": "b64_json", "n": 2},
            path=GENERATIONS,
        )
    assert sent(p) == {
        "model": "wanx-v1",
        "input": {"prompt": "a cat"},
        "parameters": {"size": "720*1280", "n": 2},
    }
    assert dict(p.transport.requests[0].headers)[b"x-dashscope-async"] == b"enable"
    assert asked(p)[1:] == [("GET", "http://up.example/api/v1/tasks/t%2F1")] * 2
    (one,) = got.json["data"]  # type: ignore[misc]
    assert b64decode(one["b64_json"]) == png
    assert [s.units for s in p.books.settled] == [10_000], "the one that was unfit is not paid for"


@pytest.mark.parametrize(
    ("output", "status", "message"),
    [
        ({"task_status": "FAILED", "code": "DataInspectionFailed", "message": "unsafe"}, 400, "unsafe"),
        ({"task_status": "FAILED", "code": "InternalError.Algo", "message": "broke"}, 500, "broke"),
        ({"task_status": "CANCELED"}, 502, "the task is canceled"),
        ({"task_status": "UNKNOWN"}, 502, "the task is unknown"),
        ({"task_status": "SUCCEEDED", "results": [{"code": "Throttling", "message": "slow"}]}, 429, "saturated"),
    ],
)
async def test_a_failed_task_is_an_error_and_costs_nothing(
    output: dict[str, object], status: int, message: str, autojump_clock: trio.testing.MockClock
) -> None:
    async with plane(channels=[of("ali", "wanx-v1")]) as p:
        p.transport.script += [told({"output": {"task_id": "t", "task_status": "PENDING"}}), told({"output": output})]
        got = await p.ask({"model": "wanx-v1", "prompt": "a cat"}, path=GENERATIONS)
    assert got.status == status
    assert message in str(got.error["message"])
    assert [s.units for s in p.books.settled] == [0]


async def test_a_client_that_leaves_takes_its_task_along(autojump_clock: trio.testing.MockClock) -> None:
    leave = trio.Event()
    async with plane(channels=[of("ali", "wanx-v1")]) as p:
        pending = {"output": {"task_id": "t", "task_status": "PENDING"}}
        p.transport.script += [told(pending) for _ in range(4)] + [told({})]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_leave_after, 2.5, leave)
            await p.ask({"model": "wanx-v1", "prompt": "a cat"}, path=GENERATIONS, leave=leave)
    assert asked(p)[-1] == ("POST", "http://up.example/api/v1/tasks/t/cancel")


async def test_models_that_read_messages_are_asked_at_once() -> None:
    async with plane(channels=[of("ali", "qwen-image-edit")]) as p:
        shown = {"choices": [{"message": {"role": "assistant", "content": [{"image": URL}]}}]}
        p.transport.script.append(told({"output": shown, "usage": {"image_count": 1}}))
        got = await ask_form(
            p, ("model", "qwen-image-edit"), ("prompt", "a hat"), ("image", picture("JPEG"), "a.jpg")
        )
    assert got.json["data"] == [{"url": URL}]
    assert asked(p) == [("POST", "http://up.example/api/v1/services/aigc/multimodal-generation/generation")]
    (message,) = sent(p)["input"]["messages"]  # type: ignore[index]
    assert [next(iter(part)) for part in message["content"]] == ["image", "text"]
    assert message["content"][0]["image"].startswith("data:image/jpeg;base64,")
    assert b"x-dashscope-async" not in dict(p.transport.requests[0].headers)


async def test_zhipu_is_told_the_user_in_its_own_words() -> None:
    async with plane(channels=[of("zhipu", "cogview-4", key="id.a-secret-of-some-length")]) as p:
        p.transport.script.append(told({"created": 7, "data": [{"url": URL}]}))
        got = await p.ask(
            {"model": "cogview-4", "prompt": "a cat", "user": "u-1", "size": "768x1344", "watermark_enabled": False},
            path=GENERATIONS,
        )
    assert sent(p) == {
        "model": "cogview-4", "prompt": "a cat", "user_id": "u-1", "size": "768x1344", "watermark_enabled": False,
    }  # fmt: skip
    assert got.json == {"created": 7, "data": [{"url": URL}]}


async def test_xai_is_told_no_shape_and_its_words_come_back() -> None:
    async with plane(channels=[of("xai", "grok-2-image")]) as p:
        p.transport.script.append(told({"data": [{"b64_json": "aGk=", "revised_prompt": "a big cat"}]}))
        got = await p.ask(
            {"model": "grok-2-image", "prompt": "a cat", "size": "1024x1024", "quality": "standard", "style": "vivid",
             "response_format": "b64_json"},
            path=GENERATIONS,
        )  # fmt: skip
    assert sent(p) == {"model": "grok-2-image", "prompt": "a cat", "n": 1, "response_format": "b64_json"}
    assert got.json["data"] == [{"b64_json": "aGk=", "revised_prompt": "a big cat"}]
    assert isinstance(got.json["created"], int)
    assert got.headers["x-oneapi-dropped"] == "size, quality, style"


@pytest.mark.parametrize("answer", [Reply(headers=((b"content-type", b"image/png"),), pieces=[PNG]),
                                    told({"success": True, "result": {"image": b64encode(PNG).decode()}})])  # fmt: skip
async def test_cloudflares_pictures_come_as_bytes_or_in_json(answer: Reply) -> None:
    model = "@cf/black-forest-labs/flux-1-schnell"
    async with plane(channels=[of("cloudflare", model, config={"user_id": "acct"})]) as p:
        p.transport.script.append(answer)
        got = await p.ask({"model": model, "prompt": "a cat", "steps": 4}, path=GENERATIONS)
    assert got.json["data"] == [{"b64_json": b64encode(PNG).decode()}]
    assert got.headers["content-type"] == "application/json"
    assert sent(p) == {"prompt": "a cat", "steps": 4}
    assert asked(p) == [("POST", f"http://up.example/client/v4/accounts/acct/ai/run/{model}")]


@pytest.mark.parametrize("key", ["ali", "alibailian", "replicate", "zhipu", "xai", "cloudflare"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"data":5}', b'{"output":[5]}', b'{"result":7}', b"null"])
async def test_malformed_answers_are_clean_failures(
    key: str, body: bytes, autojump_clock: trio.testing.MockClock
) -> None:
    settings = {"config": {"user_id": "a"}, "key": "id.a-secret-of-some-length"}
    async with plane(channels=[of(key, "m", **settings)]) as p:
        p.transport.script.append(Reply(headers=JSON, pieces=[body]))
        got = await p.ask({"model": "m", "prompt": "a cat"}, path=GENERATIONS)
    assert got.status == 502
    assert [s.units for s in p.books.settled] == [0]
