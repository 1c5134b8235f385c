"""Channels, their prices, models, and the tools for them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from gateway.management.shown.envelope import Shown


class ChannelObject(Shown):
    """A way to a provider. The key is never shown."""

    id: int = Field(examples=[1])
    type: int = Field(description="The provider, by its number; see `GET /api/models`.", examples=[1])
    key: Literal[""]
    status: int = Field(
        description="0 unknown, 1 enabled, 2 disabled by hand, 3 disabled automatically.", examples=[1]
    )
    name: str = Field(examples=["OpenAI"])
    weight: int = Field(description="How often it is chosen among channels of equal priority.")
    created_time: int = Field(description="Unix seconds.")
    test_time: int = Field(description="When it was last tested, in Unix seconds.")
    response_time: int = Field(description="How long the last test took, in milliseconds.")
    base_url: str = Field(examples=["https://api.openai.com"])
    other: str | None
    balance: float = Field(description="What the provider said is left, in USD.")
    balance_updated_time: int = Field(description="Unix seconds.")
    models: str = Field(description="Separated by commas.", examples=["gpt-4o,gpt-4o-mini"])
    model_configs: str | None = Field(description="Prices that differ from the defaults, as JSON text.")
    group: str = Field(description="Groups it serves, separated by commas.", examples=["default"])
    used_quota: int = Field(description="In quota units.")
    model_mapping: str | None = Field(description="Names that models have at the provider, as JSON text.")
    priority: int = Field(description="A higher one is always chosen first.")
    config: str = Field(description="Settings of the provider's type, as JSON text.")
    system_prompt: str | None
    ratelimit: int = Field(description="Requests per three minutes for each API token; 0 no limit.")
    testing_model: str | None
    model_ratio: str | None = Field(description="Obsolete.")
    completion_ratio: str | None = Field(description="Obsolete.")
    inference_profile_arn_map: str | None = Field(description="For AWS: inference profiles by model, as JSON text.")
    created_at: int = Field(description="Unix milliseconds.")
    updated_at: int = Field(description="Unix milliseconds.")
    tag: str = Field(description="To find several by. Not the original's.", examples=["trial"])
    note: str = Field(description="For people. Not the original's.")


class ChannelKey(Shown):
    """One of the keys that a channel uses in turn. The key itself is never shown."""

    id: int = Field(description="0: the only key of a channel that never had several.", examples=[3])
    name: str = Field(description="Its last characters, or its number where it is short.", examples=["…a91f"])
    first: bool = Field(description="Whether it is the channel's own `key`.")
    state: Literal["good", "rests", "bad", "locked"] = Field(
        description="`rests`: not used for some models for now; `bad`: the provider refused it, and it is left out; "
        "`locked`: no secret in `ENCRYPTION_KEYS` opens it."
    )
    rests: dict[str, float] = Field(description="By model, how many seconds more it is not used for it.")
    added_at: int = Field(description="Unix seconds, as all times here; 0 never, or not known.")
    refused_at: int
    failed_at: int = Field(description="When it last failed by a fault of its own.")
    failed_status: int = Field(description="The provider's HTTP status then.")
    error: str = Field(description="What the provider said then.")


class ChannelDefaults(Shown):
    """What a new channel of a type begins with."""

    default_base_url: str = Field(description="Empty for types without one.")


class TestResult(Shown):
    """How a test went. `success` tells whether it passed."""

    __test__ = False  # the name is the domain's, not pytest's

    success: bool
    message: str = Field(description="The model's answer, or what went wrong.")
    modelName: str = Field(description="The model that was asked.")  # noqa: N815  one-api's spelling
    time: float = Field(description="In seconds; 0 if it failed.")


class Balance(Shown):
    """What the provider says is left."""

    success: Literal[True]
    message: str
    balance: float = Field(description="In USD.")


class ModelPrice(Shown):
    """What a channel sets for one model; members that it does not set are missing."""

    ratio: JsonValue = Field(None, description="Quota units per token of input.", examples=[0.075])
    completion_ratio: JsonValue = Field(None, description="How many times that a token of output costs.")
    max_tokens: JsonValue = Field(None, description="The most that the model writes; 0 not known.")


class ChannelPrices(Shown):
    """Prices by model; the last two are derived from the first."""

    model_configs: dict[str, ModelPrice] | None
    model_ratio: dict[str, JsonValue] | None
    completion_ratio: dict[str, JsonValue] | None


class DefaultPrices(Shown):
    """The same as texts that hold JSON."""

    model_configs: str
    model_ratio: str
    completion_ratio: str


class MigrationStatus(Shown):
    """Which of its price columns a channel uses."""

    channel_id: int
    channel_name: str
    channel_type: int
    has_model_configs: bool
    has_model_ratio: bool
    has_completion_ratio: bool
    model_configs_models: list[str] | None = None
    model_configs_count: int | None = None
    model_ratio_models: list[str] | None = None
    model_ratio_count: int | None = None
    migration_status: Literal["empty", "needs_migration", "migrated", "migrated_with_legacy"]


class MigrationAnswer(Shown):
    """Which of its price columns a channel uses."""

    success: Literal[True]
    data: MigrationStatus


class ModelEntry(Shown):
    """A model, as OpenAI's lists have it."""

    id: str = Field(examples=["gpt-4o-mini"])
    object: Literal["model"]
    created: int = Field(description="The same for all.")
    owned_by: str = Field(examples=["openai"])
    permission: list[JsonValue]
    root: str
    parent: None


class ModelList(Shown):
    """Models, as OpenAI lists them."""

    object: Literal["list"]
    data: list[ModelEntry]


class PricedModel(Shown):
    """What a model costs."""

    input_price: float = Field(description="USD per million tokens.")
    output_price: float = Field(description="USD per million tokens.")
    max_tokens: int = Field(description="0 not known.")
    image_price: float | None = Field(None, description="USD an image; missing where images are not sold.")


class PricedChannel(Shown):
    """The models of one channel."""

    channel_name: str
    channel_type: int
    models: dict[str, PricedModel]


class ChannelResponse(Shown):
    """When and how fast a channel answered its last test."""

    response_time_ms: int
    test_time: int = Field(description="Unix seconds.")
    created_time: int = Field(description="Unix seconds.")


class ChannelState(Shown):
    """How a channel is."""

    name: str
    status: Literal["enabled", "manually_disabled", "auto_disabled", "unknown"]
    enabled: bool
    response: ChannelResponse


class ChannelStates(Shown):
    """One page of channels, newest first."""

    success: Literal[True]
    data: list[ChannelState] | None
    total: int
