"""Medians, ratios and the order of rounds."""

from __future__ import annotations

import pytest
from control_group import find_hierarchy, parse_cpu_stat
from measurement import Figure, order_rounds, summarize


def test_a_figure_is_the_median_with_its_extremes() -> None:
    assert summarize([3.0, 1.0, 2.0]) == Figure(2.0, 1.0, 3.0, 3)
    assert summarize([1.0, 2.0]).median == 1.5


def test_nothing_measured_is_no_figure() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        summarize([])


def test_a_ratio_is_of_the_medians() -> None:
    assert Figure(2.0, 1.0, 9.0, 3).divide(Figure(4.0, 4.0, 4.0, 3)) == 0.5
    assert Figure(2.0, 1.0, 9.0, 3).divide(Figure(0.0, 0.0, 0.0, 1)) is None


def test_every_other_round_runs_backwards() -> None:
    assert order_rounds(("a", "b"), 3) == ((0, "a"), (0, "b"), (1, "b"), (1, "a"), (2, "a"), (2, "b"))


def test_cpu_seconds_of_a_version_2_group() -> None:
    assert parse_cpu_stat("usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n") == 2.5


@pytest.mark.parametrize(
    ("mounts", "found"),
    [
        ("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", "/sys/fs/cgroup"),
        ("cgroup /c/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n", "/c/cpu,cpuacct"),
        ("cgroup2 /c/unified cgroup2 rw 0 0\ncgroup /c/cpuacct cgroup rw,cpuacct 0 0\n", "/c/cpuacct"),
    ],
    ids=["version 2", "version 1", "both: version 2 then has no processor time"],
)
def test_the_hierarchy_that_counts_processor_time(mounts: str, found: str) -> None:
    assert str(find_hierarchy(mounts)) == found


def test_no_hierarchy_says_what_to_mount() -> None:
    with pytest.raises(LookupError, match="mount cgroup2"):
        find_hierarchy("proc /proc proc rw 0 0\n")
