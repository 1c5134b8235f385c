"""One SMTP conversation, with the standard library's client. It blocks: callers use a thread.

MailFailed           the letter was not taken; the message is for people and names no address and no password
 x NotConfigured     there is no mail server to give it to
"""

from __future__ import annotations

import ipaddress
import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.mail.letters import Letter
    from gateway.registry.options import Options

TLS_PORT = 465
STEP_LIMIT_S = 10.0
"""How long one answer of the server may take."""


class MailFailed(Exception):
    """The letter did not leave."""

    code = "mail_failed"


class NotConfigured(MailFailed):
    """No mail server is named."""

    code = "mail_not_configured"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where letters are given, and in whose name."""

    host: str
    port: int
    account: str
    password: str
    sender: str
    """`name@host`, or `Name <name@host>`."""
    site: str
    """Shown as the sender's name when `sender` has none."""
    verifies: bool
    """Whether the server's certificate is checked."""

    @classmethod
    def of(cls, options: Options, *, verifies: bool) -> MailServer:
        """Return what the options name. Raises `NotConfigured`."""
        server = cls(
            host=options.text("SMTPServer").strip(),
            port=options.integer("SMTPPort"),
            account=options.text("SMTPAccount"),
            password=options.text("SMTPToken"),
            sender=options.text("SMTPFrom").strip() or options.text("SMTPAccount").strip(),
            site=options.text("SystemName"),
            verifies=verifies,
        )
        if not server.host:
            raise NotConfigured("SMTP server not configured")
        if "@" not in parseaddr(server.sender)[1]:
            raise NotConfigured("SMTP sender not configured")
        return server


class Conversation:
    """Delivers one letter. `hang_up` may be called from another thread, and makes `deliver` fail soon."""

    def __init__(self, server: MailServer, *, cafile: str | None = None) -> None:
        self._server = server
        self._cafile = cafile
        self._socket: socket.socket | None = None
        self._is_over = False

    def deliver(self, to: str, letter: Letter) -> None:
        """Give the letter to the server and return once it took it. Raises `MailFailed`."""
        try:
            message = _message(self._server, to, letter)
            with self._connect() as client:
                self._socket = client.sock
                if self._is_over:
                    raise MailFailed("the mail server took too long")
                self._secure(client)
                self._log_in(client)
                client.send_message(message, from_addr=parseaddr(self._server.sender)[1], to_addrs=[to])
        except smtplib.SMTPException as error:
            raise MailFailed(_reason(error)) from error
        except ssl.SSLError as error:
            raise MailFailed("the mail server's TLS certificate or protocol is not acceptable") from error
        except (OSError, UnicodeError) as error:
            raise MailFailed("the mail server cannot be reached") from error
        except (ValueError, LookupError, MessageError) as error:
            # An address or a name that no header can hold; the parser of the standard library trips over some.
            raise MailFailed("the address cannot be used in a mail") from error

    def hang_up(self) -> None:
        """End the conversation from outside."""
        self._is_over = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        # Our own name for EHLO; smtplib would ask the DNS for one, without a limit of time.
        name = parseaddr(server.sender)[1].rpartition("@")[2]
        if server.port == TLS_PORT:
            return smtplib.SMTP_SSL(
                server.host, server.port, local_hostname=name, timeout=STEP_LIMIT_S, context=self._tls()
            )
        return smtplib.SMTP(server.host, server.port, local_hostname=name, timeout=STEP_LIMIT_S)

    def _secure(self, client: smtplib.SMTP) -> None:
        client.ehlo_or_helo_if_needed()
        if self._server.port != TLS_PORT and client.has_extn("starttls"):
            client.starttls(context=self._tls())
            self._socket = client.sock
            client.ehlo()

    def _log_in(self, client: smtplib.SMTP) -> None:
        server = self._server
        if not server.account and not server.password:
            return
        if not isinstance(client.sock, ssl.SSLSocket) and not _is_this_machine(client.sock):
            raise MailFailed("the mail server offers no encryption, so it is not given the password")
        client.login(server.account, server.password)

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._cafile)
        if not self._server.verifies:
            # As one-api does unless FORCE_EMAIL_TLS_VERIFY is on: many a mail server signs for itself.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _message(server: MailServer, to: str, letter: Letter) -> EmailMessage:
    name, address = parseaddr(server.sender)
    message = EmailMessage()
    message["Subject"] = _one_line(letter.subject)
    message["From"] = Address(display_name=_one_line(name or server.site), addr_spec=address)
    message["To"] = Address(addr_spec=to)
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=address.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _is_this_machine(connection: socket.socket | None) -> bool:
    if connection is None:
        return False
    return ipaddress.ip_address(connection.getpeername()[0].partition("%")[0]).is_loopback


def _reason(error: smtplib.SMTPException) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "the mail server does not accept our login"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "the mail server refuses the recipient"
    if isinstance(error, smtplib.SMTPSenderRefused):
        return "the mail server refuses the sender"
    if isinstance(error, smtplib.SMTPServerDisconnected | smtplib.SMTPConnectError):
        return "the mail server closed the connection"
    return "the mail server refuses the mail"
