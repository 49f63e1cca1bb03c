"""`make engine`: nothing where an engine answers, an installation only as root on Debian 12 or 13, else exit 3.

What would change the machine runs in a sandbox: namespaces of its own with another /run, /etc/apt and process list,
and a PATH on which apt-get, docker and dockerd are small scripts that write down how they were called.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "builder/engine/install.sh"
TOUCHED = (Path("/etc/apt/preferences.d"), Path("/etc/apt/sources.list.d"), Path("/var/run/docker.pid"))
BOOKWORM = 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\n'
TOOLS = "awk bash cat cp curl env grep id mkdir paste python3 rm sed setsid sh sleep tail timeout touch uname"
SOURCES = "Types: deb\nURIs: http://mirror.invalid/debian\nSuites: bookworm\nComponents: main\n"
SERVER = """\
import os, socket, sys
engine = socket.socket(socket.AF_UNIX)
engine.bind("/run/docker.sock")
engine.listen()
os.fork() and sys.exit()
while True:
    connection, _ = engine.accept()
    connection.recv(1000)
    if sys.argv[1] == "answer":
        connection.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\nOK")
        connection.close()
    else:
        globals().setdefault("held", []).append(connection)
"""
DOCKER = """\
case $1 in
version) [ -e $STATE/engine ] || { echo "Cannot connect to the Docker daemon" >&2; exit 1; }; echo 26.1.5 ;;
buildx) [ -e $STATE/buildx ] ;;
compose) [ -e $STATE/compose ] ;;
esac"""
DOCKERD = "echo $$ >/run/docker.pid; touch $STATE/engine; exec sleep 60"
APT = """\
case " $* " in *" install "*) touch $STATE/buildx $STATE/compose ;; esac
case " $* " in *" docker-cli"*) cp $STATE/docker.new $BIN/docker ;; esac
case " $* " in *" docker.io"*) cp $STATE/dockerd.new $BIN/dockerd ;; esac"""


def on_stdin(command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Give the script to a shell's stdin: whoever runs it need not see the folder in which it lies."""
    text = SCRIPT.read_text()
    return subprocess.run(
        command, input=text, env=env, cwd="/", capture_output=True, text=True, check=False, timeout=120
    )


@dataclass
class Sandbox:
    """A Debian 12 with the tools that every Debian has and, of docker, only what a test gives it."""

    folder: Path
    os_release: str = BOOKWORM
    before: list[str] = field(default_factory=list)
    """Shell commands that run as root inside, before the script."""

    def __post_init__(self) -> None:
        for name in ("bin", "state", "apt/sources.list.d", "apt/preferences.d"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "apt/sources.list.d/debian.sources").write_text(SOURCES)
        for tool in TOOLS.split():
            if found := shutil.which(tool, path="/usr/bin:/bin:/usr/sbin"):
                (self.folder / "bin" / tool).symlink_to(found)
        self.tool("dpkg-query", "exit 1")
        self.tool("apt-get", APT)
        self.tool("docker", DOCKER, to="state/docker.new")
        self.tool("dockerd", DOCKERD, to="state/dockerd.new")

    def tool(self, name: str, body: str, *, to: str = "") -> None:
        path = self.folder / (to or f"bin/{name}")
        head = f"#!/bin/sh\nBIN={self.folder}/bin STATE={self.folder}/state\n"
        path.write_text(f'{head}echo "{name} $*" >>{self.folder}/state/calls\n{body}\n')
        path.chmod(0o755)

    def state(self, *names: str) -> None:
        for name in names:
            (self.folder / "state" / name).touch()

    def serve(self, how: str) -> None:
        """An engine's socket: `answer`, or take the connection and say nothing."""
        (self.folder / "server.py").write_text(SERVER)
        self.before.append(f"python3 {self.folder}/server.py {how}")

    def run(self, *prefix: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "os-release").write_text(self.os_release)
        inside = [
            f"mount --bind {self.folder}/os-release /etc/os-release",
            f"mount --bind {self.folder}/apt /etc/apt",
            "mount -t tmpfs none /run",
            *self.before,
            f"export PATH={self.folder}/bin",
            f"exec {' '.join(prefix)} bash -s",
        ]
        log = str(self.folder / "log")
        env = {"PATH": os.environ["PATH"], "OPTBUILD_ENGINE_LOG": log, "OPTBUILD_ENGINE_ANSWER_SECONDS": "2"}
        command = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", " && ".join(inside)]
        return on_stdin(command, env)

    def calls(self, name: str) -> list[str]:
        path = self.folder / "state/calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line.split()[0] == name]

    def installed(self) -> set[str]:
        """The packages that apt-get was asked for; it was never allowed to remove one."""
        calls = [line for line in self.calls("apt-get") if " install " in line]
        assert all(" --no-remove " in line for line in calls)
        words = [word for line in calls for word in line.partition(" install ")[2].split()]
        return {word for word in words if not word.startswith("-") and "::" not in word}


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path / "sandbox")


