"""The table of options: what each means, its default, and which texts it takes."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["text", "flag", "integer", "number", "ratios", "theme", "names", "choice"]

ACCENTS = ("petrol", "indigo", "violet", "plum", "graphite")
LANGUAGES = ("en", "zh")
DEFAULT_SERVER_ADDRESS = "http://localhost:3000"
# Quota columns are 64 bit wide; the bound leaves room for sums over many accounts.
_MOST_UNITS = 10**15


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
    choices: tuple[str, ...] = ()
    """What a choice may be."""
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
    OptionSpec(
        key="StatusPageModels", kind="flag", default="true", listed=False, meaning="That page lists models by name."
    ),
    OptionSpec(
        key="StatusPageChannels",
        kind="names",
        default="{}",
        listed=False,
        meaning="Channels that the page shows, by number, each under a public name.",
    ),
    OptionSpec(
        key="ChannelNamesPublic",
        kind="flag",
        default="true",
        listed=False,
        meaning="Everybody may read names, states and prices of channels over the API, as dashboards of one-api do.",
    ),
    OptionSpec(
        key="LogRetentionDays",
        kind="integer",
        default="0",
        listed=False,
        most=36_500,
        meaning="Days after which log entries are deleted; 0 keeps them.",
    ),
    OptionSpec(
        key="ModelPageEnabled",
        kind="flag",
        default="false",
        listed=False,
        meaning="Everybody may see at /models what the group `default` can use, and at which prices.",
    ),
    OptionSpec(
        key="ReleaseCheckEnabled",
        kind="flag",
        default="false",
        listed=False,
        meaning="Ask ReleaseCheckAddress once a day whether a newer version is out; otherwise nothing asks.",
        needs="ReleaseCheckAddress",
        needs_message="Unable to enable the release check, please fill in its address first!",
    ),
    OptionSpec(
        key="ReleaseCheckAddress",
        listed=False,
        meaning="Answers a JSON object with the newest version as `tag_name` or `version`.",
    ),
    # Recorded messages.
    OptionSpec(
        key="MessageRecordingEnabled",
        kind="flag",
        default="false",
        listed=False,
        meaning="Owners of tokens may have what is said with them recorded.",
    ),
    OptionSpec(
        key="MessageRetentionDays",
        kind="integer",
        default="7",
        listed=False,
        least=1,
        most=90,
        meaning="Days after which recorded messages are deleted.",
    ),
    OptionSpec(
        key="MessageLargestKiB",
        kind="integer",
        default="256",
        listed=False,
        least=16,
        most=4096,
        meaning="KiB of a request and of its answer that are recorded; the rest is cut.",
    ),
    OptionSpec(
        key="MessagesForAdministrators",
        kind="flag",
        default="false",
        listed=False,
        meaning="Administrators may read what is recorded of people of lower roles, which is written down.",
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
    OptionSpec(
        key="DefaultTheme",
        kind="choice",
        default="system",
        choices=("system", "light", "dark"),
        listed=False,
        meaning="Light or dark pages for whoever has not chosen; `system` follows the device.",
    ),
    OptionSpec(
        key="Accent",
        kind="choice",
        default="petrol",
        choices=ACCENTS,
        listed=False,
        meaning="Colour of links and buttons on pages.",
    ),
    OptionSpec(
        key="DefaultLanguage",
        kind="choice",
        default="en",
        choices=LANGUAGES,
        listed=False,
        meaning="Language of mails and pages for whoever has none of their own that there is.",
    ),
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
