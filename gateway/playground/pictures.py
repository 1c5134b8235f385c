"""Pictures that people add to a message: looked at, bounded, and written as `data:` URLs that all formats carry."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from adapters.formats.data_url import data_url
from gateway.accounts.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST: Final = 4
# All of them with the rest of the form stay below what a page may be sent.
MOST_BYTES: Final = 1_500_000
_STARTS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


class UnfitPicture(Refused):
    """A picture that is too large, one too many, or no picture."""

    code = "invalid_input"


def picture_urls(files: Sequence[bytes]) -> list[str]:
    """Return each picture as a URL. Raises `UnfitPicture`."""
    if len(files) > MOST:
        raise UnfitPicture(f"at most {MOST} pictures can be added to a message")
    return [_url(content) for content in files]


def _url(content: bytes) -> str:
    if len(content) > MOST_BYTES:
        raise UnfitPicture(f"a picture may have {MOST_BYTES / 1_000_000:g} MB at most")
    kind = next((kind for start, kind in _STARTS if content.startswith(start)), "")
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        kind = "image/webp"
    if not kind:
        raise UnfitPicture("only PNG, JPEG, GIF and WebP pictures can be added")
    return data_url(kind, base64.b64encode(content).decode("ascii"))
