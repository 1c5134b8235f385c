"""E-mail: codes that prove an address, binding one, forgotten passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from pydantic import Field
from quart import request

from gateway.accounts.preferences import as_language
from gateway.accounts.refusals import Refused
from gateway.identity import addresses
from gateway.mail.smtp import MailFailed
from gateway.management import answers
from gateway.management.contract import Answer, Area, Body
from gateway.management.guard import author, for_all, for_role, whereabouts
from gateway.management.payloads import Payload
from gateway.management.queries import Query, Text, TurnstileProof
from gateway.management.shown.envelope import Data, Done
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from gateway.identity.outside import Outside
    from gateway.mail.letters import Language
    from gateway.services import Services

# As long as it takes whether or not the address is an account's, so that the time does not tell.
RESET_ANSWER_S = 0.5
_CHINESE_FAILURE = "发送邮件失败："  # noqa: RUF001
_FAILURE = "failed to send email: "


class Reset(Payload):
    """What a mailed link holds; `password` is for pages that let people choose one."""

    email: str = Field("", examples=["alice@example.com"])
    token: str = Field("", description="From the mailed link.")
    password: str = Field("", description="8 to 64 characters; a random one without it.")


class Address(TurnstileProof):
    """To whom a letter goes."""

    email: Text = Field("", examples=["alice@example.com"])


class ProvedAddress(Query):
    """An e-mail address, and what proves it."""

    email: Text = Field("", examples=["alice@example.com"])
    code: Text = Field("", description="What `GET /api/verification` mailed.")


def blueprint(services: Services, outside: Outside) -> Blueprint:
    """Return the routes."""
    area = Area("verification", "E-mail")
    courier = outside.courier

    @area.on(
        "GET", "/api/verification", for_all(critical=True, changes=True), Answer(Done, also=(429,)), asks=Address
    )
    async def mail_code(asked: Address) -> Response:
        """Mail a code that proves an address. It is good for ten minutes and once."""
        address = asked.email.strip()
        letter = await addresses.new_code(services, address, language=_language(services))
        try:
            await courier.send(address, letter)
        except MailFailed as error:
            raise _unsent(services, error) from error
        return answers.done()

    @area.on(
        "GET",
        "/api/oauth/email/bind",
        for_role(Role.USER, critical=True, changes=True),
        Answer(Done),
        asks=ProvedAddress,
    )
    async def bind_address(asked: ProvedAddress) -> Response:
        """Make an address one's own account's."""
        await addresses.bind_address(services, author(), address=asked.email.strip(), code=asked.code)
        return answers.done()

    @area.on(
        "GET", "/api/reset_password", for_all(critical=True, changes=True), Answer(Done, also=(429,)), asks=Address
    )
    async def mail_reset_link(asked: Address) -> Response:
        """Mail a link that sets a new password.

        The answer is the same whether or not the address is an account's.
        """
        answer_at = trio.current_time() + RESET_ANSWER_S
        try:
            courier.check_configured()
        except MailFailed as error:
            raise _unsent(services, error) from error
        for to, letter in await addresses.new_resets(services, asked.email.strip(), language=_language(services)):
            courier.post(to, letter)
        await trio.sleep_until(answer_at)
        return answers.done()

    @area.on("POST", "/api/user/reset", for_all(critical=True), Answer(Data[str] | Done), takes=Body(Reset))
    async def reset_password(sent: Reset) -> Response:
        """Set a new password by what a mailed link holds.

        Without `password` a random one is made and answered; that is what one-api does.
        """
        password = await addresses.reset_password(
            services, address=sent.email, token=sent.token, password=sent.password, at=whereabouts()
        )
        return answers.done() if sent.password else answers.data(password)

    return area.blueprint


def _language(services: Services) -> Language:
    """Return what the client asks for, else the site's."""
    wanted = request.headers.get("Accept-Language", "").lower()
    usual = as_language(services.registry.current.options.text("DefaultLanguage"))
    return as_language(wanted[:2], usual)


def _unsent(services: Services, error: MailFailed) -> Refused:
    return Refused(f"{_CHINESE_FAILURE if _language(services) == 'zh' else _FAILURE}{error}")
