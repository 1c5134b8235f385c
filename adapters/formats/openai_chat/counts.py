"""Token counts that a whole answer leaves out, as zeros: some clients of OpenAI's insist on all of them."""

from __future__ import annotations

import msgspec

_DETAILS = {
    "prompt_tokens_details": ("cached_tokens", "audio_tokens"),
    "completion_tokens_details": (
        "reasoning_tokens",
        "audio_tokens",
        "accepted_prediction_tokens",
        "rejected_prediction_tokens",
    ),
}
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def with_all_counts(body: bytes) -> bytes:
    """Return a chat completion with the counts that its details lack; all else stays byte for byte."""
    if b'tokens_details"' not in body:
        return body
    try:
        answer = _members.decode(body)
        usage = _members.decode(answer["usage"])
        for name, counts in _DETAILS.items():
            if name in usage and bytes(usage[name]) != b"null":
                told = dict.fromkeys(counts, msgspec.Raw(b"0")) | _members.decode(usage[name])
                usage[name] = msgspec.Raw(msgspec.json.encode(told))
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
        return body
    return msgspec.json.encode(answer | {"usage": msgspec.Raw(msgspec.json.encode(usage))})
