"""Trying sign-in with a third party: the way there and back, without signing anybody in or binding anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from gateway.identity.foreign import ForeignAccount

_KEY, _RESULT = "oauth_trial", "oauth_tried"


def begin(session: MutableMapping[str, object], provider: str) -> None:
    """Note that this browser goes to `provider` only to see whether that works."""
    session[_KEY] = provider
    session.pop(_RESULT, None)


def is_on(session: MutableMapping[str, object], provider: str) -> bool:
    """Whether this browser comes back from a trial; asked once, since the next return may be a real one."""
    return session.pop(_KEY, None) == provider


def succeeded(session: MutableMapping[str, object], provider: str, who: ForeignAccount) -> None:
    """Keep what the third party said, for the page that began the trial."""
    session[_RESULT] = {
        "provider": provider,
        "id": who.id[:100],
        "name": (who.display_name or who.username)[:100],
        "email": who.email[:100],
    }


def failed(session: MutableMapping[str, object], provider: str, why: str) -> None:
    """Keep why it did not work."""
    session[_RESULT] = {"provider": provider, "error": why[:300]}


def result(session: MutableMapping[str, object]) -> dict[str, str]:
    """Return and forget what came of a trial; empty when there was none."""
    found = session.pop(_RESULT, None)
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}
