"""Whether a provider refused a request for a signature: one it did not make, one that is missing or altered.

It happens where a conversation moved between accounts, or where a client altered its history. The same channel is
then asked once more, without any thoughts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.relay.errors import UpstreamFailed

_CODES = ("invalid_encrypted_content",)
_WORDS = re.compile(
    # Anthropic
    r"invalid `?signature`? in `?thinking`?|invalid `?data`? in `?redacted_thinking`?"
    r"|expected `thinking` or `redacted_thinking`|blocks in the latest assistant message cannot be modified"
    # Google
    r"|thought[_ ]signature"
    # OpenAI
    r"|encrypted content .{0,80}could not be|item (with id )?'?rs_",
    re.IGNORECASE | re.DOTALL,
)


def refuses_signatures(error: UpstreamFailed) -> bool:
    """Whether thoughts, or the lack of them, are what the provider complains of."""
    return error.status == 400 and (error.upstream_code in _CODES or _WORDS.search(error.message) is not None)
