"""One row per variable, taken from the groups' fields: what `--help`, the docs and error messages are made from."""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gateway.config.variable import HIDDEN, LARGEST, Variable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic.fields import FieldInfo
    from pydantic_settings import BaseSettings

Kind = Literal["boolean", "whole number", "number", "text", "list"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """All that is known of one variable."""

    field: str
    kind: Kind
    default: object
    group: str
    variable: Variable

    @property
    def name(self) -> str:
        """The variable's own name."""
        return self.field.upper()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that is read, the winning one first."""
        return (self.name, *self.variable.also)

    @property
    def flag(self) -> str:
        """How the flag is written, for those that have one."""
        return "--" + self.field.replace("_", "-")

    @property
    def empty_means_something(self) -> bool:
        """Whether an empty value differs from a missing one."""
        return self.kind in {"boolean", "list"} or self.field == "log_dir"

    @property
    def expected(self) -> str:
        """What a good value looks like, in words."""
        variable = self.variable
        if variable.expects:
            return variable.expects
        if variable.choices:
            return " or ".join(variable.choices)
        if self.kind == "boolean":
            return "true or false"
        if self.kind in {"number", "whole number"}:
            unit = f" ({variable.unit})" if variable.unit else ""
            if variable.high == LARGEST:
                return f"a {self.kind}, {variable.low:g} or more{unit}"
            return f"a {self.kind} from {variable.low:g} to {variable.high:g}{unit}"
        return "a text"

    @property
    def default_shown(self) -> str:
        """The default, as one would write it."""
        if self.variable.default_text:
            return self.variable.default_text
        if isinstance(self.default, bool):
            return "true" if self.default else "false"
        if isinstance(self.default, float):
            return f"{self.default:g}"
        if isinstance(self.default, tuple):
            return ",".join(map(str, self.default))
        return str(self.default)

    def shown(self, value: object) -> str:
        """Return `value` as one would write it, secrets masked."""
        if self.variable.is_secret and value:
            return self.variable.mask(str(value)) if self.variable.mask else HIDDEN
        if value is None:
            return "(unset)"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, float):
            return f"{value:g}"
        if isinstance(value, tuple):
            return ",".join(map(str, value))
        return str(value)


def read_specs(groups: Iterable[type[BaseSettings]]) -> tuple[Spec, ...]:
    """Return the rows of all groups' fields, in order."""
    return tuple(
        Spec(
            field=name,
            kind=_kind(info.annotation),
            default=info.default,
            group=(group.__doc__ or "").rstrip("."),
            variable=_variable(name, info),
        )
        for group in groups
        for name, info in group.model_fields.items()
    )


def _variable(name: str, info: FieldInfo) -> Variable:
    found = [item for item in info.metadata if isinstance(item, Variable)]
    if len(found) != 1:
        raise TypeError(f"setting {name} needs one Variable")
    return found[0]


def _kind(annotation: object) -> Kind:
    if isinstance(annotation, types.UnionType):
        annotation = next(one for one in typing.get_args(annotation) if one is not type(None))
    if typing.get_origin(annotation) is tuple:
        return "list"
    kinds: dict[object, Kind] = {bool: "boolean", int: "whole number", float: "number", str: "text"}
    return kinds[annotation]
