"""Bodies within their limits."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any

import pytest
import trio

from gateway.server.body import BodyNotDecoded, BodyTimeout, BodyTooLarge, ClientGone, read_body, unpack

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

GZIP = [(b"content-encoding", b"gzip")]


def sends(*pieces: bytes, ends: bool = True, pause_s: float = 0) -> Callable[[], Awaitable[dict[str, Any]]]:
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        await trio.sleep(pause_s)
        if left:
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left) or not ends}
        return {"type": "http.disconnect"}

    return receive


async def test_pieces_are_joined() -> None:
    assert await read_body(sends(b"ab", b"", b"c"), limit=3) == b"abc"


async def test_too_much_is_refused_before_it_is_read_whole() -> None:
    with pytest.raises(BodyTooLarge) as caught:
        await read_body(sends(b"ab", b"cd", ends=False), limit=3)
    assert caught.value.status == 413


async def test_too_much_by_its_own_word_is_refused_unread() -> None:
    async def never() -> dict[str, Any]:
        raise AssertionError

    with pytest.raises(BodyTooLarge):
        await read_body(never, [(b"content-length", b"4")], limit=3)


async def test_silence_is_too_slow(autojump_clock: trio.testing.MockClock) -> None:
    with pytest.raises(BodyTimeout):
        await read_body(sends(b"a", ends=False, pause_s=31), limit=3)


async def test_drops_are_too_slow(autojump_clock: trio.testing.MockClock) -> None:
    with pytest.raises(BodyTimeout):
        await read_body(sends(*[b"a"] * 100, pause_s=29), limit=1000)
    assert trio.current_time() < 700


async def test_a_client_that_leaves_is_gone() -> None:
    with pytest.raises(ClientGone):
        await read_body(sends(b"a", ends=False), limit=3)


@pytest.mark.parametrize("size", [0, 10, 1_000_000])
async def test_gzip_is_unpacked(size: int) -> None:
    body = bytes(range(251)) * (size // 251)
    assert await read_body(sends(gzip.compress(body)), GZIP, limit=1_000_000) == body


async def test_members_are_joined_and_many_are_refused() -> None:
    assert unpack(gzip.compress(b"a") + gzip.compress(b"b"), limit=2) == b"ab"
    with pytest.raises(BodyNotDecoded):
        unpack(gzip.compress(b"") * 100_000, limit=2)


@pytest.mark.parametrize("body", [b"", b"{}", gzip.compress(b"hello", mtime=0)[:-3], zlib.compress(b"hello")])
async def test_what_is_not_gzip_is_refused(body: bytes) -> None:
    with pytest.raises(BodyNotDecoded) as caught:
        await read_body(sends(body), GZIP, limit=100)
    assert caught.value.status == 400


async def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    with pytest.raises(BodyTooLarge):
        await read_body(sends(bomb), GZIP, limit=1_000_000)
    assert len(unpack(bomb, limit=50_000_000)) == 50_000_000


async def test_other_encodings_are_not_understood() -> None:
    with pytest.raises(BodyNotDecoded) as caught:
        await read_body(sends(b"x"), [(b"content-encoding", b"br")], limit=100)
    assert caught.value.status == 415