def run(*prefix: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **(environment or {})}
    return on_stdin([*prefix, "bash", "-s"], env)


def stamps() -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in TOUCHED if path.exists()}


def test_touches_nothing_where_an_engine_answers() -> None:
    before = stamps()
    done = run()
    assert done.returncode == 0
    assert "nothing to do" in done.stderr
    assert stamps() == before


def test_an_engine_elsewhere_that_does_not_answer_is_not_replaced() -> None:
    done = run(environment={"DOCKER_HOST": "tcp://127.0.0.1:1"})
    assert done.returncode == 3
    assert "DOCKER_HOST=tcp://127.0.0.1:1 does not answer" in done.stderr
    assert "next:" in done.stderr


@pytest.mark.parametrize(
    ("os_release", "found"),
    [('ID=ubuntu\nPRETTY_NAME="Ubuntu 24.04 LTS"\nVERSION_ID="24.04"\n', "Ubuntu 24.04"), ("ID=debian\n", "Linux")],
    ids=["another system", "a debian without a version"],
)
def test_another_system_is_told_what_to_do(os_release: str, found: str, sandbox: Sandbox) -> None:
    sandbox.os_release = os_release
    done = sandbox.run()
    assert done.returncode == 3, done.stderr
    assert found in done.stderr
    assert "next: install Docker Engine 23" in done.stderr
    assert sandbox.calls("apt-get") == []


def test_a_person_who_is_not_root_is_told(sandbox: Sandbox) -> None:
    """With the real tools: nobody may not see the sandbox's own."""
    done = sandbox.run("/usr/bin/env", "PATH=/usr/bin:/bin", "setpriv", "--reuid", "65534", "--clear-groups")
    assert done.returncode == 3
    assert "not root" in done.stderr


def test_a_person_outside_the_docker_group_is_told_of_the_group(tmp_path: Path) -> None:
    """On the real engine: nobody may not open its socket."""
    done = run("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", environment={"HOME": "/"})
    assert done.returncode == 3
    assert "a Docker engine runs, but nobody may not talk to it" in done.stderr
    assert "usermod -aG docker nobody" in done.stderr
    assert "install Docker" not in done.stderr


def test_a_bare_machine_gets_all_of_it(sandbox: Sandbox) -> None:
    done = sandbox.run()
    assert done.returncode == 0, done.stderr
    engine = {f"{name}/trixie" for name in ("docker.io", "docker-cli", "containerd", "docker-buildx", "docker-compose")}
    assert sandbox.installed() == engine | {"runc", "iptables", "ca-certificates", "mmdebstrap"}
    assert len(sandbox.calls("dockerd")) == 1
    assert "Suites: trixie" in (sandbox.folder / "apt/sources.list.d/optbuild-trixie.sources").read_text()


@pytest.mark.parametrize("without", ["python3", "curl"])
def test_an_engine_without_a_client_gets_a_client_and_no_second_engine(sandbox: Sandbox, without: str) -> None:
    sandbox.serve("answer")
    sandbox.before.append(f"rm {sandbox.folder}/bin/{without}")
    sandbox.state("engine")
    done = sandbox.run()
    assert done.returncode == 0, done.stderr
    assert sandbox.installed() == {"docker-cli/trixie", "docker-buildx/trixie", "docker-compose/trixie"}
    assert sandbox.calls("dockerd") == []


def test_an_engine_without_a_client_elsewhere_is_told_of_the_client(sandbox: Sandbox) -> None:
    sandbox.os_release = "ID=ubuntu\n"
    sandbox.serve("answer")
    done = sandbox.run()
    assert done.returncode == 3
    assert "a Docker engine answers, but there is no docker client" in done.stderr


