"""What the site tells about itself."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from storage.records import ChannelStatus
from storage.repositories import channels
from storage.repositories.rows import Sort

if TYPE_CHECKING:
    from gateway.services import Services
    from storage.records import Channel
    from storage.repositories.rows import Page

_STATES = {
    ChannelStatus.ENABLED: "enabled",
    ChannelStatus.DISABLED: "manually_disabled",
    ChannelStatus.AUTO_DISABLED: "auto_disabled",
}


def product_version() -> str:
    """Return the version of this program."""
    try:
        return f"v{version('one-api')}"
    except PackageNotFoundError:
        return "v0.0.0"


def facts(services: Services) -> dict[str, object]:
    """Return what dashboards ask for before anybody has signed in."""
    options = services.registry.current.options
    per_unit = options.number("QuotaPerUnit")
    return {
        "version": product_version(),
        "start_time": services.phase.started_at,
        "system_name": options.text("SystemName"),
        "logo": options.text("Logo"),
        "footer_html": options.text("Footer"),
        "server_address": options.server_address,
        "quota_per_unit": int(per_unit) if per_unit == per_unit.to_integral_value() else float(per_unit),
        "display_in_currency": options.flag("DisplayInCurrencyEnabled"),
        "top_up_link": options.text("TopUpLink"),
        "chat_link": options.text("ChatLink"),
        "email_verification": options.flag("EmailVerificationEnabled"),
        "turnstile_check": options.flag("TurnstileCheckEnabled"),
        "turnstile_site_key": options.text("TurnstileSiteKey"),
        "github_oauth": options.flag("GitHubOAuthEnabled"),
        "github_client_id": options.text("GitHubClientId"),
        "lark_client_id": options.text("LarkClientId"),
        "wechat_login": options.flag("WeChatAuthEnabled"),
        "wechat_qrcode": options.text("WeChatAccountQRCodeImageURL"),
        "oidc": options.flag("OidcEnabled"),
        "oidc_client_id": options.text("OidcClientId"),
        "oidc_well_known": options.text("OidcWellKnown"),
        "oidc_authorization_endpoint": options.text("OidcAuthorizationEndpoint"),
        "oidc_token_endpoint": options.text("OidcTokenEndpoint"),
        "oidc_userinfo_endpoint": options.text("OidcUserinfoEndpoint"),
    }


async def channel_states(services: Services, page: Page) -> tuple[list[dict[str, object]], int]:
    """Return names and states of one page of channels, newest first, and their number."""
    rows, total = await services.database.read(lambda conn: channels.page(conn, page, Sort()))
    return [_state(channel) for channel in rows], total


def _state(channel: Channel) -> dict[str, object]:
    known = channel.status in set(ChannelStatus)
    return {
        "name": channel.name,
        "status": _STATES.get(ChannelStatus(channel.status), "unknown") if known else "unknown",
        "enabled": channel.status == ChannelStatus.ENABLED,
        "response": {
            "response_time_ms": channel.response_time,
            "test_time": channel.test_time,
            "created_time": channel.created_time,
        },
    }
