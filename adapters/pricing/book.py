"""Which price applies: the channel's own, its provider's table, the tables all providers share, the fallback.

Ratio and completion ratio are looked up apart, so that a channel may set only one of them.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from adapters.pricing.figures import UNITS_PER_TOKEN
from adapters.pricing.price import AUDIO_AS_TEXT, AudioPrice, ImagePrice, ModelConfig, Price, Rates, Unit, make_rates
from adapters.pricing.tables import load_tables, price_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from adapters.pricing.tables import ModelRow, Tables

SHARED_ORDER = (
    "openai",
    "anthropic",
    "gemini",
    "ali",
    "baidu",
    "zhipu",
    "deepseek",
    "groq",
    "mistral",
    "moonshot",
    "cohere",
    "tencent",
    "xunfei",
)
"""Tables that serve every provider for models it has no price of its own for; the first that knows a model wins."""

RATIO_BEFORE_IMAGE_PRICE = frozenset({"ali", "cloudflare", "deepinfra", "siliconflow", "togetherai"})
"""Tables whose prices per image the original did not have: there a channel's own ratio was what an image cost, and
still is. In the others the price per image has always come first."""

_FOR_AUDIO = ("audio", "realtime")

FALLBACK_USD = Fraction("2.5")
"""USD per million tokens, in and out, of a model that nobody priced."""

RESOLVED_LIMIT = 4096
"""Prices kept ready: all models of all channels of a large installation, and still a bound."""


class UnknownContextSize(ValueError):
    """A search model was asked for a context size that it does not sell."""

    code = "invalid_search_context_size"


class PriceBook:
    """Every price there is. Immutable and safe to share between threads."""

    def __init__(
        self,
        tables: Tables,
        *,
        families: Mapping[int, str],
        names: Mapping[int, Mapping[str, str]] | None = None,
    ) -> None:
        """`families` names the price table of each channel type.

        `names`, by channel type, are the names in its table of models that their provider calls otherwise.
        """
        self._tables = tables
        self._families = dict(families)
        self._names = dict(names or {})
        shared: dict[str, str] = {}
        for family in reversed(SHARED_ORDER):
            shared.update(dict.fromkeys(tables.models[family], family))
        self._shared = shared
        self._resolve = lru_cache(maxsize=RESOLVED_LIMIT)(self._resolve_afresh)

    def resolve(self, type_id: int, model: str, override: ModelConfig | None = None) -> Price:
        """Return the price of `model` (its name after mapping) on a channel of `type_id`.

        A model that no table has costs the fallback, and says so in `is_fallback`. A channel's own ratio that
        differs from the table's switches tiers and time windows off; cache prices of the table stay, unless the
        channel sets one.
        """
        return self._resolve(type_id, model, override)

    @property
    def kept(self) -> tuple[int, int, int]:
        """How often a price that was asked for was known already, how often not, and how many are known."""
        info = self._resolve.cache_info()
        return info.hits, info.misses, info.currsize

    def family_of(self, type_id: int) -> str:
        """Return the name of the table that a channel type's prices come from, empty for an unknown type."""
        return self._families.get(type_id, "")

    def has_table(self, family: str) -> bool:
        """Say whether there are prices of that name."""
        return family in self._tables.models

    def table(self, family: str) -> Mapping[str, Price]:
        """Return all prices of one family, as the management API shows them."""
        return {model: self._priced(family, model, row) for model, row in self._tables.models.get(family, {}).items()}

    def shared_table(self) -> Mapping[str, Price]:
        """Return the prices that serve every provider."""
        models = self._tables.models
        return {
            model: self._priced(family, model, models[family][model])
            for model, family in sorted(self._shared.items())
        }

    def search_fee(self, model: str, context_size: str | None) -> int:
        """Return the fee of one answered request, in quota units; 0 for a model that is not a search model.

        `context_size` is `low`, `medium`, `high` or not given. Raises `UnknownContextSize`.
        """
        for prefix, sizes in self._tables.search_units.items():
            if model.startswith(prefix):
                try:
                    return sizes[context_size or "medium"]
                except KeyError:
                    raise UnknownContextSize(f"search_context_size must be one of {', '.join(sizes)}") from None
        return 0

    def _resolve_afresh(self, type_id: int, model: str, override: ModelConfig | None) -> Price:
        family = self.family_of(type_id)
        row = self._tables.models.get(family, {}).get(model)
        if row is None and (known := self._name_of(type_id, model)):
            model = known
            row = self._tables.models.get(family, {}).get(model)
        if row is None and model in self._shared:
            family = self._shared[model]
            row = self._tables.models[family][model]
        found = self._fallback(family, model) if row is None else self._priced(family, model, row)
        return found if override is None else _overridden(found, override, family)

    def _name_of(self, type_id: int, model: str) -> str:
        """Return what our table calls a model, whose id may stand behind the region of a profile; empty: as it is."""
        names = self._names.get(type_id, {})
        return names.get(model) or names.get(model.partition(".")[2], "")

    def _priced(self, family: str, model: str, row: ModelRow) -> Price:
        price = price_of(row, table=family, tool_units=self._fees(family, model))
        return price if row.audio is not None else replace(price, audio=_unpublished_audio(model))

    def _fees(self, family: str, model: str) -> Mapping[str, int]:
        own = self._tables.model_tool_units.get(family, {}).get(model)
        if own is not None:
            return own
        for beginning, fees in self._tables.begun_tool_units.get(family, {}).items():
            if model.startswith(beginning):
                return fees
        return self._tables.tool_units.get(family, {})

    def _fallback(self, family: str, model: str) -> Price:
        return Price(
            table="",
            unit=Unit.TOKEN,
            rates=make_rates(ratio=FALLBACK_USD * UNITS_PER_TOKEN, completion_ratio=Fraction(1)),
            audio=_unpublished_audio(model),
            embedding={},
            tool_units=self._fees(family, model),
            is_fallback=True,
        )


