"""Why this channel: the explanation agrees with what relays choose."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from gateway.registry.options import Options
from gateway.registry.snapshot import Snapshot
from gateway.relay.endpoints import CHAT, EMBEDDINGS
from gateway.relay.routing import DRAWS, Asked, drawn, routing
from storage.records import ChannelStatus
from tests.relay.views import channel

if TYPE_CHECKING:
    from gateway.registry.snapshot import ChannelView

NOW = 1000.0


def snapshot(*views: ChannelView) -> Snapshot:
    serving: dict[tuple[str, str], tuple[ChannelView, ...]] = {}
    for view in views:
        if view.status == ChannelStatus.ENABLED:
            for model in view.models:
                for group in view.groups:
                    serving[group, model] = (*serving.get((group, model), ()), view)
    return Snapshot(channels={v.id: v for v in views}, serving=serving, options=Options.from_rows({}))


def never(_channel_id: int) -> float:
    return 0.0


def asked(*left_out: int, model: str = "m") -> Asked:
    return Asked(group="default", model=model, endpoint=CHAT, left_out=frozenset(left_out))


def test_tiers_come_by_priority_and_share_by_weight() -> None:
    found = routing(
        snapshot(channel(1, priority=5, weight=3), channel(2, priority=5), channel(3), channel(4, priority=9)),
        asked(),
        suspended_until=never,
        now=NOW,
    )
    assert [[(s.channel.id, s.share) for s in tier.shares] for tier in found.tiers] == [
        [(4, 1.0)],
        [(1, 0.75), (2, 0.25)],
        [(3, 1.0)],
    ]
    assert (list(found.out), found.others) == ([], 0)


def test_everybody_who_is_out_has_a_reason() -> None:
    picture = snapshot(
        channel(1),
        channel(2),
        channel(3, status=ChannelStatus.DISABLED),
        channel(4, status=ChannelStatus.AUTO_DISABLED),
        channel(5, groups=("vip",)),
        channel(6, models=("other",)),
        channel(7, type=14),
    )
    found = routing(
        picture,
        Asked(group="default", model="m", endpoint=EMBEDDINGS, left_out=frozenset({1})),
        suspended_until=lambda number: NOW + 41 if number == 2 else 0,
        now=NOW,
    )
    assert {verdict.channel.id: verdict.reason for verdict in found.out} == {
        1: "left out here",
        2: "suspended for another 41 s",
        3: "disabled",
        4: "disabled automatically",
        5: "does not serve this group",
        7: "does not serve this endpoint",
    }
    assert found.others == 1


@pytest.mark.parametrize("left_out", [(), (1,), (1, 2)])
def test_what_is_drawn_is_the_first_tier_that_is_explained(left_out: tuple[int, ...]) -> None:
    picture = snapshot(channel(1, priority=5, weight=3), channel(2, priority=5), channel(3))
    found = routing(picture, asked(*left_out), suspended_until=never, now=NOW)
    counts = drawn(picture, asked(*left_out), suspended_until=never, now=NOW, rng=Random(7))
    assert sum(counts.values()) == DRAWS
    assert set(counts) == {share.channel.id for share in found.tiers[0].shares}
    for share in found.tiers[0].shares:
        assert abs(counts[share.channel.id] / DRAWS - share.share) < 0.05


def test_nobody_is_drawn_where_nobody_serves() -> None:
    assert drawn(snapshot(channel(1)), asked(model="x"), suspended_until=never, now=NOW, rng=Random(7)) == {}
    assert list(routing(snapshot(channel(1)), asked(model="x"), suspended_until=never, now=NOW).tiers) == []
