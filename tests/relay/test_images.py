"""Images that requests name: fetched within bounds, and left alone beyond them."""

from __future__ import annotations

import pytest
import trio

from adapters.formats.neutral.parts import Image
from adapters.formats.neutral.requests import Message
from gateway.relay import images
from gateway.relay.images import ALL_S, AT_ONCE, MOST_FETCHED, inline_images, inline_parts


class Fetcher:
    """Has every image after `takes_s`, as `size` characters of data."""

    def __init__(self, *, takes_s: float = 1, size: int = 30) -> None:
        self.takes_s = takes_s
        self.size = size
        self.asked: list[str] = []
        self.running = 0
        self.most_running = 0

    async def data_url(self, url: str) -> str | None:
        self.asked.append(url)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await trio.sleep(self.takes_s)
        finally:
            self.running -= 1
        return "data:image/png;base64,".ljust(self.size, "A")

    async def picture(self, url: str) -> bytes | None:
        raise AssertionError("nobody made a picture")


def conversation(count: int) -> list[dict[str, object]]:
    parts = [{"type": "image_url", "image_url": {"url": f"https://pictures.test/{n}"}} for n in range(count)]
    return [{"role": "user", "content": parts}]


def inlined(messages: list[dict[str, object]]) -> int:
    parts = messages[0]["content"]
    assert isinstance(parts, list)
    return sum(part["image_url"]["url"].startswith("data:") for part in parts)


async def test_a_request_cannot_have_any_number_of_images_fetched(autojump_clock: trio.testing.MockClock) -> None:
    messages, fetcher = conversation(10 * MOST_FETCHED), Fetcher()
    assert await inline_images(messages, fetcher)
    assert inlined(messages) == len(fetcher.asked) == MOST_FETCHED
    assert fetcher.most_running == AT_ONCE


async def test_a_request_cannot_have_any_number_of_bytes_fetched(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "MOST_CHARS", 100)
    messages, fetcher = conversation(50), Fetcher(size=50)
    assert await inline_images(messages, fetcher)
    assert inlined(messages) == 2
    assert len(fetcher.asked) == AT_ONCE


async def test_slow_images_hold_a_request_up_for_a_while_at_most(autojump_clock: trio.testing.MockClock) -> None:
    message = Message("user", [Image(url=f"https://pictures.test/{n}") for n in range(3 * AT_ONCE)])
    await inline_parts([message], Fetcher(takes_s=0.4 * ALL_S))
    assert [bool(part.data) for part in message.parts if isinstance(part, Image)].count(True) == 2 * AT_ONCE


async def test_an_image_that_is_named_twice_is_fetched_once(autojump_clock: trio.testing.MockClock) -> None:
    messages, fetcher = [*conversation(1), *conversation(1)], Fetcher()
    assert await inline_images(messages, fetcher)
    assert fetcher.asked == ["https://pictures.test/0"]
    assert [inlined([message]) for message in messages] == [1, 1]
