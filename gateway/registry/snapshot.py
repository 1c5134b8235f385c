"""Channels, abilities, options and budgets as one immutable picture, ready for relaying.

JSON columns are read once here, not once per request. What cannot be read is left out and named in
`problems`, because one damaged channel may not take the others down.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from adapters.pricing.model_configs import parse_model_configs
from adapters.providers.provider import PROFILES
from gateway.budgets.index import BudgetIndex
from gateway.registry.key_names import name_of
from storage.records import ChannelStatus
from storage.repositories.channel_secrets import is_locked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adapters.pricing.price import ModelConfig
    from adapters.providers.catalogue import Catalogue
    from adapters.providers.provider import Provider
    from gateway.registry.options import Options
    from storage.records import Ability, Channel
    from storage.repositories.channel_keys import KeyRow
    from storage.repositories.relay_reads import RegistryRows
    from storage.repositories.shadows import ShadowTest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChannelView:
    """One way to reach a provider: an address, a key, and the models that they serve.

    Snapshots are shared between relays, hence frozen. `weight` counts only among channels of equal
    `priority`; a higher priority always wins while any of its channels can serve. `group_ratio` is the
    smallest ratio among the channel's groups, the factor of every charge on it.
    """

    id: int
    name: str
    type: int
    provider: Provider
    key: str = field(repr=False)
    base_url: str
    status: int
    priority: int
    weight: int
    groups: tuple[str, ...]
    models: tuple[str, ...]
    model_mapping: Mapping[str, str]
    model_configs: Mapping[str, ModelConfig]
    config: Mapping[str, object] = field(repr=False)
    system_prompt: str
    ratelimit: int
    group_ratio: Decimal
    key_id: int = 0
    """Of one that goes by one of several keys: which."""
    ring: tuple[ChannelView, ...] = field(default=(), repr=False)
    """Where there are several keys: the channel with each of them, the first one first; those have no ring."""

    @property
    def key_name(self) -> str:
        """How people tell its key from the channel's others; empty where it is no choice."""
        return name_of(self.key_id, self.key) if self.key_id else ""

    def with_key(self, key_id: int) -> ChannelView | None:
        """Return it with that one of its keys alone, or the first one for 0; `None` when the key is gone."""
        if not key_id:
            return self.ring[0] if self.ring else self
        return next((one for one in self.ring if one.key_id == key_id), None)

    @property
    def label(self) -> str:
        """How people see it in a line of the log."""
        return f"{self.name}#{self.id}"

    def upstream_model(self, asked: str) -> str:
        """Return the model name that the provider is sent for `asked`; one step of mapping."""
        return self.model_mapping.get(asked) or asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The whole picture at one moment."""

    channels: Mapping[int, ChannelView]
    serving: Mapping[tuple[str, str], tuple[ChannelView, ...]]
    """(group, model) to the enabled channels that serve it."""
    options: Options
    budgets: BudgetIndex = field(default_factory=BudgetIndex)
    problems: tuple[str, ...] = ()
    shadows: Mapping[str, tuple[ShadowTest, ...]] = field(default_factory=dict)
    """By model: the tests for which some of its requests are copied."""

    def candidates(self, group: str, model: str) -> tuple[ChannelView, ...]:
        """Return the enabled channels that serve `model` to `group`; suspensions are not looked at."""
        return self.serving.get((group, model), ())

    def models_of(self, group: str) -> list[str]:
        """Return the names of all models that `group` can use, sorted."""
        return sorted({model for known, model in self.serving if known == group})


def make_snapshot(rows: RegistryRows, *, options: Options, catalogue: Catalogue) -> Snapshot:
    """Build the snapshot of `rows`."""
    problems: list[str] = []
    views: dict[int, ChannelView] = {}
    keys: defaultdict[int, list[KeyRow]] = defaultdict(list)
    for row in rows.keys:
        keys[row.channel_id].append(row)
    for channel in rows.channels:
        view = _view(channel, options=options, catalogue=catalogue, problems=problems)
        if view is not None:
            views[view.id] = _with_ring(view, keys[view.id], problems) if view.id in keys else view
    return Snapshot(
        channels=views,
        serving=_serving(rows.abilities, views),
        options=options,
        budgets=BudgetIndex(rows.budgets),
        problems=tuple(problems),
        shadows=_by_model(rows.shadows),
    )


def _by_model(tests: Iterable[ShadowTest]) -> dict[str, tuple[ShadowTest, ...]]:
    found: defaultdict[str, list[ShadowTest]] = defaultdict(list)
    for test in tests:
        found[test.model].append(test)
    return {model: tuple(its) for model, its in found.items()}


def _serving(
    rows: Iterable[Ability], views: Mapping[int, ChannelView]
) -> dict[tuple[str, str], tuple[ChannelView, ...]]:
    serving: defaultdict[tuple[str, str], list[ChannelView]] = defaultdict(list)
    for ability in rows:
        view = views.get(ability.channel_id)
        if view is not None and ability.enabled and view.status == ChannelStatus.ENABLED:
            serving[ability.group, ability.model].append(view)
    return {key: tuple(found) for key, found in serving.items()}


def _view(channel: Channel, *, options: Options, catalogue: Catalogue, problems: list[str]) -> ChannelView | None:
    where = f"channel {channel.name}#{channel.id}"
    provider = catalogue.provider(channel.type)
    if provider is None:
        problems.append(f"{where}: unknown type {channel.type}")
        return None
    if is_locked(channel):
        problems.append(f"{where}: its key is encrypted, and no secret in ENCRYPTION_KEYS opens it")
        return None
    configs, reason = parse_model_configs(channel.model_configs or "")
    if reason:
        problems.append(f"{where}: model_configs: {reason}")
    mapping = _object(channel.model_mapping, f"{where}: model_mapping", problems)
    config = dict(_object(channel.config, f"{where}: config", problems))
    if channel.other and not config.get(provider.other_setting):
        # The column that held the one setting of some types before `config` existed.
        config[provider.other_setting] = channel.other
    for name, value in provider.settings_in(channel.key).items():
        config[name] = config.get(name) or value
    if channel.inference_profile_arn_map:
        config[PROFILES] = _object(channel.inference_profile_arn_map, f"{where}: {PROFILES}", problems)
    groups = tuple(name.strip() for name in channel.group.split(",") if name.strip())
    ratios = options.group_ratio
    return ChannelView(
        id=channel.id,
        name=channel.name,
        type=channel.type,
        provider=provider,
        key=channel.key,
        base_url=channel.base_url or provider.base_url,
        status=channel.status,
        priority=channel.priority,
        weight=channel.weight,
        groups=groups,
        models=tuple(name.strip() for name in channel.models.split(",") if name.strip()),
        model_mapping={asked: sent for asked, sent in mapping.items() if isinstance(sent, str)},
        model_configs=configs,
        config=config,
        system_prompt=channel.system_prompt or "",
        ratelimit=channel.ratelimit,
        group_ratio=min((ratios.get(name, Decimal(1)) for name in groups), default=Decimal(1)),
    )


def _with_ring(view: ChannelView, keys: list[KeyRow], problems: list[str]) -> ChannelView:
    """Return a channel that goes by several keys in turn."""
    ring = []
    for row in sorted(keys, key=lambda row: not row.is_first):
        if row.is_locked:
            problems.append(f"channel {view.label}: no secret in ENCRYPTION_KEYS opens its key #{row.id}")
        else:
            ring.append(replace(view, key=row.key or view.key, key_id=row.id))
    return replace(view, ring=tuple(ring))


def _object(text: str | None, what: str, problems: list[str]) -> Mapping[str, object]:
    if not text or not text.strip():
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except msgspec.DecodeError:
        problems.append(f"{what} is not a JSON object")
        return {}
