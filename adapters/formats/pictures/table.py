"""The forms by the name that rows of the catalogue give them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from adapters.formats.pictures import ali, cloudflare, imagen, plain, replicate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.formats.pictures.painter import Painter

PAINTERS: Mapping[str, Painter] = MappingProxyType(
    {
        "cloudflare": cloudflare.PAINTER,
        "dashscope": ali.PAINTER,
        "imagen": imagen.PAINTER,
        "replicate": replicate.PAINTER,
        "xai": plain.XAI,
        "zhipu": plain.ZHIPU,
    }
)
