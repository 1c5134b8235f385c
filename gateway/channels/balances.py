"""What is left on a channel's account at its provider, in USD (CNY where the provider counts in that).

Each provider has its own way to say it; a row of `_WAYS` is one of them. Providers without a row cannot be asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec
import trio

from adapters.formats import openai_chat
from adapters.transport.types import TransportError, UpstreamRequest
from gateway.accounts.clock import now_ms, now_s
from gateway.accounts.refusals import Refused
from gateway.accounts.transactions import commit
from gateway.channels.edits import read_channel
from gateway.relay.errors import UpstreamFailed
from gateway.relay.failures import refusal
from gateway.relay.outgoing import USER_AGENT
from storage.errors import StorageError
from storage.records import ChannelStatus
from storage.repositories import channels

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from adapters.providers.provider import Provider
    from gateway.registry.snapshot import ChannelView
    from gateway.services import Services

LIMIT_S = 30.0
AT_ONCE = 5
"""Accounts that are asked for side by side."""
# Providers that bill by month show the use of a span of days.
_SPAN_DAYS = 99
_MOST_BYTES = 1 << 20
_LARGEST = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class _Asker:
    """Asks one provider on behalf of one channel."""

    services: Services
    channel: ChannelView

    async def get(self, url: str, *, header: str = "Authorization", credential: str = "Bearer {key}") -> object:
        """Return the JSON that `url` answers. Raises `UpstreamFailed`."""
        headers = [USER_AGENT, (b"accept", b"application/json")]
        if header:
            value = credential.replace("{key}", self.channel.key)
            headers.append((header.encode("ascii"), value.encode("utf-8")))
        request = UpstreamRequest(
            method="GET",
            url=url,
            headers=tuple(headers),
            body=b"",
            connect_timeout_s=LIMIT_S,
            head_timeout_s=LIMIT_S,
            idle_timeout_s=LIMIT_S,
        )
        try:
            response = await self.services.transport.send(request)
            try:
                if not 200 <= response.status < 300:
                    raise await refusal(response, openai_chat.read_error)
                body = bytearray()
                while (data := await response.receive_some()) and len(body) < _MOST_BYTES:
                    body += data
            finally:
                await response.aclose()
            answer: object = msgspec.json.decode(bytes(body))
        except TransportError as error:
            raise UpstreamFailed(str(error) or "the provider could not be reached") from error
        except msgspec.DecodeError as error:
            raise UpstreamFailed("the provider's answer cannot be read") from error
        return answer

    @property
    def base(self) -> str:
        """The channel's address without a slash at the end."""
        return self.channel.base_url.rstrip("/")


async def _by_subscription(asker: _Asker) -> Decimal:
    """OpenAI: the hard limit less what was used, which is told in cents."""
    limits = await asker.get(f"{asker.base}/v1/dashboard/billing/subscription")
    today = datetime.now(UTC).date()
    start = today.replace(day=1)
    if not _at(limits, "has_payment_method"):
        start = today - timedelta(days=_SPAN_DAYS)
    span = f"start_date={start}&end_date={today + timedelta(days=1)}"
    usage = await asker.get(f"{asker.base}/v1/dashboard/billing/usage?{span}")
    return _amount(limits, "hard_limit_usd") - _amount(usage, "total_usage") / 100


async def _closeai(asker: _Asker) -> Decimal:
    return _amount(await asker.get(f"{asker.base}/dashboard/billing/credit_grants"), "total_available")


async def _openai_sb(asker: _Asker) -> Decimal:
    url = f"{asker.base}/sb-api/user/status?api_key={quote(asker.channel.key, safe='')}"
    return _amount(await asker.get(url, header=""), "data", "credit")


async def _aiproxy(asker: _Asker) -> Decimal:
    # Accounts are on another host than models, unless somebody stands in between.
    base = "https://aiproxy.io" if asker.base == asker.channel.provider.base_url else asker.base
    url = f"{base}/api/report/getUserOverview"
    return _amount(await asker.get(url, header="Api-Key", credential="{key}"), "data", "totalPoints")


async def _api2gpt(asker: _Asker) -> Decimal:
    return _amount(await asker.get(f"{asker.base}/dashboard/billing/credit_grants"), "total_remaining")


