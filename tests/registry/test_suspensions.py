"""Who is left alone, and until when."""

from __future__ import annotations

from gateway.registry.suspensions import UNSTORED_S, Suspension, Suspensions

ONE = Suspension("default", "m", 1, 100.0)
OTHER = Suspension("vip", "m", 2, 60.0)


def test_a_young_suspension_outlives_a_reading_that_does_not_know_it_yet() -> None:
    found = Suspensions()
    found.add(ONE, now=50)
    found.replace([], now=50 + UNSTORED_S - 1)
    assert found.until("default", "m", 1) == 100
    found.replace([], now=50 + UNSTORED_S + 1)
    assert found.until("default", "m", 1) == 0


def test_what_is_in_the_table_by_now_takes_no_room_beside_it() -> None:
    found = Suspensions()
    for second in range(100):
        found.add(ONE, now=second)
    assert len(found._young) <= UNSTORED_S


def test_what_was_taken_back_does_not_return_with_the_next_reading() -> None:
    found = Suspensions()
    found.add(ONE, now=50)
    found.add(OTHER, now=50)
    found.forget(1)
    found.replace([OTHER], now=51)
    assert found.until("default", "m", 1) == 0
    assert found.until("vip", "m", 2) == 60


def test_those_that_are_active_come_shortest_first() -> None:
    found = Suspensions()
    for one in (ONE, OTHER, Suspension("default", "m", 3, 10.0)):
        found.add(one, now=5)
    assert found.active(50) == [OTHER, ONE]
