"""One conversation with a real SMTP server."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
import trustme

from gateway.mail import smtp
from gateway.mail.letters import Letter, code_letter
from gateway.mail.smtp import Conversation, MailFailed, MailServer, NotConfigured
from gateway.registry.options import Options
from tests.support.mailbox import ACCOUNT, PASSWORD, mailbox

LETTER = Letter("Hello there", "plain words\n", "<p>words in HTML</p>")


def _server(
    port: int, *, login: bool = False, verifies: bool = False, sender: str = "gate@example.com"
) -> MailServer:
    return MailServer(
        host="127.0.0.1",
        port=port,
        account=ACCOUNT if login else "",
        password=PASSWORD if login else "",
        sender=sender,
        site="My Site",
        verifies=verifies,
    )


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


def test_a_letter_arrives_whole_with_both_texts_and_the_sites_name() -> None:
    with mailbox() as box:
        Conversation(_server(box.port)).deliver("anna@example.com", LETTER)
    (mail,) = box.deliveries
    assert (mail.to, mail.sender) == (["anna@example.com"], "gate@example.com")
    assert mail.message["From"] == "My Site <gate@example.com>"
    assert mail.message["Subject"] == "Hello there"
    assert mail.text.strip() == "plain words"
    html = mail.message.get_body(("html",))
    assert html is not None
    assert "words in HTML" in html.get_content()
    assert mail.message["Message-ID"].endswith("@example.com>")


def test_the_senders_own_name_wins() -> None:
    with mailbox() as box:
        Conversation(_server(box.port, sender="The Gate <gate@example.com>")).deliver("anna@example.com", LETTER)
    assert box.deliveries[0].message["From"] == "The Gate <gate@example.com>"


def test_starttls_is_used_when_it_is_offered_and_comes_before_the_password() -> None:
    with mailbox(starttls=_tls(), wants_login=True) as box:
        Conversation(_server(box.port, login=True)).deliver("anna@example.com", LETTER)
    assert (box.deliveries[0].was_encrypted, box.deliveries[0].was_logged_in) == (True, True)


def test_tls_from_the_start_on_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with mailbox(tls=_tls()) as box:
        monkeypatch.setattr(smtp, "TLS_PORT", box.port)
        Conversation(_server(box.port)).deliver("anna@example.com", LETTER)
    assert box.deliveries[0].was_encrypted


def test_a_certificate_of_nobody_is_refused_when_it_is_to_be_checked() -> None:
    with mailbox(starttls=_tls()) as box, pytest.raises(MailFailed, match="certificate"):
        Conversation(_server(box.port, verifies=True)).deliver("anna@example.com", LETTER)
    assert box.deliveries == []


def test_a_certificate_of_a_known_authority_is_taken_when_it_is_checked(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with mailbox(starttls=context) as box:
        server = _server(box.port, verifies=True)
        Conversation(server, cafile=str(tmp_path / "ca.pem")).deliver("anna@example.com", LETTER)
    assert box.deliveries[0].was_encrypted


def test_the_password_is_not_sent_in_the_clear_over_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    # Every address of this machine counts as one of a network here.
    monkeypatch.setattr(smtp, "_is_this_machine", lambda connection: False)
    with mailbox() as box, pytest.raises(MailFailed, match="not given the password"):
        Conversation(_server(box.port, login=True)).deliver("anna@example.com", LETTER)


def test_failures_are_told_without_address_or_password() -> None:
    with mailbox() as box:
        box.refuses = True
        with pytest.raises(MailFailed, match="refuses the mail") as refused:
            Conversation(_server(box.port)).deliver("anna@example.com", LETTER)
    assert "anna" not in str(refused.value)
    with pytest.raises(MailFailed, match="cannot be reached"):
        Conversation(_server(box.port)).deliver("anna@example.com", LETTER)
    with mailbox(wants_login=True) as box:
        wrong = MailServer(
            host="127.0.0.1",
            port=box.port,
            account=ACCOUNT,
            password="wrong",
            sender="gate@example.com",
            site="",
            verifies=False,
        )
        with pytest.raises(MailFailed, match="does not accept our login"):
            Conversation(wrong).deliver("anna@example.com", LETTER)


@pytest.mark.parametrize("address", ["anna@example.com\r\nBcc: all@example.com", "two@a.com, three@b.com", "no", ""])
def test_an_address_cannot_smuggle_another_one_in(address: str) -> None:
    with mailbox() as box, pytest.raises(MailFailed):
        Conversation(_server(box.port)).deliver(address, LETTER)
    assert box.deliveries == []


def test_names_cannot_smuggle_headers_in() -> None:
    letter = Letter("Hello\r\nBcc: all@example.com", "text", "html")
    with mailbox() as box:
        Conversation(_server(box.port)).deliver("anna@example.com", letter)
    assert box.deliveries[0].message["Bcc"] is None
    assert box.deliveries[0].to == ["anna@example.com"]


def test_hanging_up_ends_a_conversation_with_a_silent_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        conversation = Conversation(_server(silent.getsockname()[1]))
        failures: list[MailFailed] = []

        def deliver() -> None:
            try:
                conversation.deliver("anna@example.com", LETTER)
            except MailFailed as error:
                failures.append(error)

        thread = threading.Thread(target=deliver)
        thread.start()
        (connection, _) = silent.accept()
        connection.sendall(b"220 hello\r\n")
        assert connection.recv(100).startswith(b"ehlo")
        connection.sendall(b"250 ok\r\n")
        connection.recv(100)
        started = time.monotonic()
        conversation.hang_up()
        thread.join(5)
        connection.close()
    assert failures
    assert time.monotonic() - started < smtp.STEP_LIMIT_S / 2


def test_without_server_or_sender_there_is_nobody_to_give_letters_to() -> None:
    with pytest.raises(NotConfigured):
        MailServer.of(Options.from_rows({}), verifies=False)
    with pytest.raises(NotConfigured):
        MailServer.of(Options.from_rows({"SMTPServer": "mail.example.com"}), verifies=False)
    server = MailServer.of(
        Options.from_rows({"SMTPServer": "mail.example.com", "SMTPAccount": "me@example.com"}), verifies=True
    )
    assert (server.port, server.sender) == (587, "me@example.com")


def test_html_of_a_letter_holds_no_markup_of_strangers() -> None:
    letter = code_letter("en", site="<script>x</script>", code="abc234", minutes=10)
    assert "<script>" not in letter.html
    assert "abc234" in letter.html
    assert "abc234" in letter.text
