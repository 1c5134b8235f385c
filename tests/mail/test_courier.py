"""The service that sends letters."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio

from gateway.mail import courier as module
from gateway.mail.courier import Courier
from gateway.mail.letters import Letter
from gateway.mail.smtp import MailFailed, NotConfigured
from gateway.registry.options import Options
from tests.management.site import Notes
from tests.support.mailbox import mailbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LETTER = Letter("Hello", "words", "<p>words</p>")


class _Registry:
    """Options, and nothing else of a registry."""

    def __init__(self, **options: str) -> None:
        self.current = self
        self.options = Options.from_rows(options)


def _courier(port: int, notes: Notes) -> Courier:
    registry = _Registry(SMTPServer="127.0.0.1", SMTPPort=str(port), SMTPFrom="gate@example.com")
    return Courier(registry, verifies=False, journal=notes)  # type: ignore[arg-type]


@asynccontextmanager
async def _running(courier: Courier) -> AsyncIterator[Courier]:
    async with trio.open_nursery() as nursery:
        await nursery.start(courier.run)
        yield courier
        await courier.aclose()
        nursery.cancel_scope.cancel()


async def test_whoever_waits_learns_whether_the_letter_left() -> None:
    with mailbox() as box:
        courier = _courier(box.port, Notes())
        await courier.send("anna@example.com", LETTER)
        box.refuses = True
        with pytest.raises(MailFailed):
            await courier.send("anna@example.com", LETTER)
    assert len(box.deliveries) == 1


async def test_posted_letters_leave_before_the_courier_closes() -> None:
    notes = Notes()
    with mailbox() as box:
        async with _running(_courier(box.port, notes)) as courier:
            for _ in range(5):
                courier.post("anna@example.com", LETTER)
        assert len(box.deliveries) == 5
        courier.post("anna@example.com", LETTER)
    assert notes.named("mail.dropped") == ["not sent, too many mails wait: Hello"]


async def test_a_posted_letter_that_fails_is_reported_and_the_next_one_leaves() -> None:
    notes = Notes()
    with mailbox() as box:
        async with _running(_courier(box.port, notes)) as courier:
            courier.post("no address", LETTER)
            courier.post("anna@example.com", LETTER)
    assert len(box.deliveries) == 1
    assert len(notes.named("mail.failed")) == 1


async def test_a_silent_server_ends_the_waiting_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEND_LIMIT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        courier = _courier(silent.getsockname()[1], Notes())
        with trio.fail_after(2), pytest.raises(MailFailed, match="too long"):
            await courier.send("anna@example.com", LETTER)


async def test_without_a_server_nothing_is_tried() -> None:
    courier = Courier(_Registry(), verifies=False, journal=Notes())  # type: ignore[arg-type]
    with pytest.raises(NotConfigured):
        courier.check_configured()
