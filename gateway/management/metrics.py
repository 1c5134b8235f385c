"""`/metrics` for Prometheus, which sends an administrator's access token as its bearer token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from quart import Response

from gateway.management.contract import Answer, Area
from gateway.management.guard import for_role
from storage.records import Role

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from quart import Blueprint


def blueprint(registry: CollectorRegistry) -> Blueprint:
    """Return the route."""
    area = Area("metrics", "Site")

    @area.on("GET", "/metrics", for_role(Role.ADMIN), Answer(str, can_refuse=False))
    async def metrics() -> Response:
        """Return figures in Prometheus's text format.

        Prometheus sends an administrator's access token as its bearer token. There is no such address while
        `ENABLE_PROMETHEUS_METRICS` is off.
        """
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    return area.blueprint
