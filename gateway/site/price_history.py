"""When a model's price was changed, by whom, from what to what: read from the audit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from gateway.channels.prices import stored_configs
from storage.repositories import audit_prices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.registry.snapshot import ChannelView
    from gateway.services import Services
    from storage.repositories.audit import AuditRow

MOST: Final = 50
_LOOKED_AT: Final = 500
_MOST_CHANNELS: Final = 200
# A ratio of 1 is worth 2 USD per million tokens.
_USD_PER_RATIO: Final = Decimal(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPrice:
    """What a channel set, in dollars per million tokens; `None`: as the tables have it."""

    input_usd: Decimal | None = None
    output_usd: Decimal | None = None
    """Only where the input price is set as well: else it follows the table's."""
    cached_usd: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """One change. `channel` is empty for a change of groups' ratios, which are told in `ratios`.

    Without `before` and `after` the entry is too long to tell what became of this model.
    """

    at: float
    who: str
    entry_id: int
    channel: str = ""
    channel_id: int = 0
    before: OwnPrice | None = None
    after: OwnPrice | None = None
    ratios: Sequence[tuple[str, str, str]] = ()
    """Group, before, after."""


async def price_history(
    services: Services, model: str, channels: Sequence[ChannelView], groups: Sequence[str]
) -> list[PriceChange]:
    """Return the newest changes to what `model` costs on these channels, newest first."""
    by_id = {channel.id: channel for channel in channels[:_MOST_CHANNELS]}
    rows = await services.database.read(lambda conn: audit_prices.price_changes(conn, list(by_id), limit=_LOOKED_AT))
    found = (_change(row, model, by_id.get(row.object_id), groups) for row in rows)
    return [change for change in found if change is not None][:MOST]


def _change(row: AuditRow, model: str, channel: ChannelView | None, groups: Sequence[str]) -> PriceChange | None:
    changes = _read(row.changes)
    at = row.created_at / 1000
    if row.kind == "option":
        ratios = _ratio_changes(changes.get("GroupRatio"), groups)
        return PriceChange(at=at, who=row.actor, entry_id=row.id, ratios=ratios) if ratios else None
    pair = changes.get("model_configs")
    if channel is None or pair is None:
        return None
    sent = channel.upstream_model(model)
    change = PriceChange(at=at, who=row.actor, entry_id=row.id, channel=channel.name, channel_id=channel.id)
    if any(text.endswith("…") for text in pair):
        return change
    before, after = (_own(text, sent) for text in pair)
    if before == after:
        return None
    return PriceChange(
        at=at,
        who=row.actor,
        entry_id=row.id,
        channel=channel.name,
        channel_id=channel.id,
        before=before,
        after=after,
    )


def _read(text: str) -> Mapping[str, tuple[str, str]]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        name: (str(pair[0] or ""), str(pair[1] or ""))
        for name, pair in found.items()
        if isinstance(pair, list) and len(pair) == 2
    }


def _own(text: str, model: str) -> OwnPrice:
    entry = stored_configs(text).get(model, {})
    ratio, completion = entry.get("ratio"), entry.get("completion_ratio")
    if not isinstance(ratio, int | float) or not ratio:
        return OwnPrice()
    usd = Decimal(str(ratio)) * _USD_PER_RATIO
    return OwnPrice(
        input_usd=usd,
        output_usd=_times(usd, completion),
        cached_usd=_times(usd, entry.get("cached_ratio")),
    )


def _times(usd: Decimal, factor: object) -> Decimal | None:
    return usd * Decimal(str(factor)) if isinstance(factor, int | float) and factor else None


def _ratio_changes(pair: tuple[str, str] | None, groups: Sequence[str]) -> list[tuple[str, str, str]]:
    if pair is None:
        return []
    try:
        before, after = (json.loads(text or "{}") for text in pair)
    except ValueError:
        return []
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    return [
        (group, str(before.get(group, "")), str(after.get(group, "")))
        for group in groups
        if before.get(group) != after.get(group)
    ]
