"""Short calls to third parties: few seconds, small answers, no redirects.

The addresses are the operator's own or published by the provider, never a visitor's, so they may be private.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import msgspec
import trio
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from gateway.identity.foreign import ThirdPartyFailed

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

CALL_LIMIT_S = 5.0
_MOST_BYTES = 1 << 20


class Web:
    """Makes the calls. Holds no connections between them: people sign in rarely."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls

    async def json(
        self,
        who: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        form: dict[str, str] | None = None,
    ) -> dict[str, object]:
        """Return the object that `url` answers. Raises `ThirdPartyFailed`, which names `who` and no address."""
        content = msgspec.json.encode(json) if json is not None else None
        sent = {"Accept": "application/json", **(headers or {})}
        if content is not None:
            sent["Content-Type"] = "application/json"
        body = await self._body(who, method, url, sent, content, form, refused_from=400)
        try:
            return msgspec.json.decode(body, type=dict[str, object])
        except msgspec.DecodeError as error:
            raise ThirdPartyFailed(f"the answer of {who} cannot be read") from error

    async def post(self, who: str, url: str, *, json: object) -> dict[str, object]:
        """Send `json`; return what is answered if that is an object, else nothing. Raises `ThirdPartyFailed`."""
        # Redirects are not followed: whoever is told by a webhook lives at its address.
        body = await self._body(
            who, "POST", url, {"Content-Type": "application/json"}, msgspec.json.encode(json), None, refused_from=300
        )
        try:
            return msgspec.json.decode(body, type=dict[str, object])
        except msgspec.DecodeError:
            return {}

    async def _body(
        self,
        who: str,
        method: str,
        url: str,
        headers: dict[str, str],
        content: bytes | None,
        form: dict[str, str] | None,
        *,
        refused_from: int,
    ) -> bytes:
        """Return what `url` answers; a status from `refused_from` on is a refusal. Raises `ThirdPartyFailed`."""
        body = bytearray()
        with trio.move_on_after(CALL_LIMIT_S) as limit:
            try:
                async with (
                    # Proxies are taken from the environment, as one-api's own client did.
                    httpx2.AsyncClient(verify=self._tls, timeout=CALL_LIMIT_S) as client,
                    client.stream(method, url, headers=headers, content=content, data=form) as answer,
                ):
                    if answer.status_code >= refused_from:
                        raise ThirdPartyFailed(f"{who} refused the request ({answer.status_code})")
                    async for part in answer.aiter_bytes():
                        body += part
                        if len(body) > _MOST_BYTES:
                            raise ThirdPartyFailed(f"the answer of {who} is too large")
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise unreachable(who) from error
        if limit.cancelled_caught:
            raise unreachable(who)
        return bytes(body)

    async def exchange(
        self, who: str, url: str, *, client_id: str, secret: str, auth_method: str, **sent: str
    ) -> dict[str, object]:
        """Exchange an authorization code for tokens. Raises `ThirdPartyFailed`."""
        client = AsyncOAuth2Client(
            client_id, secret, token_endpoint_auth_method=auth_method, verify=self._tls, timeout=CALL_LIMIT_S
        )
        with trio.move_on_after(CALL_LIMIT_S) as limit:
            async with client:
                try:
                    token = await client.fetch_token(url, grant_type="authorization_code", **sent)
                except AuthlibBaseError as error:
                    raise ThirdPartyFailed(f"{who} does not accept the code ({error.error})") from error
                except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                    raise unreachable(who) from error
                except ValueError as error:
                    raise ThirdPartyFailed(f"the answer of {who} cannot be read") from error
        if limit.cancelled_caught:
            raise unreachable(who)
        if not isinstance(token.get("access_token"), str):
            raise ThirdPartyFailed(f"{who} does not accept the code")
        return dict(token)


def unreachable(who: str) -> ThirdPartyFailed:
    """Return the refusal for a third party that does not answer."""
    return ThirdPartyFailed(f"{who} cannot be reached, please try again later")
