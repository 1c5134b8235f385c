"""Pictures on Replicate, above all those of the FLUX family (https://replicate.com/black-forest-labs).

One prediction makes one picture; the wire waits for it. What a model takes beyond prompt and shape differs, so
members of the client's own go into its input as they are.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from adapters.formats.data_url import data_url
from adapters.formats.dialects.dialect import failure
from adapters.formats.errors import FormatError
from adapters.formats.neutral.encoding import Encoded
from adapters.formats.pictures.painter import Painter, Picture, PictureResponse, one_only
from adapters.formats.pictures.raster import NoPicture, as_png, paint_over_holes
from adapters.formats.reading import dump, is_array, load, text

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject
    from adapters.formats.pictures.painter import PictureRequest

_PICTURE_MEMBERS = (
    ("kontext", "input_image"),
    ("redux", "redux_image"),
    ("canny", "control_image"),
    ("depth", "control_image"),
)
"""What models call the picture that they start from, by a part of their name; the others: `image_prompt`."""
_SEVERAL = (("flux-2-", "input_images"), ("seedream-4", "image_input"), ("gpt-image", "input_images"))
_RATIOS = ("1:1", "16:9", "9:16", "3:2", "2:3", "4:3", "3:4", "4:5", "5:4", "21:9", "9:21")
_NOT_PAID_FOR = frozenset(
    ["num_outputs", "n_images", "number_of_images", "max_images", "sequential_image_generation"]
)
"""Members that would make more pictures than are charged."""
_CENSORED = ("nsfw", "flagged as sensitive", "e005", "safety")


def _encode(request: PictureRequest, model: str) -> Encoded:
    one_only(request)
    given = _changed(request, model) if request.images else _made(request, model)
    own = {name: value for name, value in request.extra.items() if name not in _NOT_PAID_FOR}
    shape = {"quality": request.quality, "style": request.style, "user": request.user}
    dropped = [name for name, value in shape.items() if value]
    dropped += [name for name in request.extra if name in _NOT_PAID_FOR]
    return Encoded(dump({"input": {**given, **own}}), tuple(dropped))


def _made(request: PictureRequest, model: str) -> JsonObject:
    given: JsonObject = {"prompt": request.prompt, "aspect_ratio": "1:1"}
    if _is_flux(model):
        given |= {"steps": 25, "guidance": 3, "safety_tolerance": 5}
    if (numbers := request.numbers()) is not None:
        given |= {"aspect_ratio": _ratio(*numbers), "width": numbers[0], "height": numbers[1]}
    if request.image_prompt:
        _show(given, model, [request.image_prompt], "image_prompt")
    return given


def _changed(request: PictureRequest, model: str) -> JsonObject:
    """Uploads are PNG by now, and a mask is white where the picture is to be changed."""
    given: JsonObject = {"prompt": request.prompt}
    if _is_flux(model):
        given |= {"steps": 30, "guidance": 3, "safety_tolerance": 5, "prompt_unsampling": False}
    given["output_format"] = "png"
    _show(given, model, [_url(image) for image in request.images], "image")
    if request.mask is not None:
        given["mask"] = _url(request.mask)
    return given


def _show(given: JsonObject, model: str, urls: list[str], otherwise: str) -> None:
    for part, name in _SEVERAL:
        if part in model:
            given[name] = urls
            return
    if len(urls) > 1:
        raise FormatError("this model takes one picture", path="image")
    name = next((name for part, name in _PICTURE_MEMBERS if part in model), otherwise)
    given[name] = urls[0]


def _is_flux(model: str) -> bool:
    return "flux" in model


def _url(png: bytes) -> str:
    return data_url("image/png", b64encode(png).decode())


def _ratio(width: int, height: int) -> str:
    """Return the shape that comes closest."""
    if not width or not height:
        raise FormatError("expected WIDTHxHEIGHT", path="size")

    def distance(ratio: str) -> float:
        across, _, down = ratio.partition(":")
        wanted, offered = width / height, int(across) / int(down)
        return max(wanted / offered, offered / wanted)

    return min(_RATIOS, key=distance)


def _decode(body: bytes) -> PictureResponse:
    answer = load(body)
    status = text(answer, "status")
    if status != "succeeded":
        error = answer.get("error")
        words = error if isinstance(error, str) and error else f"the prediction is {status or 'lost'}"
        censored = any(word in words.lower() for word in _CENSORED)
        raise failure(words, status or "lost", status=400 if censored else 502)
    output = answer.get("output")
    urls = [url for url in (output if is_array(output) else [output]) if isinstance(url, str) and url]
    if not urls:
        raise FormatError("there is no picture in the answer", path="output")
    return PictureResponse(pictures=[Picture(url=url) for url in urls[:1]], created=_seconds(answer))


def _seconds(answer: JsonObject) -> int:
    try:
        told = datetime.fromisoformat(text(answer, "completed_at"))
        return int(told.replace(tzinfo=told.tzinfo or UTC).timestamp())
    except (FormatError, ValueError, OverflowError):
        return 0


def _ready(request: PictureRequest) -> PictureRequest:
    try:
        return msgspec.structs.replace(
            request,
            images=[as_png(image) for image in request.images],
            mask=None if request.mask is None else paint_over_holes(request.mask),
        )
    except NoPicture as error:
        raise FormatError(str(error), path="image") from None


PAINTER = Painter(encode=_encode, decode=_decode, ready=_ready, makes_png=True)
