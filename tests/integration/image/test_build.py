"""A build on the real engine: what is built, what is skipped, what is refused, and what one sees of it."""

from __future__ import annotations

import http.server
import json
import os
import re
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from builder.engine.client import connect_engine

WHEEL = re.compile(r'(name = "inflection"\nversion = "0.5.1"\nkind = "wheel"\nsha256 = ")[0-9a-f]{64}(")')

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.engine.client import Engine


def test_a_build_leaves_the_image_and_nothing_else(tiny: Any, engine: Engine) -> None:
    done = tiny.run("--no-verify").json
    image = engine.inspect_image(done["id"])
    assert image is not None
    (reference,) = image.references
    assert reference == f"{tiny.name}:{image.labels['optbuild.content']}"
    assert image.labels["optbuild.project"] == tiny.name
    assert image.unpacked == len("one")
    assert tiny.contexts() == []


def test_images_of_a_killed_test_run_are_swept_and_those_of_a_living_one_are_not(
    tiny: Any, images: Any, sweep: Any
) -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    orphan = type(tiny)(f"optbuild-test-{ended.pid}-{tiny.name}", tiny.home, tiny.busybox)
    assert orphan.run("--no-verify").code == tiny.run("--no-verify").code == 0
    sweep()
    assert images(orphan.name) == ()
    assert len(images(tiny.name)) == 1


def test_what_is_proven_is_not_built_again(tiny: Any) -> None:
    first = tiny.run()
    second = tiny.run()
    assert second.json == {**first.json, "cached": True}
    assert "building" not in second.err


def test_what_is_not_proven_is_built_again(tiny: Any) -> None:
    assert tiny.run("--no-verify").json["cached"] is False
    assert tiny.run("--no-verify").json["cached"] is False


def test_a_deleted_image_is_built_again(tiny: Any, engine: Engine) -> None:
    first = tiny.run().json
    for reference in engine.inspect_image(first["id"]).references:  # type: ignore[union-attr] # it was just built
        engine.client.api.remove_image(reference)
    assert engine.inspect_image(first["id"]) is None
    assert tiny.run().json == first  # the same ID again, and not from the skip


def test_a_changed_byte_is_built(tiny: Any) -> None:
    first = tiny.run("--content", "one").json
    second = tiny.run("--content", "onf").json
    assert second["cached"] is False
    assert second["id"] != first["id"]


def test_an_image_that_only_carries_the_name_is_built_over(tiny: Any, engine: Engine) -> None:
    """Somebody tags something else with our content tag: labels and ID tell."""
    first = tiny.run("--content", "one").json
    other = tiny.run("--content", "two").json
    own = next(one for one in engine.inspect_image(first["id"]).references if "latest" not in one and "v1" not in one)  # type: ignore[union-attr] # it was just built
    engine.tag(other["id"], own)
    assert tiny.run("--content", "one").json == first


@pytest.mark.parametrize("data", [None, b"{broken"], ids=["lost", "broken"])
def test_without_state_nothing_is_deleted_and_the_image_is_proven_anew(
    tiny: Any, engine: Engine, data: bytes | None, images: Any
) -> None:
    first = tiny.run("--content", "one").json
    tiny.run("--content", "two")
    state = tiny.home / "state/optbuild/state.json"
    state.unlink() if data is None else state.write_bytes(data)
    again = tiny.run("--content", "one")
    assert again.json == first
    assert len(images(tiny.name)) == 2
    kept = list(state.parent.glob("state.broken-*"))
    assert [one.read_bytes() for one in kept] == ([] if data is None else [data])
    assert ("broken" in again.err) is (data is not None)


def test_a_failing_step_is_named_with_its_log(tiny: Any, engine: Engine, images: Any) -> None:
    done = tiny.run("--run", "echo before; echo the reason >&2; exit 7")
    assert done.code == 3
    assert "RUN" in done.err
    assert "    the reason" in done.err.partition("error:")[2]
    assert "exit code: 7" in done.err
    assert images(tiny.name) == ()
    assert tiny.contexts() == []


def test_an_index_url_reaches_the_step_and_no_output(tiny: Any, engine: Engine) -> None:
    secret = "https://user:pa55word@index.example/simple"
    look = "busybox cat /run/secrets/uv_default_index; busybox grep -q pa55word /run/secrets/uv_default_index"
    done = tiny.run(*("--run", f"export PATH=/bin; {look}", "--progress", "plain"), env={"UV_DEFAULT_INDEX": secret})
    assert "***" in done.err
    assert "pa55word" not in done.err + done.out
    found = engine.client.images.get(done.json["id"])
    assert "pa55word" not in json.dumps([found.attrs, found.history()])


def test_without_a_terminal_a_step_has_its_line_within_a_second(tiny: Any) -> None:
    process = tiny.start("--run", "/bin/busybox sleep 3")
    seen = {line: time.monotonic() for line in process.stderr}
    assert process.wait() == 0, seen
    process.stdout.close()
    process.stderr.close()
    began = next(at for line, at in seen.items() if "] RUN" in line and "done" not in line)
    ended = next(at for line, at in seen.items() if "] RUN" in line and "done" in line)
    assert ended - began > 2