async def _aigc2d(asker: _Asker) -> Decimal:
    return _amount(await asker.get(f"{asker.base}/dashboard/billing/credit_grants"), "total_available")


async def _siliconflow(asker: _Asker) -> Decimal:
    return _amount(await asker.get(f"{asker.base}/v1/user/info"), "data", "totalBalance")


async def _deepseek(asker: _Asker) -> Decimal:
    infos = _at(await asker.get(f"{asker.base}/user/balance"), "balance_infos")
    for info in infos if isinstance(infos, list) else ():
        if _at(info, "currency") == "CNY":
            return _amount(info, "total_balance")
    raise UpstreamFailed("the provider names no balance in CNY")


async def _moonshot(asker: _Asker) -> Decimal:
    """https://platform.moonshot.cn/docs/api/balance, in CNY."""
    return _amount(await asker.get(f"{asker.base}/v1/users/me/balance"), "data", "available_balance")


async def _openrouter(asker: _Asker) -> Decimal:
    account = await asker.get(f"{asker.base}/v1/credits")
    return _amount(account, "data", "total_credits") - _amount(account, "data", "total_usage")


_WAYS: dict[str, Callable[[_Asker], Awaitable[Decimal]]] = {
    "openai": _by_subscription,
    "custom": _by_subscription,
    "closeai": _closeai,
    "openaisb": _openai_sb,
    "aiproxy": _aiproxy,
    "api2gpt": _api2gpt,
    "aigc2d": _aigc2d,
    "siliconflow": _siliconflow,
    "deepseek": _deepseek,
    "moonshot": _moonshot,
    "openrouter": _openrouter,
}


async def update_balance(services: Services, channel_id: int) -> Decimal:
    """Ask for a channel's balance, store it, and return it. Raises `Refused` when that cannot be done."""
    await read_channel(services, channel_id)
    channel = services.registry.current.channels.get(channel_id)
    way = _WAYS.get(channel.provider.key) if channel else None
    if channel is None or way is None:
        raise Refused("Not yet implemented")
    try:
        with trio.fail_after(LIMIT_S):
            balance = await way(_Asker(services, channel))
    except trio.TooSlowError as error:
        raise Refused(f"the provider did not answer within {LIMIT_S:.0f} s") from error
    except UpstreamFailed as error:
        raise Refused(error.message) from error
    values: dict[str, object] = {
        "balance": float(balance),
        "balance_updated_time": now_s(),
        "updated_at": now_ms(),
    }
    await commit(services, lambda conn: channels.change(conn, channel_id, values))
    return balance


async def update_all_balances(services: Services, channel_ids: Collection[int] = ()) -> None:
    """Ask for the balance of each enabled channel whose provider can be asked, a few side by side.

    Only of `channel_ids`, if there are any.
    """
    slots = trio.CapacityLimiter(AT_ONCE)
    async with trio.open_nursery() as nursery:
        for channel in services.registry.current.channels.values():
            is_meant = not channel_ids or channel.id in channel_ids
            if is_meant and channel.status == ChannelStatus.ENABLED and has_balance(channel.provider):
                nursery.start_soon(_update_one, services, channel, slots)


async def _update_one(services: Services, channel: ChannelView, slots: trio.CapacityLimiter) -> None:
    async with slots:
        try:
            await update_balance(services, channel.id)
        except (Refused, StorageError) as error:
            services.journal.event("warning", "channel.balance", f"{channel.label}: {error}", channel=channel.id)


def has_balance(provider: Provider) -> bool:
    """Say whether channels of this type can be asked what is left."""
    return provider.key in _WAYS


def _at(value: object, *path: str) -> object:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _amount(value: object, *path: str) -> Decimal:
    """Return the number at `path`, which some providers write as a text. Raises `UpstreamFailed`."""
    found = _at(value, *path)
    if isinstance(found, int | float | str) and not isinstance(found, bool):
        try:
            number = Decimal(str(found))
        except InvalidOperation:
            number = Decimal("NaN")
        if number.is_finite() and abs(number) < _LARGEST:
            return number
    raise UpstreamFailed("the provider's answer holds no balance")
