"""Image URLs in chat messages become data URLs, so that a provider need not (or cannot) fetch them itself.

Fetched side by side, within the relay; a URL that cannot be fetched stays as it is. A small body may name any number
of large images, so number, bytes and time are bounded for a request as a whole, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import trio

from adapters.formats.neutral.parts import Image, Part, ToolResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters.formats.neutral.requests import Message

MOST_FETCHED = 256
"""Images of one request; the others stay URLs."""
MOST_CHARS = 128 << 20
"""Of all data URLs of a request; what is fetched beyond it is let go."""
AT_ONCE = 16
ALL_S = 60.0


class ImageFetcher(Protocol):
    """Fetches what users name, safely."""

    async def data_url(self, url: str) -> str | None:
        """Return the image as a `data:` URL, or `None` when it may not or cannot be had. Has its own deadline."""

    async def picture(self, url: str) -> bytes | None:
        """Return a picture that a provider made, or `None` when it may not or cannot be had. Has its own deadline."""


def names_images(raw: bytes) -> bool:
    """Whether a body may hold image URLs at all; a quick look that spares most requests the parsing."""
    return b'"image_url"' in raw


async def inline_images(messages: object, fetcher: ImageFetcher) -> bool:
    """Replace http(s) image URLs in `messages` (plain JSON values, changed in place); `True` if any was."""
    holders = [holder for holder in _holders(messages) if _is_remote(holder["url"])]
    if not holders:
        return False
    fetched = await _fetched((str(holder["url"]) for holder in holders), fetcher)
    changed = False
    for holder in holders:
        data = fetched.get(str(holder["url"]))
        if data is not None:
            holder["url"] = data
            changed = True
    return changed


async def inline_parts(messages: Iterable[Message], fetcher: ImageFetcher) -> None:
    """Put the bytes of remote images into the parts that name them; one that cannot be had stays a URL."""
    images = [part for message in messages for part in _images(message.parts) if _is_remote(part.url)]
    fetched = await _fetched((image.url for image in images), fetcher)
    for image in images:
        data = fetched.get(image.url)
        if data is not None:
            head, _, image.data = data.partition(";base64,")
            image.media_type = head.removeprefix("data:")
            image.url = ""


async def _fetched(urls: Iterable[str], fetcher: ImageFetcher) -> dict[str, str]:
    """Return data URLs by URL, as many as there is room and time for."""
    found: dict[str, str] = {}
    slots = trio.CapacityLimiter(AT_ONCE)
    room = MOST_CHARS

    async def fetch(url: str) -> None:
        nonlocal room
        async with slots:
            data = await fetcher.data_url(url) if room > 0 else None
        if data is not None and len(data) <= room:
            room -= len(data)
            found[url] = data

    with trio.move_on_after(ALL_S):
        async with trio.open_nursery() as nursery:
            for url in list(dict.fromkeys(urls))[:MOST_FETCHED]:
                nursery.start_soon(fetch, url)
    return found


def _images(parts: Iterable[Part]) -> Iterator[Image]:
    for part in parts:
        if isinstance(part, Image):
            yield part
        elif isinstance(part, ToolResult):
            yield from _images(part.parts)


def _is_remote(url: object) -> bool:
    return isinstance(url, str) and url.startswith(("http://", "https://"))


def _holders(messages: object) -> Iterator[dict[str, object]]:
    """Yield every `image_url` object of every part of every message that has a `url`."""
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ():
            image = part.get("image_url") if isinstance(part, dict) else None
            if isinstance(image, dict) and "url" in image:
                yield image
