"""Choosing a channel: tiers, weights, exclusions, suspensions."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from adapters.pricing.price import ModelConfig
from gateway.registry.snapshot import ChannelView
from gateway.relay.choose import Prefer, Request, choose, explain, left_out, serving
from tests.relay.views import channel

NEVER = lambda channel_id: 0.0  # noqa: E731


def request(**changes: object) -> Request:
    return Request(**({"group": "default", "model": "m", "able": lambda c: True} | changes))  # type: ignore[arg-type]


def test_highest_priority_wins_while_it_can_serve() -> None:
    found = choose(
        [channel(1, priority=1), channel(2, priority=9)], request(), suspended_until=NEVER, now=0, rng=Random(1)
    )
    assert found is not None
    assert found.id == 2


def test_excluded_channels_give_way_to_the_next_tier() -> None:
    channels = [channel(1, priority=1), channel(2, priority=9)]
    found = choose(channels, request(excluded=frozenset({2})), suspended_until=NEVER, now=0, rng=Random(1))
    assert found is not None
    assert found.id == 1


def test_suspended_channel_comes_back_when_its_time_is_over() -> None:
    until = lambda channel_id: 100.0  # noqa: E731
    assert choose([channel(1)], request(), suspended_until=until, now=99.9, rng=Random(1)) is None
    assert choose([channel(1)], request(), suspended_until=until, now=100.0, rng=Random(1)) is not None


def test_negative_priorities_are_tiers_of_their_own() -> None:
    channels = [channel(1, priority=0), channel(2, priority=-5)]
    for seed in range(20):
        found = choose(channels, request(), suspended_until=NEVER, now=0, rng=Random(seed))
        assert found is not None
        assert found.id == 1


def test_weight_shares_within_a_tier_and_zero_counts_as_one() -> None:
    channels = [channel(1, weight=3), channel(2, weight=0)]
    rng = Random(7)
    seen = Counter(choose(channels, request(), suspended_until=NEVER, now=0, rng=rng).id for _ in range(4000))  # type: ignore[union-attr]
    assert 0.70 < seen[1] / 4000 < 0.80


def test_after_a_429_lower_tiers_come_before_the_busy_one() -> None:
    channels = [channel(1, priority=9), channel(2, priority=9), channel(3, priority=5), channel(4, priority=1)]
    wanted = request(prefer=Prefer.BELOW, failed_priority=9, excluded=frozenset({1}))
    found = choose(channels, wanted, suspended_until=NEVER, now=0, rng=Random(1))
    assert found is not None
    assert found.id == 3
    only_same_left = request(prefer=Prefer.BELOW, failed_priority=9, excluded=frozenset({1, 3, 4}))
    found = choose(channels, only_same_left, suspended_until=NEVER, now=0, rng=Random(1))
    assert found is not None
    assert found.id == 2


def test_smallest_output_limit_wins_within_a_tier_when_asked_for() -> None:
    def limited(number: int, limit: int, *, priority: int = 0) -> ChannelView:
        return channel(
            number,
            priority=priority,
            model_mapping={"m": "sent"},
            model_configs={"sent": ModelConfig(max_tokens=limit)},
        )

    channels = [limited(1, 8192), limited(2, 0), limited(3, 4096), limited(4, 100, priority=-1)]
    for seed in range(20):
        found = choose(channels, request(smallest_limit=True), suspended_until=NEVER, now=0, rng=Random(seed))
        assert found is not None
        assert found.id == 3


def test_explanation_names_why_each_candidate_is_out() -> None:
    channels = [channel(1), channel(2), channel(3)]
    wanted = request(excluded=frozenset({1}), able=lambda c: c.id != 2)
    reasons = {
        v.channel.id: v.reason for v in explain(channels, wanted, suspended_until=lambda i: 50.0 * (i == 3), now=0)
    }
    assert reasons == {
        1: "failed in this request already",
        2: "does not serve this endpoint",
        3: "suspended for another 50 s",
    }


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 5)), max_size=6),
    st.frozensets(st.integers(0, 5)),
    st.frozensets(st.integers(0, 5)),
    st.randoms(use_true_random=False),
)
def test_choice_is_always_among_the_best_that_may_serve(
    specs: list[tuple[int, int]], excluded: frozenset[int], suspended: frozenset[int], rng: Random
) -> None:
    channels = [channel(i, priority=p, weight=w) for i, (p, w) in enumerate(specs)]
    able = [c for c in channels if c.id not in excluded and c.id not in suspended]
    found = choose(
        channels,
        request(excluded=excluded),
        suspended_until=lambda i: 1.0 if i in suspended else 0.0,
        now=0.5,
        rng=rng,
    )
    if not able:
        assert found is None
    else:
        assert found in able
        assert found.priority == max(c.priority for c in able)


def test_those_that_could_not_be_chosen_are_told_with_their_reasons() -> None:
    channels = [channel(number) for number in range(1, 6)]
    until = lambda channel_id: 130.0 if channel_id in (2, 5) else 0.0  # noqa: E731
    asked = request(able=lambda one: one.id != 3)
    left = serving(channels, asked, suspended_until=until, now=100.0)
    assert [one.id for one in left] == [1, 4]
    told = left_out(channels, left, suspended_until=until, now=100.0, most=20)
    assert told == [(2, 30.0), (3, 0.0), (5, 30.0)]
    assert left_out(channels, left, suspended_until=until, now=100.0, most=2) == told[:2]
    assert left_out(channels, channels, suspended_until=NEVER, now=100.0, most=20) == []
