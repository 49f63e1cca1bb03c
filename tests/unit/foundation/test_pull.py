"""A pull, its attempts, and what is said of one that cannot succeed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from note_progress import NoteProgress
from runtime_factory import make_runtime

from builder.core.errors import BaseRefusedError, BaseUnreachableError, ExitCode, Where
from builder.core.process import Command, ProcessResult
from builder.core.retry import RetryPolicy
from builder.foundation.pull import pull_image
from builder.foundation.request import FoundationRequest

REFERENCE = "registry.example/python:3.11-slim"


class FakeDocker:
    """Fails with these words, one after the other, and succeeds then."""

    def __init__(self, *words: str) -> None:
        self.words = list(words)
        self.commands: list[tuple[str, ...]] = []

    def run(self, command: Command, *, on_out: Any = None, on_err: Any = None) -> ProcessResult:
        self.commands.append(command.argv)
        assert on_err is None
        for line in ("3.11-slim: Pulling from python", "0123456789ab: Pulling fs layer", "0123456789ab: Pull complete"):
            on_out(line)
        if self.words:
            return ProcessResult(command, 1, "", f"Error response from daemon: {self.words.pop(0)}\n")
        return ProcessResult(command, 0, "", "")


def pull(docker: FakeDocker, reference: str = REFERENCE) -> tuple[list[float], list[str]]:
    """The pauses between the attempts, and the notes."""
    slept: list[float] = []
    progress = NoteProgress()
    policy = RetryPolicy(sleep=slept.append, draw=lambda: 0.5)
    request = FoundationRequest(
        "image", REFERENCE, "linux/amd64", "3.11", where=Where("optbuild.toml", 4, "base.image")
    )
    runtime = make_runtime(Path("/nowhere"), {"PATH": "/bin"}, runner=docker, progress=progress)
    pull_image(runtime, request, reference, policy=policy)
    return slept, progress.notes


def test_it_is_pulled_for_the_platform_of_the_lock() -> None:
    docker = FakeDocker()
    assert pull(docker) == ([], [])
    assert docker.commands == [("docker", "pull", "--platform", "linux/amd64", REFERENCE)]


@pytest.mark.parametrize(
    "words",
    [
        "toomanyrequests: You have reached your pull rate limit",
        "received unexpected HTTP status: 429 Too Many Requests",
        "received unexpected HTTP status: 500 Internal Server Error",
        "received unexpected HTTP status: 503 Service Unavailable",
        "error pulling image configuration: download failed after attempts=6: unexpected EOF",
        'Get "https://registry.example/v2/": read tcp 10.0.0.1:1: read: connection reset by peer',
        'Get "https://registry.example/v2/": net/http: TLS handshake timeout',
    ],
)
def test_what_passes_is_tried_again(words: str) -> None:
    docker = FakeDocker(words, words)
    slept, notes = pull(docker)
    assert slept == [0.75, 1.5]
    assert len(docker.commands) == 3
    assert notes[0].startswith(f"attempt 1 of 5 failed, the next in 0.8 s: cannot pull {REFERENCE}: ")


def test_after_five_attempts_it_is_given_up() -> None:
    docker = FakeDocker(*["received unexpected HTTP status: 503 Service Unavailable"] * 9)
    with pytest.raises(BaseUnreachableError, match="503 Service Unavailable") as caught:
        pull(docker)
    assert len(docker.commands) == 5
    assert caught.value.exit_code is ExitCode.ENGINE


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("filesystem layer verification failed for digest sha256:12", "the bytes are not those of the digest"),
        (
            "image verification failed for digest sha256:12: received unexpected HTTP status: 429",
            "not those of the digest",
        ),
        ("layers from manifest don't match image configuration: 500 digest", "the bytes are not those"),
        ("manifest for registry.example/python:3.11-slim not found: manifest unknown", "spelt as the registry has it"),
        ("pull access denied for python, repository does not exist or may require 'docker login'", "docker login"),
        ("Head https://registry.example/v2/: unauthorized: 503", "docker login"),
        ("dial tcp 127.0.0.1:1: connect: connection refused", "is the registry reachable from the engine?"),
    ],
)
def test_what_does_not_pass_is_tried_once(words: str, hint: str) -> None:
    docker = FakeDocker(words)
    with pytest.raises(BaseUnreachableError) as caught:
        pull(docker)
    assert len(docker.commands) == 1
    assert words in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    "words",
    [
        "no matching manifest for linux/amd64 in the manifest list entries",
        'image operating system "windows" cannot be used on this platform: operating system is not supported',
        "image with reference x was found but does not match the specified platform: wanted linux/amd64, actual: other",
    ],
)
def test_an_image_for_other_platforms_is_refused(words: str) -> None:
    docker = FakeDocker(words)
    with pytest.raises(BaseRefusedError) as caught:
        pull(docker)
    assert (len(docker.commands), caught.value.exit_code) == (1, ExitCode.USAGE)
    assert f"{REFERENCE} is not there for linux/amd64: {words}" in caught.value.message
    assert "--platform" in (caught.value.hint or "")
    assert caught.value.where is not None


def test_a_digest_that_the_registry_no_longer_has_names_the_way_out() -> None:
    with pytest.raises(BaseUnreachableError) as caught:
        pull(FakeDocker("manifest unknown"), f"registry.example/python@sha256:{'1' * 64}")
    assert "optbuild lock --refresh-base" in (caught.value.hint or "")


def test_a_login_in_the_engines_words_is_masked() -> None:
    with pytest.raises(BaseUnreachableError) as caught:
        pull(FakeDocker('Get "https://me:s3cr3t-4711@registry.example/v2/": proxyconnect refused'))
    assert "s3cr3t" not in str(caught.value)
