"""What Google gives out: a service account with a key of its own, and tokens for it."""

from __future__ import annotations

import json
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PROJECT = "proj-1"
TOKEN = "ya29.a-token"
TOKEN_URL = "https://oauth2.example/token"
EMAIL = "gateway@proj-1.iam.gserviceaccount.com"


@cache
def private_key() -> str:
    """A key, made once: it takes some time."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def service_account(*, token_url: str = TOKEN_URL, **changes: object) -> str:
    """The JSON that Google's console hands out."""
    return json.dumps(
        {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "1",
            "private_key": private_key(),
            "client_email": EMAIL,
            "client_id": "2",
            "token_uri": token_url,
            **changes,
        }
    )


def token_answer(token: str = TOKEN, *, lives_s: int = 3600) -> dict[str, object]:
    """What the token's address answers."""
    return {"access_token": token, "expires_in": lives_s, "token_type": "Bearer"}
