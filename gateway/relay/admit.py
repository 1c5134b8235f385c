"""Who calls, and may they: the checks that need no channel.

In the original's order, each with its text, since scripts look at both. Nothing here decides on money: an
exhausted token is recognised from what was last read, and the reservation has the last word.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.relay.endpoints import MODEL_LISTS
from gateway.relay.errors import Refused
from storage.records import Role, TokenStatus, UserStatus

if TYPE_CHECKING:
    from gateway.registry.accounts import Accounts
    from gateway.relay.head import RequestHead
    from storage.records import Token, User
    from storage.repositories.relay_reads import Account

# one-api's own prefix and the one of the fork it came from; both are still in circulation.
_PREFIXES = ("sk-", "laisky-")
# Where Google's clients may put their key into the address.
_KEY_IN_QUERY = MODEL_LISTS


@dataclass(frozen=True, slots=True)
class Caller:
    """An admitted token, its owner, and the channel that the key itself asks for (admins only)."""

    token: Token
    user: User
    channel_id: int | None
    records: bool = False
    """The owner wants what is said with the token recorded."""


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """An API key as it came: the stored part, and what followed a dash."""

    key: str
    channel: str


def presented_key(head: RequestHead, *, prefix: str) -> PresentedKey:
    """Take the API key out of `Authorization` or `X-Api-Key`. Raises `Refused` when there is none."""
    # Anthropic's older clients send the second, Google's the third, or a parameter of the query.
    text = (
        head.header(b"authorization")
        or head.header(b"x-api-key")
        or head.header(b"x-goog-api-key")
        or (head.parameter("key") if head.path.startswith(_KEY_IN_QUERY) else "")
    )
    text = text.removeprefix("Bearer ").removeprefix("bearer ").strip()
    for start in (prefix, *_PREFIXES):
        if start:
            text = text.removeprefix(start)
    if not text:
        raise Refused("No token provided", status=401)
    key, _, rest = text.partition("-")
    return PresentedKey(key, rest.partition("-")[0])


async def admit(head: RequestHead, *, accounts: Accounts, prefix: str, now: float) -> Caller:
    """Return who calls. Raises `Refused` with 401 or 403; `now` is Unix seconds.

    A token that is found expired or exhausted is marked so in the database before the refusal.
    """
    presented = presented_key(head, prefix=prefix)
    account = await accounts.by_key(presented.key)
    if account is None:
        # The key is not repeated: it may be a good one for another system.
        raise Refused("token not found for the given key", status=401)
    await _check_token(account.token, accounts=accounts, now=now)
    _check_subnet(account.token, head.address)
    if account.user.status != UserStatus.ENABLED:
        raise Refused("User has been banned", status=403)
    return Caller(account.token, account.user, _channel(presented, account), account.records)


async def _check_token(token: Token, *, accounts: Accounts, now: float) -> None:
    if token.status == TokenStatus.EXHAUSTED:
        raise Refused(f"API Key {token.name} (#{token.id}) quota has been exhausted", status=401)
    if token.status == TokenStatus.EXPIRED:
        raise Refused(f"token {token.name} (#{token.id}) has expired", status=401)
    if token.status != TokenStatus.ENABLED:
        raise Refused(
            f"token {token.name} (#{token.id}) status is not available (status: {token.status})", status=401
        )
    if token.expired_time != -1 and token.expired_time < now:
        await accounts.mark_token(token.id, TokenStatus.EXPIRED)
        raise Refused(f"token {token.name} (#{token.id}) has expired at timestamp {token.expired_time}", status=401)
    if not token.unlimited_quota and token.remain_quota <= 0:
        await accounts.mark_token(token.id, TokenStatus.EXHAUSTED)
        raise used_up(token)


def used_up(token: Token) -> Refused:
    """Return what is said when a limited token has nothing left."""
    return Refused(
        f"token {token.name} (#{token.id}) quota has been used up (remaining: {token.remain_quota})", status=401
    )


def _check_subnet(token: Token, address: str) -> None:
    if not token.subnet:
        return
    if not in_subnets(address, token.subnet):
        raise Refused(
            f"This API key can only be used in the specified subnet: {token.subnet}, current IP: {address}",
            status=403,
        )


def in_subnets(address: str, subnets: str) -> bool:
    """Whether `address` lies in one of the comma separated networks; what cannot be read contains nobody."""
    try:
        wanted = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(wanted, ipaddress.IPv6Address) and wanted.ipv4_mapped:
        wanted = wanted.ipv4_mapped
    for text in subnets.split(","):
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError:
            continue
        if wanted in network:
            return True
    return False


def _channel(presented: PresentedKey, account: Account) -> int | None:
    if not presented.channel:
        return None
    if account.user.role < Role.ADMIN:
        raise Refused("Ordinary users do not support specifying channels", status=403)
    if not presented.channel.isdecimal():
        raise Refused(f"Invalid Channel Id: {presented.channel}", status=400)
    return int(presented.channel)


def check_model(token: Token, model: str) -> None:
    """Raise `Refused` when the token has a model list and `model` is not on it."""
    if not token.models:
        return
    allowed = {name.strip() for name in token.models.split(",") if name.strip()}
    if allowed and model not in allowed:
        raise Refused(f"This API key does not have permission to use the model: {model}", status=403)
