"""Ways to reach people: each service's own shape of a message. One row for each; none knows what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.accounts.refusals import Refused
from gateway.identity.foreign import text_of
from gateway.mail.letters import notice_letter
from gateway.mail.smtp import MailFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.identity.outside import Outside
    from storage.repositories.alerts import Alert

TELEGRAM: Final = "https://api.telegram.org"
LONGEST: Final = 2_000
"""Characters; messengers cut at some thousand."""

_Body = dict[str, object]
_BODIES: Final[Mapping[str, Callable[[str, str], _Body]]] = {
    "webhook": lambda subject, text: {"title": subject, "text": text},
    "feishu": lambda subject, text: {"msg_type": "text", "content": {"text": f"{subject}\n{text}"}},
    "dingtalk": lambda subject, text: {"msgtype": "text", "text": {"content": f"{subject}\n{text}"}},
    "slack": lambda subject, text: {"text": f"*{subject}*\n{text}"},
}
KINDS: Final = (*_BODIES, "telegram", "mail")


async def carry(outside: Outside, alert: Alert, subject: str, text: str) -> None:
    """Send a message the way that an alert names. Raises `Refused` with what went wrong, which names no address."""
    text = text[:LONGEST]
    if alert.kind == "mail":
        try:
            await outside.courier.send(alert.target, notice_letter(subject=subject, text=text))
        except MailFailed as error:
            raise Refused(str(error)) from error
        return
    if alert.kind == "telegram":
        body: _Body = {"chat_id": alert.chat, "text": f"{subject}\n{text}"}
        await outside.web.post("Telegram", f"{TELEGRAM}/bot{alert.target}/sendMessage", json=body)
        return
    answer = await outside.web.post("the service", alert.target, json=_BODIES[alert.kind](subject, text))
    # DingTalk and Feishu answer 200 all the same.
    code = answer.get("errcode", answer.get("code", 0))
    if alert.kind in ("dingtalk", "feishu") and code not in (0, "0", None):
        raise Refused(text_of(answer, "errmsg", "msg") or f"the service refused the message ({code})")
