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
        body = bytearray()
        with trio.move_on_after(CALL_LIMIT_S) as limit:
            try:
                async with (
                    # Proxies are taken from the environment, as one-api's own client did.
                    httpx2.AsyncClient(verify=self._tls, timeout=CALL_LIMIT_S) as client,
                    client.stream(method, url, headers=sent, content=content, data=form) as answer,
                ):
                    if answer.status_code >= 400:
                        raise ThirdPartyFailed(f"{who} refused the request ({answer.status_code})")
                    async for part in answer.aiter_bytes():
                        body += part
                        if len(body) > _MOST_BYTES:
                            raise ThirdPartyFailed(f"the answer of {who} is too large")
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise unreachable(who) from error
        if limit.cancelled_caught:
            raise unreachable(who)
        try:
            return msgspec.json.decode(body, type=dict[str, object])
        except msgspec.DecodeError as error:
            raise ThirdPartyFailed(f"the answer of {who} cannot be read") from error

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
