"""Everything that the control plane is given, made once by the composition root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.providers.catalogue import Catalogue
    from adapters.transport.types import Transport
    from adapters.wires.wired import Wires
    from gateway.cluster.types import Bus, Windows
    from gateway.config.settings import Settings
    from gateway.ledger.writer import LedgerWriter
    from gateway.lifecycle_types import Phase
    from gateway.observe.types import Journal
    from gateway.registry.accounts import AccountCache
    from gateway.registry.registry import Registry
    from gateway.relay.running import Running
    from storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Passed by argument to whoever needs it; views take what they use and nothing is global."""

    settings: Settings
    database: Database
    log_database: Database
    """Where `logs` lives: the same object as `database` unless `LOG_SQL_DSN` is set."""
    registry: Registry
    accounts: AccountCache
    ledger: LedgerWriter
    bus: Bus
    windows: Windows
    journal: Journal
    transport: Transport
    wires: Wires
    catalogue: Catalogue
    running: Running
    phase: Phase
