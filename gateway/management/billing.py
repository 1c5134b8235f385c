"""The billing dashboards that clients of the OpenAI API ask for."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from gateway.accounts.billing import balance
from gateway.management import answers
from gateway.management.contract import Answer, Area
from gateway.management.guard import for_keys, key_holder
from gateway.management.shown.tokens import Subscription, Usage

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from gateway.services import Services

_UNLIMITED = 100_000_000


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Area("billing", "Billing")
    limits, used = Answer(Subscription, can_refuse=False), Answer(Usage, can_refuse=False)

    def amount(units: int) -> Decimal:
        options = services.registry.current.options
        if options.flag("DisplayInCurrencyEnabled"):
            return Decimal(units) / options.number("QuotaPerUnit")
        return Decimal(units)

    @area.on("GET", "/dashboard/billing/subscription", for_keys(), limits, name="subscription_at_old_address")
    @area.on("GET", "/v1/dashboard/billing/subscription", for_keys(), limits)
    async def subscription() -> Response:
        """Return the limits of the API token, as OpenAI's dashboard had them."""
        holder = key_holder()
        found = await balance(services, holder.token, holder.user)
        limit = _UNLIMITED if found.is_unlimited else _number(amount(found.remaining + found.used))
        return answers.as_json(
            {
                "object": "billing_subscription",
                "has_payment_method": True,
                "soft_limit_usd": limit,
                "hard_limit_usd": limit,
                "system_hard_limit_usd": limit,
                "access_until": max(holder.token.expired_time, 0),
            }
        )

    @area.on("GET", "/dashboard/billing/usage", for_keys(), used, name="usage_at_old_address")
    @area.on("GET", "/v1/dashboard/billing/usage", for_keys(), used)
    async def usage() -> Response:
        """Return what the API token used, as OpenAI's dashboard had it. Dates are ignored."""
        holder = key_holder()
        found = await balance(services, holder.token, holder.user)
        return answers.as_json({"object": "list", "total_usage": _number(amount(found.used) * 100)})

    return area.blueprint


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
