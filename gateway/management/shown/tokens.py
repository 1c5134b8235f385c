"""API tokens, and what they can be asked about themselves."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.management.shown.envelope import Shown


class TokenObject(Shown):
    """An API token."""

    id: int = Field(examples=[3])
    user_id: int
    key: str = Field(description="The whole key; its owner may always read it.", examples=["sk-…"])
    status: int = Field(description="1 enabled, 2 disabled, 3 expired, 4 exhausted.", examples=[1])
    name: str = Field(examples=["laptop"])
    created_time: int = Field(description="Unix seconds.")
    accessed_time: int = Field(description="When it was last used, in Unix seconds.")
    expired_time: int = Field(description="Unix seconds; -1 never.", examples=[-1])
    remain_quota: int = Field(description="What is left, in quota units.")
    unlimited_quota: bool
    used_quota: int = Field(description="In quota units.")
    created_at: int = Field(description="Unix milliseconds.")
    updated_at: int = Field(description="Unix milliseconds.")
    models: str | None = Field(description="The only models it may use, separated by commas.")
    subnet: str | None = Field(description="The only networks it may be used from (CIDR), separated by commas.")
    record_messages: bool = Field(description="What is said with it is recorded, if the site permits that.")


class AvailableModels(Shown):
    """The models that a token is limited to."""

    available: list[str]
    enabled: Literal[True]


class ModelsOfToken(Shown):
    """The models that a token is limited to."""

    success: Literal[True]
    data: AvailableModels


class NoModels(Shown):
    """What stands where the list would."""

    available: None
    enabled: Literal[True]


class TokenWithoutModels(Shown):
    """The token has no list of models of its own."""

    success: Literal[False]
    message: str
    data: NoModels


class Subscription(Shown):
    """The limits, as OpenAI's dashboard had them. All three are equal."""

    object: Literal["billing_subscription"]
    has_payment_method: Literal[True]
    soft_limit_usd: float = Field(
        description="What is left and what was used, in USD (or units, as the site is set); 100000000 means no limit."
    )
    hard_limit_usd: float
    system_hard_limit_usd: float
    access_until: int = Field(description="When the token expires, in Unix seconds; 0 never.")


class Usage(Shown):
    """What was used, as OpenAI's dashboard had it."""

    object: Literal["list"]
    total_usage: float = Field(description="In hundredths of a USD (or of a unit, as the site is set).")
