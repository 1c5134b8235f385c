"""Signatures of other providers inside of Claude's `signature`, which clients bring back as they got it.

Claude's own stay as they are. Another provider's is marked with its format, so that after a change of channel it
goes back to whom it belongs, and never to Claude.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.formats.neutral import Format

# A colon occurs in no base64, so that no signature of Claude's looks like this.
_MARKS: dict[str, Format] = {
    "gemini:": "gemini",
    "openai_responses:": "openai_responses",
    "openai_chat:": "openai_chat",
}


def read_signature(written: str) -> tuple[str, Format | None]:
    """Return the signature and whose it is; `None` if there is none."""
    if not written:
        return "", None
    for mark, whose in _MARKS.items():
        if written.startswith(mark):
            return written[len(mark) :], whose
    return written, "anthropic"


def write_signature(signature: str, whose: Format | None) -> str:
    """Return what stands in a block for a client."""
    if not signature or whose is None or whose == "anthropic":
        return signature
    return f"{whose}:{signature}"
