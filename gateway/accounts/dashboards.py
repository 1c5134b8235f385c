"""Use by day and model, for oneself or, for root, for anybody and the whole site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from gateway.accounts.refusals import NotAllowed, Refused
from storage.records import Role, UserStatus
from storage.repositories import logs, users
from storage.repositories.rows import Page, Sort, as_id

if TYPE_CHECKING:
    from gateway.services import Services
    from storage.records import User
    from storage.repositories.logs import DayOfUse
    from storage.repositories.users import Totals

_DAYS = 7
_DAYS_FOR_ROOT = 365
_MOST_LISTED = 1000
_SECONDS_A_DAY = 86_400
_STATES = {UserStatus.ENABLED: "Active", UserStatus.DISABLED: "Disabled", UserStatus.DELETED: "Deleted"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """Charges by day and model, the balances, and in a word how the account or the site is doing."""

    days: list[DayOfUse]
    quota: int
    used_quota: int
    status: str
    is_unlimited: bool = False


async def dashboard(services: Services, actor: User, *, since: str, until: str, whose: str) -> Dashboard:
    """Return the dashboard of `whose` (a number, `all`, or empty for oneself; for root empty means the site)."""
    subject = _subject(actor, whose)
    first, last = _range(actor, since, until)
    start, end = _seconds(first), _seconds(last) + _SECONDS_A_DAY - 1
    days = await services.log_database.read(
        lambda conn: logs.days_of_use(conn, user_id=subject, since=start, until=end)
    )
    if subject is None:
        totals = await services.database.read(users.totals)
        return Dashboard(days=days, quota=totals.quota, used_quota=totals.used_quota, status=_state_of_site(totals))
    user = await services.database.read(lambda conn: users.by_id(conn, subject))
    if user is None:
        raise Refused("User does not exist", has_data=True)
    state = _STATES.get(UserStatus(user.status), "Disabled") if user.status in set(UserStatus) else "Disabled"
    return Dashboard(
        days=days,
        quota=user.quota,
        used_quota=user.used_quota,
        status=state,
        is_unlimited=user.unlimited_quota,
    )


async def people(services: Services, actor: User, page: Page | None = None) -> tuple[list[User], int]:
    """Return the accounts that root can choose among, newest first, and how many there are.

    Without a page the newest thousand, as with one-api.
    """
    if actor.role != Role.ROOT:
        raise NotAllowed("No permission to access user list", has_data=True)
    wanted = page or Page(0, _MOST_LISTED)
    return await services.database.read(lambda conn: users.page(conn, wanted, Sort()))


def _subject(actor: User, whose: str) -> int | None:
    if actor.role != Role.ROOT:
        if whose and whose != str(actor.id):
            raise NotAllowed("No permission to view other users' dashboard data", has_data=True)
        return actor.id
    if not whose or whose == "all":
        return None
    number = as_id(whose)
    if number is None:
        raise Refused("Invalid user_id parameter", has_data=True)
    return number


def _range(actor: User, since: str, until: str) -> tuple[date, date]:
    today = datetime.now(UTC).date()
    if not since or not until:
        return today - timedelta(days=_DAYS - 1), today
    first, last = _day("from_date", since), _day("to_date", until)
    if last < first:
        raise Refused("from_date must be before to_date", has_data=True)
    most = _DAYS_FOR_ROOT if actor.role == Role.ROOT else _DAYS
    if (last - first).days + 1 > most:
        raise Refused(f"date range too large. Maximum allowed: {most} days", has_data=True)
    return first, last


def _day(name: str, text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise Refused(f"invalid {name} format, expected YYYY-MM-DD: {text[:20]!r}", has_data=True) from None


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _state_of_site(totals: Totals) -> str:
    if totals.enabled == 0:
        return "No Active Users"
    if totals.enabled == totals.accounts:
        return "All Active"
    return f"{totals.enabled}/{totals.accounts} Active"
