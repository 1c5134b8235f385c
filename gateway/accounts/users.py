"""What administrators do with accounts. They act on lower roles only; root acts on everyone, yet nobody ends root."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.accounts.clock import now_ms
from gateway.accounts.entries import about, write_entry
from gateway.accounts.hashing import hashed
from gateway.accounts.people import MOST_UNITS, NO_LIMIT, NewAccount, check_lengths, close_account, open_account
from gateway.accounts.refusals import InvalidInput, InvalidParameter, NotAllowed, NotFound, Refused
from gateway.accounts.transactions import commit
from gateway.audit.trail import Changes, differences, note
from storage.errors import Conflict
from storage.records import LogType, Role, User, UserStatus
from storage.repositories import ledger, security, users

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from gateway.audit.author import Acting, Author
    from gateway.services import Services
    from storage.repositories.rows import Page, Sort

_NO_UPDATE = "No permission to update user information with the same permission level or higher permission level"
_NO_READ = "No permission to get information of users at the same level or higher"
_NO_DELETE = "No permission to delete users with the same permission level or higher permission level"
_NO_PROMOTION = "No permission to promote other users to a permission level greater than or equal to your own"
_NO_CREATION = "Unable to create users with permissions greater than or equal to your own"
_UNKNOWN = "User does not exist"
_TAKEN = "Username already exists"
LONGEST_REMARK = 200
_LONGEST_GROUP = 32
_LONGEST_FOREIGN_ID = 191
_FOREIGN_IDS = ("github_id", "wechat_id", "lark_id", "oidc_id")
_NOTED = ("username", "display_name", "email", "group", "role", "status", "unlimited_quota", *_FOREIGN_IDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEdit:
    """What an administrator writes to an account; `None` keeps what is there."""

    id: int
    username: str
    display_name: str
    password: str = ""
    email: str | None = None
    quota: int | None = None
    quota_change: int = 0
    """How much is added to the balance, whatever it is by then; wins over `quota`."""
    unlimited_quota: bool | None = None
    """Whether the account spends without its balance growing less."""
    group: str | None = None
    status: int | None = None
    role: int | None = None
    github_id: str | None = None
    wechat_id: str | None = None
    lark_id: str | None = None
    oidc_id: str | None = None


async def list_users(services: Services, page: Page, sort: Sort) -> tuple[list[User], int]:
    """Return one page of the accounts that are not deleted, and their number."""
    return await services.database.read(lambda conn: users.page(conn, page, sort))


async def search_users(services: Services, keyword: str, sort: Sort, page: Page | None) -> tuple[list[User], int]:
    """Find accounts by number or by the beginning of a name or address."""
    return await services.database.read(lambda conn: users.search(conn, keyword, sort, page))


async def read_user(services: Services, actor: Acting, user_id: int) -> User:
    """Return one account of a lower role."""
    if user_id == 0:
        raise Refused("id is empty!")
    found = await services.database.read(lambda conn: users.by_id(conn, user_id))
    if found is None:
        raise NotFound(_UNKNOWN)
    _check_reach(actor, found, _NO_READ)
    return found


async def create_user(
    services: Services, actor: Author, *, username: str, password: str, display_name: str | None, role: int
) -> None:
    """Make a common user; a role may be named, which must be below the actor's, and changes nothing."""
    new = await _new_account(actor, username=username, password=password, display_name=display_name, role=role)
    await open_account(services, new, author=actor)


async def create_complete_user(services: Services, actor: Author, edit: UserEdit) -> int:
    """Make an account with everything that is filled in, and return its id; `edit.id` does not count.

    Raises `Refused`, and then there is no account.
    """
    new = await _new_account(
        actor, username=edit.username, password=edit.password, display_name=edit.display_name, role=edit.role or 0
    )
    edit = _checked(replace(edit, display_name=edit.display_name or new.username))
    new = replace(
        new,
        display_name=edit.display_name,
        email=edit.email or "",
        role=edit.role or Role.USER,
        status=edit.status or UserStatus.ENABLED,
        group=edit.group or "default",
        quota=edit.quota,
        unlimited_quota=bool(edit.unlimited_quota),
    )
    return await open_account(services, new, author=actor)


async def _new_account(
    actor: Author, *, username: str, password: str, display_name: str | None, role: int
) -> NewAccount:
    """Return what every new account needs, checked."""
    if not username or not password:
        raise InvalidParameter
    username = username.strip()
    if not username:
        raise Refused("Username cannot be empty")
    if display_name and not display_name.strip():
        raise Refused("Display name cannot be empty if provided")
    display_name = (display_name or "").strip()
    check_lengths(username=username, display_name=display_name, password=password)
    if role >= actor.role:
        raise NotAllowed(_NO_CREATION)
    return NewAccount(username=username, password_hash=await hashed(password), display_name=display_name)


