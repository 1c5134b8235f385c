"""What the relay reads and marks: one account by its key, and everything the registry's snapshot is made of."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from storage.people_tables import gw_token_extras
from storage.records import Ability, Channel, ChannelStatus, Token, User
from storage.repositories import budgets, channel_keys, shadows
from storage.repositories.channel_secrets import opened
from storage.repositories.rows import column
from storage.repositories.token_extras import token_of_former_key
from storage.tables import abilities, channels, options, tokens, users

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Connection, Row

    from storage.instants import Instants
    from storage.repositories.budgets import Budget
    from storage.repositories.channel_keys import KeyRow
    from storage.repositories.shadows import ShadowTest


@dataclass(frozen=True, slots=True)
class Account:
    """An API token and its owner, read together."""

    token: Token
    user: User
    records: bool = False
    """Messages of the token are to be recorded, if the site permits it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRows:
    """All that a snapshot of the registry is made of, read in one transaction."""

    channels: list[Channel]
    abilities: list[Ability]
    options: dict[str, str]
    keys: list[KeyRow] = field(default_factory=list)
    """Of channels that use several in turn."""
    shadows: list[ShadowTest] = field(default_factory=list)
    """Tests that have not ended."""
    budgets: list[Budget] = field(default_factory=list)


_USER_FIELDS = tuple(field.name for field in fields(User))
_TOKEN_FIELDS = tuple(field.name for field in fields(Token))
_CHANNEL_FIELDS = tuple(field.name for field in fields(Channel))
_TOKEN_TEXTS = ("models", "subnet")


def _values(row: Row[*tuple[Any, ...]], names: tuple[str, ...], prefix: str) -> dict[str, object]:
    # NULL means "not there" so that the record's own default stands: one-api left NULLs in columns it added later.
    mapping = row._mapping
    values = {name: mapping[prefix + name] for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _stripped(values: dict[str, object], *names: str) -> dict[str, object]:
    # PostgreSQL pads char(n) with blanks.
    for name in names:
        value = values.get(name)
        if isinstance(value, str):
            values[name] = value.rstrip()
    return values


_ACCOUNT = select(
    *(tokens.c[name].label(f"t_{name}") for name in _TOKEN_FIELDS),
    *(column(users, name).label(f"u_{name}") for name in _USER_FIELDS),
    gw_token_extras.c.records.label("records"),
).select_from(
    tokens.join(users, users.c.id == tokens.c.user_id).outerjoin(
        gw_token_extras, gw_token_extras.c.token_id == tokens.c.id
    )
)


def account_by_key(conn: Connection, key: str) -> Account | None:
    """Return the token with `key` (stored form, without prefix) and its owner, or `None`.

    Keys of very old databases still carry a prefix in the table; they are found, too.
    """
    candidates = (key, f"sk-{key}", f"laisky-{key}")
    for row in conn.execute(_ACCOUNT.where(tokens.c.key.in_(candidates))):
        found = _account(row)
        # MySQL's usual collations do not tell letters of different case apart; keys are told apart by nothing else.
        if found.token.key in candidates:
            return found
    return None


def account_by_former_key(conn: Connection, key: str, *, now_s: int) -> Account | None:
    """Return the token that had `key` before it got a new one, while the old one still works, and its owner."""
    token_id = token_of_former_key(conn, key, now_s=now_s)
    if token_id is None:
        return None
    row = conn.execute(_ACCOUNT.where(tokens.c.id == token_id)).first()
    return None if row is None else _account(row)


def _account(row: Row[*tuple[Any, ...]]) -> Account:
    token = _stripped(_values(row, _TOKEN_FIELDS, "t_"), "key")
    user = _stripped(_values(row, _USER_FIELDS, "u_"), "access_token")
    return Account(Token(**token), User(**user), bool(row.records))  # type: ignore[arg-type]  # types are the table's


def registry_rows(conn: Connection, instants: Instants) -> RegistryRows:
    """Read channels, abilities, options and budgets."""
    channel_rows = conn.execute(select(*(channels.c[name] for name in _CHANNEL_FIELDS)).order_by(channels.c.id))
    ability_rows = conn.execute(
        select(
            abilities.c.group,
            abilities.c.model,
            abilities.c.channel_id,
            abilities.c.enabled,
            abilities.c.priority,
            abilities.c.suspend_until,
        )
    )
    return RegistryRows(
        channels=opened(
            conn,
            [Channel(**_values(row, _CHANNEL_FIELDS, "")) for row in channel_rows],  # type: ignore[arg-type]
        ),
        abilities=[
            Ability(
                group=row.group,
                model=row.model,
                channel_id=row.channel_id,
                enabled=bool(row.enabled),
                priority=row.priority or 0,
                suspend_until=instants.read(row.suspend_until),
            )
            for row in ability_rows
        ],
        options={row.key: row.value or "" for row in conn.execute(select(options.c.key, options.c.value))},
        keys=channel_keys.everything(conn),
        shadows=shadows.running(conn),
        budgets=budgets.everything(conn),
    )


def suspend_ability(
    conn: Connection, instants: Instants, *, group: str, model: str, channel_id: int, until: float
) -> None:
    """Store that a channel is not to be chosen for `model` before `until` (Unix seconds)."""
    conn.execute(
        update(abilities)
        .where(abilities.c.group == group, abilities.c.model == model, abilities.c.channel_id == channel_id)
        .values(suspend_until=instants.write(until))
    )


def auto_disable_channel(conn: Connection, channel_id: int) -> bool:
    """Switch an enabled channel and its abilities off; `False` when it was off already."""
    changed = conn.execute(
        update(channels)
        .where(channels.c.id == channel_id, channels.c.status == ChannelStatus.ENABLED)
        .values(status=ChannelStatus.AUTO_DISABLED)
    ).rowcount
    if changed:
        conn.execute(update(abilities).where(abilities.c.channel_id == channel_id).values(enabled=False))
    return bool(changed)


def mark_token(conn: Connection, token_id: int, status: int) -> None:
    """Store that a token was found expired or exhausted."""
    conn.execute(update(tokens).where(tokens.c.id == token_id).values(status=status))
