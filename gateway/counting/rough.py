"""Rough sizes of requests in formats that are not counted exactly: about four bytes a token.

Only for what is reserved before a provider is asked; what is charged comes from the provider, or is counted from
what was delivered.
"""

from __future__ import annotations

BYTES_PER_TOKEN = 4
LEAST_TOKENS = 10
IMAGE_URL_TOKENS = 853
_IMAGE_LEAST, _IMAGE_MOST = 50, 2000
_BASE64_PER_TOKEN = 1000
_SEALED = frozenset(("data", "signature", "encrypted_content", "thoughtSignature"))


def rough_tokens(*members: object) -> int:
    """Return about how many tokens the decoded JSON values hold; what is base64 counts as a picture does."""
    text_bytes, tokens = 0, 0
    waiting: list[tuple[str, object]] = [("", member) for member in members]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, str):
            if name in _SEALED or value.startswith("data:"):
                tokens += min(max(len(value) // _BASE64_PER_TOKEN, _IMAGE_LEAST), _IMAGE_MOST)
            elif name in ("url", "image_url", "fileUri") and value.startswith("http"):
                tokens += IMAGE_URL_TOKENS
            else:
                text_bytes += len(value.encode("utf-8", "surrogatepass"))
        elif isinstance(value, list):
            waiting += ((name, item) for item in value)
        elif isinstance(value, dict):
            waiting += ((key, item) for key, item in value.items() if key != "type")
    return max(text_bytes // BYTES_PER_TOKEN + tokens, LEAST_TOKENS)
