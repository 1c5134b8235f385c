"""The session cookie: signed, for this site only, out of reach of scripts.

It is good for thirty days after somebody was last seen, to the day.
"""

from __future__ import annotations

import hashlib
import secrets
import time
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
RENEWED_AFTER_S = 86_400
"""A cookie older than that is written anew when it is seen."""


class DatedSession(SecureCookieSession):
    """A session that knows when its cookie was written, in seconds; 0 if it has none yet."""

    written_at: float = 0.0

    @property
    def left_s(self) -> int:
        """How long the cookie is good for; a new one as long as any."""
        return int(self.written_at + MAX_AGE_S - time.time()) if self.written_at and not self.modified else MAX_AGE_S


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

    async def open_session(self, app: Quart, request: BaseRequestWebsocket) -> DatedSession:
        """Return what the cookie holds; a cookie that cannot be trusted counts as none."""
        try:
            content, written = self._serializer.loads(
                request.cookies.get(NAME, ""), max_age=MAX_AGE_S, return_timestamp=True
            )
        except BadData:
            return DatedSession({})
        session = DatedSession(content if isinstance(content, dict) else {})
        session.written_at = written.timestamp()
        return session

    async def save_session(self, app: Quart, session: SessionMixin, response: AnyResponse | None) -> None:
        """Set the cookie if the session changed, and take it back if nothing is left in it."""
        if response is None or not (session.modified or _is_old(session)):
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


def _is_old(session: SessionMixin) -> bool:
    return isinstance(session, DatedSession) and bool(session) and time.time() > session.written_at + RENEWED_AFTER_S
