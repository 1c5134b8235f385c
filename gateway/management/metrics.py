"""`/metrics` for Prometheus, which sends an administrator's access token as its bearer token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from quart import Blueprint, Response

from gateway.management.guard import needs
from storage.records import Role

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


def blueprint(registry: CollectorRegistry) -> Blueprint:
    """Return the route."""
    area = Blueprint("metrics", __name__)

    @area.get("/metrics")
    @needs(Role.ADMIN)
    async def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    return area
