"""Which texts may be the keys of one channel that uses several in turn: each must be a whole key on one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.accounts.refusals import Refused
from gateway.channels.credentials import BEDROCK, COZE, parts_of_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.providers.provider import Provider

MOST: Final = 100
"""Keys of one channel."""
_LONGEST = 8_000


def lines_of(text: str) -> list[str]:
    """Return the keys in a text, one a line, each once."""
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def one_key_only(provider: Provider, config: Mapping[str, object]) -> str:
    """Return why a channel of this kind cannot have several keys; empty where it can."""
    if provider.key_settings and not (provider.platform == BEDROCK and not config.get("ak")):
        return "keys of this type are made of settings, so a channel has one: make a channel for each"
    if provider.wire == COZE and config.get("auth_type") == "oauth_jwt":
        return "an OAuth app is no key of one line: make a channel for each app"
    return ""


def check_ring(provider: Provider, config: Mapping[str, object], keys: Sequence[str]) -> None:
    """Raise `Refused` unless each of `keys` is a whole key for channels of this kind."""
    if not keys:
        raise Refused("a channel needs a key")
    if len(keys) > MOST:
        raise Refused(f"a channel may have {MOST} keys")
    if any(len(key) > _LONGEST or not key.isprintable() for key in keys):
        raise Refused("a key must be one line of text")
    if why := one_key_only(provider, config):
        raise Refused(why)
    if any(key.startswith("{") for key in keys):
        raise Refused("a key that is JSON is no key of one line: make a channel for each")
    names = parts_of_key(provider)
    if names and any(key.count("|") != len(names) - 1 or not all(key.split("|")) for key in keys):
        raise Refused(f"keys of this type are made of parts: write each as {'|'.join(names)}")
    if provider.platform == BEDROCK and any("|" in key for key in keys):
        raise Refused("access keys of AWS are settings: only Bedrock API keys are used in turn")
