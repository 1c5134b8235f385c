"""The service that sends letters: at once for whoever waits for the outcome, in the background for everybody else.

Few conversations at a time, each within a limit, so that a mail server that hangs holds up nothing else. What
does not fit the queue is dropped and said so; letters are never worth waiting for when the process ends.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import certifi
import trio

from gateway.mail.smtp import Conversation, MailFailed, MailServer

if TYPE_CHECKING:
    from gateway.mail.letters import Letter
    from gateway.observe.types import Journal
    from gateway.registry.registry import Registry

AT_ONCE = 2
SEND_LIMIT_S = 30.0
"""For a whole conversation; a person waits for some of them."""
QUEUED = 200
_CLOSE_LIMIT_S = 5.0


class Courier:
    """Sends letters through the mail server that the options name at that moment."""

    name = "courier"

    def __init__(self, registry: Registry, *, verifies: bool, journal: Journal) -> None:
        self._registry = registry
        self._verifies = verifies
        self._journal = journal
        self._threads = trio.CapacityLimiter(AT_ONCE)
        self._send, self._receive = trio.open_memory_channel[tuple[str, "Letter"]](QUEUED)
        self._done = trio.Event()

    def check_configured(self) -> None:
        """Raise `NotConfigured` when there is no mail server."""
        MailServer.of(self._registry.current.options, verifies=self._verifies)

    async def send(self, to: str, letter: Letter) -> None:
        """Send a letter and return once the server took it. Raises `MailFailed`, `SEND_LIMIT_S` later at most."""
        server = MailServer.of(self._registry.current.options, verifies=self._verifies)
        conversation = Conversation(server, cafile=certifi.where())
        with trio.move_on_after(SEND_LIMIT_S):
            try:
                await trio.to_thread.run_sync(
                    partial(conversation.deliver, to, letter), abandon_on_cancel=True, limiter=self._threads
                )
                return
            except trio.Cancelled:
                # The thread goes on, and with it its place in the limiter, until its socket ends.
                conversation.hang_up()
                raise
        raise MailFailed("the mail server took too long")

    def post(self, to: str, letter: Letter) -> None:
        """Have a letter sent in the background. Never waits, never raises."""
        try:
            self._send.send_nowait((to, letter))
        except (trio.WouldBlock, trio.ClosedResourceError, trio.BrokenResourceError):
            self._journal.event("warning", "mail.dropped", f"not sent, too many mails wait: {letter.subject}")

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Send what is posted, until closed."""
        try:
            async with trio.open_nursery() as nursery:
                for _ in range(AT_ONCE):
                    nursery.start_soon(self._work)
                task_status.started()
        finally:
            self._done.set()

    async def aclose(self) -> None:
        """Take no more letters, and give those that wait a few seconds."""
        self._send.close()
        with trio.move_on_after(_CLOSE_LIMIT_S):
            await self._done.wait()

    async def _work(self) -> None:
        async for to, letter in self._receive:
            try:
                await self.send(to, letter)
            except MailFailed as error:
                self._journal.event("warning", "mail.failed", f"{letter.subject}: {error}")
