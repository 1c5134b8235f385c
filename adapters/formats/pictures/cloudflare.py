"""Pictures of Workers AI (https://developers.cloudflare.com/workers-ai/models/?tasks=Text-to-Image).

Some models answer with the picture's bytes, others with JSON; none has an address for it.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from adapters.formats.dialects.dialect import failure
from adapters.formats.errors import FormatError
from adapters.formats.neutral.encoding import Encoded
from adapters.formats.pictures.painter import Painter, Picture, PictureResponse, one_only
from adapters.formats.reading import array, as_object, dump, load, member, text

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject
    from adapters.formats.pictures.painter import PictureRequest


_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"GIF8")


def _encode(request: PictureRequest, model: str) -> Encoded:
    del model  # it is part of the address
    one_only(request)
    body: JsonObject = {"prompt": request.prompt}
    if (numbers := request.numbers()) is not None:
        body |= {"width": numbers[0], "height": numbers[1]}
    others = {"quality": request.quality, "style": request.style, "image_prompt": request.image_prompt}
    dropped = [name for name, value in (others | {"user": request.user}).items() if value]
    return Encoded(dump({**body, **request.extra}), tuple(dropped))


def _decode(body: bytes) -> PictureResponse:
    if body.startswith(_PICTURES):
        return PictureResponse(pictures=[Picture(base64=b64encode(body).decode())])
    answer = load(body)
    if answer.get("success") is False:
        errors = array(answer, "errors")
        first = as_object(errors[0], "errors[0]") if errors else {}
        raise failure(text(first, "message"), first.get("code") or "run_failed", status=502)
    result = member(answer, "result") or answer
    picture = text(result, "image", "result")
    if not picture:
        raise FormatError("there is no picture in the answer", path="result.image")
    return PictureResponse(pictures=[Picture(base64=picture)])


PAINTER = Painter(encode=_encode, decode=_decode)
