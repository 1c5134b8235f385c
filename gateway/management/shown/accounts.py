"""People: the account, what signing in answers, the dashboard."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.management.shown.envelope import Shown


class UserObject(Shown):
    """An account. Password and access token are always empty: neither is ever shown."""

    id: int = Field(examples=[7])
    username: str = Field(examples=["alice"])
    password: Literal[""]
    display_name: str = Field(examples=["Alice"])
    role: int = Field(description="1 user, 10 administrator, 100 root.", examples=[1])
    status: int = Field(description="1 enabled, 2 disabled, 3 deleted.", examples=[1])
    email: str = Field(examples=["alice@example.com"])
    github_id: str
    wechat_id: str
    lark_id: str
    oidc_id: str
    verification_code: Literal[""]
    access_token: Literal[""]
    quota: int = Field(description="What is left, in quota units.", examples=[500000])
    unlimited_quota: bool = Field(description="Spends without `quota` growing less; one-api has no such member.")
    used_quota: int = Field(description="In quota units; grows with relayed requests only.")
    request_count: int
    group: str = Field(description="Decides which channels serve, and at which factor.", examples=["default"])
    aff_code: str = Field(description="The code that invites others.")
    inviter_id: int = Field(description="Who invited this account; 0 nobody.")
    created_at: int = Field(description="Unix milliseconds.")
    updated_at: int = Field(description="Unix milliseconds.")


class SecondFactorWanted(Shown):
    """Who has to send a code, too."""

    totp_required: Literal[True]
    user_id: int


class SecondFactorRefusal(Shown):
    """The password is right, and a code is needed: send the same again with `totp_code`."""

    success: Literal[False]
    message: Literal["totp_required"]
    data: SecondFactorWanted


class KeyHolder(Shown):
    """Whose API token it is."""

    uid: int = Field(description="The owner's number.")
    token_id: int
    username: str


class DayOfUse(Shown):
    """What one model was used for on one day (UTC)."""

    Day: str = Field(examples=["2026-01-31"])
    ModelName: str = Field(examples=["gpt-4o-mini"])
    RequestCount: int
    Quota: int = Field(description="In quota units.")
    PromptTokens: int
    CompletionTokens: int


class Dashboard(Shown):
    """Use by day and model, and the balance."""

    logs: list[DayOfUse] | None = Field(description="`null` when there is nothing.")
    total_quota: int = Field(description="What is left, in quota units.")
    unlimited_quota: bool = Field(description="That does not grow less; never of the whole site.")
    used_quota: int = Field(description="In quota units.")
    status: str = Field(
        description="`Active`, `Disabled` or `Deleted`; of the site `All Active`, `n/m Active` or `No Active Users`.",
        examples=["Active"],
    )


class Choosable(Shown):
    """An account that root can choose for the dashboard."""

    id: int = Field(description="0 for the whole site.")
    username: str
    display_name: str


class SecondFactorState(Shown):
    """Whether the second factor is on."""

    totp_enabled: bool


class SecondFactorSetup(Shown):
    """What an authenticator needs."""

    secret: str = Field(description="In base32.")
    qr_code: str = Field(description="The address for a QR code.", examples=["otpauth://totp/One%20API:alice?…"])
