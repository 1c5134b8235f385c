"""The site: what it tells everybody, its options, redemption codes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.management.shown.envelope import Shown


class SiteFacts(Shown):
    """What dashboards ask for before anybody has signed in."""

    version: str = Field(examples=["v0.1.0"])
    start_time: int = Field(description="Unix seconds.")
    system_name: str = Field(examples=["One API"])
    logo: str
    footer_html: str
    server_address: str = Field(examples=["https://one-api.example.com"])
    quota_per_unit: float = Field(description="Quota units that are shown as one dollar.", examples=[500000])
    display_in_currency: bool
    top_up_link: str
    chat_link: str
    email_verification: bool
    turnstile_check: bool
    turnstile_site_key: str
    github_oauth: bool
    github_client_id: str
    lark_client_id: str
    wechat_login: bool
    wechat_qrcode: str
    oidc: bool
    oidc_client_id: str
    oidc_well_known: str
    oidc_authorization_endpoint: str
    oidc_token_endpoint: str
    oidc_userinfo_endpoint: str


class OptionRow(Shown):
    """An option that is in force. Secrets are not listed."""

    key: str = Field(examples=["SystemName"])
    value: str = Field(examples=["One API"])
    created_at: Literal[0]
    updated_at: Literal[0]


class CodeObject(Shown):
    """A redemption code."""

    id: int
    user_id: int = Field(description="Who made it.")
    key: str = Field(description="The code.", examples=["0123456789abcdef0123456789abcdef"])
    status: int = Field(description="1 enabled, 2 disabled, 3 used.", examples=[1])
    name: str
    quota: int = Field(description="What it is worth, in quota units.")
    created_time: int = Field(description="Unix seconds.")
    redeemed_time: int = Field(description="Unix seconds; 0 until it is used.")
    count: Literal[0]
    created_at: int = Field(description="Unix milliseconds.")
    updated_at: int = Field(description="Unix milliseconds.")
