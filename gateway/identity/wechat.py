"""WeChat, through a bridge of the operator's: people get a code there, which the bridge turns into an id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.accounts.refusals import NotAllowed, Refused
from gateway.identity.foreign import ForeignAccount, text_of
from gateway.identity.query import with_query

if TYPE_CHECKING:
    from gateway.identity.web import Web
    from gateway.registry.options import Options


class WeChat:
    """Sign-in with WeChat."""

    def __init__(self, web: Web) -> None:
        self._web = web

    def check_on(self, options: Options) -> None:
        """Raise `NotAllowed` while root has it switched off."""
        if not options.flag("WeChatAuthEnabled"):
            raise NotAllowed("The administrator has not enabled login and registration via WeChat")

    async def account(self, options: Options, code: str) -> ForeignAccount:
        """Return whose code it is. Raises `Refused` with the bridge's own words when it refuses."""
        answer = await self._web.json(
            "the WeChat server",
            "GET",
            with_query(f"{options.text('WeChatServerAddress').rstrip('/')}/api/wechat/user", code=code),
            headers={"Authorization": options.text("WeChatServerToken")},
        )
        if answer.get("success") is not True:
            raise Refused(text_of(answer, "message") or "the WeChat server refused the code")
        wechat_id = text_of(answer, "data")
        if not wechat_id:
            raise Refused("Verification code error or expired")
        return ForeignAccount(column="wechat_id", id=wechat_id, display_name="WeChat User")
