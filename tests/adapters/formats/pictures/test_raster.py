"""Pictures turned into PNG, masks turned over, and files that are no pictures."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from adapters.formats.pictures import raster
from adapters.formats.pictures.raster import PNG, NoPicture, as_png, paint_over_holes


def saved(image: Image.Image, kind: str) -> bytes:
    target = io.BytesIO()
    image.save(target, kind)
    return target.getvalue()


def opened(picture: bytes) -> Image.Image:
    return Image.open(io.BytesIO(picture))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_other_kinds_become_png(kind: str) -> None:
    image = opened(as_png(saved(Image.new("RGB", (3, 2), (200, 10, 10)), kind)))
    assert (image.format, image.size) == ("PNG", (3, 2))
    red, green, _ = image.convert("RGB").getpixel((1, 1))  # type: ignore[misc]
    assert red > 180 > 40 > green


def test_modes_that_png_does_not_have_are_converted() -> None:
    assert opened(as_png(saved(Image.new("CMYK", (2, 2)), "JPEG"))).mode == "RGBA"


def test_png_stays_as_it_is() -> None:
    picture = saved(Image.new("RGBA", (2, 2), (1, 2, 3, 4)), "PNG")
    assert as_png(picture) is picture


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "RGB"])
def test_holes_become_white_and_all_else_stays(mode: str) -> None:
    mask = Image.new("RGBA", (3, 1), (0, 0, 0, 255))
    mask.putpixel((1, 0), (9, 9, 9, 0))
    mask.putpixel((2, 0), (50, 60, 70, 128))
    image = opened(paint_over_holes(saved(mask if mode == "RGBA" else mask.convert(mode), "PNG"))).convert("RGBA")
    if mode == "RGBA":
        assert [image.getpixel((x, 0)) for x in range(3)] == [(0, 0, 0, 255), (255, 255, 255, 255), (50, 60, 70, 128)]
    elif mode == "LA":
        assert image.getpixel((1, 0)) == (255, 255, 255, 255)
    assert image.getpixel((0, 0)) == (0, 0, 0, 255)


def bomb(width: int, height: int) -> bytes:
    """A picture of a few bytes that says it is enormous."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return PNG + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "picture",
    [b"", b"no picture", PNG, PNG + b"x" * 50, b"\xff\xd8\xff\xe0 broken", b"GIF89a" + b"\0" * 30,
     b"<svg xmlns='http://www.w3.org/2000/svg'/>", bomb(100_000, 100_000), bomb(20_000, 20_000), bomb(4, 4)],
)  # fmt: skip
def test_what_is_no_picture_is_refused(picture: bytes) -> None:
    with pytest.raises(NoPicture):
        paint_over_holes(picture)


def test_a_picture_with_too_many_pixels_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raster, "MOST_PIXELS", 3)
    with pytest.raises(NoPicture, match="too large"):
        as_png(saved(Image.new("RGB", (2, 2)), "JPEG"))


WEBP = saved(Image.new("RGB", (8, 8), (1, 2, 3)), "WEBP")
JPEG = saved(Image.new("RGB", (8, 8), (1, 2, 3)), "JPEG")


@given(st.sampled_from([WEBP, JPEG]), st.integers(0, 400), st.binary(max_size=8))
def test_damaged_pictures_are_read_or_refused(picture: bytes, place: int, junk: bytes) -> None:
    try:
        read = as_png(picture[:place] + junk + picture[place + len(junk) :])
    except NoPicture:
        return
    assert read.startswith(PNG)
