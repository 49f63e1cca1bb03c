"""Files that keep Compose busy, or send it to the network: plan answers soon, with the line, and asks nobody."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
MAIN = "from builder.cli.executable import main; main()"
SERVICES = "services:\n  a: {build: .}\n  b: {build: .}\n"
CHAIN = "".join(f"  s{n}: {{extends: {{service: s{n - 1}}}}}\n" for n in range(1, 1500))


def double(levels: int) -> str:
    lines = ["x-a0: &a0 [v]", *(f"x-a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, levels + 1))]
    return "\n".join((*lines, SERVICES))


def plan(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return run(folder, "plan", *words, **env)


def run(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-c", MAIN, *words),
        cwd=folder,
        env={**os.environ, "DOCKER_HOST": f"unix://{folder}/none", "PYTHONPATH": str(ROOT), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("files", "where", "words"),
    [
        ({"compose.yaml": double(20)}, "compose.yaml:21", "Compose would copy each of them"),
        ({"compose.yaml": "include: [b.yaml]\n", "b.yaml": double(40)}, "b.yaml:", "Compose would copy each of them"),
        ({"compose.yaml": f"services:\n  s0: {{build: .}}\n{CHAIN}"}, "compose.yaml:", "extend each other over more"),
        (
            {"compose.yaml": "include: [b.yaml]\n", "b.yaml": "include: [compose.yaml]\n"},
            "compose.yaml",
            "include cycle detected",
        ),
        ({"compose.yaml": f"x: {'[' * 5000}{']' * 5000}\n{SERVICES}"}, "compose.yaml", "nested too deep"),
    ],
    ids=["aliases", "aliases of an included file", "a chain of services", "a circle of files", "brackets"],
)
def test_it_is_refused_within_seconds(tmp_path: Path, files: dict[str, str], where: str, words: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "Dockerfile").write_text("FROM apache/airflow:2.8.1\n")
    started = time.monotonic()
    done = plan(tmp_path)
    assert done.returncode == 2, done.stderr
    assert where in done.stderr
    assert words in done.stderr
    assert time.monotonic() - started < 45


def test_what_only_compose_finds_out_ends_at_the_limit(tmp_path: Path) -> None:
    """A service's env file that is a pipe: nobody ever writes to it."""
    os.mkfifo(tmp_path / "pipe.env")
    (tmp_path / "compose.yaml").write_text("services: {a: {image: x, env_file: pipe.env}}\n")
    started = time.monotonic()
    done = plan(tmp_path, OPTBUILD_COMPOSE_SECONDS="2")
    assert done.returncode == 3, done.stderr
    assert "did not answer within 2 s; optbuild waited for Compose to say what the files mean" in done.stderr
    assert "OPTBUILD_COMPOSE_SECONDS=10 waits longer" in done.stderr
    assert time.monotonic() - started < 20


class Listener:
    """A port that counts who asks, and hangs up."""

    def __init__(self) -> None:
        self.asked = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.asked += 1
            connection.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.close()


REMOTE = {
    "a repository": "include:\n  - http://127.0.0.1:{port}/x.git\n",
    "a registry": "include:\n  - path: oci://127.0.0.1:{port}/x/y\n",
    "an extended repository": "x-a: {{extends: {{file: 'http://127.0.0.1:{port}/x.git', service: a}}}}\n",
}
"""The last one Compose 2.26 would not look at there."""


@pytest.mark.parametrize("text", REMOTE.values(), ids=REMOTE)
def test_nothing_is_fetched_unless_it_is_asked_for(tmp_path: Path, listener: Listener, text: str) -> None:
    (tmp_path / "compose.yaml").write_text(f"{text.format(port=listener.port)}{SERVICES}")
    mine = dict.fromkeys(("COMPOSE_EXPERIMENTAL_GIT_REMOTE", "COMPOSE_EXPERIMENTAL_OCI_REMOTE"), "1")
    for env in ({}, mine):
        done = plan(tmp_path, **env)
        assert done.returncode == 2, done.stderr
        assert "is on another machine, and nothing is fetched unless you say so" in done.stderr
        assert "--remote" in done.stderr
    assert listener.asked == 0


@pytest.mark.parametrize("kind", ["a repository", "a registry"])
def test_compose_fetches_it_once_it_may(tmp_path: Path, listener: Listener, kind: str) -> None:
    (tmp_path / "compose.yaml").write_text(f"{REMOTE[kind].format(port=listener.port)}{SERVICES}")
    plan(tmp_path, "--remote", OPTBUILD_COMPOSE_SECONDS="20")
    assert listener.asked > 0


def test_a_build_from_a_repository_is_not_fetched(tmp_path: Path, listener: Listener) -> None:
    (tmp_path / "compose.yaml").write_text(
        f"services:\n  a: {{build: 'http://127.0.0.1:{listener.port}/x.git'}}\n"
        f"  b: {{build: 'http://127.0.0.1:{listener.port}/x.git'}}\n"
    )
    done = plan(tmp_path)
    assert done.returncode == 0, done.stderr
    assert listener.asked == 0


def test_a_link_out_of_the_project_is_named_before_and_stays_one(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "shared.yaml").write_text(SERVICES)
    (tmp_path / "project/compose.yaml").symlink_to("../shared.yaml")
    (tmp_path / "project/Dockerfile").write_text("FROM apache/airflow:2.8.1\n")
    real = f"the file that is edited is {tmp_path / 'shared.yaml'}, outside of this project"
    folders = {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for words in (("plan",), ("optimize", "--dry-run"), ("optimize", "--file-only", "--yes")):
        done = run(tmp_path / "project", *words, **folders)
        assert done.returncode == 0, done.stderr
        assert real in " ".join(done.stdout.split()), words
    assert (tmp_path / "project/compose.yaml").is_symlink()
    assert (tmp_path / "shared.yaml").read_text() != SERVICES
    assert (tmp_path / "shared.yaml.bak").read_text() == SERVICES
    assert sorted(path.name for path in (tmp_path / "project").iterdir()) == ["Dockerfile", "compose.yaml"]
    assert run(tmp_path / "project", "rollback", "--yes", **folders).returncode == 0
    assert (tmp_path / "project/compose.yaml").is_symlink()
    assert (tmp_path / "shared.yaml").read_text() == SERVICES
    kept = [path for name in ("state", "cache") for path in (tmp_path / name).rglob("*")]
    assert not [path for path in kept if path.stat().st_mode & 0o077]
