"""Which engine is meant, by environment and context store."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from builder.core.errors import EngineMissingError, ExitCode
from builder.engine.endpoint import DEFAULT_HOST, Endpoint, resolve_endpoint

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A docker configuration folder whose store has the context ``far``, with certificates."""
    folder = tmp_path / ".docker"
    identity = hashlib.sha256(b"far").hexdigest()
    meta = folder / "contexts/meta" / identity / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": "far", "Endpoints": {"docker": {"Host": "tcp://far:2376"}}}))
    (folder / "contexts/tls" / identity / "docker").mkdir(parents=True)
    return folder


def test_no_setting_means_the_default_socket(tmp_path: Path) -> None:
    assert resolve_endpoint({"HOME": str(tmp_path)}) == Endpoint(DEFAULT_HOST)


def test_docker_host_wins_over_a_context(config: Path) -> None:
    env = {"DOCKER_CONFIG": str(config), "DOCKER_CONTEXT": "far", "DOCKER_HOST": "tcp://near:2375"}
    assert resolve_endpoint(env).host == "tcp://near:2375"


def test_docker_context_is_looked_up_in_the_store(config: Path) -> None:
    found = resolve_endpoint({"HOME": str(config.parent), "DOCKER_CONTEXT": "far"})
    assert found.host == "tcp://far:2376"
    assert found.certificates is not None
    assert found.verify


def test_the_current_context_of_the_configuration_counts(config: Path) -> None:
    (config / "config.json").write_text('{"currentContext": "far"}')
    assert resolve_endpoint({"DOCKER_CONFIG": str(config)}).host == "tcp://far:2376"
    assert resolve_endpoint({"DOCKER_CONFIG": str(config), "DOCKER_CONTEXT": "default"}).host == DEFAULT_HOST


def test_an_unknown_context_is_an_engine_that_is_missing(config: Path) -> None:
    with pytest.raises(EngineMissingError, match="'nowhere'") as caught:
        resolve_endpoint({"DOCKER_CONFIG": str(config), "DOCKER_CONTEXT": "nowhere"})
    assert caught.value.exit_code is ExitCode.ENGINE
    assert "make engine" in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"currentContext": null}'])
def test_a_broken_configuration_is_none(config: Path, text: str) -> None:
    (config / "config.json").write_text(text)
    assert resolve_endpoint({"DOCKER_CONFIG": str(config)}).host == DEFAULT_HOST


def test_tls_settings_come_from_the_environment(tmp_path: Path) -> None:
    env = {"DOCKER_HOST": "tcp://near:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    assert resolve_endpoint(env) == Endpoint("tcp://near:2376", tmp_path, verify=True)
    assert not resolve_endpoint({"DOCKER_HOST": "tcp://x:1", "DOCKER_CERT_PATH": str(tmp_path)}).verify
