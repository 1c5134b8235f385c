"""A real SMTP server in a thread, which keeps what it is given."""

from __future__ import annotations

import re
import ssl
import threading
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, cast

import trio
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.gateway import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT, PASSWORD = "gate@example.com", "mail-password"


@dataclass
class Delivery:
    """One mail, and how it came."""

    to: list[str]
    sender: str
    message: EmailMessage
    was_encrypted: bool
    was_logged_in: bool

    @property
    def text(self) -> str:
        """The plain part."""
        part = self.message.get_body(("plain",))
        assert part is not None
        return str(part.get_content()).replace("\r\n", "\n")

    @property
    def code(self) -> str:
        """The verification code in it."""
        (found,) = re.findall(r"^([a-z2-9]{6})$", self.text, re.MULTILINE)
        return str(found)

    @property
    def token(self) -> str:
        """The token of the reset link in it."""
        (found,) = re.findall(r"/user/reset\?email=[^&\s]+&token=(\w+)", self.text)
        return str(found)


@dataclass
class Mailbox:
    """The server, from outside."""

    port: int = 0
    is_tls: bool = False
    refuses: bool = False
    deliveries: list[Delivery] = field(default_factory=list)
    _arrived: threading.Condition = field(default_factory=threading.Condition)

    async def handle_DATA(  # noqa: N802 - aiosmtpd looks for this name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail."""
        if self.refuses:
            return "554 5.7.1 no, thank you"
        message = message_from_bytes(cast("bytes", envelope.content), policy=policy.default)
        with self._arrived:
            self.deliveries.append(
                Delivery(
                    to=list(envelope.rcpt_tos),
                    sender=str(envelope.mail_from),
                    message=message,
                    was_encrypted=self.is_tls or session.ssl is not None,
                    was_logged_in=bool(session.authenticated),
                )
            )
            self._arrived.notify_all()
        return "250 OK"

    async def wait(self, count: int = 1) -> list[Delivery]:
        """Return what came once there are `count` mails."""
        return await trio.to_thread.run_sync(self.wait_here, count)

    def wait_here(self, count: int = 1) -> list[Delivery]:
        """Do the same in a thread of one's own."""
        with self._arrived:
            came = self._arrived.wait_for(lambda: len(self.deliveries) >= count, timeout=20)
        assert came, f"{len(self.deliveries)} mails, not {count}"
        return self.deliveries

    def last_to(self, address: str) -> Delivery:
        """Return the newest mail to an address."""
        return [delivery for delivery in self.deliveries if address in delivery.to][-1]


@contextmanager
def mailbox(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, wants_login: bool = False
) -> Iterator[Mailbox]:
    """Run the server until the block ends: plain, with STARTTLS offered, or with TLS from the start."""
    box = Mailbox(is_tls=tls is not None)

    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (
            ACCOUNT.encode(),
            PASSWORD.encode(),
        )
        return AuthResult(success=right, handled=False)

    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=starttls,
        ssl_context=tls,
        authenticator=authenticate,
        auth_required=wants_login,
        auth_require_tls=False,
        # The clients of tests are never slow.
        timeout=30,
    )
    with warnings.catch_warnings():
        # Said for each connection: a password without TLS is all right on loopback.
        warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS", UserWarning)
        controller.start()
        box.port = controller.port
        try:
            yield box
        finally:
            controller.stop()
