"""The sections of settings that decide how people get in: passwords, third parties, robots."""

from __future__ import annotations

from admin_ui.i18n import mark
from admin_ui.views.option_shapes import Section, Setting

SIGN_IN: tuple[Section, ...] = (
    Section(
        "sign-in",
        mark("Sign-in"),
        (
            Setting(
                "PasswordLoginEnabled",
                mark("Sign in with a password"),
                "switch",
                mark("Root always can. Must stay on while nobody could sign in otherwise."),
            ),
            Setting("RegisterEnabled", mark("People may register"), "switch", mark("In any way.")),
            Setting(
                "PasswordRegisterEnabled",
                mark("Register with a password"),
                "switch",
                mark("Off: only by way of a third party."),
            ),
            Setting(
                "EmailVerificationEnabled",
                mark("Registration needs an e-mail address"),
                "switch",
                mark("A code is mailed to it, so a mail server must be set."),
            ),
            Setting(
                "EmailDomainRestrictionEnabled",
                mark("Only certain mail domains"),
                "switch",
                mark("For addresses that are verified from now on."),
            ),
            Setting("EmailDomainWhitelist", mark("These mail domains"), "list", mark("Divided by commas.")),
        ),
    ),
    Section(
        "providers",
        mark("Third parties"),
        (
            Setting(
                "GitHubOAuthEnabled",
                mark("Sign in with GitHub"),
                "switch",
                mark("Needs the two values below."),
                mark("GitHub"),
            ),
            Setting(
                "GitHubClientId", mark("GitHub client ID"), "text", mark("Of an OAuth app at GitHub."), mark("GitHub")
            ),
            Setting(
                "GitHubClientSecret",
                mark("GitHub client secret"),
                "secret",
                mark("Made there together with the ID."),
                mark("GitHub"),
            ),
            Setting(
                "OidcEnabled",
                mark("Sign in with OpenID Connect"),
                "switch",
                mark("With any provider that has a discovery document."),
                mark("OpenID Connect"),
            ),
            Setting(
                "OidcClientId",
                mark("OpenID client ID"),
                "text",
                mark("As the provider knows this site."),
                mark("OpenID Connect"),
            ),
            Setting(
                "OidcClientSecret",
                mark("OpenID client secret"),
                "secret",
                mark("What this site proves itself with."),
                mark("OpenID Connect"),
            ),
            Setting(
                "OidcWellKnown",
                mark("OpenID discovery document"),
                "url",
                mark("Ends in /.well-known/openid-configuration."),
                mark("OpenID Connect"),
            ),
            Setting(
                "OidcAuthorizationEndpoint",
                mark("OpenID authorization endpoint"),
                "url",
                mark("Blank for what the document says."),
                mark("OpenID Connect"),
            ),
            Setting(
                "OidcTokenEndpoint",
                mark("OpenID token endpoint"),
                "url",
                mark("Blank for what the document says."),
                mark("OpenID Connect"),
            ),
            Setting(
                "OidcUserinfoEndpoint",
                mark("OpenID user info endpoint"),
                "url",
                mark("Blank for what the document says."),
                mark("OpenID Connect"),
            ),
            Setting(
                "LarkClientId", mark("Lark app ID"), "text", mark("Switches sign-in with Lark on."), mark("Lark")
            ),
            Setting(
                "LarkClientSecret",
                mark("Lark app secret"),
                "secret",
                mark("Made there together with the ID."),
                mark("Lark"),
            ),
            Setting(
                "WeChatAuthEnabled",
                mark("Sign in with WeChat"),
                "switch",
                mark("Needs a WeChat server beside the gateway."),
                mark("WeChat"),
            ),
            Setting(
                "WeChatServerAddress",
                mark("WeChat server address"),
                "url",
                mark("Where codes of followers are checked."),
                mark("WeChat"),
            ),
            Setting(
                "WeChatServerToken",
                mark("WeChat server token"),
                "secret",
                mark("What this site proves itself with."),
                mark("WeChat"),
            ),
            Setting(
                "WeChatAccountQRCodeImageURL",
                mark("WeChat QR code"),
                "url",
                mark("Address of an image."),
                mark("WeChat"),
            ),
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
            Setting("TurnstileSiteKey", mark("Turnstile site key"), "text", mark("Of a site at Cloudflare; public.")),
            Setting(
                "TurnstileSecretKey",
                mark("Turnstile secret key"),
                "secret",
                mark("Made there together with the site key."),
            ),
        ),
    ),
)
