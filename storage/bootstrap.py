"""The first account: who can log in to a database that nobody used yet."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from storage.errors import Conflict, Rejected
from storage.repositories import ledger
from storage.tables import tokens, users

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from storage.database import Database

ROOT_NAME = "root"
ROOT_PASSWORD = "123456"  # noqa: S105 - one-api's, known to everybody; the console asks to change it
ROOT_QUOTA = 500_000_000_000_000
"""Quota units of the first account: a billion USD, in other words no limit."""

_ROLE_ROOT = 100
_ENABLED = 1
_ACCESS_TOKEN_LENGTH = 32
_KEY_LENGTH = 48


def ensure_first_root(
    database: Database, *, hash_password: Callable[[str], str], access_token: str = "", token_key: str = ""
) -> bool:
    """Create `root` with the well-known password if there is no account, and return whether that was done.

    `access_token` opens the management API (empty: a random one), `token_key` becomes an unlimited API token,
    stored as given (empty: none). Synchronous and slow, since it hashes; only when there is something to do.
    Raises `Rejected` for tokens that are too long, and as `Database.write`.
    """
    if len(access_token) > _ACCESS_TOKEN_LENGTH:
        raise Rejected(f"INITIAL_ROOT_ACCESS_TOKEN has more than {_ACCESS_TOKEN_LENGTH} characters")
    if len(token_key) > _KEY_LENGTH:
        raise Rejected(f"INITIAL_ROOT_TOKEN has more than {_KEY_LENGTH} characters")
    if not database.read_sync(_is_unused):
        return False
    password_hash = hash_password(ROOT_PASSWORD)
    now_ms = time.time_ns() // 1_000_000
    try:
        return database.write_sync(
            lambda connection: _create(connection, password_hash, access_token, token_key, now_ms)
        )
    except Conflict:
        # Another process was faster.
        return False


def _is_unused(connection: Connection) -> bool:
    return connection.execute(select(users.c.id).limit(1)).first() is None


def _create(connection: Connection, password_hash: str, access_token: str, token_key: str, now_ms: int) -> bool:
    if not _is_unused(connection):
        return False
    account = {
        "username": ROOT_NAME,
        "password": password_hash,
        "display_name": "Root User",
        "role": _ROLE_ROOT,
        "status": _ENABLED,
        "access_token": access_token or secrets.token_hex(_ACCESS_TOKEN_LENGTH // 2),
        "quota": ROOT_QUOTA,
        "used_quota": 0,
        "request_count": 0,
        "group": "default",
        "aff_code": "",
        "inviter_id": 0,
        "created_at": now_ms,
        "updated_at": now_ms,
        # one-api reads these into plain strings, which cannot be NULL.
        **dict.fromkeys(("email", "github_id", "wechat_id", "lark_id", "oidc_id", "totp_secret"), ""),
    }
    connection.execute(insert(users), account)
    user_id = connection.execute(select(users.c.id).where(users.c.username == ROOT_NAME)).scalar_one()
    ledger.post(connection, kind=ledger.OPENING, at_ms=now_ms, user_id=user_id, user_units=ROOT_QUOTA)
    if token_key:
        # Unlimited: the ledger has nothing to say about it.
        connection.execute(insert(tokens), _token(user_id, token_key, now_ms))
    return True


def _token(user_id: int, key: str, now_ms: int) -> dict[str, object]:
    return {
        "user_id": user_id,
        "key": key,
        "status": _ENABLED,
        "name": "Initial Root Token",
        "created_time": now_ms // 1000,
        "accessed_time": now_ms // 1000,
        "expired_time": -1,
        "remain_quota": ROOT_QUOTA,
        "unlimited_quota": True,
        "used_quota": 0,
        "subnet": "",
        "created_at": now_ms,
        "updated_at": now_ms,
    }
