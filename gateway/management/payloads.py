"""Reading requests: JSON bodies by pydantic models, numbers from paths."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from quart import request

from gateway.accounts.refusals import InvalidParameter, Refused

PayloadT = TypeVar("PayloadT", bound="Payload")

Int64 = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
"""What the tables can hold."""

_LARGEST = 2**63 - 1


class Payload(BaseModel):
    """A JSON object. Types are exact, unknown members are ignored, and null counts as missing."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, members: Any) -> Any:  # noqa: ANN401  what pydantic gives and takes
        if isinstance(members, dict):
            return {name: value for name, value in members.items() if value is not None}
        return members


async def read(model: type[PayloadT], *, whole_text: str = "", status: int = 200) -> PayloadT:
    """Read the body. Raises `InvalidParameter`, or `Refused` with what is wrong if `whole_text` introduces it.

    `status` is that of the refusal.
    """
    body = await request.get_data(as_text=False)
    # No engine but SQLite takes NUL characters in texts.
    if b"\\u0000" not in body and b"\x00" not in body:
        try:
            return model.model_validate_json(body)
        except ValidationError as error:
            if whole_text:
                first = error.errors(include_url=False, include_input=False, include_context=False)[0]
                where = ".".join(str(part) for part in first["loc"])
                message = ": ".join(part for part in (whole_text, where, first["msg"]) if part)
                raise Refused(message, status=status) from error
    refused = InvalidParameter()
    refused.status = status
    raise refused


def number_in_path(text: str) -> int:
    """Return a number from the path. Raises `Refused`."""
    if text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= _LARGEST:
        return int(text)
    raise Refused(f"not a number: {text[:40]}")
