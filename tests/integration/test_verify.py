"""`optbuild verify` of the good image: every check passes, and nothing stays behind, whatever happens."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.naming import LABEL_SESSION
from builder.core.process import Command, LocalRunner, ProcessResult

if TYPE_CHECKING:
    from pathlib import Path

    from builder.engine.client import Engine

MAIN = (sys.executable, "-c", "from builder.cli.main import main; main()")
CHECKS = [
    "configuration", "contents", "privileges", "credentials", "version", "folders", "dependencies", "imports",
    "providers", "bytecode", "system", "tls", "user",
    "database", "init", "migrations", "failed-migration", "webserver", "scheduler", "login", "read-only",
    "dag", "stop",
]  # fmt: skip


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    """This one, with state and caches of its own: nothing is known to be clean."""
    inherited = {name: value for name, value in os.environ.items() if name != "OPTBUILD_DATABASE_URL"}
    return {**inherited, "XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_STATE_HOME": str(tmp_path / "state"), **more}


def verify(tmp_path: Path, *words: str, **env: str) -> ProcessResult:
    return LocalRunner().run(Command((*MAIN, "verify", *words), env=environment(tmp_path, **env), timeout=600))


def ours(engine: Engine, pid: int) -> list[Any]:
    """Everything on the engine that a session of the process owns."""
    client = engine.client
    wanted: dict[str, str | list[str] | bool] = {"label": LABEL_SESSION}
    things = [
        *client.containers.list(all=True, filters=wanted, ignore_removed=True),
        *client.networks.list(filters=wanted),
    ]
    things += client.volumes.list(filters=wanted)
    return [thing for thing in things if re.search(rf'"pid": {pid}\b', json.dumps(thing.attrs).replace("\\", ""))]


@pytest.fixture(scope="module")
def report(image: str, postgres_image: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The whole verification against PostgreSQL, once."""
    done = verify(tmp_path_factory.mktemp("verify"), image, "--database", postgres_image, "--format", "json")
    assert done.code == 0, done.out + done.err
    document: dict[str, Any] = json.loads(done.out)
    return {**document, "stderr": done.err}


def test_every_check_of_the_good_image_passes(report: dict[str, Any], engine: Engine, image: str) -> None:
    assert [check["name"] for check in report["checks"]] == CHECKS
    assert {check["status"] for check in report["checks"]} == {"passed"}
    assert report["passed"] is True
    assert report["image_id"] == engine.find_image_id(image)
    assert report["database"].startswith("optbuild-postgres:")


def test_every_check_is_timed(report: dict[str, Any]) -> None:
    slow = {check["name"]: check["seconds"] for check in report["checks"]}
    assert slow["init"] > 1
    assert slow["dag"] > 0.5
    assert sum(slow.values()) > report["seconds"], "the roles were started one after the other"


def test_each_finished_check_has_its_line_where_no_terminal_is(report: dict[str, Any]) -> None:
    for name in CHECKS:
        assert re.search(rf"^ok +{name} +[\d.]+ s", report["stderr"], re.MULTILINE)


def test_every_layer_was_read(report: dict[str, Any]) -> None:
    contents = next(check for check in report["checks"] if check["name"] == "contents")
    assert re.search(r"[1-9]\d{3,} files read, 0 layers known", contents["message"])


def test_sqlite_needs_no_server(image: str, tmp_path: Path) -> None:
    done = verify(tmp_path, image, "--database", "sqlite", "--only", "dag", "--only", "webserver", "--format", "junit")
    assert done.code == 0, done.out + done.err
    assert 'failures="0"' in done.out
    assert 'skipped="0"' in done.out
    assert 'name="dag"' in done.out


def test_an_existing_server_is_used_and_its_password_is_shown_nowhere(image: str, server: Any, tmp_path: Path) -> None:
    name = f"mine-{uuid.uuid4().hex[:8]}"
    env = {"OPTBUILD_DATABASE_URL": server.database(name)}
    done = verify(tmp_path, image, "--only", "login", "--format", "json", **env)
    assert done.code == 0, done.out + done.err
    assert json.loads(done.out)["database"] == "external"
    assert f"writes to the existing database {name}" in done.err
    assert server.password not in done.out + done.err
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and server.password.encode() in path.read_bytes()]
    assert kept == []
    [user] = server.ask(name, USERS)
    assert re.fullmatch(r"optbuild-verify-[0-9a-f]{12}\|Public", user), "a user that others could log in as stays there"


USERS = "select username, r.name from ab_user u join ab_user_role on user_id = u.id join ab_role r on r.id = role_id"


def test_a_wrong_password_fails_init_and_is_masked_in_its_log(image: str, server: Any, tmp_path: Path) -> None:
    url = server.database(f"mine-{uuid.uuid4().hex[:8]}").replace(server.password, "wr0ng%2F-" + server.password)
    done = verify(tmp_path, image, "--only", "init", OPTBUILD_DATABASE_URL=url)
    assert done.code == 1, done.out + done.err
    assert re.search(r"^FAILED +init", done.err, re.MULTILINE)
    assert server.password not in done.out + done.err


def test_an_unknown_image_is_an_error_with_a_next_step(engine: Engine, tmp_path: Path) -> None:
    done = verify(tmp_path, "no-such-image:1")
    assert done.code == 2
    assert "there is no image no-such-image:1" in done.err
    assert "next:" in done.err


def started(image: str, database: str, tmp_path: Path) -> subprocess.Popen[bytes]:
    """A verification of its own process, as from a shell."""
    argv = [*MAIN, "verify", image, "--database", database]
    env = environment(tmp_path)
    return subprocess.Popen(argv, env=env, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def wait_for_containers(engine: Engine, process: subprocess.Popen[bytes], count: int = 3) -> None:
    """Until it holds network and containers."""
    ends = time.monotonic() + 120
    while len(ours(engine, process.pid)) < count:
        assert process.poll() is None, (process.stderr or sys.stdin.buffer).read()
        assert time.monotonic() < ends
        time.sleep(0.2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_verification_leaves_nothing(
    number: signal.Signals, engine: Engine, image: str, postgres_image: str, tmp_path: Path
) -> None:
    process = started(image, postgres_image, tmp_path)
    wait_for_containers(engine, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err.decode()
    assert b"Traceback" not in err
    assert ours(engine, process.pid) == []


def test_after_a_kill_the_next_start_sweeps_and_spares_the_living(
    engine: Engine, image: str, postgres_image: str, tmp_path: Path
) -> None:
    killed, living = (started(image, postgres_image, tmp_path / name) for name in ("killed", "living"))
    try:
        wait_for_containers(engine, killed)
        wait_for_containers(engine, living)
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        assert ours(engine, killed.pid) != [], "the kill came too late to leave anything"
        done = verify(tmp_path, image, "--only", "configuration")
        assert done.code == 0, done.err
        assert re.search(r"removed \d+ containers, networks and volumes", done.err)
        assert ours(engine, killed.pid) == []
        assert ours(engine, living.pid) != []
    finally:
        for process in (killed, living):
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
    assert ours(engine, living.pid) == []


def test_a_container_that_is_not_ours_is_left_alone(engine: Engine, image: str, tmp_path: Path) -> None:
    own = engine.client.containers.create(image, labels={LABEL_SESSION: "somebody else's"})
    try:
        assert verify(tmp_path, image, "--only", "configuration").code == 0
        own.reload()
    finally:
        own.remove(force=True)
