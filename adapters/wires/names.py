"""The names of all wires, for those who check rows and need not make them."""

from __future__ import annotations

WIRE_NAMES = frozenset(
    {
        "baidu",
        "bedrock",
        "coze",
        "dashscope",
        "dashscope_tasks",
        "lines",
        "messages_path",
        "replicate",
        "tencent",
        "vertex",
        "whole",
        "xunfei",
        "zhipu",
    }
)
"""What the field `wire` of a row may hold."""
