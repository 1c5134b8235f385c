"""What a relay reads in answers about images, sound and ranks."""

from __future__ import annotations

import json

import pytest

from adapters.formats.errors import FormatError
from adapters.formats.media import ImageReader, read_ranks, read_sound
from adapters.pricing.usage import Usage


def image(**members: object) -> bytes:
    return json.dumps({"created": 1, "data": [{"b64_json": "aGk="}], **members}).encode()


def test_cached_tokens_of_an_image_request_are_split_as_what_went_in() -> None:
    usage = {
        "input_tokens": 400, "output_tokens": 272,
        "input_tokens_details": {"text_tokens": 100, "image_tokens": 300, "cached_tokens": 40},
    }  # fmt: skip
    piece = ImageReader().read(image(usage=usage))
    assert piece.usage == Usage(input=90, cached_read=10, image_input=270, cached_image=30, image_output=272)
    assert piece.usage.prompt_total == 400
    usage["input_tokens_details"]["cached_tokens_details"] = {"text_tokens": 40, "image_tokens": 0}  # type: ignore[index]
    told = ImageReader().read(image(usage=usage)).usage
    assert told == Usage(input=60, cached_read=40, image_input=300, image_output=272)


def test_an_answer_without_an_image_is_damaged() -> None:
    for body in (b'{"created":1,"data":[]}', b"{}", b"<html>", b"[]"):
        with pytest.raises(FormatError):
            ImageReader().read(body)


def test_text_that_comes_with_an_image_is_told_apart() -> None:
    usage = {
        "input_tokens": 5,
        "output_tokens": 300,
        "output_tokens_details": {"text_tokens": 28, "image_tokens": 272},
    }
    piece = ImageReader().read(image(usage=usage))
    assert piece.usage == Usage(input=5, output=28, image_output=272)


def test_images_of_a_stream_add_up() -> None:
    reader = ImageReader()
    partial = reader.read(b'{"type":"image_generation.partial_image","b64_json":"aGk="}')
    assert (partial.has_content, partial.finishes, partial.usage) == (True, False, None)
    done = b'{"type":"image_generation.completed","usage":{"input_tokens":10,"output_tokens":20}}'
    first, second = reader.read(done), reader.read(done)
    assert first.finishes
    assert second.usage == Usage(input=20, image_output=40)


def test_an_error_inside_is_an_error() -> None:
    body = b'{"error":{"message":"no"}}'
    assert ImageReader().read(body).error == b'{"message":"no"}'
    assert read_sound(body).error == b'{"message":"no"}'
    assert read_ranks(body).error == b'{"message":"no"}'


def test_transcripts_need_not_be_json() -> None:
    for body in (b"Bonjour.\n", b"WEBVTT\n\n", b"", b'{"text":"Hello"}', b"\xff\xfe"):
        assert read_sound(body).finishes
    assert not read_sound(b'{"type":"transcript.text.delta","delta":"a"}').finishes
    assert read_sound(b'{"type":"transcript.text.done","text":"a"}').finishes


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({"usage": {"prompt_tokens": 7, "total_tokens": 7}}, Usage(input=7)),
        ({"usage": {"total_tokens": 9}}, Usage(input=9)),
        ({"meta": {"billed_units": {"search_units": 3}}}, Usage(calls=3)),
        ({"meta": {"tokens": {"input_tokens": 5}, "billed_units": {"search_units": 1}}}, Usage(input=5)),
        ({}, None),
    ],
)
def test_ranks_tell_tokens_or_searches(told: dict[str, object], usage: Usage | None) -> None:
    assert read_ranks(json.dumps({"results": [], **told}).encode()).usage == usage
