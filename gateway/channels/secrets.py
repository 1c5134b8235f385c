"""Secrets among a channel's settings: never shown, and kept where they come back blank, like the key itself.

Secret are some settings, and the values of all headers that the channel adds.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from adapters.providers.channel_config import HEADERS

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRETS = frozenset(("session_token", "sk", "vertex_ai_adc"))
BLANK = ""


def shown_config(text: str) -> str:
    """Return a channel's settings (JSON text) with blanks for what is secret; without secrets, as they are."""
    config = read_config(text)
    blanked = without_secrets(config)
    return text if blanked == config else json.dumps(blanked, ensure_ascii=False)


def without_secrets(config: Mapping[str, object]) -> dict[str, object]:
    """Return settings with blanks for what is secret."""
    blanked = {name: BLANK if name in SECRETS and value else value for name, value in config.items()}
    headers = config.get(HEADERS)
    if isinstance(headers, dict):
        blanked[HEADERS] = dict.fromkeys(headers, BLANK)
    return blanked


def with_kept_secrets(text: str, stored: str) -> str:
    """Return new settings (JSON text) in which secrets that are blank have the values they are stored with."""
    config, before = read_config(text), read_config(stored)
    changed = dict(config)
    for name in SECRETS & config.keys() & before.keys():
        changed[name] = config[name] or before[name]
    headers, known = config.get(HEADERS), before.get(HEADERS)
    if isinstance(headers, dict) and isinstance(known, dict):
        by_name = {name.lower(): value for name, value in known.items()}
        changed[HEADERS] = {name: value or by_name.get(name.lower(), BLANK) for name, value in headers.items()}
    return text if changed == config else json.dumps(changed, ensure_ascii=False)


def read_config(text: str) -> dict[str, object]:
    """Return settings out of JSON text; what cannot be read holds none."""
    try:
        config = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return config if isinstance(config, dict) else {}
