"""A wire as a `Transport`, so that whoever sends a request need not know which provider wants what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.wires.types import Call

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.providers.provider import Provider
    from adapters.transport.types import Transport, UpstreamRequest, UpstreamResponse, UpstreamSocket
    from adapters.wires.tokens import TokenKeeper
    from adapters.wires.types import Account, Wire


class Wires:
    """All wires over one transport."""

    def __init__(self, transport: Transport, keeper: TokenKeeper, wires: Mapping[str, Wire]) -> None:
        self._transport = transport
        self._keeper = keeper
        self._wires = wires

    def over(
        self,
        provider: Provider,
        account: Account,
        *,
        endpoint: str,
        model: str,
        streams: bool,
    ) -> Transport:
        """Return what carries one request to `provider`."""
        if not provider.wire:
            return self._transport
        call = Call(account=account, endpoint=endpoint, model=model, streams=streams)
        return _Wired(self._wires[provider.wire], call, self._transport)

    def refused(self, provider: Provider, account: Account) -> None:
        """The provider refused the account: a token of it is fetched anew the next time."""
        if provider.wire:
            self._keeper.forget(account.token_name)


class _Wired:
    def __init__(self, wire: Wire, call: Call, transport: Transport) -> None:
        self._wire = wire
        self._call = call
        self._transport = transport

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """See `adapters.transport.types.Transport`. Raises `CredentialError`, too."""
        if self._wire.authorizer is not None:
            request = await self._wire.authorizer.authorize(request, self._call, self._transport)
        if self._wire.carrier is not None:
            return await self._wire.carrier.send(request, self._call, self._transport)
        return await self._transport.send(request)

    async def open_socket(self, request: UpstreamRequest, subprotocols: Sequence[str]) -> UpstreamSocket:
        """See `adapters.transport.types.Transport`."""
        if self._wire.authorizer is not None:
            request = await self._wire.authorizer.authorize(request, self._call, self._transport)
        return await self._transport.open_socket(request, subprotocols)
