"""Imagen on Vertex AI (https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api)."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from adapters.formats import gemini
from adapters.formats.dialects.dialect import failure
from adapters.formats.errors import FormatError
from adapters.formats.neutral.encoding import Encoded
from adapters.formats.pictures.painter import Painter, Picture, PictureResponse
from adapters.formats.reading import array, as_object, dump, load, text

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject
    from adapters.formats.pictures.painter import PictureRequest

_RATIOS = {(1, 1): "1:1", (3, 4): "3:4", (4, 3): "4:3", (9, 16): "9:16", (16, 9): "16:9"}
_NEAR = 0.02
_PARAMETERS = frozenset(
    (
        "addWatermark",
        "aspectRatio",
        "editConfig",
        "editMode",
        "enhancePrompt",
        "language",
        "negativePrompt",
        "outputOptions",
        "personGeneration",
        "safetySetting",
        "sampleImageSize",
        "sampleImageStyle",
        "seed",
        "storageUri",
    )
)


def _encode(request: PictureRequest, model: str) -> Encoded:
    del model  # it is part of the address
    parameters: JsonObject = {"sampleCount": request.n}
    dropped = [name for name, value in {"quality": request.quality, "style": request.style}.items() if value]
    if request.quality == "standard":
        # What all of its pictures are.
        dropped.remove("quality")
    if (numbers := request.numbers()) is not None:
        # Squares are what it makes anyway.
        if (ratio := _ratio(*numbers)) and ratio != "1:1":
            parameters["aspectRatio"] = ratio
        elif not ratio:
            dropped.append("size")
    if request.user:
        dropped.append("user")
    for name, value in request.extra.items():
        if name in _PARAMETERS:
            parameters[name] = value
        else:
            dropped.append(name)
    instance: JsonObject = {"prompt": request.prompt}
    references = _references(request)
    if references:
        instance["referenceImages"] = references
        if request.mask is not None:
            parameters.setdefault("editMode", "EDIT_MODE_INPAINT_INSERTION")
    if request.image_prompt:
        dropped.append("image_prompt")
    return Encoded(dump({"instances": [instance], "parameters": parameters}), tuple(dropped))


def _ratio(width: int, height: int) -> str:
    """Return the aspect ratio that the model knows and that is meant, empty if there is none."""
    wanted = width / height
    return next((name for (w, h), name in _RATIOS.items() if abs(w / h - wanted) <= _NEAR * wanted), "")


def _references(request: PictureRequest) -> list[JsonObject]:
    """Return uploads as what the editing models take (`imagen-3.0-capability-001`)."""
    found: list[JsonObject] = [
        {
            "referenceType": "REFERENCE_TYPE_RAW",
            "referenceId": number,
            "referenceImage": {"bytesBase64Encoded": b64encode(picture).decode()},
        }
        for number, picture in enumerate(request.images, 1)
    ]
    if request.mask is not None:
        found.append(
            {
                "referenceType": "REFERENCE_TYPE_MASK",
                "referenceId": len(found) + 1,
                "referenceImage": {"bytesBase64Encoded": b64encode(request.mask).decode()},
                "maskImageConfig": {"maskMode": "MASK_MODE_USER_PROVIDED"},
            }
        )
    return found


def _decode(body: bytes) -> PictureResponse:
    answer = load(body)
    pictures: list[Picture] = []
    filtered = ""
    for place, one in enumerate(array(answer, "predictions")):
        told = as_object(one, f"predictions[{place}]")
        if data := text(told, "bytesBase64Encoded"):
            pictures.append(Picture(base64=data, revised_prompt=text(told, "prompt")))
        filtered = filtered or text(told, "raiFilteredReason")
    if pictures:
        return PictureResponse(pictures=pictures)
    if filtered or answer.get("predictions") in (None, []):
        # An answer without any picture means that Google's filter took them all.
        words = filtered or "the pictures were filtered by the provider's policies"
        raise failure(words, "content_policy_violation", status=400, type="image_generation_user_error")
    raise FormatError("there is no picture in the answer", path="predictions")


PAINTER = Painter(encode=_encode, decode=_decode, read_error=gemini.read_error)
