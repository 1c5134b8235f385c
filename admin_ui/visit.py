"""Who looks at a page, and how they want it: language, theme, time zone, density. Kept in cookies of their own.

They are no secrets and outlive a session, so the sign-in page has them as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from quart import g, request

from admin_ui.i18n import choose_language
from storage.records import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.registry.options import Options
    from storage.records import User

THEMES = ("system", "light", "dark")
DENSITIES = ("normal", "compact", "roomy")
COOKIE_AGE_S = 365 * 86_400


@dataclass(frozen=True, slots=True)
class Visit:
    """One request's reader."""

    user: User | None
    language: str
    theme: str
    density: str
    zone: tzinfo
    rail: str
    """`wide` or `slim`."""
    is_narrow: bool = False
    """Whether they look through a phone's width."""

    @property
    def is_admin(self) -> bool:
        """Whether administration is open to them."""
        return self.user is not None and self.user.role >= Role.ADMIN

    @property
    def is_root(self) -> bool:
        """Whether everything is."""
        return self.user is not None and self.user.role >= Role.ROOT

    def reaches(self, role: int) -> bool:
        """Whether their role is at least `role`."""
        return (self.user.role if self.user is not None else Role.GUEST) >= role


def read_visit(user: User | None, looks: Mapping[str, str], options: Options) -> Visit:
    """Return the reader of the request at hand; `looks` are what their cookies should say and do not yet.

    What they did not choose is as the site has it.
    """
    cookies = {**request.cookies, **looks}
    return Visit(
        user=user,
        language=choose_language(
            cookies.get("lang", ""), request.headers.get("Accept-Language", ""), options.text("DefaultLanguage")
        ),
        theme=_one_of(cookies.get("theme", ""), THEMES, options.text("DefaultTheme")),
        density=_one_of(cookies.get("density", ""), DENSITIES),
        # What somebody chose goes before what their browser says.
        zone=zone_called(cookies.get("zone", "") or cookies.get("tz", "")),
        rail=_one_of(cookies.get("rail", ""), ("wide", "slim")),
        is_narrow=cookies.get("narrow", "") == "1",
    )


def current_visit() -> Visit:
    """Return the reader; only after the request was begun."""
    visit: Visit = g.visit
    return visit


@lru_cache(maxsize=1)
def zone_names() -> tuple[str, ...]:
    """Return the names of all time zones, sorted; looking for them goes through some hundred files."""
    return tuple(sorted(available_timezones()))


@lru_cache(maxsize=256)
def zone_called(name: str) -> tzinfo:
    """Return a time zone by its IANA name; UTC for what is none."""
    if not name or len(name) > 64 or name.startswith((".", "/")):
        return UTC
    try:
        return ZoneInfo(name.replace("%2F", "/"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _one_of(text: str, known: tuple[str, ...], default: str = "") -> str:
    return text if text in known else default or known[0]