def _unpublished_audio(model: str) -> AudioPrice:
    """Return what sound costs where no table says so: as with OpenAI's, if the model's name is like theirs."""
    return AudioPrice() if any(word in model for word in _FOR_AUDIO) else AUDIO_AS_TEXT


def _overridden(price: Price, own: ModelConfig, family: str) -> Price:
    price = _with_own_tokens(price, own, family)
    return _with_own_cache(price, Fraction(own.cached_ratio)) if own.cached_ratio else price


def _with_own_cache(price: Price, cached: Fraction) -> Price:
    def changed(rates: Rates) -> Rates:
        return make_rates(
            ratio=rates.ratio,
            completion_ratio=rates.completion_ratio,
            cached_read=rates.ratio * cached,
            cache_write_5m=rates.cache_write_5m,
            cache_write_1h=rates.cache_write_1h,
        )

    return replace(
        price,
        rates=changed(price.rates),
        tiers=tuple(replace(tier, rates=changed(tier.rates)) for tier in price.tiers),
        windows=tuple(replace(window, rates=changed(window.rates)) for window in price.windows),
    )


def _with_own_tokens(price: Price, own: ModelConfig, family: str) -> Price:
    ratio = Fraction(own.ratio) if own.ratio else None
    completion = Fraction(own.completion_ratio) if own.completion_ratio else None
    if ratio is not None and ratio != price.rates.ratio:
        return replace(
            price,
            # A price per token also prices what the table sells otherwise, or leaves free.
            unit=Unit.TOKEN if price.unit is Unit.FREE else price.unit,
            rates=_changed(price.rates, ratio=ratio, completion=completion),
            tiers=(),
            windows=(),
            image=_image_beside_ratio(price.image, family),
            is_fallback=False,
            is_override=True,
        )
    price = replace(price, is_fallback=price.is_fallback and ratio is None)
    if completion is None:
        return price
    return replace(
        price,
        rates=_changed(price.rates, ratio=None, completion=completion),
        tiers=tuple(replace(t, rates=_changed(t.rates, None, completion)) for t in price.tiers),
        windows=tuple(replace(w, rates=_changed(w.rates, None, completion)) for w in price.windows),
    )


def _image_beside_ratio(image: ImagePrice | None, family: str) -> ImagePrice | None:
    """Return what is left of a price per image when the channel has a ratio of its own."""
    if family not in RATIO_BEFORE_IMAGE_PRICE or image is None:
        return image
    # Sizes and numbers that Ali's models take hold whatever they cost.
    return replace(image, usd=Fraction(0)) if family == "ali" else None


def _changed(rates: Rates, ratio: Fraction | None, completion: Fraction | None) -> Rates:
    def unless_plain(cached: Fraction) -> Fraction | None:
        # A cache price equal to the input price is one that the table does not have.
        return None if cached == rates.ratio else cached

    return make_rates(
        ratio=rates.ratio if ratio is None else ratio,
        completion_ratio=rates.completion_ratio if completion is None else completion,
        cached_read=unless_plain(rates.cached_read),
        cache_write_5m=unless_plain(rates.cache_write_5m),
        cache_write_1h=unless_plain(rates.cache_write_1h),
    )


def load_price_book(
    families: Mapping[int, str], own: Path | None = None, *, names: Mapping[int, Mapping[str, str]] | None = None
) -> PriceBook:
    """Return the prices that are installed with this package, and those of the folder `own`. Raises `TableError`.

    `families`: the price table of each channel type; `names`: see `PriceBook`.
    """
    return PriceBook(load_tables(own), families=families, names=names)
