"""The seed's own Dockerfile on a stand-in, and what is above a limit."""

from __future__ import annotations

from typing import Any

from bench_bases import SEED, find_excess, write_own_dockerfile


def test_the_seeds_lines_stay_but_for_the_base_and_the_package_index() -> None:
    written = write_own_dockerfile(SEED.read_text(), "a/base:1")
    assert written.startswith("FROM a/base:1\n")
    for line in ("USER root", "USER airflow", "    matplotlib==3.7.2 \\"):
        assert line in written.splitlines()
    runs = [line for line in written.splitlines() if line.startswith("RUN ")]
    assert [line.partition(" . /index.sh && ")[2] for line in runs] == [
        "apt-get update && apt-get install -y --no-install-recommends build-essential \\",
        "pip install --no-cache-dir \\",
    ]
    assert all("type=secret,mode=0444,id=ca" in line for line in runs), "pip runs as the user airflow"


def test_bytecode_does_not_count_and_waste_does() -> None:
    good = {"two stages": {"added": 400_000_000, "bytecode": 70_000_000, "waste": 10_000_000}}
    assert find_excess(good) == []
    bad = {"two stages": {"added": 401_000_000, "bytecode": 70_000_000, "waste": 10_000_001}}
    assert len(find_excess(bad)) == 2


def test_a_way_that_failed_is_said_whatever_the_others_weigh() -> None:
    ways: dict[str, dict[str, Any]] = {"two stages": {"failed": "no network"}, "one stage": {"added": 1}}
    assert find_excess(ways) == ["two stages: no network"]
