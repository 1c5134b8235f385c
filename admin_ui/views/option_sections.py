"""The site's options in the sections in which people look for them, with a title and a line of help for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from admin_ui.i18n import mark

Control = Literal["text", "long", "url", "list", "switch", "units", "amount", "number", "secret", "groups", "theme"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One option: its key, what it is called, how it is shown."""

    key: str
    title: str
    control: Control = "text"
    help: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Settings that are saved together."""

    key: str
    title: str
    settings: tuple[Setting, ...]


SECTIONS: tuple[Section, ...] = (
    Section(
        "general",
        mark("General"),
        (
            Setting("SystemName", mark("Name of the site")),
            Setting("ServerAddress", mark("Address of the site"), "url", mark("In mails, links and examples.")),
            Setting("Logo", mark("Logo"), "url", mark("Address of an image.")),
            Setting("Notice", mark("Notice"), "long", mark("Markdown, shown on the first page.")),
            Setting("HomePageContent", mark("Home page"), "long", mark("Markdown, or one https address to embed.")),
            Setting("About", mark("About page"), "long", mark("Markdown, or one https address to embed.")),
            Setting("Footer", mark("Footer"), "long", mark("Markdown, at the foot of the sign-in page.")),
            Setting(
                "StatusPageEnabled",
                mark("Public status page"),
                "switch",
                mark("Everybody can see at /status which models work; names of channels are never shown."),
            ),
            Setting("Theme", mark("Theme of the older dashboards"), "theme", mark("Has no effect on these pages.")),
        ),
    ),
    Section(
        "sign-in",
        mark("Sign-in"),
        (
            Setting("PasswordLoginEnabled", mark("Sign in with a password"), "switch", mark("Root always can.")),
            Setting("RegisterEnabled", mark("People may register"), "switch"),
            Setting("PasswordRegisterEnabled", mark("Register with a password"), "switch"),
            Setting("EmailVerificationEnabled", mark("Registration needs an e-mail address"), "switch"),
            Setting("EmailDomainRestrictionEnabled", mark("Only certain mail domains"), "switch"),
            Setting("EmailDomainWhitelist", mark("These mail domains"), "list", mark("Divided by commas.")),
        ),
    ),
    Section(
        "providers",
        mark("Third parties"),
        (
            Setting("GitHubOAuthEnabled", mark("Sign in with GitHub"), "switch"),
            Setting("GitHubClientId", mark("GitHub client ID")),
            Setting("GitHubClientSecret", mark("GitHub client secret"), "secret"),
            Setting("OidcEnabled", mark("Sign in with OpenID Connect"), "switch"),
            Setting("OidcClientId", mark("OpenID client ID")),
            Setting("OidcClientSecret", mark("OpenID client secret"), "secret"),
            Setting("OidcWellKnown", mark("OpenID discovery document"), "url"),
            Setting("OidcAuthorizationEndpoint", mark("OpenID authorization endpoint"), "url"),
            Setting("OidcTokenEndpoint", mark("OpenID token endpoint"), "url"),
            Setting("OidcUserinfoEndpoint", mark("OpenID user info endpoint"), "url"),
            Setting("LarkClientId", mark("Lark app ID"), "text", mark("Switches sign-in with Lark on.")),
            Setting("LarkClientSecret", mark("Lark app secret"), "secret"),
            Setting("WeChatAuthEnabled", mark("Sign in with WeChat"), "switch"),
            Setting("WeChatServerAddress", mark("WeChat server address"), "url"),
            Setting("WeChatServerToken", mark("WeChat server token"), "secret"),
            Setting("WeChatAccountQRCodeImageURL", mark("WeChat QR code"), "url", mark("Address of an image.")),
        ),
    ),
    Section(
        "robots",
        mark("Against robots"),
        (
            Setting(
                "TurnstileCheckEnabled",
                mark("Turnstile"),
                "switch",
                mark("Before registration and mails; loads a script of Cloudflare on those pages."),
            ),
            Setting("TurnstileSiteKey", mark("Turnstile site key")),
            Setting("TurnstileSecretKey", mark("Turnstile secret key"), "secret"),
        ),
    ),
    Section(
        "mail",
        mark("Mail and alerts"),
        (
            Setting("SMTPServer", mark("Mail server")),
            Setting("SMTPPort", mark("Port"), "number", mark("465 means TLS from the start.")),
            Setting("SMTPAccount", mark("Account")),
            Setting("SMTPToken", mark("Password of the account"), "secret"),
            Setting("SMTPFrom", mark("Sender"), "text", mark("Blank for the account.")),
            Setting("MessagePusherAddress", mark("Message Pusher address"), "url"),
            Setting("MessagePusherToken", mark("Message Pusher token"), "secret"),
            Setting(
                "QuotaRemindThreshold",
                mark("Remind of a low balance at"),
                "amount",
                mark("Owners get a mail below it."),
            ),
        ),
    ),
    Section(
        "money",
        mark("Money"),
        (
            Setting("DisplayInCurrencyEnabled", mark("Show money instead of units"), "switch"),
            Setting("QuotaPerUnit", mark("Units for one dollar"), "number", mark("Prices do not depend on it.")),
            Setting("GroupRatio", mark("Groups and their price factor"), "groups"),
            Setting("QuotaForNewUser", mark("Gift for a new account"), "amount"),
            Setting("QuotaForInviter", mark("Gift for inviting somebody"), "amount"),
            Setting("QuotaForInvitee", mark("Gift for being invited"), "amount"),
            Setting(
                "PreConsumedQuota",
                mark("Output tokens held back"),
                "number",
                mark("Reserved for a request that names no limit."),
            ),
            Setting("TopUpLink", mark("Where people buy more"), "url"),
            Setting("ChatLink", mark("Chat page"), "url"),
        ),
    ),
    Section(
        "relay",
        mark("Relay and channels"),
        (
            Setting(
                "RetryTimes",
                mark("Further channels to try"),
                "number",
                mark("After a failure, before anything reached the client."),
            ),
            Setting("ApproximateTokenEnabled", mark("Estimate tokens instead of counting them"), "switch"),
            Setting("AutomaticDisableChannelEnabled", mark("Switch failing channels off"), "switch"),
            Setting("AutomaticEnableChannelEnabled", mark("Switch them on again when a test passes"), "switch"),
            Setting(
                "ChannelDisableThreshold",
                mark("Slowest acceptable test, in seconds"),
                "number",
                mark("0 for no limit."),
            ),
        ),
    ),
    Section(
        "logs",
        mark("Logs"),
        (
            Setting("LogConsumeEnabled", mark("Write a log entry for each charge"), "switch"),
            Setting(
                "DisplayTokenStatEnabled",
                mark("Billing shows the token's balance"),
                "switch",
                mark("Off: its owner's."),
            ),
        ),
    ),
)
