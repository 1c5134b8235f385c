"""Providers whose form is OpenAI's but for a few members: Zhipu and xAI.

Sources: https://docs.bigmodel.cn/api-reference (images), https://docs.x.ai/docs/guides/image-generations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.errors import FormatError
from adapters.formats.neutral.encoding import Encoded
from adapters.formats.openai_chat.answer_in import raise_error
from adapters.formats.pictures.painter import Painter, Picture, PictureResponse, one_only
from adapters.formats.reading import array, as_object, count, dump, load, text

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject
    from adapters.formats.pictures.painter import PictureRequest


def decode(body: bytes) -> PictureResponse:
    """Return what a provider of OpenAI's form answered. Raises `FormatError`, `ProviderFailure`."""
    answer = load(body)
    raise_error(answer)
    pictures: list[Picture] = []
    for place, item in enumerate(array(answer, "data")):
        one = as_object(item, f"data[{place}]")
        picture = Picture(
            url=text(one, "url"), base64=text(one, "b64_json"), revised_prompt=text(one, "revised_prompt")
        )
        if picture.url or picture.base64:
            pictures.append(picture)
    if not pictures:
        raise FormatError("there is no picture in the answer", path="data")
    return PictureResponse(pictures=pictures, created=count(answer, "created"))


def _to_zhipu(request: PictureRequest, model: str) -> Encoded:
    one_only(request)
    body: JsonObject = {"model": model, "prompt": request.prompt}
    for name, value in (("size", request.size), ("quality", request.quality), ("user_id", request.user)):
        if value:
            body[name] = value
    dropped = [name for name, value in (("style", request.style), ("image_prompt", request.image_prompt)) if value]
    return Encoded(dump({**body, **request.extra}), tuple(dropped))


def _to_xai(request: PictureRequest, model: str) -> Encoded:
    body: JsonObject = {"model": model, "prompt": request.prompt, "n": request.n}
    if request.wants_base64 is not None:
        body["response_format"] = "b64_json" if request.wants_base64 else "url"
    if request.user:
        body["user"] = request.user
    # It refuses requests that name these.
    shape = {"size": request.size, "quality": request.quality, "style": request.style}
    dropped = [name for name, value in (shape | {"image_prompt": request.image_prompt}).items() if value]
    return Encoded(dump({**body, **request.extra}), tuple(dropped))


ZHIPU = Painter(encode=_to_zhipu, decode=decode)
XAI = Painter(encode=_to_xai, decode=decode)
