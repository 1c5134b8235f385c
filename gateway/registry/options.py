"""Options: what root changes while the gateway runs.

The table `OPTION_SPECS` says of each option what it means, its default, and which texts it takes. `Options`
is one immutable reading of the database's rows over those defaults; the registry's snapshot carries it, so a
relay sees one consistent set for its whole life.

OptionError   a new value is not stored; the message is for the person who sent it
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["text", "flag", "integer", "number", "ratios", "theme"]

THEMES = ("default", "berry", "air", "modern")
DEFAULT_SERVER_ADDRESS = "http://localhost:3000"
# Quota columns are 64 bit wide; the bound leaves room for sums over many accounts.
_MOST_UNITS = 10**15
_LONGEST_GROUP_NAME = 32
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,16}", re.ASCII)


class OptionError(ValueError):
    """The value does not fit the option, or the option does not exist."""

    code = "option_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionSpec:
    """One option. `least` and `most` bound integers and numbers, both ends included."""

    key: str
    kind: Kind = "text"
    default: str = ""
    meaning: str
    secret: bool = False
    """Never listed, only written."""
    listed: bool = True
    """Listed before it was first written; dashboards of one-api expect exactly these."""
    least: int = 0
    most: int = _MOST_UNITS
    needs: str = ""
    """Name of a text option that must not be empty when this flag is switched on."""
    needs_message: str = ""


def _flag(key: str, default: bool, meaning: str, *, needs: str = "", needs_message: str = "") -> OptionSpec:
    return OptionSpec(
        key=key,
        kind="flag",
        default="true" if default else "false",
        meaning=meaning,
        needs=needs,
        needs_message=needs_message,
    )


def _units(key: str, default: int, meaning: str) -> OptionSpec:
    return OptionSpec(key=key, kind="integer", default=str(default), meaning=meaning)


_FILL_IN = "please fill in the relevant configuration information for {0} first!"

_SPECS: tuple[OptionSpec, ...] = (
    # Signing in.
    _flag("PasswordLoginEnabled", True, "Accounts other than root may sign in with a password."),
    _flag("PasswordRegisterEnabled", True, "People may register with a password."),
    _flag("RegisterEnabled", True, "People may register at all."),
    _flag("EmailVerificationEnabled", False, "Registration needs an e-mail address and a code mailed to it."),
    _flag(
        "GitHubOAuthEnabled",
        False,
        "Sign-in with GitHub.",
        needs="GitHubClientId",
        needs_message="Unable to enable GitHub OAuth, "
        "please fill in the GitHub Client Id and GitHub Client Secret first!",
    ),
    _flag("OidcEnabled", False, "Sign-in with an OpenID Connect provider."),
    _flag(
        "WeChatAuthEnabled",
        False,
        "Sign-in with WeChat.",
        needs="WeChatServerAddress",
        needs_message="Unable to enable WeChat login, " + _FILL_IN.format("WeChat login"),
    ),
    _flag(
        "TurnstileCheckEnabled",
        False,
        "Registration, verification mails and password resets need a Turnstile token.",
        needs="TurnstileSiteKey",
        needs_message="Unable to enable Turnstile verification, " + _FILL_IN.format("Turnstile verification"),
    ),
    _flag(
        "EmailDomainRestrictionEnabled",
        False,
        "Only addresses of EmailDomainWhitelist get a verification mail.",
        needs="EmailDomainWhitelist",
        needs_message="Unable to enable email domain restriction, please fill in the restricted email domains first!",
    ),
    OptionSpec(
        key="EmailDomainWhitelist",
        default="gmail.com,163.com,126.com,qq.com,outlook.com,hotmail.com,icloud.com,yahoo.com,foxmail.com",
        meaning="Domains for EmailDomainRestrictionEnabled, separated by commas.",
    ),
    # Operation.
    _flag("AutomaticDisableChannelEnabled", False, "Failing or slow channels are switched off by themselves."),
    _flag("AutomaticEnableChannelEnabled", False, "A passing test switches such channels on again."),
    OptionSpec(
        key="ChannelDisableThreshold",
        kind="number",
        default="5",
        most=86_400,
        meaning="Seconds after which a channel test counts as too slow; 0 for never.",
    ),
    OptionSpec(
        key="RetryTimes",
        kind="integer",
        default="0",
        most=100,
        meaning="How many further channels a failed request may try.",
    ),
    _flag("ApproximateTokenEnabled", False, "Count 0.38 tokens a byte instead of running the tokenizer."),
    _flag("LogConsumeEnabled", True, "Write a log entry for each charge."),
    _flag("DisplayInCurrencyEnabled", True, "Show quota as money in texts and billing dashboards."),
    _flag("DisplayTokenStatEnabled", True, "Billing dashboards show the token's quota, not its owner's."),
    OptionSpec(
        key="StatusPageEnabled",
        kind="flag",
        default="false",
        listed=False,
        meaning="Everybody may see at /status which models work, without names of channels.",
    ),
    # Mail and messages.
    OptionSpec(key="SMTPServer", meaning="Mail host; without it no mail is sent."),
    OptionSpec(
        key="SMTPPort",
        kind="integer",
        default="587",
        least=1,
        most=65_535,
        meaning="Mail port; 465 means TLS from the start.",
    ),
    OptionSpec(key="SMTPAccount", meaning="Mail login name."),
    OptionSpec(key="SMTPFrom", meaning="Sender of mails; SMTPAccount when empty."),
    OptionSpec(key="SMTPToken", secret=True, meaning="Mail password."),
    OptionSpec(key="MessagePusherAddress", meaning="Push service for messages to the operator."),
    OptionSpec(key="MessagePusherToken", secret=True, meaning="Token for that service."),
    # Texts and addresses.
    OptionSpec(key="Notice", meaning="Shown to everybody on the first page."),
    OptionSpec(key="About", meaning="The about page: Markdown, HTML or an address."),
    OptionSpec(key="HomePageContent", meaning="The home page: Markdown, HTML or an address."),
    OptionSpec(key="Footer", meaning="HTML at the foot of each page."),
    OptionSpec(key="SystemName", default="One API", meaning="Name of the site in pages, mails and codes."),
    OptionSpec(key="Logo", meaning="Address of the site's logo."),
    OptionSpec(key="ServerAddress", meaning=f"Address in mails and redirects; {DEFAULT_SERVER_ADDRESS} when empty."),
    OptionSpec(key="TopUpLink", meaning="Where people buy quota."),
    OptionSpec(key="ChatLink", meaning="Chat page linked from the site."),
    OptionSpec(key="Theme", kind="theme", default="modern", meaning="Look of the pages; from the next start."),
    # Third-party sign-in.
    OptionSpec(key="GitHubClientId", meaning="Client id at GitHub."),
    OptionSpec(key="GitHubClientSecret", secret=True, meaning="Client secret at GitHub."),
    OptionSpec(key="LarkClientId", listed=False, meaning="Client id at Lark; switches its sign-in on."),
    OptionSpec(key="LarkClientSecret", secret=True, listed=False, meaning="Client secret at Lark."),
    OptionSpec(key="OidcClientId", listed=False, meaning="Client id at the OpenID Connect provider."),
    OptionSpec(key="OidcClientSecret", secret=True, listed=False, meaning="Client secret there."),
    OptionSpec(key="OidcWellKnown", listed=False, meaning="Discovery document of the provider."),
    OptionSpec(key="OidcAuthorizationEndpoint", listed=False, meaning="Where browsers are sent."),
    OptionSpec(key="OidcTokenEndpoint", listed=False, meaning="Where codes are exchanged."),
    OptionSpec(key="OidcUserinfoEndpoint", listed=False, meaning="Where the account is read."),
    OptionSpec(key="WeChatServerAddress", meaning="Address of the WeChat bridge."),
    OptionSpec(key="WeChatServerToken", secret=True, meaning="Token for the bridge."),
    OptionSpec(key="WeChatAccountQRCodeImageURL", meaning="QR code on the sign-in page."),
    OptionSpec(key="TurnstileSiteKey", meaning="Public Turnstile key."),
    # one-api lists this one, since its name does not end in Secret.
    OptionSpec(key="TurnstileSecretKey", secret=True, meaning="Secret Turnstile key."),
    # Quota.
    _units("QuotaForNewUser", 0, "Quota of a new account."),
    _units("QuotaForInviter", 0, "Quota for whoever invited a new account."),
    _units("QuotaForInvitee", 0, "Further quota for an invited account."),
    _units("QuotaRemindThreshold", 1000, "A balance that falls below this is announced to its owner."),
    OptionSpec(
        key="PreConsumedQuota",
        kind="integer",
        default="500",
        meaning="Output tokens reserved for a request that sets no limit of its own.",
    ),
    OptionSpec(
        key="QuotaPerUnit",
        kind="number",
        default="500000",
        least=1,
        meaning="Quota units that are shown as one US dollar; prices do not depend on it.",
    ),
    OptionSpec(
        key="GroupRatio",
        kind="ratios",
        default='{"default":1,"svip":1,"vip":1}',
        meaning="Price factor of each group; also the list of groups.",
    ),
    # Older databases have these two; prices live in the channels now.
    OptionSpec(key="ModelRatio", listed=False, meaning="Not used any more."),
    OptionSpec(key="CompletionRatio", listed=False, meaning="Not used any more."),
)

OPTION_SPECS: Mapping[str, OptionSpec] = MappingProxyType({spec.key: spec for spec in _SPECS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """All options at one moment. Build it with `from_rows`; asking for an unknown name raises `KeyError`."""

    _texts: Mapping[str, str]
    _flags: Mapping[str, bool]
    _integers: Mapping[str, int]
    _numbers: Mapping[str, Decimal]
    _stored: Mapping[str, str]
    group_ratio: Mapping[str, Decimal]
    """Price factor of each group, in the order written."""
    problems: tuple[str, ...]
    """Stored values that could not be read, and what counts instead; for the operator."""

    @classmethod
    def from_rows(cls, rows: Mapping[str, str]) -> Options:
        """Read the rows of the option table over the defaults; unreadable values count as the default."""
        texts: dict[str, str] = {}
        problems: list[str] = []
        for spec in _SPECS:
            text = rows.get(spec.key, spec.default)
            try:
                if spec.kind != "flag":
                    _check(spec, text)
            except OptionError as error:
                problems.append(f"{error}; the default counts instead")
                text = spec.default
            texts[spec.key] = text
        return cls(
            _texts=texts,
            # Only the exact text counts, as it did in one-api.
            _flags={s.key: texts[s.key] == "true" for s in _SPECS if s.kind == "flag"},
            _integers={s.key: int(texts[s.key]) for s in _SPECS if s.kind == "integer"},
            _numbers={s.key: Decimal(texts[s.key]) for s in _SPECS if s.kind == "number"},
            _stored=dict(rows),
            group_ratio=MappingProxyType(_ratios(texts["GroupRatio"])),
            problems=tuple(problems),
        )

    def text(self, key: str) -> str:
        """Return the text of any option."""
        return self._texts[key]

    def flag(self, key: str) -> bool:
        """Return whether a switch is on."""
        return self._flags[key]

    def integer(self, key: str) -> int:
        """Return an integer option."""
        return self._integers[key]

    def number(self, key: str) -> Decimal:
        """Return a number option, exactly as written."""
        return self._numbers[key]

    @property
    def server_address(self) -> str:
        """Where people reach this site, without a slash at the end."""
        return self._texts["ServerAddress"].rstrip("/") or DEFAULT_SERVER_ADDRESS

    def money(self, units: int) -> str:
        """Write a number of quota units the way log texts show it."""
        if self._flags["DisplayInCurrencyEnabled"]:
            return f"\N{FULLWIDTH DOLLAR SIGN}{Decimal(units) / self._numbers['QuotaPerUnit']:.6f} quota"
        return f"{units} point quota"

    def listing(self) -> list[tuple[str, str]]:
        """Return names and values for root: no secrets, and the rarer ones only once they were written."""
        known = [
            (spec.key, self._texts[spec.key])
            for spec in _SPECS
            if not spec.secret and (spec.listed or spec.key in self._stored)
        ]
        unknown = [
            (key, value)
            for key, value in self._stored.items()
            if key not in OPTION_SPECS and not key.endswith(("Token", "Secret", "SecretKey", "Password"))
        ]
        return known + unknown

    def accept(self, key: str, value: str) -> None:
        """Check that `value` may be stored under `key` now. Raises `OptionError`."""
        spec = OPTION_SPECS.get(key)
        if spec is None:
            raise OptionError(f"unknown option: {key}")
        _check(spec, value)
        if spec.needs and value == "true" and not self._texts[spec.needs]:
            raise OptionError(spec.needs_message)


def _check(spec: OptionSpec, value: str) -> None:
    if spec.kind == "flag":
        if value not in ("true", "false"):
            raise OptionError(f"{spec.key} must be true or false")
    elif spec.kind == "integer":
        if not _WHOLE_NUMBER.fullmatch(value):
            raise OptionError(f"{spec.key} must be a whole number")
        _check_bounds(spec, Decimal(int(value)))
    elif spec.kind == "number":
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise OptionError(f"{spec.key} must be a number") from None
        if not number.is_finite():
            raise OptionError(f"{spec.key} must be a number")
        _check_bounds(spec, number)
    elif spec.kind == "theme":
        if value not in THEMES:
            raise OptionError("invalid theme")
    elif spec.kind == "ratios":
        _ratios(value)


def _check_bounds(spec: OptionSpec, number: Decimal) -> None:
    if not spec.least <= number <= spec.most:
        raise OptionError(f"{spec.key} must be between {spec.least} and {spec.most}")


def _ratios(text: str) -> dict[str, Decimal]:
    """Read the group table. Raises `OptionError`."""
    try:
        # Through text, so that 0.1 stays 0.1.
        table = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, InvalidOperation, RecursionError):
        raise OptionError("GroupRatio must be a JSON object of group names and numbers") from None
    if not isinstance(table, dict):
        raise OptionError("GroupRatio must be a JSON object of group names and numbers")
    for group, ratio in table.items():
        if not group.strip() or len(group) > _LONGEST_GROUP_NAME or "," in group:
            raise OptionError(f"GroupRatio: not a group name: {group[:_LONGEST_GROUP_NAME]!r}")
        if not isinstance(ratio, Decimal) or not ratio.is_finite() or not 0 <= ratio <= 10**6:
            raise OptionError(f"GroupRatio: {group} needs a number of 0 or more")
    return table
