"""What a change moves: bytes pushed of each bump, bytes pulled onto overlay2, an identical rebuild, another project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench import OURS
from session import open_other_engine

if TYPE_CHECKING:
    from bench import Bench
    from session import Engine

PART = "transfer"
REPOSITORY = f"whole-{OURS}"
IDENTICAL = "identical"


def run(bench: Bench) -> None:
    with open_other_engine(bench.session, "puller") as puller:
        for name in bench.bumps:
            bench.record(PART, name, 0, lambda chosen=name: measure_bump(bench, puller, chosen))  # type: ignore[misc]  # mypy: lambda with default
    bench.record(PART, IDENTICAL, 0, lambda: measure_identical(bench))


def measure_bump(bench: Bench, puller: Engine, name: str) -> dict[str, Any]:
    """The image with the bump: pushed where the whole is, pulled where the whole is."""
    push_whole(bench)
    address = bench.session.registry.address
    if puller.find_image(f"{address}/{REPOSITORY}:1") is None:
        puller.run("pull", "--quiet", f"{address}/{REPOSITORY}:1")
    folder = bench.bump(name)
    result = bench.ours.build(folder)
    pushed = bench.session.push(str(result["image_id"]), REPOSITORY, name)
    reference = f"{address}/{REPOSITORY}:{name}"
    pulled = bench.session.registry.count_pulled_bytes(lambda: puller.run("pull", "--quiet", reference))
    puller.run("rmi", reference)
    return {"pushed": pushed, "pulled": pulled, "unpacked": result["bytes"]}


def measure_identical(bench: Bench) -> dict[str, Any]:
    """The same once more from empty caches, pushed again."""
    push_whole(bench)
    bench.make_cold(OURS)
    bench.build_cold(OURS)
    return {"pushed": bench.session.push(OURS, REPOSITORY, "again")}


def push_whole(bench: Bench) -> None:
    """No bytes where it is there."""
    bench.session.push(bench.ensure(OURS), REPOSITORY, "1")
