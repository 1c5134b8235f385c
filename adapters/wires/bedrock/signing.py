"""The credential of requests to Bedrock (https://docs.aws.amazon.com/bedrock/latest/userguide/api-setup.html).

A channel has an access key (`ak`, `sk`, perhaps `session_token`), which signs each request, or a Bedrock API key in
place of the channel's key, which travels as it is. botocore signs; nothing else of it is used here.

Signing takes 0.1 ms and another for each megabyte of the body, so that only large bodies are worth a thread.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import trio
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from adapters.wires.exchange import JSON_TYPE, with_headers
from adapters.wires.types import CredentialRefused

if TYPE_CHECKING:
    from adapters.transport.types import UpstreamRequest
    from adapters.wires.types import Account

SERVICE = "bedrock"
LARGE_BODY_BYTES = 512 << 10
SIGNERS = 2
"""Threads that sign at the same time: they only hash."""
_PARTS_OF_A_PAIR = "|"


class BedrockSigner:
    """Completes requests with a signature or a bearer token."""

    def __init__(self) -> None:
        self._limiter = trio.CapacityLimiter(SIGNERS)

    async def sign(self, request: UpstreamRequest, account: Account) -> UpstreamRequest:
        """Return `request` with its credential. Raises `CredentialRefused` when the channel has none."""
        body = request.body
        assert isinstance(body, bytes), "chat requests are held in memory"  # noqa: S101
        # The client's wish for server-sent events is none that Bedrock knows.
        bare = with_headers(request, JSON_TYPE, (b"accept", b"application/json"))
        access_key, secret_key = account.setting("ak"), account.setting("sk")
        if not access_key or not secret_key:
            return with_headers(bare, (b"authorization", f"Bearer {_api_key(account)}".encode()))
        credentials = Credentials(access_key, secret_key, account.setting("session_token") or None)
        work = partial(signed_headers, request.url, body, credentials=credentials, region=account.setting("region"))
        if len(body) < LARGE_BODY_BYTES:
            return with_headers(bare, *work())
        return with_headers(bare, *await trio.to_thread.run_sync(work, limiter=self._limiter))


def signed_headers(
    url: str, body: bytes, *, credentials: Credentials, region: str
) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers that a POST of JSON needs besides its content type. Signed are that, host and time."""
    if not region:
        raise CredentialRefused("the channel needs the setting region")
    request = AWSRequest("POST", url, headers={"content-type": JSON_TYPE[1].decode()}, data=body)
    SigV4Auth(credentials, SERVICE, region).add_auth(request)
    return tuple(
        (name.lower().encode(), value.encode())
        for name, value in request.headers.items()
        if name.lower() != "content-type"
    )


def _api_key(account: Account) -> str:
    key = account.key.strip()
    if not key or _PARTS_OF_A_PAIR in key:
        raise CredentialRefused("the channel needs the settings ak and sk, or a Bedrock API key as its key")
    return key