def test_an_engine_that_the_package_starts_is_given_time(sandbox: Sandbox) -> None:
    starts = "case ' $* ' in *' docker.io'*) (sleep 1; touch $STATE/engine) >/dev/null 2>&1 & ;; esac"
    sandbox.tool("apt-get", f"{APT}\n{starts.replace(chr(39), chr(34))}")
    done = sandbox.run()
    assert done.returncode == 0, done.stderr
    assert sandbox.calls("dockerd") == []


def test_systemd_starts_the_engine_where_it_runs(sandbox: Sandbox) -> None:
    sandbox.before.append("mkdir -p /run/systemd/system")
    sandbox.tool("systemctl", "touch $STATE/engine")
    done = sandbox.run()
    assert done.returncode == 0, done.stderr
    assert sandbox.calls("systemctl") == ["systemctl start docker"]
    assert sandbox.calls("dockerd") == []


def docker_ce(sandbox: Sandbox) -> None:
    """Docker's own packages, their engine stopped."""
    sandbox.tool("docker", DOCKER)
    sandbox.tool("dockerd", DOCKERD)
    sandbox.tool("dpkg-query", 'case "$*" in *docker-ce*) echo install ok installed ;; *) exit 1 ;; esac')


@pytest.mark.parametrize(
    ("there", "wanted"),
    [(("buildx", "compose"), {"mmdebstrap"}), (("compose",), {"mmdebstrap", "docker-buildx-plugin"})],
    ids=["all of it", "without buildx"],
)
def test_an_engine_of_dockers_own_packages_is_kept(sandbox: Sandbox, there: tuple[str, ...], wanted: set[str]) -> None:
    docker_ce(sandbox)
    sandbox.state(*there)
    done = sandbox.run()
    assert done.returncode == 0, done.stderr
    assert sandbox.installed() == wanted
    assert len(sandbox.calls("dockerd")) == 1
    assert not (sandbox.folder / "apt/sources.list.d/optbuild-trixie.sources").exists()


def test_nothing_is_installed_where_everything_is_there(sandbox: Sandbox) -> None:
    docker_ce(sandbox)
    sandbox.state("buildx", "compose")
    sandbox.tool("mmdebstrap", "exit 0")
    done = sandbox.run()
    assert done.returncode == 0, done.stderr
    assert sandbox.calls("apt-get") == []


@pytest.mark.parametrize("step", ["update", "install"])
def test_an_apt_that_fails_is_said(sandbox: Sandbox, step: str) -> None:
    sandbox.tool("apt-get", f'case " $* " in *" {step} "*) echo "E: broken" >&2; exit 100 ;; esac')
    done = sandbox.run()
    assert done.returncode == 3
    assert "E: broken" in done.stderr
    assert f"optbuild: `apt-get {step}" in done.stderr
    assert "next: correct what it names" in done.stderr
    assert sandbox.calls("dockerd") == []


@pytest.mark.parametrize("client", [True, False], ids=["with a client", "without a client"])
def test_a_frozen_engine_is_not_waited_for(sandbox: Sandbox, client: bool) -> None:
    sandbox.serve("hold")
    if client:
        sandbox.tool("docker", "exec sleep 100")
    started = time.monotonic()
    done = sandbox.run()
    assert done.returncode == 3, done.stderr
    assert "does not answer within 2 s" in done.stderr
    assert sandbox.calls("dockerd") == sandbox.calls("apt-get") == []
    assert time.monotonic() - started < 30


def test_an_engine_that_ends_at_once_is_noticed(sandbox: Sandbox) -> None:
    docker_ce(sandbox)
    sandbox.state("buildx", "compose")
    sandbox.tool("dockerd", "echo failed to mount overlay; exit 1")
    started = time.monotonic()
    done = sandbox.run()
    assert done.returncode == 3
    assert "dockerd ended by itself" in done.stderr
    assert "failed to mount overlay" in done.stderr
    assert time.monotonic() - started < 30  # of the 60 s that a living one is given


def test_a_pid_file_that_outlived_its_engine_is_removed(sandbox: Sandbox) -> None:
    docker_ce(sandbox)
    sandbox.state("buildx", "compose")
    sandbox.before.append("echo 1 >/run/docker.pid")
    done = sandbox.run()
    assert done.returncode == 0, done.stderr
    assert "removing the stale /var/run/docker.pid (process 1 is not a dockerd)" in done.stderr
