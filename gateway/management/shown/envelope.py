"""The envelope around nearly every answer, and the two shapes of an error."""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Generic, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, JsonValue

if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import TypeForm

T = TypeVar("T")


class Shown(BaseModel):
    """An object with exactly these members."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def model_parametrized_name(cls, params: tuple[TypeForm[Any], ...]) -> str:
        """Return how a generic answer is called in the document."""
        return f"{cls.__name__}Of{''.join(_word(param) for param in params)}"


class Done(Shown):
    """It was done, and there is nothing to show."""

    success: Literal[True]
    message: str = Field(description="Empty, or what was done.")


class Data(Shown, Generic[T]):
    """It was done; `data` is what came of it."""

    success: Literal[True]
    message: str = Field(description="Empty.", examples=[""])
    data: T


class Paged(Shown, Generic[T]):
    """One page of a list."""

    success: Literal[True]
    message: str = Field(description="Empty.", examples=[""])
    data: list[T]
    total: int = Field(description="How many rows there are in all.", examples=[1])


class Failure(Shown):
    """It was not done. Scripts look at `success`: nearly all refusals have status 200."""

    success: Literal[False]
    message: str = Field(description="Why not, for people.", examples=["invalid parameter"])
    data: JsonValue = Field(None, description="`null`, or facts that help, where a refusal has them.")


class ErrorFacts(BaseModel):
    """What went wrong."""

    message: str = Field(description="For people, with the request's id.", examples=["No token provided"])
    type: str = Field(description="Who says no: `one_api_error`, or the provider's own word.")
    param: JsonValue = Field(None, description="Which parameter is meant, if any.")
    code: JsonValue = Field(None, description="A stable word for programs; see docs/errors.md.")


class ErrorObject(BaseModel):
    """The error of routes for programs, of rate limits, and of addresses that do not exist."""

    error: ErrorFacts


def _word(param: object) -> str:
    origin = get_origin(param)
    if origin is None:
        return {"str": "Text", "int": "Number", "NoneType": "Null"}.get(
            name := getattr(param, "__name__", str(param)), name
        )
    inside = [_word(part) for part in get_args(param)]
    if origin is list:
        return f"ListOf{inside[0]}"
    if origin is dict:
        return f"TableOf{inside[-1]}"
    if origin is UnionType:
        return "Or".join(inside)
    return "".join(inside)
