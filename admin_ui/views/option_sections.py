"""The site's options in the sections in which people look for them, with a title and a line of help for each."""

from __future__ import annotations

from admin_ui.i18n import mark
from admin_ui.views.option_shapes import Section, Setting
from admin_ui.views.option_sign_in import SIGN_IN


def setting_of(key: str) -> Setting | None:
    """Return how an option is shown, if any section has it."""
    return next((setting for section in SECTIONS for setting in section.settings if setting.key == key), None)


SECTIONS: tuple[Section, ...] = (
    Section(
        "general",
        mark("General"),
        (
            Setting("SystemName", mark("Name of the site"), "text", mark("In titles, mails and codes.")),
            Setting("ServerAddress", mark("Address of the site"), "url", mark("In mails, links and examples.")),
            Setting("Logo", mark("Logo"), "url", mark("Address of an image; square, shown at 24 pixels.")),
            Setting(
                "DefaultTheme",
                mark("Theme"),
                "choice",
                mark("For whoever has not chosen one. What somebody chose goes before it."),
                choices=(("system", mark("As the device has it")), ("light", mark("Light")), ("dark", mark("Dark"))),
            ),
            Setting(
                "Accent",
                mark("Accent"),
                "choice",
                mark("The colour of links and buttons. Each is readable in both themes."),
                choices=(
                    ("petrol", mark("Petrol")),
                    ("indigo", mark("Indigo")),
                    ("violet", mark("Violet")),
                    ("plum", mark("Plum")),
                    ("graphite", mark("Graphite")),
                ),
            ),
            Setting(
                "DefaultLanguage",
                mark("Language"),
                "choice",
                mark("Of mails and pages, for whoever has chosen none and whose browser asks for none of these."),
                choices=(("en", "English"), ("zh", "简体中文")),
            ),
            Setting("Notice", mark("Notice"), "long", mark("Markdown, shown on the first page.")),
            Setting("HomePageContent", mark("Home page"), "long", mark("Markdown, or one https address to embed.")),
            Setting("About", mark("About page"), "long", mark("Markdown, or one https address to embed.")),
            Setting("Footer", mark("Footer"), "long", mark("Markdown, at the foot of the sign-in page.")),
            Setting("Theme", mark("Theme of the older dashboards"), "theme", mark("Has no effect on these pages.")),
        ),
    ),
    Section(
        "status",
        mark("Public pages"),
        (
            Setting(
                "StatusPageEnabled",
                mark("Public status page"),
                "switch",
                mark("Everybody can see /status. Off: only people who signed in."),
            ),
            Setting("StatusPageModels", mark("Show models"), "switch", mark("Each under its own name.")),
            Setting(
                "StatusPageChannels",
                mark("Channels that are shown, and what they are called there"),
                "names",
                mark("Channels that are not listed are not shown. Several may have one name; it is up while one is."),
            ),
            Setting(
                "ModelPageEnabled",
                mark("Public price list"),
                "switch",
                mark(
                    "Everybody can see /models, with the prices of the group default. Off: only people who signed in."
                ),
            ),
            Setting(
                "ChannelNamesPublic",
                mark("Channel names over the API"),
                "switch",
                mark(
                    "Everybody can read them from /api/status/channel and /api/models/display, which pages of one-api"
                    " need before sign-in. Off: only people who signed in."
                ),
            ),
        ),
    ),
    *SIGN_IN,
    Section(
        "mail",
        mark("Mail and alerts"),
        (
            Setting("SMTPServer", mark("Mail server"), "text", mark("Name or address of the host."), mark("Mail")),
            Setting("SMTPPort", mark("Port"), "number", mark("465 means TLS from the start."), mark("Mail")),
            Setting("SMTPAccount", mark("Account"), "text", mark("Blank: no login."), mark("Mail")),
            Setting(
                "SMTPToken", mark("Password of the account"), "secret", mark("Sent only over TLS."), mark("Mail")
            ),
            Setting("SMTPFrom", mark("Sender"), "text", mark("Blank for the account."), mark("Mail")),
            Setting(
                "MessagePusherAddress",
                mark("Message Pusher address"),
                "url",
                mark("Root is told there first, and by mail where that fails."),
                mark("Message Pusher"),
            ),
            Setting(
                "MessagePusherToken",
                mark("Message Pusher token"),
                "secret",
                mark("As the service asks for it."),
                mark("Message Pusher"),
            ),
            Setting(
                "QuotaRemindThreshold",
                mark("Remind of a low balance at"),
                "amount",
                mark("Owners get a mail below it."),
                mark("Reminders"),
            ),
        ),
    ),
    Section(
        "money",
        mark("Money"),
        (
            Setting(
                "DisplayInCurrencyEnabled",
                mark("Show money instead of units"),
                "switch",
                mark("On pages, in mails and in billing."),
            ),
            Setting("QuotaPerUnit", mark("Units for one dollar"), "number", mark("Prices do not depend on it.")),
            Setting("GroupRatio", mark("Groups and their price factor"), "groups"),
            Setting("QuotaForNewUser", mark("Gift for a new account"), "amount", mark("What it begins with.")),
            Setting(
                "QuotaForInviter",
                mark("Gift for inviting somebody"),
                "amount",
                mark("For each account that registers with the link."),
            ),
            Setting(
                "QuotaForInvitee",
                mark("Gift for being invited"),
                "amount",
                mark("On top of what a new account begins with."),
            ),
            Setting(
                "PreConsumedQuota",
                mark("Output tokens held back"),
                "number",
                mark("Reserved for a request that names no limit."),
            ),
            Setting(
                "TopUpLink",
                mark("Where people buy more"),
                "url",
                mark("Linked from Top up, with name and number of the account."),
            ),
            Setting("ChatLink", mark("Chat page"), "url", mark("An https address, embedded under Chat.")),
        ),
    ),
    Section(
        "relay",
        mark("Relay"),
        (
            Setting(
                "RetryTimes",
                mark("Further channels to try"),
                "number",
                mark("After a failure, before anything reached the client."),
            ),
            Setting(
                "ApproximateTokenEnabled",
                mark("Estimate tokens instead of counting them"),
                "switch",
                mark("0.38 tokens a byte: quicker, and only roughly right where a provider reports no usage."),
            ),
        ),
        (
            "RELAY_TIMEOUT",
            "CONNECT_TIMEOUT_SEC",
            "HEAD_TIMEOUT_SEC",
            "FIRST_CONTENT_TIMEOUT_SEC",
            "IDLE_TIMEOUT_SEC",
            "STREAM_HEARTBEAT_SEC",
            "CLIENT_WRITE_TIMEOUT_SEC",
            "ENFORCE_INCLUDE_USAGE",
            "DEFAULT_MAX_TOKEN",
            "MAX_INLINE_IMAGE_SIZE_MB",
            "USER_CONTENT_REQUEST_TIMEOUT",
            "GLOBAL_RELAY_RATE_LIMIT",
            "GLOBAL_API_RATE_LIMIT",
            "GLOBAL_WEB_RATE_LIMIT",
            "CRITICAL_RATE_LIMIT",
        ),
    ),
    Section(
        "channels",
        mark("Channels"),
        (
            Setting(
                "AutomaticDisableChannelEnabled",
                mark("Switch failing channels off"),
                "switch",
                mark("When the key is refused, the account is empty, or a test fails or takes too long."),
            ),
            Setting(
                "AutomaticEnableChannelEnabled",
                mark("Switch them on again when a test passes"),
                "switch",
                mark("Only those that were switched off by themselves."),
            ),
            Setting(
                "ChannelDisableThreshold",
                mark("Slowest acceptable test, in seconds"),
                "number",
                mark("0 for no limit."),
            ),
        ),
        (
            "CHANNEL_SUSPEND_SECONDS_FOR_429",
            "CHANNEL_SUSPEND_SECONDS_FOR_5XX",
            "CHANNEL_SUSPEND_SECONDS_FOR_AUTH",
            "CHANNEL_TEST_FREQUENCY",
            "TEST_PROMPT",
            "TEST_MAX_TOKENS",
            "GLOBAL_CHANNEL_RATE_LIMIT",
            "ENABLE_METRIC",
            "METRIC_QUEUE_SIZE",
            "METRIC_SUCCESS_RATE_THRESHOLD",
        ),
    ),
    Section(
        "logs",
        mark("Logs"),
        (
            Setting(
                "LogConsumeEnabled",
                mark("Write a log entry for each charge"),
                "switch",
                mark("Off: requests are charged, and no page or export shows them."),
            ),
            Setting(
                "LogRetentionDays",
                mark("Days that the log is kept"),
                "number",
                mark("0 keeps it for ever. Older entries are deleted once an hour, and leave the figures with them."),
            ),
            Setting(
                "DisplayTokenStatEnabled",
                mark("Billing shows the token's balance"),
                "switch",
                mark("Off: its owner's."),
            ),
        ),
    ),
    Section(
        "releases",
        mark("New versions"),
        (
            Setting(
                "ReleaseCheckEnabled",
                mark("Look for a newer version"),
                "switch",
                mark("Once a day at most. Off: nothing is asked. What was found stands under System."),
            ),
            Setting(
                "ReleaseCheckAddress",
                mark("Where to ask"),
                "url",
                mark("Answers JSON with tag_name or version, as the API of GitHub does for releases/latest."),
            ),
        ),
    ),
    Section(
        "messages",
        mark("Recorded messages"),
        (
            Setting(
                "MessageRecordingEnabled",
                mark("Owners of tokens may record messages"),
                "switch",
                mark("Each token has a switch of its own, which is off. Off here: nothing is recorded."),
            ),
            Setting(
                "MessageRetentionDays",
                mark("Days that recorded messages are kept"),
                "number",
                mark("From 1 to 90. Older ones are deleted once an hour."),
            ),
            Setting(
                "MessageLargestKiB",
                mark("Most that is kept of a message, in KiB"),
                "number",
                mark("Of a request and of its answer each, from 16 to 4096. What is longer is cut, pictures first."),
            ),
            Setting(
                "MessagesForAdministrators",
                mark("Administrators may read recorded messages"),
                "switch",
                mark("Off: only their owners and root. Whoever reads what somebody else said is in the audit log."),
            ),
        ),
    ),
)
