"""Tencent Cloud signs each request: TC3-HMAC-SHA256 (https://cloud.tencent.com/document/api/1729/101843).

The library for it is an SDK of all their clouds, with a client of its own; what is needed of it are these lines.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from adapters.wires.exchange import JSON_TYPE, with_headers
from adapters.wires.types import CredentialRefused

if TYPE_CHECKING:
    from adapters.transport.types import Transport, UpstreamRequest
    from adapters.wires.types import Call

_ALGORITHM = "TC3-HMAC-SHA256"
_SERVICE = "hunyuan"
_DOMAIN = ".tencentcloudapi.com"
_HOST = f"{_SERVICE}{_DOMAIN}"
_VERSION = b"2023-09-01"
_SIGNED = "content-type;host;x-tc-action"
_ACTIONS = {"chat_completions": "ChatCompletions", "embeddings": "GetEmbedding"}


class TencentAuthorizer:
    """Signs requests."""

    async def authorize(self, request: UpstreamRequest, call: Call, transport: Transport) -> UpstreamRequest:
        """See `adapters.wires.types.Authorizer`."""
        del transport  # nothing is asked for
        _, _, rest = call.account.key.partition("|")
        secret_id, bar, secret_key = rest.partition("|")
        if not bar or not secret_id or not secret_key:
            raise CredentialRefused("the channel's key must be APPID|SECRET_ID|SECRET_KEY")
        body = request.body
        assert isinstance(body, bytes), "chat requests are held in memory"  # noqa: S101
        action, now_s = _ACTIONS[call.endpoint], int(time.time())
        signature = sign(
            body,
            host=signed_host(request.url),
            action=action,
            now_s=now_s,
            secret_id=secret_id,
            secret_key=secret_key,
        )
        return with_headers(
            request,
            JSON_TYPE,
            (b"x-tc-action", action.encode()),
            (b"x-tc-version", _VERSION),
            (b"x-tc-timestamp", b"%d" % now_s),
            (b"authorization", signature.encode()),
        )


def signed_host(url: str) -> str:
    """Return the host that Tencent will see: its own, also behind a proxy with another name."""
    host = urlsplit(url).hostname or ""
    return host if host.endswith(_DOMAIN) else _HOST


def sign(body: bytes, *, host: str, action: str, now_s: int, secret_id: str, secret_key: str) -> str:
    """Return the header `Authorization` for a POST of JSON to `/`."""
    date = time.strftime("%Y-%m-%d", time.gmtime(now_s))
    scope = f"{date}/{_SERVICE}/tc3_request"
    headers = f"content-type:application/json\nhost:{host}\nx-tc-action:{action.lower()}\n"
    canonical = "\n".join(("POST", "/", "", headers, _SIGNED, hashlib.sha256(body).hexdigest()))
    text = "\n".join((_ALGORITHM, str(now_s), scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"TC3{secret_key}".encode()
    for part in (date, _SERVICE, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    return f"{_ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={_SIGNED}, Signature={signature}"
