"""How pages join the control plane without it knowing them.

A package offers a function under the entry point group `one_api.pages`; it is called once for each application
with the application and what views need, and registers blueprints. The admin UI comes in this way, so that
imports point from it to the gateway and never back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, cast

from quart import Quart

if TYPE_CHECKING:
    from gateway.accounts.sessions import SignIn
    from gateway.accounts.totp import TotpCheck
    from gateway.channels.probe import Prober
    from gateway.identity.outside import Outside
    from gateway.live.live import Live
    from gateway.playground.play import Playground
    from gateway.services import Services

GROUP = "one_api.pages"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlane:
    """What the management API works with, for others who serve people."""

    services: Services
    sign_in: SignIn
    """One for all ways in, so that failures are counted together."""
    totp: TotpCheck
    prober: Prober
    outside: Outside
    """Third parties, and the post."""
    live: Live
    """What runs in all processes, and what their journals say."""
    playground: Playground
    """Sends requests with people's own tokens."""


Extension = Callable[[Quart, ControlPlane], None]


def installed_extensions() -> list[Extension]:
    """Return the extensions of the installed packages, by name. Imports them."""
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return [cast("Extension", point.load()) for point in found]
