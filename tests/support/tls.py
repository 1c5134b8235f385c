"""TLS for clients in tests, made once: reading the machine's certificates takes longer than most tests."""

from __future__ import annotations

import ssl
from functools import cache


@cache
def no_tls() -> ssl.SSLContext:
    """Return what clients are given that only speak plain HTTP: it trusts nobody."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
