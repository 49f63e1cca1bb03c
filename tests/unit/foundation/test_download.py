"""How many bytes a pull would bring: what the registry says, and what follows for the disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from runtime_factory import make_runtime

from builder.core.errors import DiskFullError, ToolTimeoutError
from builder.core.process import Command, ProcessResult
from builder.foundation.download import ASKED_BELOW, check_room, query_download_bytes

if TYPE_CHECKING:
    from builder.core.runtime import Runtime

REFERENCE = "registry.example/python:3.11-slim"
AMD, ARM = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
INDEX = {
    "manifests": [
        {"digest": ARM, "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
        {"digest": f"sha256:{'c' * 64}", "platform": {"os": "unknown", "architecture": "unknown"}},
        {"digest": AMD, "platform": {"os": "linux", "architecture": "amd64"}},
    ]
}
LAYERS = {"layers": [{"size": 40_000_000}, {"size": 10_000_000}]}
NEEDED = 175_000_000


class FakeRegistry:
    """Reference → the document there; what is not there is refused."""

    def __init__(self, **documents: Any) -> None:
        self.documents = {REFERENCE: documents.get("tag"), f"registry.example/python@{AMD}": documents.get("amd")}
        self.asked: list[str] = []

    def run(self, command: Command, **_callbacks: Any) -> ProcessResult:
        self.asked.append(command.argv[-1])
        found = self.documents.get(command.argv[-1])
        return ProcessResult(command, int(found is None), json.dumps(found), "ERROR: not found")


class SlowRegistry:
    def run(self, command: Command, **_callbacks: Any) -> ProcessResult:
        assert isinstance(command.timeout, float)
        raise ToolTimeoutError("docker", command.timeout)


def use(registry: FakeRegistry | SlowRegistry) -> Runtime:
    return make_runtime(Path("/nowhere"), {"PATH": "/bin"}, runner=registry)


@pytest.mark.parametrize(
    ("registry", "platform", "size"),
    [
        (FakeRegistry(tag=LAYERS), "linux/amd64", 50_000_000),
        (FakeRegistry(tag=INDEX, amd=LAYERS), "linux/amd64", 50_000_000),
        (FakeRegistry(tag=INDEX, amd=LAYERS), "linux/arm64/v7", None),
        (FakeRegistry(tag=INDEX), "linux/amd64", None),
        (FakeRegistry(tag={"manifests": "none"}), "linux/amd64", None),
        (FakeRegistry(tag={"layers": 3}), "linux/amd64", None),
        (FakeRegistry(), "linux/amd64", None),
        (SlowRegistry(), "linux/amd64", None),
    ],
)
def test_the_compressed_bytes_of_one_platform(
    registry: FakeRegistry | SlowRegistry, platform: str, size: int | None
) -> None:
    assert query_download_bytes(use(registry), REFERENCE, platform) == size


def test_what_does_not_fit_is_refused_with_numbers() -> None:
    runtime = use(FakeRegistry(tag=LAYERS))
    check_room(runtime, NEEDED, REFERENCE, "linux/amd64")
    with pytest.raises(DiskFullError) as caught:
        check_room(runtime, NEEDED - 1, REFERENCE, "linux/amd64")
    assert f"{REFERENCE} has 50 MB compressed and needs about 175 MB" in caught.value.message
    assert f"docker pull {REFERENCE}" in str(caught.value.hint)


@pytest.mark.parametrize("free", [None, ASKED_BELOW])
def test_where_it_cannot_matter_no_registry_is_asked(free: int | None) -> None:
    registry = FakeRegistry(tag=LAYERS)
    check_room(use(registry), free, REFERENCE, "linux/amd64")
    assert registry.asked == []


def test_a_registry_that_does_not_answer_stops_nothing() -> None:
    check_room(use(SlowRegistry()), 1, REFERENCE, "linux/amd64")
