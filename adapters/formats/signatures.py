"""Signatures that travel in a foreign format.

A client of the Responses API keeps `encrypted_content` and sends it back untouched; one of Gemini's API does the same
with `thoughtSignature`. Both are opaque, so the signature of another provider's thoughts can travel there, marked
with whose it is. What comes back with a mark goes to that provider only; every other one never sees it.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, get_args

from adapters.formats.neutral.terms import Format

if TYPE_CHECKING:
    from adapters.formats.neutral.parts import Reasoning

OWN_THOUGHT = "rs_one-api"
"""Begins the ids of thoughts in answers of Responses that OpenAI did not give, and refuses to be told of."""
_MARK = "one-api."
_REDACTED = "redacted."
_FORMATS = frozenset(get_args(Format))
_MARK_BYTES = _MARK.encode()
_MARK_BASE64 = b64encode(_MARK_BYTES)[:8]
"""The mark's first bytes in base64, as far as they do not depend on what follows."""


def seal(signature: str, whose: Format | None, target: Format) -> str:
    """Return `signature` as it stands in `target`, marked if it is another format's."""
    if not signature or whose is None or whose == target:
        return signature if whose == target else ""
    return _wrapped(f"{_MARK}{whose}.{signature}", target)


def seal_thought(thought: Reasoning, target: Format) -> str:
    """Return the signature of a thought, or its redacted form, as it stands in `target`; empty without one."""
    if thought.redacted:
        whose = thought.signature_format or "anthropic"
        return _wrapped(f"{_MARK}{whose}.{_REDACTED}{thought.redacted}", target)
    return seal(thought.signature, thought.signature_format, target)


def unseal(text: str, target: Format) -> tuple[str, Format | None, bool]:
    """Return signature, whose it is, and whether it is a redacted thought itself."""
    if not text:
        return "", None, False
    inner = _unwrapped(text, target)
    if inner.startswith(_MARK):
        whose, _, signature = inner.removeprefix(_MARK).partition(".")
        if whose in _FORMATS:
            redacted = signature.startswith(_REDACTED)
            # The set is made of the type's own values.
            return signature.removeprefix(_REDACTED), whose, redacted  # type: ignore[return-value]
    return text, target, False


def holds_foreign_signature(body: bytes) -> bool:
    """Whether a request may hold signatures of another provider.

    Such a request must be decoded and encoded, even where client and provider speak the same format: the provider
    would refuse what it did not sign.
    """
    return _MARK_BYTES in body or _MARK_BASE64 in body


def _wrapped(text: str, target: Format) -> str:
    return b64encode(text.encode()).decode() if target == "gemini" else text


def _unwrapped(text: str, target: Format) -> str:
    if target != "gemini":
        return text
    try:
        return b64decode(text.replace("-", "+").replace("_", "/"), validate=True).decode()
    except ValueError:
        return ""
