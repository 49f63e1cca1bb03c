"""Volumes and the build cache, as the engine tells of them."""

from __future__ import annotations

from builder.store.model import BuildCache, Volume
from builder.store.projects import parse_containers
from builder.store.usage import parse_build_cache, parse_volumes

LABELS = {
    "com.docker.compose.project": "shop",
    "com.docker.compose.project.working_dir": "/srv/shop",
    "com.docker.compose.project.config_files": "/srv/shop/compose.yaml,/srv/shop/more.yaml",
    "com.docker.compose.project.environment_file": "/srv/shop/prod.env",
}


CONTAINER = {
    "Id": "c1",
    "Names": ["/other/alias", "/shop-web-1"],
    "ImageID": "sha256:1",
    "Image": "app:1",
    "State": "exited",
    "Labels": LABELS,
    "Mounts": [{"Type": "volume", "Name": "data"}, {"Type": "bind", "Source": "/x"}],
}


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
