"""The wires by the name that rows of the catalogue give them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from adapters.wires import xunfei
from adapters.wires.ali import AliAuthorizer, AliTasks
from adapters.wires.baidu import BaiduAuthorizer
from adapters.wires.bedrock.carrier import BedrockCarrier
from adapters.wires.coze import CozeAuthorizer
from adapters.wires.framing import Lines, WholeAsEvent
from adapters.wires.messages_path import MessagesPath
from adapters.wires.replicate import ReplicateCarrier
from adapters.wires.tencent import TencentAuthorizer
from adapters.wires.types import Wire
from adapters.wires.vertex.authorizer import VertexAuthorizer
from adapters.wires.vertex.carrier import VertexCarrier
from adapters.wires.zhipu import ZhipuAuthorizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.wires.tokens import TokenKeeper


def make_wires(keeper: TokenKeeper) -> Mapping[str, Wire]:
    """Return all wires; tokens are kept by `keeper`."""
    return MappingProxyType(
        {
            "baidu": Wire(authorizer=BaiduAuthorizer(keeper)),
            "bedrock": Wire(carrier=BedrockCarrier()),
            "coze": Wire(authorizer=CozeAuthorizer(keeper)),
            "dashscope": Wire(authorizer=AliAuthorizer(), carrier=AliTasks()),
            "dashscope_tasks": Wire(carrier=AliTasks()),
            "lines": Wire(carrier=Lines()),
            "messages_path": Wire(carrier=MessagesPath()),
            "replicate": Wire(carrier=ReplicateCarrier()),
            "tencent": Wire(authorizer=TencentAuthorizer()),
            "vertex": Wire(authorizer=VertexAuthorizer(keeper), carrier=VertexCarrier()),
            "whole": Wire(carrier=WholeAsEvent()),
            "xunfei": Wire(authorizer=xunfei.XunfeiAuthorizer(), carrier=xunfei.carrier()),
            "zhipu": Wire(authorizer=ZhipuAuthorizer()),
        }
    )
