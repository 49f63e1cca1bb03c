"""When two builds are the same: every part that counts, every way to write it, and what does not count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from builder.compose.load.builds import parse_build
from builder.compose.model import Build

PLAIN: dict[str, Any] = {"context": "/p", "dockerfile": "Dockerfile"}


def test_no_build() -> None:
    assert parse_build(None) is None
    assert parse_build([]) is None


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
    assert parse_build(found) == parse_build(PLAIN) == Build("/p")


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
    assert parse_build({**PLAIN, **more}) != parse_build(PLAIN)
    assert parse_build({**PLAIN, **more}) == parse_build({**PLAIN, **more})


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
    assert parse_build({**PLAIN, **one}) == parse_build({**PLAIN, **other})


def test_a_secret_with_another_target_differs() -> None:
    assert parse_build({**PLAIN, "secrets": [{"source": "s", "target": "t"}]}) != parse_build(
        {**PLAIN, "secrets": ["s"]}
    )


def test_the_platform_of_the_service_is_what_is_built() -> None:
    assert parse_build(PLAIN, platform="linux/arm64") != parse_build(PLAIN)
    both = parse_build({**PLAIN, "platforms": ["linux/amd64", "linux/arm64"]}, platform="linux/arm64")
    assert both == parse_build({**PLAIN, "platforms": ["linux/arm64"]})


def test_what_is_read() -> None:
    found = parse_build(
        {**PLAIN, "context": "/p/q/", "dockerfile": "/p/q/d/File", "tags": ["x:1"], "args": ["A=1", "B"]}
    )
    assert found == Build("/p/q", "d/File", args=(("A", "1"), ("B", None)))
    assert found is not None
    assert found.tags == ("x:1",)
    assert found.dockerfile_path == Path("/p/q/d/File")
    remote = parse_build({"context": "https://example.com/x.git#main", "dockerfile": "Dockerfile"})
    assert remote is not None
    assert (remote.context, remote.dockerfile_path) == ("https://example.com/x.git#main", None)


def test_values_that_may_be_secret_are_in_no_repr() -> None:
    found = parse_build(
        {**PLAIN, "args": {"A": "canary"}, "labels": {"a": "canary"}, "dockerfile_inline": "RUN canary"}
    )
    assert "canary" not in f"{found!r} {found}"
