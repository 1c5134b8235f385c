"""Tokens of images and sound in a prompt, from the first bytes of the data: nothing is decoded, nothing fetched."""

from __future__ import annotations

import binascii
import math
import struct
from dataclasses import dataclass

AUDIO_TOKENS_PER_SECOND = 10

# Of a picture that is only known by its address: a size that vision models are often sent.
DEFAULT_SIZE = (1024, 1024)

# Compressed sound at 128 kbit/s, where the header does not tell.
_BYTES_PER_SECOND = 16_000

# A JPEG may carry a preview and colour profiles before its size.
_FIRST_CHARS, _MOST_CHARS = 4096, 2 * 1024 * 1024

_JPEG_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class ImageRule:
    """What an image costs: `base` once, `tile` per square of 512 pixels."""

    base: int
    tile: int


_DEFAULT_RULE = ImageRule(85, 170)
_RULES = (
    ("gpt-4o-mini", ImageRule(2833, 5667)),
    ("gpt-5", ImageRule(70, 140)),
    ("o1", ImageRule(75, 150)),
    ("o3", ImageRule(75, 150)),
    ("computer-use-preview", ImageRule(65, 129)),
)

_CLAUDE_LONGEST = 1568
_CLAUDE_PIXELS_PER_TOKEN = 750


def image_tokens(model: str, url: str, detail: str = "") -> int:
    """Return the tokens of an image given as a data URL or by address (then of a picture of usual size)."""
    width, height = image_size(url) or DEFAULT_SIZE
    if model.startswith("claude"):
        shrink = min(1.0, _CLAUDE_LONGEST / max(width, height))
        return round(width * shrink * height * shrink / _CLAUDE_PIXELS_PER_TOKEN)
    rule = next((rule for prefix, rule in _RULES if model.startswith(prefix)), _DEFAULT_RULE)
    if detail == "low":
        return rule.base
    return rule.base + rule.tile * _squares(width, height)


def _squares(width: float, height: float) -> int:
    if max(width, height) > 2048:
        shrink = 2048 / max(width, height)
        width, height = width * shrink, height * shrink
    if min(width, height) > 768:
        shrink = 768 / min(width, height)
        width, height = width * shrink, height * shrink
    # Rounded first, or 512 squares of 1.0000000001 would count twice.
    return math.ceil(round(width, 6) / 512) * math.ceil(round(height, 6) / 512)


def image_size(url: str) -> tuple[int, int] | None:
    """Return width and height of a PNG, JPEG, GIF or WebP in a data URL; `None` if it cannot be told."""
    if not url.startswith("data:"):
        return None
    start = url.find(",") + 1
    if not start or ";base64" not in url[:start]:
        return None
    found = _size(_decoded(url, start, _FIRST_CHARS))
    if found is None and url[start : start + 4] == "/9j/":
        found = _jpeg_size(_decoded(url, start, _MOST_CHARS))
    return found if found and min(found) > 0 else None


def _decoded(text: str, start: int, chars: int) -> bytes:
    piece = text[start : start + chars]
    try:
        return binascii.a2b_base64(piece[: len(piece) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""


def _size(head: bytes) -> tuple[int, int] | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        width, height = struct.unpack_from(">II", head, 16)
        return width, height
    if head.startswith((b"GIF87a", b"GIF89a")) and len(head) >= 10:
        width, height = struct.unpack_from("<HH", head, 6)
        return width, height
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP" and len(head) >= 30:
        return _webp_size(head)
    if head.startswith(b"\xff\xd8"):
        return _jpeg_size(head)
    return None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    return None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker in _JPEG_SIZE_MARKERS:
            height, width = struct.unpack_from(">HH", head, at + 5)
            return width, height
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None


def audio_tokens(data: str) -> int:
    """Return the tokens of base64 sound: exact for WAV, by a usual bit rate for the rest."""
    size = len(data) * 3 // 4 - data[-2:].count("=")
    head = _decoded(data, 0, _FIRST_CHARS)
    seconds = size / _BYTES_PER_SECOND
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        seconds = _wav_seconds(head, size) or seconds
    return math.ceil(round(seconds * AUDIO_TOKENS_PER_SECOND, 6))


def _wav_seconds(head: bytes, size: int) -> float | None:
    at, bytes_per_second = 12, 0
    while at + 8 <= len(head):
        name, length = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
        if name == b"fmt " and at + 20 <= len(head):
            bytes_per_second = int.from_bytes(head[at + 16 : at + 20], "little")
        elif name == b"data":
            # Streams are written with a length that says "unknown".
            return min(length, max(size - at - 8, 0)) / bytes_per_second if bytes_per_second else None
        at += 8 + length + length % 2
    return None
