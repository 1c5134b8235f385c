"""Rows as values: what repositories take and give.

All are frozen: a snapshot may be shared between relays and threads. NULL of the database reads as zero or
empty text here, because one-api left NULLs in every column it added later; where NULL has a meaning of its
own the field says so. Quota is in quota units (500,000 per USD).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """What an account may do; higher includes lower."""

    GUEST = 0
    USER = 1
    ADMIN = 10
    ROOT = 100


class UserStatus(IntEnum):
    """State of an account."""

    ENABLED = 1
    DISABLED = 2
    DELETED = 3


class TokenStatus(IntEnum):
    """State of an API token."""

    ENABLED = 1
    DISABLED = 2
    EXPIRED = 3
    EXHAUSTED = 4


class ChannelStatus(IntEnum):
    """State of a channel; only `AUTO_DISABLED` comes back by itself."""

    UNKNOWN = 0
    ENABLED = 1
    DISABLED = 2
    AUTO_DISABLED = 3


class LogType(IntEnum):
    """What a log row records."""

    UNKNOWN = 0
    TOP_UP = 1
    CONSUME = 2
    MANAGE = 3
    SYSTEM = 4
    TEST = 5


class RedemptionStatus(IntEnum):
    """State of a redemption code; used is final."""

    ENABLED = 1
    DISABLED = 2
    USED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account. `created_at`, `updated_at`: Unix milliseconds."""

    id: int
    username: str
    password: str = ""
    display_name: str = ""
    role: int = Role.USER
    status: int = UserStatus.ENABLED
    email: str = ""
    github_id: str = ""
    wechat_id: str = ""
    lark_id: str = ""
    oidc_id: str = ""
    access_token: str = ""
    totp_secret: str = ""
    quota: int = 0
    used_quota: int = 0
    request_count: int = 0
    group: str = "default"
    aff_code: str = ""
    inviter_id: int = 0
    created_at: int = 0
    updated_at: int = 0
    unlimited_quota: bool = False
    """Spends without the balance growing less; kept in a table of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An API token. `*_time`: Unix seconds, `expired_time` -1 = never; `created_at`: milliseconds.

    `key` is stored without prefix and blanks. `models` and `subnet` are comma lists, `None` or empty = no limit.
    """

    id: int
    user_id: int
    key: str
    status: int = TokenStatus.ENABLED
    name: str = ""
    created_time: int = 0
    accessed_time: int = 0
    expired_time: int = -1
    remain_quota: int = 0
    unlimited_quota: bool = False
    used_quota: int = 0
    models: str | None = None
    subnet: str | None = None
    created_at: int = 0
    updated_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way to reach a provider, as stored. JSON columns are kept as text; `None` = never set.

    `balance` in USD, `response_time` in milliseconds, `test_time` and `balance_updated_time` in seconds.
    """

    id: int
    type: int = 0
    key: str = ""
    status: int = ChannelStatus.ENABLED
    name: str = ""
    weight: int = 0
    created_time: int = 0
    test_time: int = 0
    response_time: int = 0
    base_url: str = ""
    other: str | None = None
    balance: float = 0.0
    balance_updated_time: int = 0
    models: str = ""
    model_configs: str | None = None
    group: str = "default"
    used_quota: int = 0
    model_mapping: str | None = None
    priority: int = 0
    config: str = ""
    system_prompt: str | None = None
    ratelimit: int = 0
    testing_model: str | None = None
    model_ratio: str | None = None
    completion_ratio: str | None = None
    inference_profile_arn_map: str | None = None
    created_at: int = 0
    updated_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """Channel `channel_id` serves `model` to `group`. `suspend_until`: Unix seconds, 0 = not suspended."""

    group: str
    model: str
    channel_id: int
    enabled: bool = True
    priority: int = 0
    suspend_until: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """One line of the log. `created_at` in seconds, `elapsed_time` in milliseconds. `id` 0 = not stored yet."""

    id: int = 0
    user_id: int = 0
    created_at: int = 0
    type: int = LogType.UNKNOWN
    content: str = ""
    username: str = ""
    token_name: str = ""
    model_name: str = ""
    quota: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    channel_id: int = 0
    request_id: str = ""
    trace_id: str = ""
    updated_at: int = 0
    elapsed_time: int = 0
    is_stream: bool = False
    system_prompt_reset: bool = False
    cached_prompt_tokens: int = 0
    cached_completion_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRow:
    """Timestamps of one relay. `timestamps` is JSON: step name to Unix milliseconds, missing = did not happen."""

    id: int = 0
    trace_id: str
    url: str
    method: str
    body_size: int = 0
    status: int = 0
    timestamps: str = "{}"
    created_at: int = 0
    updated_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCost:
    """What one request cost. `created_time` in seconds."""

    id: int = 0
    created_time: int = 0
    user_id: int = 0
    request_id: str = ""
    quota: int = 0
    created_at: int = 0
    updated_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """A code worth `quota` units. `redeemed_time` in seconds, 0 until used."""

    id: int
    user_id: int = 0
    key: str = ""
    status: int = RedemptionStatus.ENABLED
    name: str = ""
    quota: int = 0
    created_time: int = 0
    redeemed_time: int = 0
    created_at: int = 0
    updated_at: int = 0
