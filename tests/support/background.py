"""A Trio world in a thread of its own, for tests that are not async themselves.

The official clients block. Tests of theirs run in the main thread, while mock provider and gateway are looked after
in another one, once for many tests.
"""

from __future__ import annotations

import threading
from contextlib import AbstractAsyncContextManager, contextmanager
from queue import Queue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

T = TypeVar("T")
CALL_LIMIT_S = 60.0


class Background(Generic[T]):
    """An async context manager that is open in another thread. `value` is what it gave."""

    def __init__(self, value: T, token: trio.lowlevel.TrioToken) -> None:
        self.value = value
        self._token = token

    def call(self, function: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        """Run an async function over there, and return its result."""

        async def limited() -> Any:
            with trio.fail_after(CALL_LIMIT_S):
                return await function(*arguments)

        return trio.from_thread.run(limited, trio_token=self._token)


@contextmanager
def in_background(manager: AbstractAsyncContextManager[T]) -> Iterator[Background[T]]:
    """Keep `manager` open in another thread until the block ends. What it raises is raised here."""
    opened: Queue[Background[T] | BaseException] = Queue()
    ended: list[BaseException] = []
    leave: list[Callable[[], None]] = []

    async def hold() -> None:
        over = trio.Event()
        async with manager as value:
            token = trio.lowlevel.current_trio_token()
            leave.append(lambda: token.run_sync_soon(over.set))
            opened.put(Background(value, token))
            await over.wait()

    def run() -> None:
        try:
            trio.run(hold)
        except BaseException as error:
            ended.append(error)
            opened.put(error)

    thread = threading.Thread(target=run, name="background")
    thread.start()
    first = opened.get()
    if isinstance(first, BaseException):
        thread.join()
        raise first
    try:
        yield first
    finally:
        leave[0]()
        thread.join()
        if ended:
            raise ended[0]
