"""Requests for pictures in providers' own forms, and their answers in OpenAI's."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats.dialects.dialect import RICH
from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.pictures.painter import (
    Picture,
    PictureResponse,
    decode_request,
    encode_response,
    kind_of,
    wanted_urls,
)
from adapters.formats.pictures.table import PAINTERS

FLUX = "black-forest-labs/flux-1.1-pro"


def written(name: str, model: str, /, *, images: list[bytes] | None = None, **asked: Any) -> dict[str, Any]:
    request = decode_request(json.dumps({"prompt": "a cat", **asked}).encode(), images=images or [])
    body: dict[str, Any] = json.loads(PAINTERS[name].encode(request, model).body)
    return body


def dropped(name: str, model: str, **asked: Any) -> set[str]:
    request = decode_request(json.dumps({"prompt": "a cat", **asked}).encode())
    return set(PAINTERS[name].encode(request, model).dropped)


@pytest.mark.parametrize(
    ("size", "ratio"),
    [("1024x1024", "1:1"), ("1536x1024", "3:2"), ("1024x1536", "2:3"), ("1792x1024", "16:9"), ("1024x1792", "9:16"),
     ("1280*720", "16:9"), ("2560x1080", "21:9"), ("1000x1010", "1:1"), ("1x9999", "9:21")],
)  # fmt: skip
def test_replicate_is_told_the_shape_that_comes_closest(size: str, ratio: str) -> None:
    given = written("replicate", FLUX, size=size)["input"]
    assert (given["aspect_ratio"], f"{given['width']}x{given['height']}") == (ratio, size.replace("*", "x"))


@pytest.mark.parametrize("asked", [{}, {"size": "auto"}, {"size": ""}])
def test_replicate_makes_squares_unless_told_otherwise(asked: dict[str, Any]) -> None:
    assert written("replicate", FLUX, **asked)["input"] == {
        "prompt": "a cat", "aspect_ratio": "1:1", "steps": 25, "guidance": 3, "safety_tolerance": 5,
    }  # fmt: skip


def test_what_is_known_of_flux_is_not_told_to_others() -> None:
    assert written("replicate", "google/imagen-4")["input"] == {"prompt": "a cat", "aspect_ratio": "1:1"}


def test_members_of_the_clients_own_go_into_the_input_but_for_what_is_not_paid_for() -> None:
    own = {"steps": 40, "aspect_ratio": "21:9", "seed": 7, "num_outputs": 4, "quality": "hd", "user": "u"}
    given = written("replicate", FLUX, **own)["input"]
    assert (given["steps"], given["aspect_ratio"], given["seed"]) == (40, "21:9", 7)
    assert "num_outputs" not in given
    assert dropped("replicate", FLUX, **own) == {"num_outputs", "quality", "user"}


@pytest.mark.parametrize(
    ("model", "name", "several"),
    [("black-forest-labs/flux-kontext-pro", "input_image", False), ("black-forest-labs/flux-fill-pro", "image", False),
     ("black-forest-labs/flux-canny-pro", "control_image", False), ("black-forest-labs/flux-redux-dev", "redux_image", False),
     ("black-forest-labs/flux-2-pro", "input_images", True), ("bytedance/seedream-4", "image_input", True)],
)  # fmt: skip
def test_models_call_the_picture_to_be_changed_differently(model: str, name: str, *, several: bool) -> None:
    url = f"data:image/png;base64,{b64encode(b'png').decode()}"
    assert written("replicate", model, images=[b"png"])["input"][name] == ([url] if several else url)
    if several:
        assert len(written("replicate", model, images=[b"a", b"b"])["input"][name]) == 2
    else:
        with pytest.raises(FormatError):
            written("replicate", model, images=[b"a", b"b"])


@pytest.mark.parametrize(("name", "model"), [("replicate", FLUX), ("zhipu", "cogview-4"), ("cloudflare", "@cf/x")])
def test_several_pictures_at_once_are_refused_where_one_is_made(name: str, model: str) -> None:
    with pytest.raises(FormatError, match="one picture"):
        written(name, model, n=2)


@pytest.mark.parametrize("size", ["big", "1024", "x", "0x", "10x-1", "1024x1024x3", "9999999x1", "0x5"])
def test_sizes_that_are_none_are_refused(size: str) -> None:
    with pytest.raises(FormatError):
        written("replicate", FLUX, size=size)


def test_tasks_have_their_parameters_apart() -> None:
    body = written(
        "dashscope",
        "wanx-v1",
        size="1280x720",
        n=3,
        style="<anime>",
        seed=5,
        negative_prompt="dogs",
        image_prompt="https://p/1.png",
    )
    assert body == {
        "model": "wanx-v1",
        "input": {"prompt": "a cat", "negative_prompt": "dogs", "ref_img": "https://p/1.png"},
        "parameters": {"size": "1280*720", "n": 3, "style": "<anime>", "seed": 5},
    }
    assert dropped("dashscope", "wanx-v1", style="vivid") == {"style"}
    with pytest.raises(FormatError):
        written("dashscope", "wanx-v1", images=[b"png"])


@pytest.mark.parametrize(
    "model", ["qwen-image-2.0", "qwen-image-edit-plus", "z-image-turbo", "wan2.6-t2i", "wan2.7-image-pro"]
)
def test_newer_models_read_messages(model: str) -> None:
    request = decode_request(
        b'{"prompt":"a cat","size":"1024x768","watermark":false}', images=[b"\xff\xd8\xff", b"\x89PNG"]
    )
    encoded = PAINTERS["dashscope"].encode(request, model)
    assert encoded.endpoint == RICH
    body = json.loads(encoded.body)
    (message,) = body["input"]["messages"]
    shown, also, asked = message["content"]
    assert shown["image"].startswith("data:image/jpeg;base64,")
    assert also["image"].startswith("data:image/png;base64,")
    assert asked == {"text": "a cat"}
    assert body["parameters"] == {"n": 1, "size": "1024*768", "watermark": False}


@pytest.mark.parametrize(
    ("name", "body", "status", "message"),
    [
        ("dashscope", {"code": "Throttling.RateQuota", "message": "slow"}, 429, "slow"),
        ("dashscope", {"output": {"task_status": "FAILED", "code": "InvalidParameter", "message": "bad"}}, 400, "bad"),
        ("replicate", {"status": "failed", "error": "NSFW content detected"}, 400, "NSFW content detected"),
        ("replicate", {"status": "canceled"}, 502, "the prediction is canceled"),
        ("cloudflare", {"success": False, "errors": [{"code": 3030, "message": "NSFW"}]}, 502, "NSFW"),
        ("cloudflare", {"success": False, "errors": []}, 502, "the provider reports error run_failed"),
        ("zhipu", {"error": {"code": "1301", "message": "unfit"}}, 502, "unfit"),
        ("xai", {"error": "bad model"}, 502, "bad model"),
    ],
)  # fmt: skip
def test_errors_in_answers_are_failures(name: str, body: object, status: int, message: str) -> None:
    with pytest.raises(ProviderFailure) as caught:
        PAINTERS[name].decode(json.dumps(body).encode())
    assert (caught.value.status, caught.value.error.message) == (status, message)


def test_replicate_tells_when_a_picture_was_made() -> None:
    def made(at: object) -> int:
        body = {"status": "succeeded", "output": "u", "completed_at": at}
        return PAINTERS["replicate"].decode(json.dumps(body).encode()).created

    assert (
        made("2025-09-24T08:00:05.123456Z")
        == made("2025-09-24T10:00:05+02:00")
        == made("2025-09-24T08:00:05")
        == 1758700805
    )
    assert made("yesterday") == made(None) == made(5) == 0


def test_answers_are_written_as_clients_know_them() -> None:
    response = PictureResponse(
        pictures=[Picture(url="u1", revised_prompt="r"), Picture(url="u2"), Picture(base64="aGk=")], created=0
    )
    told = json.loads(encode_response(response, {"u1": b"hi"}, now_s=7))
    assert told == {
        "created": 7,
        "data": [{"b64_json": "aGk=", "revised_prompt": "r"}, {"url": "u2"}, {"b64_json": "aGk="}],
    }


@pytest.mark.parametrize(("wanted", "urls"), [("b64_json", ("u1", "u2")), ("url", ()), (None, ())])
def test_only_who_wants_bytes_has_them_fetched(wanted: str | None, urls: tuple[str, ...]) -> None:
    request = decode_request(json.dumps({"prompt": "x", "response_format": wanted}).encode())
    pictures = [Picture(url="u1"), Picture(url="u2"), Picture(url="u1"), Picture(url="u3", base64="aGk=")]
    assert wanted_urls(PictureResponse(pictures=pictures), request) == urls


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"prompt":""}', b'{"prompt":5}', b'{"prompt":"x","n":0}', b'{"prompt":"x","n":-1}',
     b'{"prompt":"x","n":1.5}', b'{"prompt":"x","n":true}', b'{"prompt":"x","n":"many"}',
     b'{"prompt":"x","response_format":"png"}', b'{"prompt":"x","size":5}'],
)  # fmt: skip
def test_requests_that_make_no_sense_are_refused(body: bytes) -> None:
    with pytest.raises(FormatError):
        decode_request(body)


def test_forms_tell_numbers_as_texts() -> None:
    assert decode_request(b'{"prompt":"x","n":"3"}').n == 3


@pytest.mark.parametrize(
    ("picture", "kind"),
    [
        (b"\x89PNG\r\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"?", "image/png"),
    ],
)
def test_the_first_bytes_tell_the_kind(picture: bytes, kind: str) -> None:
    assert kind_of(picture) == kind


@given(
    st.sampled_from(sorted(PAINTERS)),
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.none()),
)
def test_whatever_is_asked_is_written_or_refused(name: str, asked: dict[str, Any]) -> None:
    try:
        body = written(name, "m", **{**asked, "prompt": "x"})
    except FormatError:
        return
    assert "x" in json.dumps(body)
