from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.cluster.members import PrivateRedis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def private_redis(tmp_path: Path) -> Iterator[PrivateRedis]:
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server here")
    redis = PrivateRedis(tmp_path)
    yield redis
    redis.stop()
