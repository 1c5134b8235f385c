"""The last line of defence against secrets in what operators read.

Whoever makes a message leaves secrets out of it; what slips through all the same (an address with a key, the
text of a driver, an error of a provider that quotes the header it did not like) is masked here, by shape: names
that announce a secret, well-known prefixes, long random words, and the values that were given by configuration.
Only text is looked at, with one compiled expression, where records are rendered and off the event loop.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.observe.records import Event, Record, Relayed, Started

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.config.settings import Settings

MASK = "***"
SHORTEST_SECRET = 6
"""Configured values below this length are not searched for: they would hit ordinary words."""

_SECRET_FIELDS = frozenset(
    {
        "access_token",
        "api_key",
        "authorization",
        "cookie",
        "key",
        "password",
        "secret",
        "session_secret",
        "token",
        "x-api-key",
    }
)
_LABELS = (
    r"(?:x-)?(?:goog-)?api[-_]?key|access[-_]?key(?:[-_]?id)?|(?:client[-_]|app[-_])?secret(?:[-_]?key)?|pass(?:word|wd)?|pwd"
    r"|(?:access[-_]|refresh[-_]|session[-_]|security[-_])?token|authorization|cookie|x-amz-signature|signature|key"
)
_PREFIXES = r"sk|pk|rk|ak|fk|gsk|xai|hf|r8|nvapi|pplx|fastgpt|laisky|glpat|ghp|pat|tgp|csk|jina|voyage"


class Redactor:
    """Masks secrets in text. Safe to use from any thread.

    `secrets` are values that must never appear (session secret, DSN passwords, …); `key_prefix` is what API keys
    of this installation begin with.
    """

    def __init__(self, *, secrets: Iterable[str] = (), key_prefix: str = "sk-") -> None:
        own = sorted({s for s in secrets if len(s) >= SHORTEST_SECRET}, key=len, reverse=True)
        prefixes = _PREFIXES
        if custom := key_prefix.rstrip("-_"):
            prefixes = f"{re.escape(custom)}|{prefixes}"
        shapes = [
            r"(?P<url>://[^\s:/@]{0,64}:)[^\s@/]{1,256}(?=@)",
            r"(?P<dsn>\b[\w.-]{1,64}:)[^\s@:]{1,256}(?=@(?:tcp|unix)\()",
            r"(?P<scheme>\b(?:[Bb]earer|BEARER|[Bb]asic|BASIC)\s+)[\w.~+/=:|-]{4,}",
            # A placeholder of a statement (`key = ?`, `:key`, `%(key)s`) is not a secret.
            rf"(?P<label>\b(?i:{_LABELS})[\"'\]]*\s*[=:]\s*[\[\"']*(?:(?i:bearer|basic)\s+)?)[^\s\"'&,;}}\])?:%(<*][^\s\"'&,;}}\])]{{3,}}",
            rf"(?P<prefix>\b(?:{prefixes})[-_])[A-Za-z0-9][\w-]{{7,}}",
            r"\bAIza[\w-]{20,}",
            r"\b(?:AKIA|ASIA)[0-9A-Z]{12,}",
            r"\beyJ[\w-]{10,}\.[\w-]{4,}(?:\.[\w-]*)?",
            # Keys of one-api without their prefix have 48 such characters; request ids are digits only.
            r"\b(?=[0-9]*[A-Za-z])(?=[A-Za-z]*[0-9])[A-Za-z0-9]{40,}\b",
        ]
        self._pattern = re.compile("|".join([*map(re.escape, own), *shapes]))

    def text(self, text: str) -> str:
        """Return `text` with every secret in it masked; names and prefixes stay readable."""
        return self._pattern.sub(_masked, text)

    def value(self, value: object) -> object:
        """Return `value` with every text inside it masked, to any depth."""
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, int | float):
            return value
        if isinstance(value, Mapping):
            return self.fields(value)
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        return self.text(str(value))

    def fields(self, fields: Mapping[str, object]) -> dict[str, object]:
        """Return a copy of `fields`, masked by name and by content."""
        return {
            name: MASK if str(name).lower() in _SECRET_FIELDS and value else self.value(value)
            for name, value in fields.items()
        }

    def record(self, record: Record) -> Record:
        """Return `record` fit to be shown."""
        if isinstance(record, Relayed):
            summary = record.summary
            texts = (
                summary.user,
                summary.token_name,
                summary.model,
                summary.channel,
                summary.endpoint,
                summary.error,
            )
            # Almost no relay has anything to hide: one search for all its texts decides that.
            if self._pattern.search("\n".join(texts)) is None:
                return record
            user, token_name, model, channel, endpoint, error = map(self.text, texts)
            return Relayed(
                record.at_s,
                replace(
                    summary,
                    user=user,
                    token_name=token_name,
                    model=model,
                    channel=channel,
                    endpoint=endpoint,
                    error=error,
                ),
            )
        if isinstance(record, Event):
            return Event(
                record.at_s, record.level, record.name, self.text(record.message), self.fields(record.fields)
            )
        facts = record.facts
        return Started(
            record.at_s,
            replace(
                facts,
                database=self.text(facts.database),
                log_database=self.text(facts.log_database),
                shared_state=self.text(facts.shared_state),
                warnings=tuple(map(self.text, facts.warnings)),
            ),
        )


def _masked(match: re.Match[str]) -> str:
    kept = match.lastgroup
    return f"{match[kept]}{MASK}" if kept else MASK


def without_key(text: str, key: str) -> str:
    """Return what a provider wrote without the channel's key, which some repeat to whoever sent it.

    Keys of several parts (`access|secret|region`) are masked part by part, too.
    """
    for secret in (key, *key.split("|")):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, MASK)
    return text


def redactor_of(settings: Settings) -> Redactor:
    """Return one that knows the secrets that this installation is configured with."""
    return Redactor(
        secrets=[
            settings.session_secret,
            settings.redis_password,
            settings.initial_root_token,
            settings.initial_root_access_token,
            settings.log_push_token,
        ],
        key_prefix=settings.token_key_prefix,
    )