def test_rawjson_passes_buildkit_s_events_on(tiny: Any) -> None:
    done = tiny.run("--progress", "rawjson")
    lines = done.out.splitlines()
    assert done.code == 0
    assert any('"vertexes"' in line for line in lines)


def test_the_second_build_of_a_project_waits_and_says_for_whom(tiny: Any) -> None:
    first = tiny.start("--run", "/bin/busybox sleep 10")
    for line in first.stderr:
        if "] RUN" in line:
            break
    second = tiny.run("--run", "/bin/busybox sleep 10")
    out, _ = first.communicate(timeout=60)
    assert f"process {first.pid}: build of {tiny.name}" in second.err
    assert second.json == {**json.loads(out.splitlines()[-1]), "cached": True}


def test_builds_of_two_projects_do_not_wait(tiny: Any, tmp_path: Path) -> None:
    slow = tiny.start("--run", "/bin/busybox sleep 60", "--no-verify")
    for line in slow.stderr:
        if "] RUN" in line:
            break
    other = type(tiny)(f"{tiny.name}-other", tiny.home, tiny.busybox)
    try:
        assert "waiting" not in other.run("--no-verify").err
        assert slow.poll() is None
    finally:
        slow.send_signal(signal.SIGINT)
        slow.communicate(timeout=60)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("--builder", "nobody"), "no builder 'nobody'", id="builder"),
        pytest.param(("--cache-to", "type=local,dest=x"), "docker-container", id="cache-to"),
        pytest.param(("--platform", "linux/s390x"), "leave --platform out", id="platform"),
        pytest.param(("--push",), "names no registry", id="push"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_built(
    optbuild: Any, name: str, words: tuple[str, ...], said: str, images: Any
) -> None:
    done = optbuild.run("build", *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err
    assert images(name) == ()


def test_a_distribution_that_differs_from_the_lock_is_refused(optbuild: Any, name: str, images: Any) -> None:
    """The real installation, with the lock of the sample image; only one small wheel's hash is another one."""
    lock = optbuild.folder / "optbuild.lock"
    text, count = WHEEL.subn(rf"\g<1>{'0' * 64}\g<2>", lock.read_text(encoding="utf-8"))
    assert count == 1
    lock.write_text(text, encoding="utf-8")
    done = optbuild.run("build")
    assert (done.code, done.out) == (3, "")
    said = done.err.partition("error: ")[2] or done.err
    assert said.startswith("inflection==0.5.1 differs from its hash in optbuild.lock: the package index serves another")
    assert "next: find out why the file changed; if that is expected, `optbuild lock --upgrade-package inf" in said
    assert images(name) == ()


def test_no_engine_is_said_with_a_way_to_get_one(optbuild: Any) -> None:
    done = optbuild.run("build", env={"DOCKER_HOST": "unix:///nonexistent.sock"})
    assert done.code == 3
    assert "no Docker engine answers at unix:///nonexistent.sock" in done.err
    assert "make engine" in done.err


def test_the_engine_of_a_docker_context_is_found(engine: Engine, tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"} | {
        "DOCKER_CONFIG": str(tmp_path)
    }
    make = ["docker", "context", "create", "far", "--docker", f"host={engine.endpoint.host}"]
    subprocess.run(make, check=True, capture_output=True, env=env)
    with connect_engine({**env, "DOCKER_CONTEXT": "far"}) as found:
        assert found.info.identity == engine.info.identity


class OldEngine(http.server.BaseHTTPRequestHandler):
    """Says what an engine 20.10 says."""

    def do_GET(self) -> None:
        version = {"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12", "Os": "linux", "Arch": "amd64"}
        info = {"ID": "old", "ServerVersion": "20.10.24+dfsg1", "DockerRootDir": "/var/lib/docker"}
        body = json.dumps(info if self.path.endswith("/info") else version).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@pytest.fixture
def old_engine() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), OldEngine) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"tcp://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_an_old_engine_is_refused(optbuild: Any, old_engine: str) -> None:
    done = optbuild.run("build", env={"DOCKER_HOST": old_engine})
    assert done.code == 3
    assert "version 20.10.24" in done.err
    assert "23 or newer" in done.err


def test_a_client_without_buildx_is_refused(optbuild: Any, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    docker = folder / "docker"
    docker.write_text("#!/bin/sh\necho \"docker: 'buildx' is not a docker command.\" >&2\nexit 1\n")
    docker.chmod(0o755)
    done = optbuild.run("build", env={"PATH": f"{folder}:/usr/bin:/bin"})
    assert done.code == 3
    assert "no buildx plugin" in done.err
    assert "make engine" in done.err


def test_a_disk_that_is_nearly_full_is_said_with_numbers(optbuild: Any, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", small], check=True)
    try:
        done = optbuild.run("build", env={"XDG_CACHE_HOME": str(small)})
    finally:
        subprocess.run(["umount", small], check=True)
    assert done.code == 3
    assert f"the cache's disk ({small}/optbuild) has 21 MB free; this build needs about" in done.err
