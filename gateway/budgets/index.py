"""Which budgets concern whom, ready for requests to ask."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

from storage.repositories.budgets import GROUP, TOKEN, USER

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from storage.repositories.budgets import Budget

K = TypeVar("K", bound="Hashable")


class BudgetIndex:
    """All budgets by whose they are. Never changed once it is made."""

    def __init__(self, budgets: Iterable[Budget] = ()) -> None:
        """Budgets of a kind that is not known here are left out: a later version made them."""
        known = tuple(budgets)
        self._users = _by(lambda one: one.number, (one for one in known if one.kind == USER))
        self._tokens = _by(lambda one: one.number, (one for one in known if one.kind == TOKEN))
        self._groups = _by(lambda one: one.subject, (one for one in known if one.kind == GROUP))

    def __bool__(self) -> bool:
        return bool(self._users or self._tokens or self._groups)

    def of(self, user_id: int, token_id: int, group: str) -> tuple[Budget, ...]:
        """Return the budgets that a request of this token counts in."""
        return self._users.get(user_id, ()) + self._tokens.get(token_id, ()) + self._groups.get(group, ())


def _by(key: Callable[[Budget], K], budgets: Iterable[Budget]) -> dict[K, tuple[Budget, ...]]:
    found: defaultdict[K, list[Budget]] = defaultdict(list)
    for one in budgets:
        found[key(one)].append(one)
    return {name: tuple(some) for name, some in found.items()}
