"""What a browser is given on its way to a third party and must bring back: kept in its session, good for a while."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import string
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from gateway.accounts.refusals import NotAllowed

if TYPE_CHECKING:
    from collections.abc import MutableMapping

KEY = "oauth"
LIFE_S = 1800
_ALPHABET = string.ascii_letters + string.digits
_STATE_LENGTH = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """One way to a third party.

    `nonce` and `verifier` are empty when a page of its own sends the browser there, as one-api's does: it knows only
    the state.
    """

    state: str
    provider: str = ""
    nonce: str = ""
    verifier: str = ""
    begun_at: int = field(default_factory=lambda: int(time.time()))

    @property
    def challenge(self) -> str:
        """What the third party is told of `verifier` beforehand (RFC 7636, S256)."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).decode().rstrip("=")


def begin(session: MutableMapping[str, object], *, provider: str = "") -> Handshake:
    """Begin and remember a handshake; with a `provider` it is good for that one only, and has nonce and verifier."""
    handshake = Handshake(
        state="".join(secrets.choice(_ALPHABET) for _ in range(_STATE_LENGTH)),
        provider=provider,
        nonce=secrets.token_urlsafe(24) if provider else "",
        # RFC 7636 wants 43 to 128 characters.
        verifier=secrets.token_urlsafe(48) if provider else "",
    )
    session[KEY] = asdict(handshake)
    return handshake


def find(session: MutableMapping[str, object], *, provider: str, state: str) -> Handshake:
    """Return the handshake that `state` belongs to. Raises `NotAllowed` when it is not this browser's, or too old."""
    kept = session.get(KEY)
    try:
        handshake = Handshake(**kept) if isinstance(kept, dict) else None
    except TypeError:
        handshake = None
    if (
        handshake is None
        or not hmac.compare_digest(handshake.state.encode(), state.encode("utf-8", "replace"))
        or handshake.provider not in ("", provider)
        or handshake.begun_at + LIFE_S < time.time()
    ):
        raise NotAllowed("state is empty or not same", status=403)
    return handshake


def end(session: MutableMapping[str, object]) -> None:
    """Forget the handshake: it led somewhere."""
    session.pop(KEY, None)
