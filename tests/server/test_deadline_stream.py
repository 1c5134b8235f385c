"""A client that stops reading is let go, by our deadline and by the kernel's."""

from __future__ import annotations

import math
import socket
from typing import TYPE_CHECKING

import pytest
import trio

from gateway.server.deadline_stream import DeadlineStream, WriteLimit
from gateway.server.sockets import listen, open_listeners
from tests.server.process import client, tiny
from tests.server.test_lifecycle import stall

if TYPE_CHECKING:
    from collections.abc import Iterator

MUCH = b"x" * 16 * 1024 * 1024


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    [listener] = open_listeners(0, write_timeout_s=0)
    listen([listener])
    theirs = socket.create_connection(("127.0.0.1", listener.getsockname()[1]))
    listener.setblocking(True)
    ours, _ = listener.accept()
    listener.close()
    yield ours, theirs
    ours.close()
    theirs.close()


async def test_stalled_reader_breaks_the_write_after_the_limit(pair: tuple[socket.socket, socket.socket]) -> None:
    stream = DeadlineStream(pair[0], WriteLimit(0.1))
    began = trio.current_time()
    with pytest.raises(trio.BrokenResourceError), trio.CancelScope(shield=True):
        await stream.send_all(MUCH)
    assert 0.05 < trio.current_time() - began < 20
    with pytest.raises(trio.ClosedResourceError):
        await stream.send_all(b"more")
    with pytest.raises(trio.ClosedResourceError):
        await stream.receive_some()


@pytest.mark.slow
async def test_slow_reader_that_goes_on_reading_is_not_cut(pair: tuple[socket.socket, socket.socket]) -> None:
    """The whole takes several times the limit, no piece does."""
    stream = DeadlineStream(pair[0], WriteLimit(0.3))
    theirs = trio.SocketStream(trio.socket.from_stdlib_socket(pair[1]))
    got = 0
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.send_all, MUCH)
        while got < len(MUCH):
            got += len(await theirs.receive_some(256 * 1024))
            await trio.sleep(0.01)
    assert trio.current_time() - began > 0.6


async def test_a_write_under_way_is_held_to_a_limit_that_became_shorter(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    limit = WriteLimit(math.inf)
    stream = DeadlineStream(pair[0], limit)

    async def send() -> None:
        with pytest.raises(trio.BrokenResourceError):
            await stream.send_all(MUCH)

    with trio.fail_after(2):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            await trio.testing.wait_all_tasks_blocked()
            limit.seconds = 0.05
            stream.tighten()


@pytest.mark.slow
async def test_stalled_reader_does_not_hold_its_request() -> None:
    async with tiny(client_write_timeout_sec=1) as it, client(it) as c:
        stream = await stall(it, c)
        assert (await c.get("/running")).text == "1"
        with trio.fail_after(5):
            while (await c.get("/running")).text != "0":
                await trio.sleep(0.02)
        await stream.aclose()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux only")
async def test_the_kernel_lets_a_stalled_reader_go_without_our_deadline() -> None:
    [listener] = open_listeners(0, write_timeout_s=0.5)
    listen([listener])
    theirs = await trio.open_tcp_stream("127.0.0.1", listener.getsockname()[1])
    listener.setblocking(True)
    ours, _ = listener.accept()
    listener.close()
    stream = DeadlineStream(ours, WriteLimit(math.inf))
    with trio.fail_after(10), pytest.raises(trio.BrokenResourceError):
        await stream.send_all(MUCH)
    await stream.aclose()
    await theirs.aclose()
