"""Remembers signed thoughts by user and tool call, for a while.

What a process kept it knows at once; it is written to the database before the client learns that the answer is over,
so that whichever process gets the next request finds it. Without the database the process's own memory has to do,
and loops that go on elsewhere go on without the thoughts.

Thoughts are the users': a row is sealed with the id of its call, which stands nowhere in the database.
"""

from __future__ import annotations

import base64
import hashlib
import time
from functools import partial
from typing import TYPE_CHECKING, Protocol

import trio
from cryptography.fernet import Fernet, InvalidToken

from gateway.relay.signed.kept import decode, encode
from storage.database import Lane
from storage.errors import StorageError
from storage.repositories import signatures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateway.observe.types import Journal
    from gateway.relay.signed.kept import Kept
    from storage.database import Database

MOST_BYTES = 32 << 20
"""Of memory, in JSON."""
LONGEST = 1 << 20
"""Bytes of one call's thoughts; longer ones are not kept."""
NOTHING_WEIGHS = 100
WRITE_LIMIT_S = 2.0
READ_LIMIT_S = 2.0
_HOUR_MS = 3600 * 1000


class SignatureStore(Protocol):
    """Where sealed thoughts are written down. Every call raises `StorageError`."""

    async def put(self, payloads: Mapping[str, str], *, expires_at_ms: int) -> None:
        """Store by key, in place of what was there."""

    async def find(self, keys: Sequence[str], *, now_ms: int) -> dict[str, str]:
        """Return what is stored and has not expired."""


class DatabaseSignatures:
    """Sealed thoughts in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, payloads: Mapping[str, str], *, expires_at_ms: int) -> None:
        """See `SignatureStore`."""
        await self._database.write(
            partial(signatures.put, payloads=payloads, expires_at_ms=expires_at_ms), lane=Lane.HOT
        )

    async def find(self, keys: Sequence[str], *, now_ms: int) -> dict[str, str]:
        """See `SignatureStore`."""
        return await self._database.read(partial(signatures.find, keys=keys, now_ms=now_ms), lane=Lane.HOT)


class SignatureBook:
    """The memory of one process, and its way to the database. `hours` 0: nothing is kept."""

    def __init__(
        self,
        store: SignatureStore,
        *,
        journal: Journal,
        hours: float,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._store = store
        self._journal = journal
        self._life_ms = int(hours * _HOUR_MS)
        self._now_ms = now_ms
        self._memory: dict[str, tuple[bytes, int]] = {}
        """JSON, empty if there is known to be nothing, and when it expires; by key, the latest use last."""
        self._bytes = 0

    @property
    def keeps(self) -> bool:
        """Whether anything is kept at all."""
        return self._life_ms > 0

    async def keep(self, user_id: int, kept: Mapping[str, Kept]) -> None:
        """Remember `kept`, which is by call. Never raises; returns within `WRITE_LIMIT_S`."""
        if not self.keeps:
            return
        expires_at_ms = self._now_ms() + self._life_ms
        payloads: dict[str, str] = {}
        for call_id, value in kept.items():
            raw = encode(value)
            if len(raw) > LONGEST:
                self._journal.event("warning", "signatures.long", f"thoughts of {len(raw)} bytes are not kept")
                continue
            key = key_of(user_id, call_id)
            self._remember(key, raw, expires_at_ms)
            payloads[key] = _seal(user_id, call_id, raw)
        if not payloads:
            return
        with trio.move_on_after(WRITE_LIMIT_S) as limit:
            try:
                await self._store.put(payloads, expires_at_ms=expires_at_ms)
            except StorageError as error:
                self._failed("write", str(error))
        if limit.cancelled_caught:
            self._failed("write", "the database is slow")

    async def find(self, user_id: int, call_ids: Sequence[str]) -> dict[str, Kept]:
        """Return what is known of these calls. Never raises; returns within `READ_LIMIT_S`."""
        if not self.keeps or not call_ids:
            return {}
        now_ms = self._now_ms()
        raws: dict[str, bytes] = {}
        unknown: dict[str, str] = {}
        for call_id in call_ids:
            key = key_of(user_id, call_id)
            entry = self._memory.pop(key, None)
            if entry is None or entry[1] <= now_ms:
                self._bytes -= _weight(entry[0]) if entry else 0
                unknown[key] = call_id
            else:
                self._memory[key] = entry
                raws[call_id] = entry[0]
        if unknown:
            raws |= await self._look_up(user_id, unknown, now_ms)
        return {call_id: kept for call_id, raw in raws.items() if raw and (kept := decode(raw)) is not None}

    async def _look_up(self, user_id: int, unknown: dict[str, str], now_ms: int) -> dict[str, bytes]:
        found: dict[str, str] | None = None
        with trio.move_on_after(READ_LIMIT_S):
            try:
                found = await self._store.find(list(unknown), now_ms=now_ms)
            except StorageError as error:
                self._failed("read", str(error))
                return {}
        if found is None:
            self._failed("read", "the database is slow")
            return {}
        raws: dict[str, bytes] = {}
        for key, call_id in unknown.items():
            raw = _open(user_id, call_id, found.get(key, ""))
            # Also that there is nothing: a long conversation asks for the same calls again and again.
            self._remember(key, raw, now_ms + self._life_ms)
            raws[call_id] = raw
        return raws

    def _remember(self, key: str, raw: bytes, expires_at_ms: int) -> None:
        before = self._memory.pop(key, None)
        self._memory[key] = (raw, expires_at_ms)
        self._bytes += _weight(raw) - (_weight(before[0]) if before else 0)
        while self._bytes > MOST_BYTES:
            oldest = next(iter(self._memory))
            self._bytes -= _weight(self._memory.pop(oldest)[0])

    def _failed(self, what: str, why: str) -> None:
        self._journal.event("warning", "signatures.failing", f"could not {what} signed thoughts: {why}")


def key_of(user_id: int, call_id: str) -> str:
    """Return what the thoughts in front of a user's call are stored under."""
    return hashlib.sha256(_named(user_id, call_id, b"key")).hexdigest()


def _weight(raw: bytes) -> int:
    return len(raw) + NOTHING_WEIGHS


def _fernet(user_id: int, call_id: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(_named(user_id, call_id, b"seal")).digest()))


def _seal(user_id: int, call_id: str, raw: bytes) -> str:
    return _fernet(user_id, call_id).encrypt(raw).decode("ascii")


def _open(user_id: int, call_id: str, payload: str) -> bytes:
    try:
        return _fernet(user_id, call_id).decrypt(payload) if payload else b""
    except InvalidToken:
        return b""


def _named(user_id: int, call_id: str, what: bytes) -> bytes:
    return b"%s\n%d\n%s" % (what, user_id, call_id.encode("utf-8", "surrogatepass"))
