"""Channels as a snapshot holds them, made for tests."""

from __future__ import annotations

from decimal import Decimal

from adapters.providers.catalogue import load_catalogue
from gateway.registry.snapshot import ChannelView

_PROVIDER = load_catalogue().provider(50)


def channel(number: int, *, priority: int = 0, weight: int = 0, **changes: object) -> ChannelView:
    """Return an OpenAI-compatible channel."""
    values: dict[str, object] = {
        "id": number,
        "name": f"c{number}",
        "type": 50,
        "provider": _PROVIDER,
        "key": "sk-upstream",
        "base_url": "http://127.0.0.1:1/v1",
        "status": 1,
        "priority": priority,
        "weight": weight,
        "groups": ("default",),
        "models": ("m",),
        "model_mapping": {},
        "model_configs": {},
        "config": {},
        "system_prompt": "",
        "ratelimit": 0,
        "group_ratio": Decimal(1),
    }
    return ChannelView(**(values | changes))  # type: ignore[arg-type]
