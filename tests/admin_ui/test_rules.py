"""Every form: each rule that is broken is named at its field, in the summary as well, and nothing typed is lost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape

import httpx2
import pytest

from tests.admin_ui.browser import PASSWORD, Site

pytestmark = pytest.mark.slow

LONG = "x" * 3000
# The form, what is right in it, and each way of being wrong: field, value, words of the message.
FORMS: dict[str, tuple[Mapping[str, str], tuple[tuple[str, str, str], ...]]] = {
    "/users/new": (
        {
            "username": "newcomer",
            "password": "password1",
            "role": "1",
            "group": "default",
            "status": "1",
            "quota": "1",
        },
        (
            ("username", "", "fill this in"),
            ("username", "ab", "At least 3"),
            ("username", "a" * 31, "At most 30"),
            ("username", "a b c", "Letters, digits"),
            ("username", "root", "already"),
            ("display_name", "d" * 21, "At most 20"),
            ("email", "nobody", "does not look like"),
            ("password", "", "fill this in"),
            ("password", "short", "Between 8 and 64"),
            ("role", "100", "choose one of these"),
            ("group", "none-such", "choose one of these"),
            ("status", "3", "choose one of these"),
            ("quota", "", "fill this in"),
            ("quota", "-1", "Must not be below 0"),
            ("quota", "many", "enter a number"),
        ),
    ),
    "/tokens/new": (
        {"name": "t", "expires": "never", "unlimited": "", "quota": "1", "do": "save"},
        (
            ("name", "", "fill this in"),
            ("name", "n" * 31, "At most 30"),
            ("name", "名" * 11, "or 10 Chinese characters"),
            ("quota", "-1", "Must not be below 0"),
            ("expires", "later", "choose one of these"),
            ("subnet", "10.0.0.300", "neither an address nor a network"),
            ("note", LONG, "At most 500"),
        ),
    ),
    "/codes/new": (
        {"name": "spring", "quota": "1", "count": "1"},
        (
            ("name", "", "fill this in"),
            ("name", "n" * 21, "At most 20"),
            ("name", "名" * 7, "or 6 Chinese characters"),
            ("quota", "0", ""),
            ("count", "0", "Must be between 1"),
            ("count", "1001", "Must be between 1"),
            ("count", "many", "whole number"),
        ),
    ),
    "/profile": (
        {"username": "root", "display_name": "Root"},
        (
            ("username", "", "fill this in"),
            ("username", "a!b", "Letters, digits"),
            ("display_name", "", "fill this in"),
            ("display_name", "d" * 21, "At most 20"),
        ),
    ),
    "/profile/password": (
        {"old_password": PASSWORD, "password": "another-one"},
        (
            ("old_password", "wrong-one", "not your present password"),
            ("password", "short", "Between 8 and 64"),
        ),
    ),
    "/topup": (
        {"key": "x"},
        (("key", "", "fill this in"), ("key", "unknown", "nvalid"), ("key", "k" * 65, "At most 64")),
    ),
    "/settings/general": (
        {
            "SystemName": "One API",
            "DefaultTheme": "system",
            "Accent": "petrol",
            "DefaultLanguage": "en",
            "Theme": "modern",
        },
        (
            ("SystemName", "", "1 to 40"),
            ("SystemName", "s" * 41, "1 to 40"),
            ("ServerAddress", "ftp://a.example", "https://"),
            ("Logo", "javascript:x", "https://"),
            ("DefaultTheme", "pink", "one of"),
            ("Accent", "red", "one of"),
            ("DefaultLanguage", "fr", "one of"),
            ("Theme", "none", "theme"),
        ),
    ),
    "/settings/sign-in": (
        {"PasswordLoginEnabled": "true"},
        (
            ("PasswordLoginEnabled", "", "must stay on"),
            ("EmailVerificationEnabled", "true", "mail server"),
        ),
    ),
    "/settings/providers": (
        {},
        (
            ("GitHubOAuthEnabled", "true", "GitHub"),
            ("OidcWellKnown", "id.example", "https://"),
            ("WeChatAuthEnabled", "true", "WeChat"),
            ("WeChatServerAddress", "x", "https://"),
        ),
    ),
    "/settings/robots": ({}, (("TurnstileCheckEnabled", "true", "Turnstile"),)),
    "/settings/mail": (
        {"SMTPPort": "587", "QuotaRemindThreshold": "1"},
        (
            ("SMTPPort", "0", "between 1 and 65535"),
            ("SMTPPort", "65536", "between 1 and 65535"),
            ("SMTPPort", "x", "whole number"),
            ("MessagePusherAddress", "x", "https://"),
            ("QuotaRemindThreshold", "-1", "Must not be below 0"),
        ),
    ),
    "/settings/mail/test": ({}, (("to", "", "fill this in"), ("to", "nobody", "does not look like"))),
    "/settings/relay": (
        {"RetryTimes": "0"},
        (
            ("RetryTimes", "11", "between 0 and 10"),
            ("RetryTimes", "-1", "between 0"),
            ("RetryTimes", "x", "whole number"),
        ),
    ),
    "/settings/channels": (
        {"ChannelDisableThreshold": "5"},
        (("ChannelDisableThreshold", "-1", "between 0"), ("ChannelDisableThreshold", "x", "number")),
    ),
    "/settings/logs": (
        {"LogRetentionDays": "0"},
        (("LogRetentionDays", "-1", "between 0"), ("LogRetentionDays", "x", "whole")),
    ),
    "/settings/releases": (
        {"ReleaseCheckAddress": ""},
        (("ReleaseCheckEnabled", "true", "address first"), ("ReleaseCheckAddress", "x", "https://")),
    ),
    "/settings/alerts/new": (
        {"name": "a", "kind": "webhook", "target": "https://a.example", "quiet": "60"},
        (
            ("name", "", "fill this in"),
            ("kind", "pigeon", "choose one of these"),
            ("target", "", "fill this in"),
            ("quiet", "x", "whole"),
        ),
    ),
    "/channels/new": (
        {
            "name": "c",
            "key": "k",
            "models": "m",
            "groups": "default",
            "type": "1",
            "priority": "0",
            "weight": "0",
            "ratelimit": "0",
            "do": "save",
        },
        (
            ("name", "", "fill this in"),
            ("name", "n" * 101, "At most 100"),
            ("models", "", "at least one model"),
            ("groups", "", "at least one group"),
            ("base_url", "ftp://a.example", "https://"),
            ("priority", "x", "whole number"),
            ("weight", "-1", "Must be between 0"),
            ("ratelimit", "-1", "Must be between 0"),
            ("tag", "t" * 51, "At most 50"),
            ("note", LONG, "At most 500"),
        ),
    ),
}


@dataclass(frozen=True)
class Sender:
    """Root without a browser."""

    client: httpx2.Client
    token: str

    def send(self, path: str, values: Mapping[str, str]) -> httpx2.Response:
        return self.client.post(path, data={"csrf": self.token, **values})


@pytest.fixture(scope="module")
def root_by_hand(site: Site) -> Sender:
    """Root, signed in."""
    client = site.api("root", PASSWORD)
    return Sender(client, client.get("/profile").text.split('name="csrf-token" content="')[1].split('"')[0])


@pytest.mark.parametrize("path", FORMS)
def test_each_broken_rule_is_named_at_its_field(root_by_hand: Sender, path: str) -> None:
    right, wrong = FORMS[path]
    faults = []
    for name, value, words in wrong:
        answer = root_by_hand.send(path, {**right, name: value})
        html = unescape(answer.text)
        found = re.search(rf'id="f-{name}-error"[^>]*>(.*?)</p>', html, re.DOTALL)
        told = re.sub(r"<[^>]+>", "", found[1]).strip() if found else ""
        is_linked = f'href="#f-{name}"' in html
        if answer.status_code != 422 or words.lower() not in told.lower() or not told or not is_linked:
            faults.append((name, value[:40], answer.status_code, told, is_linked))
        # What else was typed is still there.
        kept = [other for other in right.items() if other[0] != name and "password" not in other[0] and other[1]]
        faults += [
            (name, f"lost {key}")
            for key, text in kept
            if key not in ("do", "key") and f'"{text}"' not in html and text not in html
        ]
    assert not faults, "\n".join(map(str, faults))


@pytest.mark.parametrize("path", FORMS)
def test_the_summary_is_in_the_order_of_the_fields(root_by_hand: Sender, path: str) -> None:
    right, wrong = FORMS[path]
    html = root_by_hand.send(path, {**right, **{name: value for name, value, _words in wrong}}).text
    summary = re.search(r"<ul data-faults>(.*?)</ul>", html, re.DOTALL)
    assert summary
    links = re.findall(r'href="#([^"]+)"', summary[1])
    assert links
    places = [html.find(f' id="{link}"') for link in links]
    assert -1 not in places, links
    assert places == sorted(places), links
