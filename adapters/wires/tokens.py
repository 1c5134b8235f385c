"""Keys that are exchanged for tokens: each is fetched once, kept, and renewed before it expires.

Fetching belongs to the keeper's own task, so that a client who leaves does not take a token away from others who
wait for the same one. Whoever needs a token that is not there waits for the one fetch that runs; a token in the last
part of its life is renewed in the background while it still serves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from adapters.transport.types import TransportError
from adapters.wires.types import CredentialError, CredentialRefused, CredentialUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FETCH_S = 15.0
"""What a provider may take to give out a token."""
MOST_TOKENS = 4096
"""More than any installation has channels. Beyond it the oldest go, and are fetched again if they are needed."""
WAITING_ORDERS = 256
_RENEW_AT = 0.9
"""The part of a token's life after which it is renewed."""
_LATEST_RENEWAL_S = 3600.0
_MARGIN_S = 10.0
"""A token is not used in its last seconds: clocks differ, and requests travel."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a provider gave out."""

    text: str = field(repr=False)
    lives_s: float


@dataclass(frozen=True, slots=True)
class _Kept:
    text: str = field(repr=False)
    renew_at: float
    """On Trio's clock, as the other."""
    ends_at: float


@dataclass(slots=True, eq=False)
class _Flight:
    """One fetch that runs, and all who wait for it."""

    fetch: Callable[[], Awaitable[Token]]
    done: trio.Event = field(default_factory=trio.Event)
    token: str = ""
    error: CredentialError | None = None


class TokenKeeper:
    """Keeps tokens by the credential that they stand for."""

    name = "provider-tokens"

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._flights: dict[str, _Flight] = {}
        self._orders, self._ordered = trio.open_memory_channel[str](WAITING_ORDERS)

    async def token(self, name: str, fetch: Callable[[], Awaitable[Token]]) -> str:
        """Return the token called `name`, fetching it first if need be. Raises `CredentialError`.

        `fetch` may raise `CredentialError` or `TransportError`; only one runs for each name.
        """
        now = trio.current_time()
        kept = self._kept.get(name)
        if kept is not None and now < kept.ends_at:
            if now >= kept.renew_at and name not in self._flights:
                self._order(name, fetch)
            return kept.text
        flight = self._flights.get(name) or self._order(name, fetch)
        if flight is None:
            raise CredentialUnavailable("too many tokens are being fetched", status=503)
        await flight.done.wait()
        if flight.error is not None:
            # A fresh error for each: they are changed on their way.
            raise type(flight.error)(flight.error.message, status=flight.error.status)
        return flight.token

    def forget(self, name: str) -> None:
        """Let a token go that the provider did not take."""
        self._kept.pop(name, None)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Fetch what is ordered, side by side, until closed."""
        async with trio.open_nursery() as nursery:
            task_status.started()
            async for name in self._ordered:
                nursery.start_soon(self._fly, name)

    async def aclose(self) -> None:
        """Take no more orders."""
        await self._orders.aclose()

    def _order(self, name: str, fetch: Callable[[], Awaitable[Token]]) -> _Flight | None:
        try:
            self._orders.send_nowait(name)
        except (trio.WouldBlock, trio.ClosedResourceError, trio.BrokenResourceError):
            return None
        flight = self._flights[name] = _Flight(fetch)
        return flight

    async def _fly(self, name: str) -> None:
        flight = self._flights[name]
        flight.error = CredentialUnavailable("the gateway is shutting down", status=503)
        try:
            with trio.fail_after(FETCH_S):
                token = await flight.fetch()
            flight.error = None
            flight.token = token.text
            self._keep(name, token)
        except CredentialError as error:
            flight.error = error
        except trio.TooSlowError:
            flight.error = CredentialUnavailable("the provider did not give out a token in time", status=504)
        except TransportError:
            flight.error = CredentialUnavailable("the provider could not be reached for a token")
        except Exception as error:  # noqa: BLE001 - the boundary: one channel's settings must not end the keeper
            # People type keys and addresses, and libraries read them: what they raise tells no more than its kind.
            flight.error = CredentialRefused(f"the channel's key or address is of no use ({type(error).__name__})")
        finally:
            del self._flights[name]
            flight.done.set()

    def _keep(self, name: str, token: Token) -> None:
        now = trio.current_time()
        lives_s = max(token.lives_s - _MARGIN_S, 0.0)
        renew_s = max(lives_s * _RENEW_AT, lives_s - _LATEST_RENEWAL_S)
        self._kept.pop(name, None)
        self._kept[name] = _Kept(token.text, now + renew_s, now + lives_s)
        while len(self._kept) > MOST_TOKENS:
            del self._kept[next(iter(self._kept))]
