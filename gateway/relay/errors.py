"""Everything that can end a relay other than well, and how a client of the OpenAI formats reads it.

RelayError                    what the client is told: status, code, type, message
 x Refused                    the gateway's front said no: token, rate limit, no channel
 x Invalid                    the request itself is wrong; another try will not help
 x UpstreamFailed             the provider failed; maybe another channel does better
    x UpstreamUnreachable     no answer at all: network, deadline before the head
    x UpstreamCut             the answer broke off or never ended properly
 x OutOfQuota                 a balance is too small
    x OverBudget              a budget is used up until its period ends
       x BudgetReserved       what is left of one is held by requests that run now
 x Interrupted                we ended it: drain, an operator, the total deadline, or a top-up that failed

Messages never hold an address, a key or internals; those go to the journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats import openai_chat
from adapters.formats.neutral.events import Failure

if TYPE_CHECKING:
    from adapters.formats.codec import ErrorBody

FRONT_TYPE = "one_api_error"


class RelayError(Exception):
    """Base: the relay cannot answer as asked. `status` is HTTP, `code` a stable word listed in docs/errors.md."""

    code = "relay_error"
    status = 500
    type = FRONT_TYPE
    param: object = ""
    retry_after_s: float | None = None
    """When it is worth to come back, if that is known."""
    is_final = False
    """Whether clients that try again by themselves should rather not."""

    def __init__(self, message: str, *, status: int | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if status is not None:
            self.status = status
        if code is not None:
            self.code = code

    def as_json(self, request_id: str) -> bytes:
        """Return the envelope of OpenAI's formats, for requests that came in none of their own."""
        return self.told(openai_chat.error_body, request_id)

    def told(self, write: ErrorBody, request_id: str) -> bytes:
        """Return the error in a client's own envelope, written by its format."""
        return write(
            status=self.status,
            message=self.message,
            type=self.type,
            code=self.client_code,
            param=self.param,
            request_id=request_id,
        )

    def as_failure(self) -> Failure:
        """Return the error as the end of a stream in the neutral form."""
        return Failure(
            message=self.message, type=self.type, code=self.client_code, param=self.param, status=self.status
        )

    @property
    def client_code(self) -> object:
        """What goes into the member `code`; an upstream's own may be of any JSON type."""
        return self.code


class Refused(RelayError):
    """The front refused: `status` says why (401, 403, 404, 429, 501, 503)."""

    code = "refused"
    status = 403

    @property
    def client_code(self) -> object:
        """The front's errors carry no code, as in the original."""
        return None


class Invalid(RelayError):
    """The request cannot be served as it is."""

    code = "invalid_text_request"
    status = 400


class UpstreamFailed(RelayError):
    """The provider refused or failed; carries the provider's own words where it had any."""

    code = "bad_response_status_code"
    status = 502
    type = "upstream_error"

    def __init__(
        self,
        message: str,
        *,
        status: int = 502,
        type: str = "upstream_error",  # noqa: A002  the member's name in every envelope
        param: object = "",
        upstream_code: object = "bad_response_status_code",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, status=status)
        self.type = type
        self.param = param
        self.upstream_code = upstream_code
        self.retry_after_s = retry_after_s
        self.was_passed = False
        """The client has the provider's own terminal event of it."""

    @property
    def client_code(self) -> object:
        return self.upstream_code


class UpstreamUnreachable(UpstreamFailed):
    """No answer: the connection failed or a deadline passed before the head."""

    code = "do_request_failed"

    def __init__(self, message: str, *, status: int = 502) -> None:
        super().__init__(message, status=status, type=FRONT_TYPE, upstream_code=self.code)


class UpstreamCut(UpstreamFailed):
    """The answer broke off, fell silent, or ended without its format's terminal event."""

    code = "upstream_stream_broken"

    def __init__(self, message: str, *, status: int = 502) -> None:
        super().__init__(message, status=status, type="upstream_error", upstream_code=self.code)


class OutOfQuota(RelayError):
    """The user's or token's balance is below what the request must reserve."""

    code = "insufficient_user_quota"
    status = 403


class OverBudget(OutOfQuota):
    """A budget of the user, the token or the group is spent, and renews in `retry_after_s`."""

    code = "budget_exhausted"
    status = 429
    is_final = True

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = max(retry_after_s, 1.0)


class BudgetReserved(OverBudget):
    """What is left of a budget is held by requests that run now."""

    code = "budget_reserved"
    is_final = False


class Interrupted(RelayError):
    """The relay was ended from our side after it had begun."""

    code = "interrupted"
    status = 503
