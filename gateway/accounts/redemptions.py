"""Redemption codes: administrators make them, people turn them into quota, once."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from gateway.accounts.clock import now_ms, now_s
from gateway.accounts.entries import about, write_entry
from gateway.accounts.people import MOST_UNITS
from gateway.accounts.refusals import CodeSwitchedOff, NotFound, Refused
from gateway.accounts.transactions import commit
from gateway.audit.trail import differences, note
from storage.records import LogType, Redemption, RedemptionStatus
from storage.repositories import ledger, people_facts, redemptions, users

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.audit.author import Author
    from gateway.services import Services
    from storage.records import User
    from storage.repositories.rows import Page, Sort

LONGEST_NAME_BYTES = 20
MOST_AT_ONCE = 100
"""Of scripts, as the original has it; pages make `MOST_ON_A_PAGE`."""
MOST_ON_A_PAGE = 1000
_LONGEST_KEY = 32
_WRITTEN = "code.update"
_SWITCHED: dict[int | None, str] = {
    RedemptionStatus.ENABLED: "code.enable",
    RedemptionStatus.DISABLED: "code.disable",
}


async def list_codes(services: Services, keyword: str, sort: Sort, page: Page) -> tuple[list[Redemption], int]:
    """Return one page of codes, found by number or the beginning of their name."""
    return await services.database.read(lambda conn: redemptions.page(conn, keyword, sort, page))


async def read_code(services: Services, code_id: int) -> Redemption:
    """Return one code."""
    _check_id(code_id)
    return _found(await services.database.read(lambda conn: redemptions.by_id(conn, code_id)))


async def create_codes(
    services: Services,
    actor: Author,
    *,
    name: str,
    quota: int,
    count: int,
    expires_at: int = 0,
    most: int = MOST_AT_ONCE,
) -> list[str]:
    """Make `count` codes (`most` at the most) worth `quota` each and return them. `expires_at`: 0 is never."""
    if not name.strip():
        raise Refused("Redemption name is required")
    _check_name(name)
    if count <= 0:
        raise Refused("The number of redemption codes must be greater than 0")
    if count > most:
        raise Refused(f"The number of redemption codes generated in a batch cannot be greater than {most}")
    _check_quota(quota)
    _check_expiry(expires_at)
    moment = now_ms()
    keys = [uuid.uuid4().hex for _ in range(count)]
    rows: list[dict[str, object]] = [
        {
            "user_id": actor.id,
            "key": key,
            "status": RedemptionStatus.ENABLED,
            "name": name,
            "quota": quota,
            "created_time": moment // 1000,
            "redeemed_time": 0,
            "created_at": moment,
            "updated_at": moment,
        }
        for key in keys
    ]

    def work(conn: Connection) -> None:
        redemptions.add(conn, rows)
        made: dict[str, list[object]] = {"quota": [None, quota], "count": [None, count]}
        if expires_at:
            people_facts.expire_codes(conn, keys, expires_at=expires_at)
            made["expires_at"] = [None, expires_at]
        note(conn, actor, "code.create", name=name, changes=made)

    await commit(services, work)
    return keys


async def update_code(
    services: Services,
    author: Author,
    code_id: int,
    *,
    name: str,
    quota: int | None,
    status: int | None,
    status_only: bool,
    expires_at: int | None = None,
) -> Redemption:
    """Write name, worth and end of a code, or only its state. A used code stays as it is."""
    values: dict[str, object] = {"updated_at": now_ms()}
    if status_only:
        if status not in (RedemptionStatus.ENABLED, RedemptionStatus.DISABLED):
            raise Refused("the status must be 1 (enabled) or 2 (disabled)")
        values["status"] = status
    else:
        if not name.strip():
            raise Refused("Redemption name cannot be empty")
        _check_name(name)
        values["name"] = name
        if quota is not None:
            _check_quota(quota)
            values["quota"] = quota
    _check_id(code_id)
    known = people_facts.CodeFacts()

    def work(conn: Connection) -> Redemption:
        before = _found(redemptions.by_id(conn, code_id))
        if not redemptions.change_unused(conn, code_id, values):
            raise Refused("The redemption code has been used")
        changed = _found(redemptions.by_id(conn, code_id))
        facts = [{name: getattr(code, name) for name in ("name", "quota", "status")} for code in (before, changed)]
        changes = differences(*facts)
        end = people_facts.facts_of_codes(conn, [code_id]).get(code_id, known).expires_at
        if expires_at is not None and expires_at != end:
            _check_expiry(expires_at)
            people_facts.set_code_facts(conn, code_id, expires_at=expires_at)
            changes["expires_at"] = [end or None, expires_at or None]
        action = _SWITCHED.get(status, _WRITTEN) if status_only else _WRITTEN
        note(conn, author, action, object_id=code_id, name=changed.name, changes=changes)
        return changed

    return await commit(services, work)


async def switch_code(services: Services, author: Author, code_id: int, status: RedemptionStatus) -> Redemption:
    """Switch a code on or off. Raises `Refused` for one that was used."""
    return await update_code(services, author, code_id, name="", quota=None, status=status, status_only=True)


async def delete_code(services: Services, author: Author, code_id: int) -> None:
    """Delete a code."""
    _check_id(code_id)

    def work(conn: Connection) -> None:
        code = _found(redemptions.by_id(conn, code_id))
        redemptions.remove(conn, code_id)
        people_facts.forget_code(conn, code_id)
        note(conn, author, "code.delete", object_id=code_id, name=code.name, changes={"quota": [code.quota, None]})

    await commit(services, work)


async def redeem(services: Services, actor: User, key: str) -> int:
    """Turn a code into quota of the actor and return how much. Of two who try at once, one gets it."""
    key = key.strip()
    if not key:
        raise Refused("No redemption code provided")
    money = services.registry.current.options.money

    def work(conn: Connection) -> int:
        code = redemptions.by_key(conn, key) if len(key) <= _LONGEST_KEY else None
        if code is None:
            raise Refused("Redeem failed: Invalid redemption code")
        if code.status == RedemptionStatus.DISABLED:
            raise CodeSwitchedOff
        known = people_facts.facts_of_codes(conn, [code.id]).get(code.id)
        if code.status == RedemptionStatus.ENABLED and known and 0 < known.expires_at <= now_s():
            raise Refused("Redeem failed: The redemption code has expired")
        if code.quota <= 0 or not redemptions.use(conn, code.id, code.quota, now_s=now_s(), now_ms=now_ms()):
            raise Refused("Redeem failed: The redemption code has been used")
        if not users.add_quota(conn, actor.id, code.quota, now_ms=now_ms(), most=MOST_UNITS):
            raise Refused("Redeem failed: the balance would become too large")
        ledger.post(
            conn, kind="redeem", at_ms=now_ms(), user_id=actor.id, user_units=code.quota, note=f"code {code.id}"
        )
        people_facts.set_code_facts(conn, code.id, used_by=actor.id)
        text = f"Recharged {money(code.quota)} using redemption code"
        write_entry(services, conn, about(actor, LogType.TOP_UP, text))
        return code.quota

    quota = await commit(services, work)
    services.accounts.forget_user(actor.id)
    return quota


def _check_name(name: str) -> None:
    if len(name.encode()) > LONGEST_NAME_BYTES:
        raise Refused(f"The length of the redemption code name must be between 1-{LONGEST_NAME_BYTES}")


def _check_quota(quota: int) -> None:
    if not 0 < quota <= MOST_UNITS:
        raise Refused(f"The quota of a redemption code must be between 1 and {MOST_UNITS}")


def _check_expiry(expires_at: int) -> None:
    if expires_at and expires_at <= now_s():
        raise Refused("a code cannot expire in the past")


def _check_id(code_id: int) -> None:
    if code_id == 0:
        raise Refused("id is empty!")


def _found(code: Redemption | None) -> Redemption:
    if code is None:
        raise NotFound("redemption code was not found")
    return code
