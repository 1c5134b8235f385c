"""Baidu: the key `API_KEY|SECRET_KEY` is exchanged for a token, which goes into the query.

Source: https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Dlkm79mnx. Tokens live for thirty days.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from adapters.formats.reading import count
from adapters.wires.exchange import JSON_TYPE, ask_json, like
from adapters.wires.tokens import Token
from adapters.wires.types import CredentialRefused, CredentialUnavailable

if TYPE_CHECKING:
    from adapters.transport.types import Transport, UpstreamRequest
    from adapters.wires.tokens import TokenKeeper
    from adapters.wires.types import Account, Call

_DEFAULT_LIFE_S = 2_592_000


class BaiduAuthorizer:
    """Puts a token into the query."""

    def __init__(self, keeper: TokenKeeper) -> None:
        self._keeper = keeper

    async def authorize(self, request: UpstreamRequest, call: Call, transport: Transport) -> UpstreamRequest:
        """See `adapters.wires.types.Authorizer`."""
        account = call.account
        token = await self._keeper.token(account.token_name, lambda: _fetch(request, account, transport))
        joint = "&" if "?" in request.url else "?"
        return replace(request, url=f"{request.url}{joint}access_token={quote(token, safe='')}")


async def _fetch(request: UpstreamRequest, account: Account, transport: Transport) -> Token:
    name, bar, secret = account.key.partition("|")
    if not bar or not name or not secret:
        raise CredentialRefused("the channel's key must be API_KEY|SECRET_KEY")
    query = urlencode({"grant_type": "client_credentials", "client_id": name, "client_secret": secret})
    asked = like(
        request,
        url=f"{account.base_url}/oauth/2.0/token?{query}",
        headers=(JSON_TYPE, (b"accept", b"application/json")),
    )
    status, answer = await ask_json(asked, transport)
    token = answer.get("access_token")
    if isinstance(token, str) and token:
        return Token(token, count(answer, "expires_in") or _DEFAULT_LIFE_S)
    words = answer.get("error_description") or answer.get("error")
    if isinstance(words, str) and words and status < 500:
        raise CredentialRefused(f"the provider gave out no token: {words}")
    raise CredentialUnavailable(f"the provider gave out no token (status {status})")
