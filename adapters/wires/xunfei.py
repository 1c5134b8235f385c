"""iFlytek's Spark: the address of a websocket is signed (https://www.xfyun.cn/doc/spark/general_url_authentication.html)."""

from __future__ import annotations

import hmac
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from adapters.formats.dialects.xunfei import is_last, path_of, version_of
from adapters.formats.reading import dump, load, member
from adapters.wires.framing import Messages
from adapters.wires.types import CredentialRefused

if TYPE_CHECKING:
    from adapters.transport.types import Transport, UpstreamRequest
    from adapters.wires.types import Call


class XunfeiAuthorizer:
    """Signs the address, and says in the body whose it is."""

    async def authorize(self, request: UpstreamRequest, call: Call, transport: Transport) -> UpstreamRequest:
        """See `adapters.wires.types.Authorizer`."""
        del transport  # nothing is asked for
        parts = call.account.key.split("|")
        if len(parts) != 3 or not all(parts):
            raise CredentialRefused("the channel's key must be APPID|API_SECRET|API_KEY")
        app_id, api_secret, api_key = parts
        path = path_of(version_of(call.model, call.account.setting("api_version")))
        url = f"{call.account.base_url}{path}"
        body = request.body
        assert isinstance(body, bytes), "chat requests are held in memory"  # noqa: S101
        asked = load(body)
        asked["header"] = {"app_id": app_id, **(member(asked, "header") or {})}
        query = signature(url, api_key=api_key, api_secret=api_secret, now=datetime.now(UTC))
        # What a websocket is opened with is no header of a POST.
        headers = tuple(pair for pair in request.headers if pair[0].lower() not in (b"content-type", b"accept"))
        return replace(request, method="GET", url=f"{url}?{query}", headers=headers, body=dump(asked))


def signature(url: str, *, api_key: str, api_secret: str, now: datetime) -> str:
    """Return the query that opens the websocket at `url`."""
    parts = urlsplit(url)
    date = now.strftime("%a, %d %b %Y %H:%M:%S UTC")
    text = f"host: {parts.netloc}\ndate: {date}\nGET {parts.path} HTTP/1.1"
    signed = b64encode(hmac.digest(api_secret.encode(), text.encode(), "sha256")).decode()
    words = (
        f'hmac username="{api_key}", algorithm="hmac-sha256", headers="host date request-line", signature="{signed}"'
    )
    return urlencode({"host": parts.netloc, "date": date, "authorization": b64encode(words.encode()).decode()})


def carrier() -> Messages:
    """Return what speaks over the websocket."""
    return Messages(is_last)
