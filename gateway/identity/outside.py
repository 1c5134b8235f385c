"""Everything outside that identities depend on, made once by the composition root."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import certifi

from gateway.identity.foreign import Endpoints
from gateway.identity.web import Web
from gateway.mail.courier import Courier
from gateway.site.releases import Releases

if TYPE_CHECKING:
    from gateway.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Third parties, and the post."""

    web: Web
    courier: Courier
    releases: Releases
    """Knows of newer versions, if anybody wants that."""
    endpoints: Endpoints = field(default_factory=Endpoints)

    @classmethod
    def of(cls, services: Services, *, tls: ssl.SSLContext | None = None, is_leader: bool = True) -> Outside:
        """Return what the settings name. The caller runs courier and releases, which are services."""
        settings = services.settings
        courier = Courier(services.registry, verifies=settings.force_email_tls_verify, journal=services.journal)
        web = Web(tls or ssl.create_default_context(cafile=certifi.where()))
        return cls(web=web, courier=courier, releases=Releases(services, web, asks=is_leader))
