"""What mails say, in English or Chinese, as plain text and as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Literal

Language = Literal["en", "zh"]

# Lines of a letter: text, or something to be shown large (a code), or an address to follow.
Kind = Literal["text", "code", "link"]

_HTML = (
    '<!doctype html><html lang="{language}"><body style="font:16px/1.5 sans-serif;color:#222">'
    '<div style="max-width:36em;margin:0 auto;padding:1.5em">{body}</div></body></html>'
)
_HTML_LINE: dict[Kind, str] = {
    "text": "<p>{0}</p>",
    "code": '<p style="font:bold 28px/1.5 monospace;letter-spacing:4px">{0}</p>',
    "link": '<p><a href="{0}">{0}</a></p>',
}


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail without its addresses."""

    subject: str
    text: str
    html: str


def code_letter(language: Language, *, site: str, code: str, minutes: int) -> Letter:
    """Return the mail with a code that proves who reads an address."""
    if language == "zh":
        return _letter(
            language,
            f"{site} 邮箱验证邮件",
            ("text", f"您好，您正在进行 {site} 邮箱验证。验证码为："),  # noqa: RUF001
            ("code", code),
            ("text", f"验证码 {minutes} 分钟内有效，只能使用一次。如果不是本人操作，请忽略。"),  # noqa: RUF001
        )
    return _letter(
        language,
        f"{site}: verify your e-mail address",
        ("text", f"Hello! Somebody gave this address to {site}. If that was you, this is your verification code:"),
        ("code", code),
        ("text", f"It is good once, within {minutes} minutes. If it was not you, there is nothing to do."),
    )


def reset_letter(language: Language, *, site: str, name: str, link: str, minutes: int) -> Letter:
    """Return the mail with the link that gives the account `name` a new password."""
    if language == "zh":
        return _letter(
            language,
            f"{site} 密码重置",
            ("text", f"您好，您正在为账户 {name} 进行 {site} 密码重置。请点击以下链接："),  # noqa: RUF001
            ("link", link),
            ("text", f"重置链接 {minutes} 分钟内有效，只能使用一次。如果不是本人操作，请忽略。"),  # noqa: RUF001
        )
    return _letter(
        language,
        f"{site}: reset your password",
        ("text", f"Hello! Somebody asked {site} for a new password for the account {name}. If that was you:"),
        ("link", link),
        ("text", f"The link is good once, within {minutes} minutes. If it was not you, there is nothing to do."),
    )


def quota_letter(language: Language, *, site: str, name: str, left: str, is_empty: bool, link: str) -> Letter:
    """Return the mail that tells an account's owner that little or nothing is left; `left` is in English."""
    if language == "zh":
        what = "已用尽" if is_empty else "即将用尽"
        rest = left.replace(" point quota", " 点额度").replace(" quota", " 额度")
        lines: list[tuple[Kind, str]] = [
            ("text", f"您好，{name}！您在 {site} 的额度{what}，剩余 {rest}。"),  # noqa: RUF001
            ("text", "额度不足时，请求将被拒绝。"),  # noqa: RUF001
        ]
        if link:
            lines += [("text", "您可以在此充值："), ("link", link)]  # noqa: RUF001
        return _letter(language, f"{site} 额度{what}", *lines)
    what = "is used up" if is_empty else "is running low"
    lines = [
        ("text", f"Hello {name}! Your quota on {site} {what}: {left} left."),
        ("text", "Requests will be refused once it does not cover them any more."),
    ]
    if link:
        lines += [("text", "You can top it up here:"), ("link", link)]
    return _letter(language, f"{site}: your quota {what}", *lines)


def notice_letter(*, subject: str, text: str) -> Letter:
    """Return a mail to the operator."""
    return _letter("en", subject, *[("text", line) for line in text.splitlines() if line.strip()])


def _letter(language: Language, subject: str, *lines: tuple[Kind, str]) -> Letter:
    text = "\n\n".join(line for _, line in lines) + "\n"
    body = "".join(_HTML_LINE[kind].format(escape(line)) for kind, line in lines)
    return Letter(subject, text, _HTML.format(language=language, body=body))
