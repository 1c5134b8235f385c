"""Values in the audit as people read them: states, types, roles and times are numbers there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admin_ui import shown
from admin_ui.i18n import _
from admin_ui.visit import current_visit
from storage.records import ChannelStatus, RedemptionStatus, Role, TokenStatus, UserStatus

if TYPE_CHECKING:
    from adapters.providers.catalogue import Catalogue

_LATEST_S = 10**11
"""Times after this year 5138 are no seconds."""


def value_word(catalogue: Catalogue, kind: str, field: str, text: str) -> str:
    """Return what a value of a field of some kind of thing says, `text` itself where it says it already."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        return text
    number = int(text)
    if field == "status":
        return _states(kind).get(number, text)
    if (kind, field) == ("channel", "type"):
        provider = catalogue.provider(number)
        return provider.name if provider is not None else text
    if (kind, field) == ("user", "role"):
        return role_word(number)
    if field.endswith("_time") or field == "expires_at":
        return _time(number)
    return text


def role_word(role: int) -> str:
    """Return what a role is called."""
    words: dict[int, str] = {Role.USER: _("User"), Role.ADMIN: _("Administrator"), Role.ROOT: _("Root")}
    return words.get(role, str(role))


def _states(kind: str) -> dict[int, str]:
    on, off = _("Enabled"), _("Disabled")
    words: dict[str, dict[int, str]] = {
        "channel": {
            ChannelStatus.ENABLED: on,
            ChannelStatus.DISABLED: off,
            ChannelStatus.AUTO_DISABLED: _("Auto-disabled"),
        },
        "user": {UserStatus.ENABLED: on, UserStatus.DISABLED: off, UserStatus.DELETED: _("Deleted")},
        "token": {
            TokenStatus.ENABLED: on,
            TokenStatus.DISABLED: off,
            TokenStatus.EXPIRED: _("Expired"),
            TokenStatus.EXHAUSTED: _("Used up"),
        },
        "code": {RedemptionStatus.ENABLED: on, RedemptionStatus.DISABLED: off, RedemptionStatus.USED: _("Used")},
    }
    return words.get(kind, {})


def _time(seconds: int) -> str:
    if seconds <= 0:
        return _("never")
    return shown.moment(seconds, current_visit().zone) if seconds < _LATEST_S else str(seconds)
