"""The billing dashboards that clients of the OpenAI API ask for."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from quart import Blueprint, Response

from gateway.accounts.billing import balance
from gateway.management import answers
from gateway.management.guard import key_holder, needs_key

if TYPE_CHECKING:
    from gateway.services import Services

_UNLIMITED = 100_000_000


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Blueprint("billing", __name__)

    def amount(units: int) -> Decimal:
        options = services.registry.current.options
        if options.flag("DisplayInCurrencyEnabled"):
            return Decimal(units) / options.number("QuotaPerUnit")
        return Decimal(units)

    @area.get("/dashboard/billing/subscription")
    @area.get("/v1/dashboard/billing/subscription")
    @needs_key()
    async def subscription() -> Response:
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

    @area.get("/dashboard/billing/usage")
    @area.get("/v1/dashboard/billing/usage")
    @needs_key()
    async def usage() -> Response:
        holder = key_holder()
        found = await balance(services, holder.token, holder.user)
        return answers.as_json({"object": "list", "total_usage": _number(amount(found.used) * 100)})

    return area


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
