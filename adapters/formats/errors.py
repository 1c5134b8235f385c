"""What can be wrong with a body, and what a provider said about a failure.

FormatError        the bytes are not what their format says: 400 if they came from the client, 502 from a provider
ProviderFailure    the provider answered 200, but its body tells of an error; carries the `ProviderError`

Codecs raise nothing else, whatever they are fed.
"""

from __future__ import annotations

from dataclasses import dataclass


class FormatError(Exception):
    """A body is not what its format says. The message names the place and what was expected, never the content.

    `path` is the place in the sender's own terms (`messages[2].content`), or empty for the whole body.
    """

    code = "invalid_format"

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderError:
    """The provider's own words about a failure.

    `type`, `code` and `param` are as the provider's format has them, and empty where it has no such member.
    """

    message: str
    type: str
    code: object
    param: object
    status: int = 0
    """The HTTP status that the error stands for, where its code says so; 0: unknown."""


class ProviderFailure(Exception):
    """An error inside an answer that claimed success. `status` is the one the error should have come with."""

    def __init__(self, error: ProviderError, *, status: int = 502) -> None:
        super().__init__(error.message)
        self.error = error
        self.status = status
