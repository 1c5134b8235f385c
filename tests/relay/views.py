"""Channels as a snapshot holds them, made for tests."""

from __future__ import annotations

from dataclasses import replace
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


def with_keys(view: ChannelView, *keys: str) -> ChannelView:
    """Return the channel with several keys, which are numbered from 1; the first of them is its own."""
    whole = replace(view, key=keys[0])
    ring = tuple(replace(whole, key=key, key_id=number) for number, key in enumerate(keys, 1))
    return replace(whole, ring=ring)
