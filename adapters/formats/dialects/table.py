"""The dialects by the name that rows of the catalogue give them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from adapters.formats.dialects import (
    aiproxy,
    ali,
    baidu,
    cohere,
    converse,
    coze,
    deepl,
    ollama,
    palm,
    replicate,
    tencent,
    xunfei,
    zhipu,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.formats.dialects.dialect import Dialect

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "aiproxy_library": aiproxy.DIALECT,
        "baidu": baidu.DIALECT,
        "cohere": cohere.DIALECT,
        "converse": converse.DIALECT,
        "coze": coze.DIALECT,
        "dashscope": ali.DIALECT,
        "deepl": deepl.DIALECT,
        "ollama": ollama.DIALECT,
        "palm": palm.DIALECT,
        "replicate": replicate.DIALECT,
        "tencent": tencent.DIALECT,
        "xunfei": xunfei.DIALECT,
        "zhipu": zhipu.DIALECT,
    }
)
