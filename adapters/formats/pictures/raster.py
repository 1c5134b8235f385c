"""What is done to pictures themselves: PNG out of other kinds, masks turned over.

Pictures are strangers' files: few decoders are let at them, and none at one with more pixels than fit in memory.
All of this takes a while; it belongs in a thread.
"""

from __future__ import annotations

import io
import warnings

from PIL import Image

MOST_PIXELS = 64 << 20
PNG = b"\x89PNG\r\n\x1a\n"
_DECODERS = ("PNG", "JPEG", "WEBP")
_WHITE = (255, 255, 255, 255)


class NoPicture(Exception):
    """The bytes are no picture, or one that is too large or damaged."""


def as_png(picture: bytes) -> bytes:
    """Return `picture` as PNG. Raises `NoPicture`."""
    if picture.startswith(PNG):
        return picture
    return _written(_opened(picture))


def paint_over_holes(mask: bytes) -> bytes:
    """Return a mask as PNG whose transparent pixels are opaque white; the others stay. Raises `NoPicture`.

    OpenAI's masks are transparent where a picture is to be changed, others' are white there.
    """
    image = _opened(mask).convert("RGBA")
    holes = image.getchannel("A").point([255] + [0] * 255)
    image.paste(_WHITE, mask=holes)
    return _written(image)


def _opened(picture: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(picture), formats=_DECODERS)
            if image.width * image.height <= MOST_PIXELS:
                image.load()
                return image
    except Exception:  # noqa: BLE001 - damaged files make Pillow's decoders raise struct.error, zlib.error and more
        raise NoPicture("the picture cannot be read: PNG, JPEG and WebP can") from None
    raise NoPicture("the picture is too large")


def _written(image: Image.Image) -> bytes:
    target = io.BytesIO()
    kept = image if image.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16") else image.convert("RGBA")
    kept.save(target, "PNG")
    return target.getvalue()
