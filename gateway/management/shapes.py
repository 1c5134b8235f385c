"""Records as JSON, the way one-api shows them. Secrets are blank here, so no view can forget to hide one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from gateway.channels.secrets import shown_config

if TYPE_CHECKING:
    from storage.records import Channel, LogRow, Redemption, Token, User
    from storage.repositories.channel_labels import Label

Json = dict[str, object]

_OLD_PREFIXES = ("sk-", "laisky-")
_BLANK_USER: Json = {
    "id": 0,
    "username": "",
    "password": "",
    "display_name": "",
    "role": 0,
    "status": 0,
    "email": "",
    "github_id": "",
    "wechat_id": "",
    "lark_id": "",
    "oidc_id": "",
    "verification_code": "",
    "access_token": "",
    "quota": 0,
    "used_quota": 0,
    "request_count": 0,
    "group": "",
    "aff_code": "",
    "inviter_id": 0,
    "created_at": 0,
    "updated_at": 0,
    "unlimited_quota": False,
}
_USER_SECRETS = frozenset(("password", "access_token", "totp_secret"))


def user(record: User) -> Json:
    """An account without password, access token and second factor."""
    return _BLANK_USER | {name: value for name, value in asdict(record).items() if name not in _USER_SECRETS}


def signed_in(record: User) -> Json:
    """What a login answers."""
    names = ("id", "username", "display_name", "role", "status")
    return _BLANK_USER | {name: getattr(record, name) for name in names}


def managed(record: User) -> Json:
    """What `manage` answers."""
    return _BLANK_USER | {"role": record.role, "status": record.status}


def token(record: Token, prefix: str, *, records: bool = False) -> Json:
    """An API token with its key, which its owner may always read; `records`: its messages are recorded."""
    key = record.key
    for old in _OLD_PREFIXES:
        key = key.removeprefix(old)
    return asdict(record) | {"key": prefix + key, "record_messages": records}


def channel(record: Channel, label: Label) -> Json:
    """A channel without its key, and without what is secret in its settings."""
    return asdict(record) | {"key": "", "config": shown_config(record.config)} | asdict(label)


def log(record: LogRow) -> Json:
    """A log entry."""
    shown = asdict(record)
    shown["channel"] = shown.pop("channel_id")
    return shown


def redemption(record: Redemption) -> Json:
    """A redemption code."""
    return asdict(record) | {"count": 0}
