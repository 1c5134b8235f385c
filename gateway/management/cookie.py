"""The session cookie: signed, for this site only, out of reach of scripts, good for thirty days."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from itsdangerous import BadData, URLSafeTimedSerializer
from quart import g
from quart.sessions import SecureCookieSession, SecureCookieSessionInterface

if TYPE_CHECKING:
    from quart import Quart
    from quart.sessions import SessionMixin
    from quart.wrappers import BaseRequestWebsocket
    from quart.wrappers import Response as QuartResponse
    from werkzeug.wrappers import Response as WerkzeugResponse

    AnyResponse = QuartResponse | WerkzeugResponse

NAME = "session"
MAX_AGE_S = 30 * 86_400


class CookieSessions(SecureCookieSessionInterface):
    """Reads and writes the cookie. Without a secret a random one is made, and sessions end with the process."""

    def __init__(self, secret: str, *, always_insecure: bool) -> None:
        key = secret or secrets.token_hex(32)
        self._always_insecure = always_insecure
        self._serializer = URLSafeTimedSerializer(
            key,
            salt="one-api.session",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    async def open_session(self, app: Quart, request: BaseRequestWebsocket) -> SecureCookieSession:
        """Return what the cookie holds; a cookie that cannot be trusted counts as none."""
        try:
            content = self._serializer.loads(request.cookies.get(NAME, ""), max_age=MAX_AGE_S)
        except BadData:
            content = {}
        return SecureCookieSession(content if isinstance(content, dict) else {})

    async def save_session(self, app: Quart, session: SessionMixin, response: AnyResponse | None) -> None:
        """Set the cookie if the session changed, and take it back if nothing is left in it."""
        if response is None or not session.modified:
            return
        # Plain HTTP: browsers drop a Secure cookie there, and nobody could sign in before TLS is set up.
        secure = g.client.scheme == "https" and not self._always_insecure
        if not session:
            response.delete_cookie(NAME, path="/", secure=secure, httponly=True, samesite="Lax")
            return
        response.set_cookie(
            NAME,
            str(self._serializer.dumps(dict(session))),
            max_age=MAX_AGE_S,
            path="/",
            secure=secure,
            httponly=True,
            samesite="Lax",
        )
