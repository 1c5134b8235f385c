"""Zhipu: the key `ID.SECRET` signs a short token for each request (https://open.bigmodel.cn/dev/api/http-call/http-auth).

Nothing is exchanged, so nothing need be kept: signing takes some 30 µs.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from joserfc import jws, jwt
from joserfc.jwk import OctKey

from adapters.wires.exchange import with_headers
from adapters.wires.types import CredentialRefused

if TYPE_CHECKING:
    from adapters.transport.types import Transport, UpstreamRequest
    from adapters.wires.types import Call

LIVES_MS = 3_600_000
# HMAC with less than 112 bits is refused by the library; no real secret is that short.
_SHORTEST_SECRET = 14


class ZhipuAuthorizer:
    """Signs a token."""

    def __init__(self) -> None:
        self._registry = jws.JWSRegistry(algorithms=["HS256"], strict_check_header=False)

    async def authorize(self, request: UpstreamRequest, call: Call, transport: Transport) -> UpstreamRequest:
        """See `adapters.wires.types.Authorizer`."""
        del transport  # nothing is asked for
        name, dot, secret = call.account.key.partition(".")
        if not dot or not name or not secret:
            raise CredentialRefused("the channel's key must be ID.SECRET")
        if len(secret.encode()) < _SHORTEST_SECRET:
            return with_headers(request, (b"authorization", f"Bearer {call.account.key}".encode()))
        now_ms = time.time_ns() // 1_000_000
        token = jwt.encode(
            {"alg": "HS256", "sign_type": "SIGN"},
            {"api_key": name, "exp": now_ms + LIVES_MS, "timestamp": now_ms},
            OctKey.import_key(secret),
            registry=self._registry,
        )
        return with_headers(request, (b"authorization", token.encode()))
