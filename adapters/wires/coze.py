"""Coze: a personal token, or an OAuth app whose private key signs for short tokens.

Source: https://www.coze.com/docs/developer_guides/oauth_jwt. The key is then the JSON of the app, as their console
gives it out.
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from adapters.formats.reading import count
from adapters.wires.exchange import JSON_TYPE, ask_json, like, with_headers
from adapters.wires.tokens import Token
from adapters.wires.types import CredentialRefused, CredentialUnavailable

if TYPE_CHECKING:
    from adapters.transport.types import Transport, UpstreamRequest
    from adapters.wires.tokens import TokenKeeper
    from adapters.wires.types import Account, Call

LIVES_S = 900
_PROOF_LIVES_S = 600
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class _App(msgspec.Struct):
    client_id: str
    private_key: str
    public_key_id: str
    coze_api_base: str = "https://api.coze.com"


class CozeAuthorizer:
    """Sends the token that the channel has, or one that its app gets."""

    def __init__(self, keeper: TokenKeeper) -> None:
        self._keeper = keeper

    async def authorize(self, request: UpstreamRequest, call: Call, transport: Transport) -> UpstreamRequest:
        """See `adapters.wires.types.Authorizer`."""
        account = call.account
        token = account.key
        if account.setting("auth_type") == "oauth_jwt":
            token = await self._keeper.token(account.token_name, lambda: _fetch(request, account, transport))
        return with_headers(request, (b"authorization", f"Bearer {token}".encode()))


async def _fetch(request: UpstreamRequest, account: Account, transport: Transport) -> Token:
    try:
        app = msgspec.json.decode(account.key, type=_App)
    except (msgspec.DecodeError, UnicodeError):
        raise CredentialRefused("the channel's key must be the JSON of an OAuth app of the type jwt") from None
    base = app.coze_api_base.rstrip("/")
    body = {"client_id": app.client_id, "duration_seconds": LIVES_S, "grant_type": _GRANT}
    asked = like(
        request,
        url=f"{base}/api/permission/oauth2/token",
        headers=(JSON_TYPE, (b"authorization", f"Bearer {proof(app, now_s=int(time.time()))}".encode())),
        body=msgspec.json.encode(body),
    )
    status, answer = await ask_json(asked, transport)
    token = answer.get("access_token")
    if isinstance(token, str) and token:
        return Token(token, _life_s(count(answer, "expires_in")))
    words = answer.get("error_message") or answer.get("msg") or answer.get("error")
    if isinstance(words, str) and words and status < 500:
        raise CredentialRefused(f"the provider gave out no token: {words}")
    raise CredentialUnavailable(f"the provider gave out no token (status {status})")


def _life_s(told: int) -> float:
    """Coze tells the moment of the end, in Unix seconds; some proxies of theirs the seconds that are left."""
    if not told:
        return LIVES_S
    left = told - time.time()
    return min(left if left > 0 else told, LIVES_S)


def proof(app: _App, *, now_s: int) -> str:
    """Return the signed claim that the app is who it is. Raises `CredentialRefused` for a key that is none."""
    host = urlsplit(app.coze_api_base).netloc
    claims = {
        "iss": app.client_id,
        "aud": host,
        "iat": now_s,
        "exp": now_s + _PROOF_LIVES_S,
        "jti": uuid.uuid4().hex,
    }
    header = {"alg": "RS256", "typ": "JWT", "kid": app.public_key_id}
    try:
        return jwt.encode(header, claims, RSAKey.import_key(app.private_key))
    except (JoseError, ValueError):
        raise CredentialRefused("the private key of the channel's OAuth app cannot be read") from None