async def update_user(services: Services, actor: Author, edit: UserEdit) -> None:
    """Write an account. Sessions end with a new password, another role, or when it is switched off."""
    if edit.id == 0:
        raise InvalidParameter
    edit = _checked(edit)
    password_hash = await hashed(edit.password) if edit.password else ""
    try:
        await commit(services, lambda conn: _write_user(services, conn, actor, edit, password_hash))
    except Conflict as conflict:
        raise Refused(_TAKEN) from conflict
    services.accounts.forget_user(edit.id)


def _checked(edit: UserEdit) -> UserEdit:
    edit = replace(edit, username=edit.username.strip(), display_name=edit.display_name.strip())
    if not edit.username:
        raise Refused("Username cannot be empty")
    if not edit.display_name:
        raise Refused("Display name cannot be empty")
    check_lengths(
        username=edit.username, display_name=edit.display_name, email=edit.email or "", password=edit.password
    )
    if edit.quota is not None and not 0 <= edit.quota <= MOST_UNITS:
        raise InvalidInput
    if len(edit.group or "") > _LONGEST_GROUP or any(
        len(getattr(edit, name) or "") > _LONGEST_FOREIGN_ID for name in _FOREIGN_IDS
    ):
        raise InvalidInput
    if edit.status not in (None, 0, UserStatus.ENABLED, UserStatus.DISABLED):
        raise InvalidParameter
    if edit.role not in (None, 0, Role.USER, Role.ADMIN, Role.ROOT):
        raise InvalidParameter
    return edit


def _write_user(services: Services, conn: Connection, actor: Author, edit: UserEdit, password_hash: str) -> None:
    target = _living(users.locked(conn, edit.id))
    _check_reach(actor, target, _NO_UPDATE)
    # Dashboards send the whole object back, in which 0 stands for "not known".
    role = edit.role or target.role
    status = edit.status or target.status
    if role != target.role and role >= actor.role:
        raise NotAllowed(_NO_PROMOTION)
    if target.role == Role.ROOT:
        if status != UserStatus.ENABLED:
            raise NotAllowed("Unable to disable super administrator user")
        if role != Role.ROOT:
            raise NotAllowed("Unable to downgrade super administrator user")
    moment = now_ms()
    values: dict[str, object] = {
        "username": edit.username,
        "display_name": edit.display_name,
        "role": role,
        "status": status,
        "updated_at": moment,
    }
    if edit.group:
        values["group"] = edit.group
    for name in ("email", *_FOREIGN_IDS):
        value = getattr(edit, name)
        if value is not None:
            values[name] = value
    if password_hash:
        values["password"] = password_hash
    users.change(conn, target.id, values)
    if edit.unlimited_quota is not None:
        values["unlimited_quota"] = edit.unlimited_quota
    quota = target.quota if edit.quota is None else edit.quota
    if edit.quota_change:
        quota = target.quota + edit.quota_change
        if not -MOST_UNITS <= quota <= MOST_UNITS:
            raise InvalidInput
    changed = differences(
        {name: getattr(target, name) for name in _NOTED} | {"password": "", "quota": target.quota},
        {name: values.get(name, getattr(target, name)) for name in _NOTED}
        | {"password": password_hash, "quota": quota},
        secrets=("password",),
    )
    note(conn, actor, "user.update", object_id=target.id, name=edit.username, changes=changed)
    if password_hash or role != target.role or status != target.status:
        security.end_sessions(conn, target.id, now_ms=moment)
    if quota != target.quota:
        _set_quota(services, conn, target, quota)
    if edit.unlimited_quota is not None and edit.unlimited_quota != target.unlimited_quota:
        users.set_unlimited(conn, target.id, edit.unlimited_quota, now_ms=moment)
        text = NO_LIMIT if edit.unlimited_quota else "Admin limited the user to the quota that is left again"
        write_entry(services, conn, about(target, LogType.MANAGE, text))


def _set_quota(services: Services, conn: Connection, target: User, quota: int) -> None:
    difference = quota - target.quota
    users.add_quota(conn, target.id, difference, now_ms=now_ms(), most=MOST_UNITS)
    ledger.post(conn, kind="admin", at_ms=now_ms(), user_id=target.id, user_units=difference)
    money = services.registry.current.options.money
    text = f"Admin changed user quota from {money(target.quota)} to {money(quota)}"
    write_entry(services, conn, about(target, LogType.MANAGE, text))


