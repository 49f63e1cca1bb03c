"""The build cache: which bytes are idle, and the one command that removes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from builder.core.errors import ToolFailedError
from builder.core.process import ProcessResult
from builder.engine.buildcache import IdleCache, make_prune_argv, measure_idle_cache, prune_build_cache, sum_idle_bytes

if TYPE_CHECKING:
    from builder.core.process import Command

NOW = 1_700_000_000.0
OLD = "2023-11-01T00:00:00.123456789Z"
NEW = "2023-11-14T22:13:19Z"


def record(size: int, used: str = OLD, **more: bool) -> dict[str, Any]:
    return {"Size": size, "InUse": False, "Shared": False, "LastUsedAt": used, **more}


def test_only_what_nothing_uses_and_no_image_holds_is_idle() -> None:
    records = [record(1), record(2, InUse=True), record(4, Shared=True), record(8, NEW)]
    assert sum_idle_bytes(records, 0, NOW) == 9
    assert sum_idle_bytes(records, 3600, NOW) == 1
    assert sum_idle_bytes([{"Size": 3}], 3600, NOW) == 3


class Buildx:
    """Answers as buildx does, and remembers what it was asked."""

    def __init__(self, driver: str, du: str = "", code: int = 0) -> None:
        self.driver, self.du, self.code = driver, du, code
        self.asked: list[tuple[str, ...]] = []

    def run(self, command: Command, **_callbacks: object) -> ProcessResult:
        self.asked.append(command.argv)
        if "inspect" in command.argv:
            return ProcessResult(command, 0, f"Name: mine\nDriver: {self.driver}\n\nNodes:\nName: mine0\n", "")
        if "version" in command.argv:
            return ProcessResult(command, 0, "github.com/docker/buildx v0.13.1 abc", "")
        return ProcessResult(command, self.code, self.du, "it failed")

    def usage(self, kind: str) -> dict[str, Any]:
        assert kind == "build-cache"
        return {"BuildCache": [record(7), record(9, NEW)]}


def test_the_engines_own_builder_is_asked_byte_by_byte() -> None:
    buildx = Buildx("docker")
    assert measure_idle_cache(buildx, buildx, {}, 3600, NOW) == IdleCache("mine", 7)


@pytest.mark.parametrize(
    ("du", "found"), [("Shared:\t1MB\nReclaimable:\t1.5GB\nTotal:\t2GB\n", 1_500_000_000), ("no such thing", None)]
)
def test_another_builder_tells_rounded_bytes_or_none(du: str, found: int | None) -> None:
    buildx = Buildx("docker-container", du)
    assert measure_idle_cache(buildx, buildx, {}, 0, NOW) == IdleCache("mine", found, exact=False)


def test_only_this_builder_only_what_is_old_and_never_all() -> None:
    assert make_prune_argv("mine", 345600.0) == (
        *("docker", "buildx", "prune", "--builder", "mine", "--force", "--filter", "until=345600s"),
    )
    with pytest.raises(ToolFailedError, match="it failed"):
        prune_build_cache(Buildx("docker", code=1), {}, "mine", 0)
