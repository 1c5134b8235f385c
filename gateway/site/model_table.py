"""Which models somebody can use here, and what each costs: one row a model, whichever channels serve it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.site.model_prices import ABILITIES, PriceReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from gateway.registry.snapshot import ChannelView, Snapshot
    from gateway.services import Services
    from gateway.site.model_prices import Per, Terms
    from storage.records import Token

Range = tuple["Decimal", "Decimal"]
"""From the cheapest channel to the dearest."""

# Prices may change with the hour of the day; a table is made anew as soon as channels change.
_KEPT_S: Final = 60.0
_MOST_KEPT: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One model. Prices are in dollars per million tokens, `None` where nothing is sold by them.

    `channels` are those that serve it now, the first to be tried first; of a model without any they are empty, and
    its prices those of the channels that are switched off.
    """

    model: str
    providers: tuple[str, ...]
    channels: tuple[ChannelView, ...]
    groups: tuple[str, ...]
    """Which groups may use it, by name."""
    input_usd: Range | None
    output_usd: Range | None
    cached_usd: Range | None
    pieces: Mapping[Per, Range]
    max_tokens: int
    """The longest answer; 0 where unknown."""
    context: int
    can: tuple[str, ...]
    has_price: bool
    """Whether every channel that serves it has a price; else a fallback is charged there."""
    is_free: bool
    changes: bool
    """Whether the hour of the day, or the size of a request, makes it another price."""
    own_prices: int
    """How many channels have a price of their own."""


class ModelTable:
    """Rows for pages; made once for each application, since thousands of channels take a moment."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.reader = PriceReader(services)
        self._kept: dict[str | None, tuple[float, list[ModelRow]]] = {}
        self._of: Snapshot | None = None

    def rows(self, group: str | None) -> list[ModelRow]:
        """Return the models of a group by name; with `None` all, also those that no channel serves just now."""
        snapshot = self._services.registry.current
        if snapshot is not self._of or len(self._kept) > _MOST_KEPT:
            self._kept.clear()
            self._of = snapshot
        kept = self._kept.get(group)
        if kept is None or kept[0] < time.monotonic():
            kept = (time.monotonic() + _KEPT_S, self._rows(snapshot, group))
            self._kept[group] = kept
        return kept[1]

    def row(self, group: str | None, model: str) -> ModelRow | None:
        """Return one model, `None` when the group has none of that name."""
        return next((row for row in self.rows(group) if row.model == model), None)

    def _rows(self, snapshot: Snapshot, group: str | None) -> list[ModelRow]:
        served: dict[str, dict[int, ChannelView]] = {}
        groups: dict[str, set[str]] = {}
        for (named, model), channels in snapshot.serving.items():
            if group is None or named == group:
                served.setdefault(model, {}).update((channel.id, channel) for channel in channels)
                groups.setdefault(model, set()).add(named)
        idle = _idle(snapshot.channels.values(), served) if group is None else {}
        known: dict[tuple[object, ...], Terms] = {}
        now = time.time()
        rows = [
            self._row(known, model, list(channels.values()), groups[model], now) for model, channels in served.items()
        ]
        rows += [self._row(known, model, channels, None, now) for model, channels in idle.items()]
        return sorted(rows, key=lambda row: row.model)

    def _row(
        self,
        known: dict[tuple[object, ...], Terms],
        model: str,
        channels: list[ChannelView],
        groups: set[str] | None,
        now: float,
    ) -> ModelRow:
        channels.sort(key=lambda channel: (-channel.priority, -channel.weight, channel.id))
        found: dict[int, Terms] = {}
        own = 0
        for channel in channels:
            sent = channel.upstream_model(model)
            key = (channel.type, sent, channel.group_ratio, channel.model_configs.get(sent))
            terms = known.get(key)
            if terms is None:
                terms = known[key] = self.reader.terms(channel, model, now=now)
            found[id(terms)] = terms
            own += terms.is_own
        distinct = list(found.values())
        sold = [terms.tokens for terms in distinct if terms.tokens is not None]
        per: dict[Per, list[Decimal]] = {}
        for terms in distinct:
            for name, usd in terms.pieces:
                per.setdefault(name, []).append(usd)
        able = {word for terms in distinct for word in terms.can}
        return ModelRow(
            model=model,
            providers=tuple(dict.fromkeys(channel.provider.name for channel in channels)),
            channels=tuple(channels) if groups is not None else (),
            groups=tuple(sorted(groups or ())),
            input_usd=_range(price.input_usd for price in sold),
            output_usd=_range(price.output_usd for price in sold),
            cached_usd=_range(price.cached_usd for price in sold if price.cached_usd is not None),
            pieces={name: (min(values), max(values)) for name, values in per.items()},
            max_tokens=max(terms.most_output for terms in distinct),
            context=max(terms.context for terms in distinct),
            can=tuple(word for word in ABILITIES if word in able),
            has_price=all(terms.is_known for terms in distinct),
            is_free=all(terms.is_free for terms in distinct),
            changes=any(terms.changes for terms in distinct),
            own_prices=own,
        )


def usable_by(model: str, tokens: Sequence[Token]) -> list[Token]:
    """Return those of somebody's tokens that may ask for a model."""
    return [token for token in tokens if not (names := _allowed(token)) or model in names]


def _allowed(token: Token) -> frozenset[str]:
    return frozenset(name.strip() for name in (token.models or "").split(",") if name.strip())


def _idle(channels: Iterable[ChannelView], served: Mapping[str, object]) -> dict[str, list[ChannelView]]:
    """Return the models that channels have and that nobody serves, with those channels."""
    found: dict[str, list[ChannelView]] = {}
    for channel in channels:
        for model in channel.models:
            if model not in served:
                found.setdefault(model, []).append(channel)
    return found


def _range(values: Iterable[Decimal]) -> Range | None:
    found = list(values)
    return (min(found), max(found)) if found else None
