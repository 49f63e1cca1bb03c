"""Volumes and the build cache, as the engine tells of them."""

from __future__ import annotations

from container_samples import CONTAINER

from builder.store.model import BuildCache, Volume
from builder.store.projects import parse_containers
from builder.store.usage import parse_build_cache, parse_volumes


def test_volumes_with_who_uses_them() -> None:
    answer = {
        "Volumes": [
            {"Name": "small", "UsageData": {"Size": 5}},
            {"Name": "data", "UsageData": {"Size": 50}, "Labels": {"com.docker.compose.project": "shop"}},
            {"Name": "dark", "UsageData": {"Size": -1}},
            {"Name": "darker", "UsageData": None},
        ]
    }
    found = parse_volumes(answer, parse_containers([CONTAINER]))
    assert found[0] == Volume("data", 50, ("shop-web-1",), ("shop",))
    assert [(one.name, one.bytes) for one in found[1:]] == [("small", 5), ("dark", None), ("darker", None)]
    assert parse_volumes({"Volumes": None}, ()) == ()


def test_the_build_cache() -> None:
    records = [
        {"Size": 10, "InUse": False, "Shared": False},
        {"Size": 20, "InUse": True, "Shared": False},
        {"Size": 40, "InUse": False, "Shared": True},
    ]
    assert parse_build_cache({"BuildCache": records}) == BuildCache(bytes=30, shared=40, idle=10, records=3)
    assert parse_build_cache({}) == BuildCache(0, 0, 0, 0)
