"""What one relay holds of its caller's money while it runs, and on which terms.

Reserved before the provider is asked, moved along when another channel takes over, topped up when a stream
outgrows it. Giving back and charging is the settlement's.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.budgets.ledger import BudgetSpent
from gateway.budgets.words import refusal_text
from gateway.ledger.types import InsufficientQuota, Reservation, TokenExhausted, Unavailable
from gateway.relay import settle
from gateway.relay.admit import used_up
from gateway.relay.endpoints import Kind
from gateway.relay.errors import BudgetReserved, OutOfQuota, OverBudget, RelayError
from gateway.relay.meter import Meter
from gateway.relay.money import TOP_UP_TOKENS, list_units, terms_for
from gateway.relay.prompt import output_limit, prompt_tokens
from gateway.relay.realtime.meter import SessionMeter
from storage.records import TokenStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.pricing.book import PriceBook
    from adapters.pricing.charge import Charge
    from adapters.pricing.usage import Usage
    from gateway.budgets.ledger import Budgets
    from gateway.counting.counter import Counter
    from gateway.ledger.types import Ledger
    from gateway.registry.accounts import Accounts
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.money import Terms
    from gateway.relay.state import Relay

# What other requests hold of a budget comes back when they end, most often within seconds.
RETRY_SOON_S = 5.0
# So many cost something at every price that is one.
_MANY_TOKENS = 1_000_000


class Holding:
    """The reservation of one relay, with the terms and the meter of the attempt that runs.

    `terms` and `meter` exist once `reserve` was called; every channel gets fresh ones.
    """

    terms: Terms
    meter: Meter

    def __init__(
        self,
        relay: Relay,
        *,
        ledger: Ledger,
        budgets: Budgets,
        accounts: Accounts,
        prices: PriceBook,
        counter: Counter,
        is_alone: Callable[[], bool],
    ) -> None:
        """`is_alone` says whether this is the caller's only request here."""
        self._relay = relay
        self._ledger = ledger
        self._budgets = budgets
        self._accounts = accounts
        self._prices = prices
        self._counter = counter
        self._is_alone = is_alone
        self._output_limit: int | None = None
        self._units = 0
        self._covered_tokens = math.inf

    @property
    def units(self) -> int:
        """What is held now."""
        return self._units

    def listed(self, cost: Charge | None, usage: Usage | None) -> int | None:
        """Return what the use costs at the provider's list price; `None` where that is not known."""
        if cost is None or usage is None:
            return None
        return list_units(self._relay, self.terms, cost, usage, self._prices)

    async def reserve(self, channel: ChannelView) -> None:
        """Count the prompt and take the estimate from user and token. Raises `RelayError`, `Invalid` among them."""
        relay = self._relay
        self._check_budgets(channel)
        self._output_limit = output_limit(relay)
        self._use(channel)
        relay.prompt_tokens = await prompt_tokens(relay, self._counter)
        least = self._least_units()
        try:
            self._units = await self._reserve_some(channel, least)
        except TokenExhausted:
            raise await self._token_too_small(least) from None
        except InsufficientQuota:
            raise OutOfQuota("user quota is not enough", code="insufficient_user_quota") from None
        except BudgetSpent as error:
            raise self._over_budget(error) from None
        except Unavailable as error:
            raise _database_away(error) from None
        self._cover()

    async def _reserve_some(self, channel: ChannelView, least: int) -> int:
        """Reserve what the answer may cost at most; only a caller's sole request may do with `least`.

        The original's estimate counts output at the input price, so that small balances stay usable. A stream
        that outgrows it is topped up; whole answers cannot be, and many at once would overdraw the balance.
        """
        most = max(self._most_units(), least)
        try:
            await self._ledger.reserve(self._reservation(channel, most))
            return most
        except InsufficientQuota:
            if most == least or not self._is_alone():
                raise
        await self._ledger.reserve(self._reservation(channel, least))
        return least

    def _reservation(self, channel: ChannelView, units: int) -> Reservation:
        relay = self._relay
        token = relay.caller.token
        return Reservation(
            request_id=relay.request_id,
            user_id=relay.caller.user.id,
            token_id=token.id,
            token_limited=not token.unlimited_quota,
            channel_id=channel.id,
            model=relay.sent_model,
            units=units,
            group=relay.caller.user.group,
            log_seed=settle.log_row(relay, channel_id=channel.id, model=relay.sent_model, cost=None, usage=None),
        )

    async def move(self, channel: ChannelView) -> None:
        """Take the reservation along to `channel`, which may be dearer. Raises `RelayError`."""
        if _is_free(self.terms):
            # So far no budget forbade it.
            self._check_budgets(channel)
        self._use(channel)
        await self._amend(channel, max(self._least_units() - self._units, 0))

    async def top_up(self) -> None:
        """Take more when a stream has outgrown what is held. Raises `OutOfQuota` when there is no more."""
        tokens = self.meter.roughly()
        if tokens <= self._covered_tokens:
            return
        wanted = self.terms.running(
            prompt_tokens=self._relay.prompt_tokens, output_tokens=tokens + max(TOP_UP_TOKENS, tokens // 4)
        )
        await self._amend(self.terms.channel, max(wanted - self._units, 1))

    async def stay_ahead(self) -> None:
        """Hold all that was reported so far and the first estimate on top. Raises `OutOfQuota` when that is too much.

        For sessions, which go on for as long as their clients like, and thus past the end of a budget.
        """
        reported = self.meter.reported
        used = self.terms.cost(reported).units if reported is not None else 0
        self._check_budgets(self.terms.channel, running_units=used)
        if (more := used + self._least_units() - self._units) > 0:
            await self._amend(self.terms.channel, more)

    async def _amend(self, channel: ChannelView, more: int) -> None:
        try:
            await self._ledger.amend(self._relay.request_id, channel_id=channel.id, add_units=more)
        except InsufficientQuota:
            raise OutOfQuota("the quota is used up", code="insufficient_quota") from None
        except Unavailable as error:
            raise _database_away(error) from None
        self._units += more
        self._cover()

    def _check_budgets(self, channel: ChannelView, *, running_units: int | None = None) -> None:
        """Raise `OverBudget` while a budget lets nothing in, unless `channel` asks nothing for it."""
        caller = self._relay.caller
        try:
            self._budgets.check(
                user_id=caller.user.id,
                token_id=caller.token.id,
                group=caller.user.group,
                running_units=running_units,
            )
        except BudgetSpent as error:
            if not _is_free(terms_for(self._relay, channel, self._prices)):
                raise self._over_budget(error) from None

    def _over_budget(self, error: BudgetSpent) -> OverBudget:
        caller = self._relay.caller
        message = refusal_text(
            error.full,
            self._relay.snapshot.options,
            token=caller.token.name,
            user=caller.user.username,
        )
        if error.full.is_spent:
            return OverBudget(message, retry_after_s=error.wait_s)
        return BudgetReserved(message, retry_after_s=min(error.wait_s, RETRY_SOON_S))

    async def _token_too_small(self, units: int) -> RelayError:
        """The books refused a token: forget what was known of it, and say what is left."""
        token = self._relay.caller.token
        self._accounts.forget_token(token.id)
        account = await self._accounts.by_key(token.key)
        left = account.token.remain_quota if account is not None else 0
        if left <= 0 and self._is_alone():
            # Used up since it was last read. Where others run, what they hold may come back.
            await self._accounts.mark_token(token.id, TokenStatus.EXHAUSTED)
            return used_up(replace(token, remain_quota=left))
        message = f"insufficient token quota: required={units}, available={left}, tokenId={token.id}"
        # The original's words, which differ by what was asked for, since scripts look at them.
        match self._relay.endpoint.kind:
            case Kind.RESPONSES:
                return OutOfQuota(message, code="insufficient_token_quota")
            case Kind.IMAGES | Kind.IMAGE_EDITS:
                return OutOfQuota(message, status=500, code="pre_consume_failed")
            case _:
                return OutOfQuota(message, code="pre_consume_token_quota_failed")

    def _use(self, channel: ChannelView) -> None:
        relay = self._relay
        self.terms = terms_for(relay, channel, self._prices)
        relay.filled = self.terms.filled
        relay.channel = channel
        relay.sent_model = channel.upstream_model(relay.model)
        meter = SessionMeter if relay.endpoint.kind is Kind.REALTIME else Meter
        approximate = relay.snapshot.options.flag("ApproximateTokenEnabled")
        self.meter = meter(self._counter, relay.sent_model, approximate=approximate)

    def _most_units(self) -> int:
        """Return what a whole answer may cost, 0 where the client set no limit or the answer streams."""
        if self._relay.streams or self._output_limit is None:
            return 0
        return self.terms.running(prompt_tokens=self._relay.prompt_tokens, output_tokens=self._output_limit)

    def _least_units(self) -> int:
        return self.terms.reservation(
            prompt_tokens=self._relay.prompt_tokens,
            output_limit=self._output_limit,
            pre_consumed=self._relay.snapshot.options.integer("PreConsumedQuota"),
        )

    def _cover(self) -> None:
        """Work out how many output tokens of a stream the reservation covers."""
        if not self._relay.streams:
            return
        prompt = self._relay.prompt_tokens
        base = self.terms.running(prompt_tokens=prompt, output_tokens=0)
        thousand = self.terms.running(prompt_tokens=prompt, output_tokens=1000) - base
        left = max(self._units - base, 0)
        self._covered_tokens = left * 1000 / thousand if thousand > 0 else math.inf


def _is_free(terms: Terms) -> bool:
    """Whether nothing can cost anything on these terms. That the estimate is 0 says less: it is cut off."""
    return not terms.running(prompt_tokens=_MANY_TOKENS, output_tokens=_MANY_TOKENS)


def _database_away(error: Unavailable) -> RelayError:
    return RelayError("the gateway's database is not available", status=503, code=error.code)
