"""Endpoints of the API: one declaration says who may call, what goes in, what comes out, and what may go wrong.

    area = Area("tokens", "API tokens")

    @area.on("POST", "/api/token/", for_role(Role.USER), Answer(Data[shown.Token]), takes=Body(TokenPayload))
    async def create_token(sent: TokenPayload) -> Response:
        '''Make a token.'''

The declaration is what callers are held to (`edge`), what bodies and queries are read by before the view runs, and
what the OpenAPI document is made of; so there is nothing that could be said in two places. The view's name is the
operation's id, its docstring the summary and the description.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Concatenate, Generic, Literal, ParamSpec, TypeVar, cast, overload

from quart import Blueprint, Response

from gateway.management.payloads import Payload, read
from gateway.management.queries import Query

if TYPE_CHECKING:
    from quart import Quart

    from gateway.management.guard import Guard

P = ParamSpec("P")
QueryT = TypeVar("QueryT", bound=Query)
BodyT = TypeVar("BodyT", bound=Payload)

View = Callable[P, Awaitable[Response]]
Method = Literal["GET", "POST", "PUT", "DELETE"]

NAMED = "the request cannot be read"
"""Introduces what is wrong with a body, in areas whose refusals always named it."""


@dataclass(frozen=True, slots=True)
class Body(Generic[BodyT]):
    """A JSON body, and how one that does not fit is refused."""

    model: type[BodyT]
    faults: str = ""
    """With an introduction the refusal says what is wrong, without it is `invalid parameter`."""
    bad_status: int = 200
    first: Callable[[], Awaitable[None]] | None = None
    """Awaited before the body is looked at: limits that count attempts of any kind."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answers."""

    shape: object
    """Of success: a model, a union of models, `str` for plain text, or `None` when browsers are sent elsewhere."""
    can_refuse: bool = True
    """Whether an answer with status 200 may also be a refusal."""
    media_type: str = "text/plain"
    """Of what is no JSON."""
    also: tuple[int, ...] = ()
    """Statuses of refusals beyond those that guard, body and limits bring with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One operation, as declared."""

    method: Method
    path: str
    """As Quart has it: `/api/token/<token_id>`."""
    guard: Guard
    answer: Answer
    body: Body[Payload] | None
    query: type[Query] | None
    tag: str
    operation_id: str
    summary: str
    description: str


@dataclass(frozen=True, slots=True)
class Area:
    """Endpoints that belong together: a blueprint for Quart, a tag in the document."""

    name: str
    tag: str
    blueprint: Blueprint = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "blueprint", Blueprint(self.name, __name__))

    @overload
    def on(
        self, method: Method, path: str, guard: Guard, answer: Answer, *, name: str = ...
    ) -> Callable[[View[P]], View[P]]: ...

    @overload
    def on(
        self, method: Method, path: str, guard: Guard, answer: Answer, *, takes: Body[BodyT], name: str = ...
    ) -> Callable[[View[Concatenate[BodyT, P]]], View[Concatenate[BodyT, P]]]: ...

    @overload
    def on(
        self, method: Method, path: str, guard: Guard, answer: Answer, *, asks: type[QueryT], name: str = ...
    ) -> Callable[[View[Concatenate[QueryT, P]]], View[Concatenate[QueryT, P]]]: ...

    @overload
    def on(
        self,
        method: Method,
        path: str,
        guard: Guard,
        answer: Answer,
        *,
        takes: Body[BodyT],
        asks: type[QueryT],
        name: str = ...,
    ) -> Callable[[View[Concatenate[BodyT, QueryT, P]]], View[Concatenate[BodyT, QueryT, P]]]: ...

    def on(
        self,
        method: Method,
        path: str,
        guard: Guard,
        answer: Answer,
        *,
        takes: Body[BodyT] | None = None,
        asks: type[QueryT] | None = None,
        name: str = "",
    ) -> object:
        """Declare an endpoint. The view is given body, query and parts of the path, in this order.

        `name` is the operation's id where the view's own name would not do: when it has several addresses.
        """

        def declare(view: View[...]) -> View[...]:
            endpoint = Endpoint(
                method=method,
                path=path,
                guard=guard,
                answer=answer,
                body=cast("Body[Payload] | None", takes),
                query=asks,
                tag=self.tag,
                operation_id=name or view.__name__,
                **_told(view),
            )

            async def serve(**parts: str) -> Response:
                given: list[object] = []
                if takes is not None:
                    if takes.first is not None:
                        await takes.first()
                    given.append(await read(takes.model, whole_text=takes.faults, status=takes.bad_status))
                if asks is not None:
                    given.append(asks.sent())
                return await view(*given, **parts)

            serve.guard = guard  # type: ignore[attr-defined]  # functions take attributes
            serve.endpoint = endpoint  # type: ignore[attr-defined]
            self.blueprint.add_url_rule(
                path,
                endpoint=endpoint.operation_id,
                view_func=serve,
                methods=[method],
                provide_automatic_options=False,
            )
            return view

        return declare


def endpoints_of(app: Quart) -> list[Endpoint]:
    """Return what is declared, in the order of the declarations."""
    views = [app.view_functions[rule.endpoint] for rule in app.url_map.iter_rules()]
    return [found for view in views if isinstance(found := getattr(view, "endpoint", None), Endpoint)]


def check_endpoints(app: Quart, is_api: Callable[[str], bool]) -> None:
    """Raise `TypeError` for a route of the API that is not declared here, or an operation's id that two have."""
    for rule in app.url_map.iter_rules():
        if is_api(rule.rule) and not isinstance(
            getattr(app.view_functions[rule.endpoint], "endpoint", None), Endpoint
        ):
            raise TypeError(f"{rule.rule} is no declared endpoint")
    taken: set[str] = set()
    for endpoint in endpoints_of(app):
        if endpoint.operation_id in taken:
            raise TypeError(f"two endpoints are called {endpoint.operation_id}")
        taken.add(endpoint.operation_id)


def _told(view: View[...]) -> dict[str, str]:
    summary, _, description = inspect.cleandoc(view.__doc__ or "").partition("\n\n")
    return {"summary": " ".join(summary.split()).removesuffix("."), "description": description.strip()}
