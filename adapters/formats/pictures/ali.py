"""DashScope's pictures: Wan's as tasks, those of the models that read messages at once.

Sources: https://help.aliyun.com/zh/model-studio/text-to-image-v2-api-reference (tasks, which the wire waits for),
https://help.aliyun.com/zh/model-studio/qwen-image-api (messages).
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from adapters.formats.data_url import data_url
from adapters.formats.dialects.ali import raise_error, status_of
from adapters.formats.dialects.dialect import RICH, failure
from adapters.formats.errors import FormatError
from adapters.formats.neutral.encoding import Encoded
from adapters.formats.pictures.painter import Painter, Picture, PictureResponse, kind_of
from adapters.formats.reading import array, as_object, dump, is_array, load, member, text

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject
    from adapters.formats.pictures.painter import PictureRequest

_READ_MESSAGES = ("qwen-image", "z-image", "wan2.6-t2i", "wan2.7-image", "multimodal")
_INPUTS = ("negative_prompt", "ref_img", "ref_image")


def _encode(request: PictureRequest, model: str) -> Encoded:
    parameters: JsonObject = {"n": request.n}
    if (numbers := request.numbers()) is not None:
        parameters["size"] = f"{numbers[0]}*{numbers[1]}"
    given = dict(request.extra)
    if model.startswith(_READ_MESSAGES):
        return _as_message(request, model, {**parameters, **given})
    if request.images:
        raise FormatError("this model changes no pictures", path="image")
    asked: JsonObject = {"prompt": request.prompt}
    asked |= {name: given.pop(name) for name in _INPUTS if name in given}
    if request.image_prompt:
        asked["ref_img"] = request.image_prompt
    # OpenAI's styles are `vivid` and `natural`; Wan's are in angle brackets.
    if request.style.startswith("<"):
        parameters["style"] = request.style
    body = {"model": model, "input": asked, "parameters": {**parameters, **given}}
    return Encoded(dump(body), ("style",) if request.style and "style" not in parameters else ())


def _as_message(request: PictureRequest, model: str, parameters: JsonObject) -> Encoded:
    content: list[JsonObject] = [
        {"image": data_url(kind_of(image), b64encode(image).decode())} for image in request.images
    ]
    if request.image_prompt:
        content.append({"image": request.image_prompt})
    content.append({"text": request.prompt})
    messages = [{"role": "user", "content": content}]
    dropped = [name for name, value in (("style", request.style), ("mask", request.mask)) if value]
    body = {"model": model, "input": {"messages": messages}, "parameters": parameters}
    return Encoded(dump(body), tuple(dropped), RICH)


def _decode(body: bytes) -> PictureResponse:
    answer = load(body)
    raise_error(answer)
    output = member(answer, "output") or {}
    status = text(output, "task_status", "output")
    if status not in ("", "SUCCEEDED"):
        raise _failure(output, f"the task is {status.lower()}")
    pictures = [Picture(url=url) for url in (*_results(output), *_shown(output)) if url]
    if not pictures:
        results = [as_object(item, "output.results") for item in array(output, "results", "output")]
        if results:
            raise _failure(results[0], "no picture was made")
        raise FormatError("there is no picture in the answer", path="output")
    return PictureResponse(pictures=pictures)


def _results(output: JsonObject) -> list[str]:
    return [text(as_object(item, "output.results"), "url") for item in array(output, "results", "output")]


def _shown(output: JsonObject) -> list[str]:
    found: list[str] = []
    for item in array(output, "choices", "output"):
        message = member(as_object(item, "output.choices"), "message", "output.choices") or {}
        content = message.get("content")
        parts = content if is_array(content) else []
        found += [text(as_object(part, "output.choices.message.content"), "image") for part in parts]
    return found


def _failure(source: JsonObject, otherwise: str) -> Exception:
    code = text(source, "code")
    return failure(text(source, "message") or otherwise, code or "task_failed", status=status_of(code))


PAINTER = Painter(encode=_encode, decode=_decode)
