"""Secrets at rest: encrypted before they are written, if the operator gave a secret to do it with.

A sealed text begins with `sealed:v1:`, followed by a Fernet token (https://github.com/fernet/spec: AES-128-CBC and
HMAC-SHA256). Its key is derived from the operator's secret, which must therefore be long and random by itself.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

PREFIX = "sealed:v1:"
_PREFIX_BYTES = PREFIX.encode("ascii")


class Sealer:
    """Seals with the first of several secrets and opens with any of them. Without secrets texts stay as they are."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self._fernet = MultiFernet([_fernet(secret) for secret in secrets]) if secrets else None

    @property
    def seals(self) -> bool:
        """Whether there is a secret to seal with."""
        return self._fernet is not None

    def seal(self, text: str) -> str:
        """Return `text` sealed; an empty or sealed text stays as it is."""
        if self._fernet is None or not text or is_sealed(text):
            return text
        return PREFIX + self._fernet.encrypt(text.encode("utf-8", "surrogatepass")).decode("ascii")

    def open(self, text: str) -> str:
        """Return what was sealed; a text that was not, or that no secret opens, stays as it is."""
        if self._fernet is None or not is_sealed(text):
            return text
        try:
            return self._fernet.decrypt(text.removeprefix(PREFIX)).decode("utf-8", "surrogatepass")
        except InvalidToken:
            return text

    def seal_bytes(self, data: bytes) -> bytes:
        """Return `data` sealed."""
        return data if self._fernet is None else _PREFIX_BYTES + self._fernet.encrypt(data)

    def open_bytes(self, data: bytes) -> bytes | None:
        """Return what was sealed, or `data` if it was not; `None` when no secret opens it."""
        if not data.startswith(_PREFIX_BYTES):
            return data
        if self._fernet is None:
            return None
        try:
            return self._fernet.decrypt(data.removeprefix(_PREFIX_BYTES))
        except InvalidToken:
            return None


def is_sealed(text: str) -> bool:
    """Whether `text` is sealed."""
    return text.startswith(PREFIX)


def sealer_of(conn: Connection) -> Sealer:
    """Return the sealer of the database that `conn` is connected to."""
    sealer = conn.get_execution_options().get("sealer")
    return sealer if isinstance(sealer, Sealer) else Sealer()


def _fernet(secret: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"one-api channel secrets v1")
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret.encode())))
