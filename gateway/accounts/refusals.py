"""Why a request of a person is not carried out.

Refused                  the message is for the person; scripts see `success: false`
 x InvalidParameter      the request cannot be understood
 x InvalidInput          a value breaks a rule of length or form
 x NotFound              there is no such thing, or it belongs to somebody else
 x NameTaken             another account has this name
 x NotAllowed            who asks may not do this
 x CodeSwitchedOff       a redemption code is good, but disabled
 x TooManyAttempts       wait before trying again
 x SecondFactorWanted    the first step was right, and a code is awaited
"""

from __future__ import annotations


class Refused(Exception):
    """Base. `status` is the HTTP status, which one-api keeps at 200 for nearly all refusals."""

    code = "refused"
    status = 200

    def __init__(
        self, message: str, *, status: int | None = None, data: object = None, has_data: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.data = data
        self.has_data = has_data
        """Whether the answer has a member `data` all the same, as some of one-api's refusals do."""
        if status is not None:
            self.status = status


class InvalidParameter(Refused):
    """The request is not what the route expects."""

    code = "invalid_parameter"

    def __init__(self) -> None:
        super().__init__("invalid parameter")


class InvalidInput(Refused):
    """A value is too long, too short, or of the wrong form."""

    code = "invalid_input"

    def __init__(self) -> None:
        super().__init__("Invalid input, please check your input")


class NotFound(Refused):
    """There is no such thing here."""

    code = "not_found"


class NameTaken(Refused):
    """The username is another account's."""

    code = "name_taken"

    def __init__(self) -> None:
        super().__init__("Username already exists")


class NotAllowed(Refused):
    """The person's role does not reach that far."""

    code = "not_allowed"


class CodeSwitchedOff(Refused):
    """The redemption code is disabled, and may come back."""

    def __init__(self) -> None:
        super().__init__("Redeem failed: The redemption code is disabled")


class TooManyAttempts(Refused):
    """Slow down. `wait_s`: for how long, where that is known."""

    code = "too_many_attempts"
    status = 429

    def __init__(self, message: str, *, wait_s: int = 0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class SecondFactorWanted(Refused):
    """Who signs in has to send a code of their authenticator, too. The message is one-api's, for scripts."""

    code = "totp_required"

    def __init__(self, user_id: int) -> None:
        super().__init__("totp_required", data={"totp_required": True, "user_id": user_id}, has_data=True)
        self.user_id = user_id
