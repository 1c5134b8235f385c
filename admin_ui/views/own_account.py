"""What somebody without an office sees first: the balance and when it runs out, own tokens, how to begin."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from admin_ui.visit import current_visit
from gateway.accounts import directory, spending, token_facts
from storage.repositories.filtered import Wanted
from storage.repositories.rows import Page, Sort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from admin_ui.ui import Ui
    from storage.records import Token, User

_SHOWN = 5
_WEEK_DAYS = 7
# What lies further ahead is no forecast any more, and a date would pretend to be one.
_FAR_S = 365 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnToken:
    """One token. `ends_at`: when its own limit is reached at the rate of the last week, 0: not within a year."""

    token: Token
    ends_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAccount:
    """All of it. `ends_at`: when the balance is gone at the rate of the last week, 0: not within a year."""

    units: int
    is_unlimited: bool
    """What is spent does not come off the balance."""
    per_week: int
    """What the last week cost."""
    ends_at: float
    tokens: Sequence[OwnToken]
    more: int
    """Tokens beyond those."""
    base: str
    model: str
    """One that this person can use, for the snippets; empty when there is none."""


async def own_account(ui: Ui, person: User) -> OwnAccount:
    """Return what concerns one person alone."""
    now = time.time()
    days = await spending.days_of_user(ui.services, person.id, current_visit().zone)
    found, number = await directory.list_tokens(ui.services, person, Wanted(), Sort("accessed_time"), Page(0, _SHOWN))
    use = await token_facts.use_of(ui.services, found)
    tokens = [OwnToken(token=token, ends_at=_end(use[token.id].lasts_s, now)) for token in found]
    return OwnAccount(
        units=person.quota,
        is_unlimited=person.unlimited_quota,
        per_week=sum(day.units for day in days[-_WEEK_DAYS:]),
        ends_at=_end(spending.lasts_of(person, days), now),
        tokens=tokens,
        more=max(number - len(tokens), 0),
        base=ui.address,
        model=example_model(ui, person),
    )


def example_model(ui: Ui, person: User) -> str:
    """Return a model that somebody can use, for examples; empty if there is none."""
    known = ui.services.registry.current.models_of(person.group or "default")
    return known[0] if known else ""


def _end(lasts_s: float | None, now: float) -> float:
    return now + lasts_s if lasts_s is not None and lasts_s <= _FAR_S else 0.0
