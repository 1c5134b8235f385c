"""Language, theme and the like of whoever reads: in cookies, which the sign-in page has too, and with their account.

A browser that somebody signs in with for the first time gets the cookies from their account; the cookie `looks` says
whose they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import g, request

from admin_ui.i18n import LANGUAGES
from admin_ui.visit import COOKIE_AGE_S, DENSITIES, THEMES, zone_names
from gateway.accounts import preferences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quart import Response

    from gateway.services import Services
    from storage.records import User

OWNER = "looks"
_CHOICES = {"lang": tuple(LANGUAGES), "theme": THEMES, "density": DENSITIES, "rail": ("wide", "slim")}


def valid_looks(sent: Mapping[str, str]) -> dict[str, str]:
    """Return what can be chosen of what was sent; an empty time zone leaves it to the browser."""
    chosen = {name: sent.get(name, "") for name, known in _CHOICES.items() if sent.get(name, "") in known}
    zone = sent.get("zone")
    if zone is not None and (not zone or zone in zone_names()):
        chosen["zone"] = zone
    return chosen


async def looks_to_bring(services: Services, user: User | None) -> dict[str, str]:
    """Return what the browser at hand does not know yet of the looks that its reader once chose."""
    if user is None or request.cookies.get(OWNER) == str(user.id):
        return {}
    stored = valid_looks(await preferences.read_looks(services, user.id))
    # What was chosen in this browser, on the sign-in page perhaps, is newer.
    fresh = {name: value for name, value in stored.items() if name not in request.cookies}
    return {**fresh, OWNER: str(user.id)}


def write_looks(services: Services, response: Response, looks: Mapping[str, str]) -> None:
    """Set the cookies, or take back what is empty."""
    secure = g.client.scheme == "https" and not services.settings.disable_cookie_secure
    for name, value in looks.items():
        if value:
            response.set_cookie(name, value, max_age=COOKIE_AGE_S, path="/", secure=secure, samesite="Lax")
        else:
            response.delete_cookie(name, path="/", secure=secure, samesite="Lax")
