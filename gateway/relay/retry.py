"""What a failure means: may another channel try, and what becomes of the one that failed.

Pure rules, after the original's tables with its slips mended: every decision depends on the failure alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.relay.choose import Prefer
from gateway.relay.errors import UpstreamCut, UpstreamFailed, UpstreamUnreachable

_ACCOUNT_TYPES = {"authentication_error", "permission_error", "insufficient_quota", "forbidden"}
_ACCOUNT_CODES = {"invalid_api_key", "account_deactivated", "insufficient_quota"}
_ACCOUNT_WORDS = (
    "invalid api key",
    "api key not valid",
    "api key expired",
    "insufficient quota",
    "insufficient credit",
    "已欠费",
    "余额不足",
    "organization restricted",
)
_ACCOUNT_STATUSES = (401, 402, 403, 456)
"""The key is refused, or the account behind it cannot pay; 456 is DeepL's word for that."""
_GOOGLES_BAD_KEY = ("api key not valid", "api key expired")
"""What Google says of a bad key, with status 400."""
_DISABLE_CODES = {"invalid_api_key", "account_deactivated"}
_DISABLE_WORDS = (
    "your access was terminated",
    "violation of our policies",
    "your credit balance is too low",
    "organization has been disabled",
    "credit",
    "balance",
    "permission denied",
    "organization has been restricted",
    "api key not valid",
    "api key expired",
    "已欠费",
)


class Suspend(Enum):
    """Which configured length a suspension takes."""

    NO = "no"
    RATE_LIMIT = "429"
    SERVER = "5xx"
    ACCOUNT = "auth"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a failure does to its channel."""

    suspend: Suspend
    may_disable: bool
    """The channel's key or account is at fault: switch it off if the operator allows that."""


def effect_of(error: UpstreamFailed) -> Effect:
    """Return what `error` does to the channel that caused it."""
    status = error.status
    if status in (400, 408, 413) and not _is_bad_key(error):
        return Effect(Suspend.NO, may_disable=False)
    if status == 429:
        return Effect(Suspend.RATE_LIMIT, may_disable=False)
    if isinstance(error, UpstreamUnreachable | UpstreamCut) or status >= 500:
        return Effect(Suspend.SERVER, may_disable=False)
    account = status in _ACCOUNT_STATUSES or _looks_like_account(error)
    return Effect(Suspend.ACCOUNT if account else Suspend.NO, may_disable=_may_disable(error))


def _is_bad_key(error: UpstreamFailed) -> bool:
    return error.status == 400 and any(word in error.message.lower() for word in _GOOGLES_BAD_KEY)


def _looks_like_account(error: UpstreamFailed) -> bool:
    message = error.message.lower()
    return (
        error.type in _ACCOUNT_TYPES
        or str(error.upstream_code) in _ACCOUNT_CODES
        or any(word in message for word in _ACCOUNT_WORDS)
    )


def _may_disable(error: UpstreamFailed) -> bool:
    message = error.message.lower()
    return (
        error.status == 401
        or error.type in _ACCOUNT_TYPES
        or str(error.upstream_code) in _DISABLE_CODES
        or any(word in message for word in _DISABLE_WORDS)
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """How many further channels may be tried, and where to look. Made from the first failure and kept."""

    further: int
    prefer: Prefer


def plan_after(error: UpstreamFailed, *, retry_times: int, other_channels: int) -> Plan:
    """Return the plan for the failure of a first attempt.

    `retry_times` is the operator's option; `other_channels` how many more channels serve the model.
    """
    if error.status == 429:
        return Plan(2 * retry_times, Prefer.BELOW)
    if error.status == 413:
        # A longer context may fit elsewhere, whatever the operator thinks of retries.
        return Plan(other_channels, Prefer.HIGHEST)
    if error.status in _ACCOUNT_STATUSES or error.status >= 500 or _is_bad_key(error):
        return Plan(retry_times, Prefer.HIGHEST)
    return Plan(0, Prefer.HIGHEST)


class RetryBudget:
    """A process-wide allowance that stops retries from multiplying an outage.

    Every relay deposits a fifth of a retry, every retry withdraws one; the full purse covers bursts.
    """

    __slots__ = ("_left",)

    DEPOSIT = 0.2
    FULL = 100.0

    def __init__(self) -> None:
        self._left = self.FULL

    def relay_began(self) -> None:
        """Note one relay."""
        self._left = min(self.FULL, self._left + self.DEPOSIT)

    def try_withdraw(self) -> bool:
        """Take one retry out; `False` when the purse is empty."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
