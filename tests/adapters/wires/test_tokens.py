"""Tokens are fetched once, kept, renewed before they expire; and a failure is everybody's, and nobody's for long."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from adapters.transport.types import ConnectFailed
from adapters.wires import tokens as keeping
from adapters.wires.tokens import FETCH_S, WAITING_ORDERS, Token, TokenKeeper
from adapters.wires.types import CredentialError, CredentialRefused, CredentialUnavailable


class Provider:
    """Gives out `t1`, `t2` …, each after `takes_s`; what is in `fails` is raised instead."""

    def __init__(self, *, lives_s: float = 1000, takes_s: float = 1) -> None:
        self.lives_s = lives_s
        self.takes_s = takes_s
        self.asked = 0
        self.running = 0
        self.most_running = 0
        self.fails: list[Exception] = []

    async def fetch(self) -> Token:
        self.asked += 1
        number = self.asked
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await trio.sleep(self.takes_s)
        finally:
            self.running -= 1
        if self.fails:
            raise self.fails.pop(0)
        return Token(f"t{number}", self.lives_s)


@pytest.fixture
async def keeper(nursery: trio.Nursery) -> TokenKeeper:
    keeper = TokenKeeper()
    await nursery.start(keeper.run)
    return keeper


async def test_a_token_is_fetched_once_for_all_who_want_it_at_the_same_time(
    keeper: TokenKeeper, autojump_clock: trio.testing.MockClock
) -> None:
    provider = Provider()
    got: list[str] = []

    async def want() -> None:
        got.append(await keeper.token("a", provider.fetch))

    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(want)
    assert got == ["t1"] * 50
    assert provider.asked == 1


async def test_accounts_have_tokens_of_their_own(keeper: TokenKeeper, autojump_clock: trio.testing.MockClock) -> None:
    provider = Provider()
    assert await keeper.token("a", provider.fetch) == "t1"
    assert await keeper.token("b", provider.fetch) == "t2"
    assert await keeper.token("a", provider.fetch) == "t1"


async def test_a_token_is_renewed_in_the_background_while_it_serves(
    keeper: TokenKeeper, autojump_clock: trio.testing.MockClock
) -> None:
    provider = Provider(lives_s=1010, takes_s=5)
    await keeper.token("a", provider.fetch)
    await trio.sleep(901)
    asked_at = trio.current_time()
    assert await keeper.token("a", provider.fetch) == "t1"
    assert await keeper.token("a", provider.fetch) == "t1"
    assert trio.current_time() == asked_at, "nobody waited"
    await trio.sleep(6)
    assert await keeper.token("a", provider.fetch) == "t2"
    assert (provider.asked, provider.most_running) == (2, 1)


async def test_long_lives_are_renewed_in_their_last_hour(
    keeper: TokenKeeper, autojump_clock: trio.testing.MockClock
) -> None:
    provider = Provider(lives_s=30 * 86400)
    await keeper.token("a", provider.fetch)
    await trio.sleep(30 * 86400 - 3700)
    await keeper.token("a", provider.fetch)
    await wait_all_tasks_blocked()
    assert provider.asked == 1
    await trio.sleep(200)
    await keeper.token("a", provider.fetch)
    await wait_all_tasks_blocked()
    assert provider.asked == 2


async def test_an_expired_token_is_waited_for(keeper: TokenKeeper, autojump_clock: trio.testing.MockClock) -> None:
    provider = Provider(lives_s=100)
    assert await keeper.token("a", provider.fetch) == "t1"
    await trio.sleep(95)
    assert await keeper.token("a", provider.fetch) == "t2", "not used in its last seconds"


async def test_a_failed_renewal_leaves_the_old_token_in_use(
    keeper: TokenKeeper, autojump_clock: trio.testing.MockClock
) -> None:
    provider = Provider(lives_s=1010)
    await keeper.token("a", provider.fetch)
    await trio.sleep(901)
    provider.fails.append(ConnectFailed("no"))
    assert await keeper.token("a", provider.fetch) == "t1"
    await trio.sleep(2)
    assert await keeper.token("a", provider.fetch) == "t1", "it is tried again"
    await trio.sleep(2)
    assert await keeper.token("a", provider.fetch) == "t3"


@pytest.mark.parametrize(
    ("raised", "told", "status"),
    [
        (CredentialRefused("unknown client id"), CredentialRefused, 401),
        (CredentialUnavailable("later", status=503), CredentialUnavailable, 503),
        (ConnectFailed("no"), CredentialUnavailable, 502),
    ],
)
async def test_a_failure_is_told_to_all_who_wait_and_not_kept(
    keeper: TokenKeeper,
    autojump_clock: trio.testing.MockClock,
    raised: Exception,
    told: type[CredentialError],
    status: int,
) -> None:
    provider = Provider()
    provider.fails.append(raised)
    failures: list[CredentialError] = []

    async def want() -> None:
        with pytest.raises(told) as caught:
            await keeper.token("a", provider.fetch)
        failures.append(caught.value)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(want)
    assert provider.asked == 1
    assert {failure.status for failure in failures} == {status}
    assert len({id(failure) for failure in failures}) == 5, "each may change its own"
    assert await keeper.token("a", provider.fetch) == "t2"


async def test_a_provider_that_takes_too_long_is_given_up(
    keeper: TokenKeeper, autojump_clock: trio.testing.MockClock
) -> None:
    provider = Provider(takes_s=FETCH_S + 100)
    asked_at = trio.current_time()
    with pytest.raises(CredentialUnavailable) as caught:
        await keeper.token("a", provider.fetch)
    assert (caught.value.status, trio.current_time() - asked_at) == (504, FETCH_S)


async def test_who_leaves_does_not_take_the_token_from_others(
    keeper: TokenKeeper, autojump_clock: trio.testing.MockClock
) -> None:
    provider = Provider(takes_s=5)
    with trio.move_on_after(1) as left:
        await keeper.token("a", provider.fetch)
    assert left.cancelled_caught
    assert await keeper.token("a", provider.fetch) == "t1"


async def test_a_token_that_the_provider_did_not_take_is_fetched_anew(
    keeper: TokenKeeper, autojump_clock: trio.testing.MockClock
) -> None:
    provider = Provider()
    await keeper.token("a", provider.fetch)
    keeper.forget("a")
    keeper.forget("never known")
    assert await keeper.token("a", provider.fetch) == "t2"


async def test_the_oldest_tokens_go_when_there_are_too_many(
    keeper: TokenKeeper, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_TOKENS", 2)
    provider = Provider()
    for name in ("a", "b", "c"):
        await keeper.token(name, provider.fetch)
    assert await keeper.token("c", provider.fetch) == "t3"
    assert await keeper.token("a", provider.fetch) == "t4"


async def test_orders_beyond_the_buffer_are_refused(autojump_clock: trio.testing.MockClock) -> None:
    keeper = TokenKeeper()  # whose task does not run
    provider = Provider()
    async with trio.open_nursery() as nursery:
        for number in range(WAITING_ORDERS):
            nursery.start_soon(keeper.token, str(number), provider.fetch)
        await wait_all_tasks_blocked()
        with pytest.raises(CredentialUnavailable) as caught:
            await keeper.token("one more", provider.fetch)
        nursery.cancel_scope.cancel()
    assert caught.value.status == 503


async def test_a_keeper_that_is_closed_ends_what_it_began_and_takes_no_more(
    autojump_clock: trio.testing.MockClock,
) -> None:
    keeper = TokenKeeper()
    provider = Provider()
    got: list[str] = []

    async def want() -> None:
        got.append(await keeper.token("a", provider.fetch))

    async with trio.open_nursery() as nursery:
        await nursery.start(keeper.run)
        nursery.start_soon(want)
        await wait_all_tasks_blocked()
        await keeper.aclose()
    assert got == ["t1"]
    assert await keeper.token("a", provider.fetch) == "t1"
    with pytest.raises(CredentialUnavailable):
        await keeper.token("b", provider.fetch)


def test_tokens_are_not_shown() -> None:
    assert "secret" not in repr(Token("secret", 1))


async def test_what_nobody_foresaw_refuses_one_channel_and_not_the_others(
    keeper: TokenKeeper, autojump_clock: trio.testing.MockClock
) -> None:
    odd, sound = Provider(), Provider()
    odd.fails.append(ValueError("Invalid IPv6 URL"))
    with pytest.raises(CredentialRefused, match="of no use"):
        await keeper.token("odd", odd.fetch)
    assert await keeper.token("sound", sound.fetch) == "t1"
