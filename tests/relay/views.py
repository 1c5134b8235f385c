"""Channels as a snapshot holds them, made for tests."""

from __future__ import annotations

from decimal import Decimal

from adapters.providers.catalogue import load_catalogue
from gateway.registry.snapshot import ChannelView

_CATALOGUE = load_catalogue()


def channel(number: int, *, priority: int = 0, weight: int = 0, **changes: object) -> ChannelView:
    """Return a channel, of an OpenAI-compatible provider unless `type` says otherwise."""
    values: dict[str, object] = {
        "id": number,
        "name": f"c{number}",
        "type": 50,
        "provider": _CATALOGUE.provider(int(str(changes.get("type", 50)))),
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