async def manage_user(services: Services, actor: Author, *, username: str, action: str) -> User:
    """Promote, demote, enable, disable or delete by name; returns the account with its new role and state."""
    step = _ACTIONS.get(action)
    if step is None:
        raise InvalidParameter

    def work(conn: Connection) -> User:
        named = users.by_name(conn, username) if username else None
        # Read again under a lock: role and state are written back together.
        found = _living(users.locked(conn, named.id) if named else None)
        _check_reach(actor, found, _NO_UPDATE)
        changed = step(conn, actor, found)
        if changed.status != UserStatus.DELETED:
            values: dict[str, object] = {"role": changed.role, "status": changed.status, "updated_at": now_ms()}
            users.change(conn, found.id, values)
            if (changed.role, changed.status) != (found.role, found.status):
                security.end_sessions(conn, found.id, now_ms=now_ms())
        changes = differences(
            {"role": found.role, "status": found.status}, {"role": changed.role, "status": changed.status}
        )
        note(conn, actor, f"user.{action}", object_id=found.id, name=found.username, changes=changes)
        return changed

    changed = await commit(services, work)
    services.accounts.forget_user(changed.id)
    return changed


def _enable(_conn: Connection, _actor: Author, target: User) -> User:
    return replace(target, status=UserStatus.ENABLED)


def _disable(_conn: Connection, _actor: Author, target: User) -> User:
    if target.role == Role.ROOT:
        raise NotAllowed("Unable to disable super administrator user")
    return replace(target, status=UserStatus.DISABLED)


def _delete(conn: Connection, _actor: Author, target: User) -> User:
    if target.role == Role.ROOT:
        raise NotAllowed("Unable to delete super administrator user")
    return close_account(conn, target)


def _promote(_conn: Connection, actor: Author, target: User) -> User:
    if actor.role != Role.ROOT:
        raise NotAllowed("Ordinary administrator users cannot promote other users to administrators")
    if target.role >= Role.ADMIN:
        raise Refused("The user is already an administrator")
    return replace(target, role=Role.ADMIN)


def _demote(_conn: Connection, _actor: Author, target: User) -> User:
    if target.role == Role.ROOT:
        raise NotAllowed("Unable to downgrade super administrator user")
    if target.role == Role.USER:
        raise Refused("The user is already an ordinary user")
    return replace(target, role=Role.USER)


_ACTIONS: dict[str, Callable[[Connection, Author, User], User]] = {
    "enable": _enable,
    "disable": _disable,
    "delete": _delete,
    "promote": _promote,
    "demote": _demote,
}


async def delete_user(services: Services, actor: Author, user_id: int) -> None:
    """Delete an account of a strictly lower role."""

    def work(conn: Connection) -> None:
        target = _living(users.locked(conn, user_id))
        if target.role >= actor.role:
            raise NotAllowed(_NO_DELETE)
        close_account(conn, target)
        note(conn, actor, "user.delete", object_id=target.id, name=target.username)

    await commit(services, work)
    services.accounts.forget_user(user_id)


async def top_up(
    services: Services, author: Author, *, user_id: int, quota: int, remark: str, may_take: bool = False
) -> tuple[int, int]:
    """Add quota to an account and tell so in its log; returns the balance before and after.

    With `may_take` it may be negative, down to an empty balance; scripts cannot say so, as they never could.
    """
    if quota < 0 and not may_take:
        raise Refused("quota cannot be negative!")
    if quota == 0 or abs(quota) > MOST_UNITS:
        raise Refused(f"quota must be between 1 and {MOST_UNITS}")
    remark = remark or f"Recharged via API {services.registry.current.options.money(quota)}"
    if may_take and len(remark) > LONGEST_REMARK:
        raise Refused("the remark is too long")

    def work(conn: Connection) -> tuple[int, int]:
        target = _living(users.locked(conn, user_id))
        if may_take:
            _check_reach(author, target, _NO_UPDATE)
        if quota < 0 and target.quota + quota < 0:
            raise Refused("the balance cannot become negative")
        if not users.add_quota(conn, target.id, quota, now_ms=now_ms(), most=MOST_UNITS):
            raise Refused("the balance would become too large")
        ledger.post(conn, kind="topup", at_ms=now_ms(), user_id=target.id, user_units=quota, note=remark)
        write_entry(services, conn, about(target, LogType.TOP_UP, remark, quota=quota))
        added: Changes = {"quota": [target.quota, target.quota + quota], "remark": ["", remark]}
        note(conn, author, "user.topup", object_id=target.id, name=target.username, changes=added)
        return target.quota, target.quota + quota

    balances = await commit(services, work)
    services.accounts.forget_user(user_id)
    return balances


def _living(user: User | None) -> User:
    if user is None or user.status == UserStatus.DELETED:
        raise NotFound(_UNKNOWN)
    return user


def _check_reach(actor: Acting, target: User, message: str) -> None:
    if actor.role != Role.ROOT and target.role >= actor.role:
        raise NotAllowed(message)
