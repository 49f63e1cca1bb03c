"""When two builds are the same: every part that counts, every way to write it, and what does not count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from builder.compose.load.builds import build_of
from builder.compose.model import Build

PLAIN: dict[str, Any] = {"context": "/p", "dockerfile": "Dockerfile"}


def test_no_build() -> None:
    assert build_of(None) is None
    assert build_of([]) is None


@pytest.mark.parametrize(
    "found",
    [
        "/p",
        "/p/",
        {"context": "/p/."},
        {"context": "/p", "dockerfile": "./Dockerfile"},
        {"context": "/p", "dockerfile": "/p/Dockerfile"},
        {"context": "/p", "dockerfile": "x/../Dockerfile"},
        {"context": "/p", "dockerfile": ""},
        {**PLAIN, "args": {}, "labels": [], "target": "", "privileged": False, "platforms": []},
        {**PLAIN, "cache_from": ["a"], "cache_to": ["b"], "no_cache": True, "pull": True, "tags": ["x:1"]},
    ],
)
def test_the_same_build(found: Any) -> None:
    assert build_of(found) == build_of(PLAIN) == Build("/p")


@pytest.mark.parametrize(
    "more",
    [
        {"context": "/p/q"},
        {"context": "https://example.com/x.git#main"},
        {"dockerfile": "Dockerfile.airflow"},
        {"dockerfile": "/elsewhere/Dockerfile"},
        {"dockerfile_inline": "FROM x"},
        {"target": "final"},
        {"args": {"A": "1"}},
        {"args": ["A"]},
        {"secrets": ["s"]},
        {"additional_contexts": {"a": "/x"}},
        {"platforms": ["linux/arm64"]},
        {"labels": {"a": "b"}},
        {"network": "host"},
        {"ssh": ["default"]},
        {"shm_size": "128m"},
        {"extra_hosts": ["a:1.2.3.4"]},
        {"privileged": True},
        {"ulimits": {"nofile": 10}},
        {"isolation": "process"},
        {"entitlements": ["network.host"]},
        {"some_future_key": "x"},
    ],
    ids=lambda more: next(iter(more)),
)
def test_another_build(more: dict[str, Any]) -> None:
    assert build_of({**PLAIN, **more}) != build_of(PLAIN)
    assert build_of({**PLAIN, **more}) == build_of({**PLAIN, **more})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"args": ["B=2", "A=1", "C", "D="]}, {"args": {"A": 1, "B": "2", "C": None, "D": ""}}),
        ({"args": {"A": True}}, {"args": ["A=true"]}),
        ({"args": ["A=b=c"]}, {"args": {"A": "b=c"}}),
        ({"labels": ["a=b"]}, {"labels": {"a": "b"}}),
        ({"ssh": ["default"]}, {"ssh": {"default": None}}),
        ({"extra_hosts": ["a:::1"]}, {"extra_hosts": {"a": "::1"}}),
        ({"extra_hosts": ["a=1.2.3.4"]}, {"extra_hosts": ["a:1.2.3.4"]}),
        ({"additional_contexts": ["a=/x/"]}, {"additional_contexts": {"a": "/x"}}),
        ({"secrets": ["s"]}, {"secrets": [{"source": "s"}]}),
        ({"secrets": [{"source": "s", "target": "s"}]}, {"secrets": ["s"]}),
        ({"secrets": ["a", "b"]}, {"secrets": ["b", "a"]}),
        ({"platforms": ["b", "a"]}, {"platforms": ["a", "b"]}),
        ({"dockerfile_inline": "FROM x", "dockerfile": "y"}, {"dockerfile_inline": "FROM x"}),
    ],
)
def test_one_meaning_in_two_forms(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert build_of({**PLAIN, **one}) == build_of({**PLAIN, **other})


def test_a_secret_with_another_target_differs() -> None:
    assert build_of({**PLAIN, "secrets": [{"source": "s", "target": "t"}]}) != build_of({**PLAIN, "secrets": ["s"]})


def test_the_platform_of_the_service_is_what_is_built() -> None:
    assert build_of(PLAIN, platform="linux/arm64") != build_of(PLAIN)
    both = build_of({**PLAIN, "platforms": ["linux/amd64", "linux/arm64"]}, platform="linux/arm64")
    assert both == build_of({**PLAIN, "platforms": ["linux/arm64"]})


def test_what_is_read() -> None:
    found = build_of({**PLAIN, "context": "/p/q/", "dockerfile": "/p/q/d/File", "tags": ["x:1"], "args": ["A=1", "B"]})
    assert found == Build("/p/q", "d/File", args=(("A", "1"), ("B", None)))
    assert found is not None
    assert found.tags == ("x:1",)
    assert found.dockerfile_path == Path("/p/q/d/File")
    remote = build_of({"context": "https://example.com/x.git#main", "dockerfile": "Dockerfile"})
    assert remote is not None
    assert (remote.context, remote.dockerfile_path) == ("https://example.com/x.git#main", None)


def test_values_that_may_be_secret_are_in_no_repr() -> None:
    found = build_of({**PLAIN, "args": {"A": "canary"}, "labels": {"a": "canary"}, "dockerfile_inline": "RUN canary"})
    assert "canary" not in f"{found!r} {found}"
