"""What must hold before options are stored, beyond the form of each value.

`Options` checks forms, and reads what is stored by the same checks: a rule there would make an old value unreadable.
The rules here bind only who writes. Scripts that set one option after another, as they did with one-api, are bound by
fewer: what depends on an option that they set next, or narrows what one-api took, is asked of forms and files only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from storage.repositories import groups

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from gateway.registry.options import Options

LONGEST_NAME: Final = 40
MOST_RETRIES: Final = 10
_ADDRESSES: Final = frozenset(
    (
        "ServerAddress",
        "TopUpLink",
        "ChatLink",
        "MessagePusherAddress",
        "ReleaseCheckAddress",
        "OidcWellKnown",
        "OidcAuthorizationEndpoint",
        "OidcTokenEndpoint",
        "OidcUserinfoEndpoint",
        "WeChatServerAddress",
        "WeChatAccountQRCodeImageURL",
    )
)
# A picture may also lie on this site.
_PICTURES: Final = frozenset(("Logo",))


def faults_together(conn: Connection, before: Options, after: Options, changed: Collection[str]) -> dict[str, str]:
    """Return what is wrong with options that are saved together, by name; the first fault of each counts."""
    faults: dict[str, str] = {}
    if "SystemName" in changed and not 1 <= len(after.text("SystemName").strip()) <= LONGEST_NAME:
        faults["SystemName"] = f"SystemName must have 1 to {LONGEST_NAME} characters"
    if "RetryTimes" in changed and after.integer("RetryTimes") > MOST_RETRIES:
        faults["RetryTimes"] = f"RetryTimes must be between 0 and {MOST_RETRIES}"
    faults |= faults_of(conn, before, after, changed)
    wants_mail = "EmailVerificationEnabled" in changed and after.flag("EmailVerificationEnabled")
    if wants_mail and not after.text("SMTPServer").strip():
        faults["EmailVerificationEnabled"] = "Verification of e-mail addresses needs a mail server first"
    if "PasswordLoginEnabled" in changed and not after.flag("PasswordLoginEnabled") and not has_other_way_in(after):
        faults["PasswordLoginEnabled"] = "Sign-in with a password must stay on while there is no other way to sign in"
    return faults


def faults_of(conn: Connection, before: Options, after: Options, changed: Collection[str]) -> dict[str, str]:
    """Return what is wrong with options, however they are stored."""
    faults: dict[str, str] = {}
    for key in changed:
        if key in _ADDRESSES | _PICTURES and not _is_address(after.text(key), may_be_local=key in _PICTURES):
            faults[key] = f"{key} must begin with https:// or http://"
    if "GroupRatio" in changed:
        fault = _lost_groups(conn, before, after)
        if fault:
            faults["GroupRatio"] = fault
    return faults


def has_other_way_in(options: Options) -> bool:
    """Whether people can sign in without a password."""
    return bool(
        (options.flag("GitHubOAuthEnabled") and options.text("GitHubClientId"))
        or options.flag("OidcEnabled")
        or options.text("LarkClientId")
        or (options.flag("WeChatAuthEnabled") and options.text("WeChatServerAddress"))
    )


def _lost_groups(conn: Connection, before: Options, after: Options) -> str:
    lost = [name for name in before.group_ratio if name not in after.group_ratio]
    if not lost:
        return ""
    people, channels = groups.users_by_group(conn), groups.channels_by_group(conn)
    for name in lost:
        if people.get(name) or channels.get(name):
            return (
                f"The group {name} is in use: {people.get(name, 0)} accounts and {channels.get(name, 0)} channels"
                " belong to it"
            )
    return ""


def _is_address(text: str, *, may_be_local: bool) -> bool:
    if not text or (may_be_local and text.startswith("/")):
        return True
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not any(c.isspace() for c in text.strip())
