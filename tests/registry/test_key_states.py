"""Whose turn it is among the keys of a channel, and which of them are left out."""

from __future__ import annotations

from gateway.registry.key_states import KeyFailure, KeyStates
from gateway.registry.suspensions import UNSTORED_S
from storage.repositories.channel_keys import KeyRow
from tests.relay.views import channel, with_keys

RING = with_keys(channel(1), "a", "b", "c")


def _turns(states: KeyStates, count: int, *, model: str = "m", now: float = 0.0) -> list[int]:
    taken = [states.take(RING, model, now=now) for _ in range(count)]
    return [one.key_id if one is not None else 0 for one in taken]


def _rests(key_id: int, until: float, model: str = "m") -> KeyFailure:
    return KeyFailure(key_id=key_id, channel_id=1, model=model, until=until)


def _bad(key_id: int) -> KeyFailure:
    return KeyFailure(key_id=key_id, channel_id=1, bad=True)


def test_each_key_has_its_turn() -> None:
    assert _turns(KeyStates(), 6) == [1, 2, 3, 1, 2, 3]


def test_a_key_rests_for_one_model_and_then_comes_back() -> None:
    states = KeyStates()
    states.add(_rests(2, until=50), now=10)
    assert _turns(states, 4, now=20) == [1, 3, 1, 3]
    assert _turns(states, 3, now=20, model="other") == [1, 2, 3]
    assert _turns(states, 3, now=50) == [1, 2, 3]
    assert states.back_at(RING, "m") == 0


def test_a_bad_key_is_left_out_until_it_is_cleared() -> None:
    states = KeyStates()
    states.add(_bad(1), now=0)
    assert _turns(states, 3, now=10**9) == [2, 3, 2]
    states.forget(1)
    assert 1 in _turns(states, 3)


def test_a_key_that_was_tried_is_not_taken_again() -> None:
    states = KeyStates()
    taken = states.take(RING, "m", now=0, tried={1, 3})
    assert taken is not None
    assert taken.key == "b"
    assert states.take(RING, "m", now=0, tried={1, 2, 3}) is None


def test_where_none_may_be_used_the_one_that_is_back_first_is_taken() -> None:
    states = KeyStates()
    for key_id, until in ((1, 300.0), (2, 100.0)):
        states.add(_rests(key_id, until), now=0)
    states.add(_bad(3), now=0)
    assert states.take(RING, "m", now=0) is None
    assert states.take_any(RING, "m", now=0).key_id == 2
    assert states.back_at(RING, "m") == 100


def test_where_all_are_bad_each_is_tried_in_its_turn() -> None:
    states = KeyStates()
    for key_id in (1, 2, 3):
        states.add(_bad(key_id), now=0)
    assert states.back_at(RING, "m") is None
    assert [states.take_any(RING, "m", now=0).key_id for _ in range(4)] == [1, 2, 3, 1]


def test_a_channel_with_one_key_is_what_it_was() -> None:
    plain = channel(2)
    assert KeyStates().take_any(plain, "m", now=0) is plain


def test_a_reading_brings_what_other_processes_noted_and_keeps_what_is_too_young_to_be_in_it() -> None:
    states = KeyStates()
    states.add(_bad(1), now=100)
    states.replace([KeyRow(id=2, channel_id=1, rests={"m": 500.0, "old": 50.0})], now=101)
    assert _turns(states, 2, now=101) == [3, 3]
    states.replace([KeyRow(id=2, channel_id=1, bad_at=1)], now=101 + UNSTORED_S)
    assert _turns(states, 2, now=101) == [1, 3]


def test_what_was_cleared_does_not_return_with_the_next_reading() -> None:
    states = KeyStates()
    states.add(_rests(1, until=900), now=100)
    states.forget(1)
    states.replace([], now=101)
    assert states.back_at(RING, "m") == 0
    assert _turns(states, 1) == [1]
