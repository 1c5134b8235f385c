"""E-mail: codes that prove an address, binding one, forgotten passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from quart import Blueprint, Response, request

from gateway.accounts.refusals import Refused
from gateway.identity import addresses
from gateway.mail.smtp import MailFailed
from gateway.management import answers
from gateway.management.guard import actor, anybody, needs
from gateway.management.payloads import Payload, query, read
from storage.records import Role

if TYPE_CHECKING:
    from gateway.identity.outside import Outside
    from gateway.mail.letters import Language
    from gateway.services import Services

# As long as it takes whether or not the address is an account's, so that the time does not tell.
RESET_ANSWER_S = 0.5
_CHINESE_FAILURE = "发送邮件失败："  # noqa: RUF001
_FAILURE = "failed to send email: "


class Reset(Payload):
    """What a mailed link holds; `password` is for pages that let people choose one."""

    email: str = ""
    token: str = ""
    password: str = ""


def blueprint(services: Services, outside: Outside) -> Blueprint:
    """Return the routes."""
    area = Blueprint("verification", __name__)
    courier = outside.courier

    @area.get("/api/verification")
    @anybody(critical=True, changes=True)
    async def send_code() -> Response:
        address = query("email").strip()
        letter = await addresses.new_code(services, address, language=_language())
        try:
            await courier.send(address, letter)
        except MailFailed as error:
            raise _unsent(error) from error
        return answers.done()

    @area.get("/api/oauth/email/bind")
    @needs(Role.USER, critical=True, changes=True)
    async def bind() -> Response:
        await addresses.bind_address(services, actor(), address=query("email").strip(), code=query("code"))
        return answers.done()

    @area.get("/api/reset_password")
    @anybody(critical=True, changes=True)
    async def send_link() -> Response:
        answer_at = trio.current_time() + RESET_ANSWER_S
        try:
            courier.check_configured()
        except MailFailed as error:
            raise _unsent(error) from error
        for to, letter in await addresses.new_resets(services, query("email").strip(), language=_language()):
            courier.post(to, letter)
        await trio.sleep_until(answer_at)
        return answers.done()

    @area.post("/api/user/reset")
    @anybody(critical=True)
    async def reset() -> Response:
        sent = await read(Reset)
        password = await addresses.reset_password(
            services, address=sent.email, token=sent.token, password=sent.password
        )
        return answers.done() if sent.password else answers.data(password)

    return area


def _language() -> Language:
    return "zh" if request.headers.get("Accept-Language", "").lower().startswith("zh") else "en"


def _unsent(error: MailFailed) -> Refused:
    return Refused(f"{_CHINESE_FAILURE if _language() == 'zh' else _FAILURE}{error}")
