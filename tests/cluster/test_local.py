"""Memory of the windows in this process."""

from __future__ import annotations

from gateway.cluster.local import LocalWindows


def test_windows_that_ended_are_forgotten() -> None:
    now = 0.0
    windows = LocalWindows(now=lambda: now)
    for count in range(1000):
        windows.hit_now(f"old {count}", limit=5, window_s=10)
    now = 11
    for count in range(600):
        windows.hit_now(f"new {count}", limit=5, window_s=10)
    assert len(windows) == 600


def test_memory_is_bounded_and_the_quiet_are_forgotten_first() -> None:
    windows = LocalWindows(now=lambda: 1.0, max_events=100)
    windows.hit_now("busy", limit=1000, window_s=10)
    for count in range(500):
        windows.hit_now(f"once {count}", limit=5, window_s=10)
        if count % 10 == 0:
            windows.hit_now("busy", limit=1000, window_s=10)
    assert len(windows) <= 100
    assert not windows.hit_now("busy", limit=51, window_s=10)


def test_one_key_never_holds_more_than_its_limit() -> None:
    windows = LocalWindows(now=lambda: 1.0)
    for _ in range(1000):
        windows.hit_now("k", limit=5, window_s=10)
    assert len(windows) == 5
