"""The service that tells root: by Message Pusher where one is configured, else, or when that fails, by e-mail.

Best effort and bounded. The same subject goes out once an hour at most, however many processes notice it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import trio

from gateway.identity.foreign import ThirdPartyFailed, text_of
from gateway.mail.letters import notice_letter
from gateway.mail.smtp import MailFailed
from storage.errors import StorageError
from storage.repositories import identities

if TYPE_CHECKING:
    from gateway.identity.outside import Outside
    from gateway.identity.web import Web
    from gateway.registry.options import Options
    from gateway.services import Services

QUEUED = 100
REPEAT_S = 3600.0
_CLOSE_LIMIT_S = 3.0
_LONGEST = 2000


class RootNotifier:
    """Implements `gateway.notify.types.Notifier` and the process tree's `Service`."""

    name = "root-notifier"

    def __init__(self, services: Services, outside: Outside) -> None:
        self._services = services
        self._outside = outside
        self._send, self._receive = trio.open_memory_channel[tuple[str, str]](QUEUED)
        self._done = trio.Event()
        self.left_out = 0
        """Messages that could not be delivered, since the start."""

    def tell_root(self, subject: str, text: str) -> None:
        """See `Notifier.tell_root`."""
        try:
            self._send.send_nowait((subject[:_LONGEST], text[:_LONGEST]))
        except (trio.WouldBlock, trio.ClosedResourceError, trio.BrokenResourceError):
            self._lose(subject, "too many messages wait")

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Send what comes, one after another, until closed."""
        task_status.started()
        try:
            async for subject, text in self._receive:
                try:
                    await self._tell(subject, text)
                except StorageError as error:
                    self._lose(subject, str(error))
        finally:
            self._done.set()

    async def aclose(self) -> None:
        """Take no more, and give what waits a few seconds."""
        self._send.close()
        with trio.move_on_after(_CLOSE_LIMIT_S):
            await self._done.wait()

    async def _tell(self, subject: str, text: str) -> None:
        key = f"notify:{hashlib.sha256(subject.encode()).hexdigest()[:32]}"
        if not await self._services.windows.hit(key, limit=1, window_s=REPEAT_S):
            return
        if await self._push(subject, text):
            return
        address = await self._services.database.read(identities.address_of_root)
        if not address:
            self._lose(subject, "root has no e-mail address")
            return
        site = self._services.registry.current.options.text("SystemName")
        try:
            await self._outside.courier.send(address, notice_letter(subject=f"{site}: {subject}", text=text))
        except MailFailed as error:
            self._lose(subject, str(error))

    async def _push(self, subject: str, text: str) -> bool:
        """Give it to Message Pusher, if there is one."""
        options = self._services.registry.current.options
        if not options.text("MessagePusherAddress").strip():
            return False
        try:
            await push_message(self._outside.web, options, subject, text)
        except ThirdPartyFailed as error:
            self._services.journal.event("warning", "notify.push_failed", str(error))
            return False
        return True

    def _lose(self, subject: str, reason: str) -> None:
        self.left_out += 1
        # Never an error: the alert service must not be called because another one could not be.
        self._services.journal.event("warning", "notify.unsent", f"root is not told of “{subject}”: {reason}")


async def push_message(web: Web, options: Options, subject: str, text: str) -> None:
    """Give Message Pusher (https://github.com/songquanpeng/message-pusher) a message. Raises `ThirdPartyFailed`."""
    body = {"title": subject, "description": text, "content": text, "token": options.text("MessagePusherToken")}
    answer = await web.json("Message Pusher", "POST", options.text("MessagePusherAddress").strip(), json=body)
    if answer.get("success") is not True:
        raise ThirdPartyFailed(text_of(answer, "message") or "Message Pusher refused the message")
