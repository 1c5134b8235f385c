"""A request for pictures and its answer between the forms, and the codec's two functions.

Client side: https://platform.openai.com/docs/api-reference/images. Providers often answer with URLs that live for a
day; a client that wants base64 then gets what the relay fetched from there.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from adapters.formats import openai_chat
from adapters.formats.errors import FormatError
from adapters.formats.neutral.terms import JsonObject
from adapters.formats.reading import dump, load, required_text, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from adapters.formats.codec import ReadError
    from adapters.formats.neutral.encoding import Encoded

_KNOWN = frozenset(
    ["model", "prompt", "n", "size", "quality", "style", "user", "response_format", "image_prompt", "stream"]
)


class PictureRequest(msgspec.Struct, kw_only=True):
    """Pictures to be made, or (with `images`) to be changed."""

    prompt: str
    n: int = 1
    size: str = ""
    """`1024x1024`, empty if the client named none."""
    quality: str = ""
    style: str = ""
    user: str = ""
    wants_base64: bool | None = None
    """Whether the client wants the bytes, or addresses; `None`: it did not say."""
    image_prompt: str = ""
    """A picture to start from, as a URL of any kind."""
    images: list[bytes] = []
    """Uploads to be changed."""
    mask: bytes | None = None
    """An upload that is transparent where the picture is to be changed."""
    extra: JsonObject = {}
    """What OpenAI's form does not know."""

    def numbers(self) -> tuple[int, int] | None:
        """Return width and height, or `None` where the client named none. Raises `FormatError`."""
        if not self.size or self.size == "auto":
            return None
        width, x, height = self.size.lower().replace("*", "x").partition("x")
        if not x or not all(side.isdecimal() and 0 < len(side) < 6 for side in (width, height)):
            raise FormatError("expected WIDTHxHEIGHT", path="size")
        return int(width), int(height)


class Picture(msgspec.Struct, kw_only=True):
    """One picture, where it is or what it is."""

    url: str = ""
    base64: str = ""
    revised_prompt: str = ""


class PictureResponse(msgspec.Struct, kw_only=True):
    """What a provider made."""

    pictures: list[Picture]
    created: int = 0
    """Unix seconds; 0: not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Painter:
    """One provider's form. Raises `FormatError`, and `ProviderFailure` for an error with status 200."""

    encode: Callable[[PictureRequest, str], Encoded]
    """Request, and the model as the provider names it."""
    decode: Callable[[bytes], PictureResponse]
    read_error: ReadError = openai_chat.read_error
    ready: Callable[[PictureRequest], PictureRequest] | None = None
    """What is done to uploads first. Takes a while: for a thread. Raises `FormatError`."""
    makes_png: bool = False
    """Bytes go to clients as PNG, which they are used to, though the provider makes something else."""


def decode_request(raw: bytes, *, images: Sequence[bytes] = (), mask: bytes | None = None) -> PictureRequest:
    """Return what a client asks: JSON, or the text fields of a form as JSON. Raises `FormatError`."""
    body = load(raw)
    wanted = text(body, "response_format")
    if wanted not in ("", "url", "b64_json"):
        raise FormatError("expected url or b64_json", path="response_format")
    return PictureRequest(
        prompt=required_text(body, "prompt"),
        n=_count(body),
        size=text(body, "size"),
        quality=text(body, "quality"),
        style=text(body, "style"),
        user=text(body, "user"),
        wants_base64=wanted == "b64_json" if wanted else None,
        image_prompt=text(body, "image_prompt"),
        images=list(images),
        mask=mask,
        extra={name: value for name, value in body.items() if value is not None and name not in _KNOWN},
    )


def _count(body: JsonObject) -> int:
    value = body.get("n")
    if value is None:
        return 1
    if isinstance(value, str) and value.isdecimal() and len(value) < 5:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise FormatError("expected a whole number above 0", path="n")
    return value


def kind_of(picture: bytes) -> str:
    """Return the media type by the first bytes; what is unknown counts as PNG."""
    if picture.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP":
        return "image/webp"
    return "image/png"


def one_only(request: PictureRequest) -> None:
    """Raise `FormatError` for providers that make one picture at a time."""
    if request.n != 1:
        raise FormatError("this model makes one picture at a time", path="n")


def wanted_urls(response: PictureResponse, request: PictureRequest) -> tuple[str, ...]:
    """Return what has to be fetched before the client can be answered."""
    if not request.wants_base64:
        return ()
    return tuple(dict.fromkeys(one.url for one in response.pictures if one.url and not one.base64))


def encode_response(response: PictureResponse, fetched: Mapping[str, bytes], *, now_s: int) -> bytes:
    """Return the body for a client. A picture that could not be fetched keeps its URL: it is made, and paid for."""
    data: list[JsonObject] = []
    for one in response.pictures:
        written: JsonObject = {}
        if one.url in fetched:
            written["b64_json"] = b64encode(fetched[one.url]).decode()
        elif one.base64:
            written["b64_json"] = one.base64
        else:
            written["url"] = one.url
        if one.revised_prompt:
            written["revised_prompt"] = one.revised_prompt
        data.append(written)
    return dump({"created": response.created or now_s, "data": data})
