"""The names of all forms for pictures, for those who check rows and need no codec."""

from __future__ import annotations

PAINTER_NAMES = frozenset({"cloudflare", "dashscope", "imagen", "replicate", "xai", "zhipu"})
"""What the field `pictures` of a row may hold."""
