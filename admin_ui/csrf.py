"""Tokens that prove a form came from a page of ours.

The session holds one random secret; each page carries it under a fresh mask, so that compression gives nothing away.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets

from quart import g, request, session

FIELD = "csrf"
HEADER = "X-CSRF-Token"
_SESSION_KEY = "csrf"
_BYTES = 16


class ForgedForm(Exception):
    """The form at hand carries no token of this session."""


def token() -> str:
    """Return a token for a form of this session, which gets a secret at the first call."""
    known = session.get(_SESSION_KEY)
    if not isinstance(known, str) or len(known) != 2 * _BYTES:
        known = secrets.token_hex(_BYTES)
        session[_SESSION_KEY] = known
    made: tuple[str, str] | None = g.get("csrf")
    if made is None or made[0] != known:
        # One for all forms of a page: a list has hundreds of them, and random texts do not compress.
        secret, mask = bytes.fromhex(known), secrets.token_bytes(_BYTES)
        masked = bytes(a ^ b for a, b in zip(secret, mask, strict=True))
        made = g.csrf = known, base64.urlsafe_b64encode(mask + masked).decode().rstrip("=")
    return made[1]


async def check() -> None:
    """Return if the request carries a token of its session. Raises `ForgedForm`."""
    known = session.get(_SESSION_KEY)
    sent = request.headers.get(HEADER, "") or (await request.form).get(FIELD, "")
    if not isinstance(known, str) or not hmac.compare_digest(_unmasked(sent), known.encode()):
        raise ForgedForm


def _unmasked(text: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii", "replace") + b"==")
    except (binascii.Error, ValueError):
        return b""
    if len(raw) != 2 * _BYTES:
        return b""
    mask, masked = raw[:_BYTES], raw[_BYTES:]
    return bytes(a ^ b for a, b in zip(mask, masked, strict=True)).hex().encode()
