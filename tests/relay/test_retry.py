"""What failures do: to the request, and to the channel."""

from __future__ import annotations

import pytest

from gateway.relay.choose import Prefer
from gateway.relay.errors import UpstreamCut, UpstreamFailed, UpstreamUnreachable
from gateway.relay.retry import Plan, RetryBudget, Suspend, effect_of, plan_after


@pytest.mark.parametrize(
    ("error", "plan"),
    [
        (UpstreamFailed("slow", status=429), Plan(6, Prefer.BELOW)),
        (UpstreamFailed("long", status=413), Plan(7, Prefer.HIGHEST)),
        (UpstreamFailed("key", status=401), Plan(3, Prefer.HIGHEST)),
        (UpstreamFailed("boom", status=500), Plan(3, Prefer.HIGHEST)),
        (UpstreamUnreachable("gone"), Plan(3, Prefer.HIGHEST)),
        (UpstreamFailed("bad", status=400), Plan(0, Prefer.HIGHEST)),
        (UpstreamFailed("none", status=404), Plan(0, Prefer.HIGHEST)),
        (UpstreamFailed("pay", status=402), Plan(3, Prefer.HIGHEST)),
        (UpstreamFailed("Quota Exceeded", status=456), Plan(3, Prefer.HIGHEST)),
        (UpstreamFailed("API key not valid. Please pass a valid API key.", status=400), Plan(3, Prefer.HIGHEST)),
    ],
)
def test_first_failure_decides_how_many_may_follow_and_where(error: UpstreamFailed, plan: Plan) -> None:
    assert plan_after(error, retry_times=3, other_channels=7) == plan


@pytest.mark.parametrize(
    ("error", "suspend", "may_disable"),
    [
        (UpstreamFailed("insufficient quota", status=400, type="insufficient_quota"), Suspend.NO, False),
        (UpstreamFailed("your credit balance is too low", status=429), Suspend.RATE_LIMIT, False),
        (UpstreamFailed("credit", status=503), Suspend.SERVER, False),
        (UpstreamUnreachable("x"), Suspend.SERVER, False),
        (UpstreamCut("x"), Suspend.SERVER, False),
        (UpstreamFailed("no", status=401), Suspend.ACCOUNT, True),
        (UpstreamFailed("Country not supported", status=403, type="permission_error"), Suspend.ACCOUNT, True),
        (UpstreamFailed("gone", status=403, type="x", upstream_code="account_deactivated"), Suspend.ACCOUNT, True),
        (UpstreamFailed("not here", status=403, type="x"), Suspend.ACCOUNT, False),
        (UpstreamFailed("model not found", status=404), Suspend.NO, False),
        (UpstreamFailed("余额不足", status=402), Suspend.ACCOUNT, False),
        (UpstreamFailed("pay", status=402), Suspend.ACCOUNT, False),
        (UpstreamFailed("Quota Exceeded", status=456), Suspend.ACCOUNT, False),
        (UpstreamFailed("API key expired. Please renew the API key.", status=400), Suspend.ACCOUNT, True),
        (UpstreamFailed("账户已欠费", status=402), Suspend.ACCOUNT, True),
    ],
)
def test_effect_on_the_channel(error: UpstreamFailed, suspend: Suspend, *, may_disable: bool) -> None:
    effect = effect_of(error)
    assert (effect.suspend, effect.may_disable) == (suspend, may_disable)


def test_retry_budget_stops_a_storm_and_recovers_with_traffic() -> None:
    budget = RetryBudget()
    allowed = sum(budget.try_withdraw() for _ in range(1000))
    assert allowed == 100
    for _ in range(5):
        budget.relay_began()
    assert budget.try_withdraw()
    assert not budget.try_withdraw()
