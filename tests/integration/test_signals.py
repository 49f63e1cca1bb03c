"""Ctrl-C, SIGTERM and SIGHUP at many moments: optbuild and all that it started are gone within ten seconds."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
MAIN = "from builder.cli.executable import main; main()"
MARK = "OPTBUILD_TEST_PROCESS"
"""In the environment of all that a run starts, whatever becomes of its parent."""
LIMIT_SECONDS = 10.0
AT_ONCE = 4
EARLY_SECONDS = 4.0
"""By which Python has begun, on a busy machine too."""
STUBBORN = f"""#!{sys.executable} -I
# Ignores every signal that can be ignored, and so do its children, one of them in a session of its own.
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if os.fork() and os.fork():
    time.sleep(300)
elif os.fork():
    os.setsid()
    if os.fork():
        os._exit(0)  # the rest is a service
    os.setsid()
time.sleep(300)
"""
QUIET = "#!/bin/sh\nsleep 301 & wait\n"
LEAVES = f"""#!{sys.executable} -I
# Ends at SIGTERM by itself, as the docker client does; its child, which leads a session of its own, does not.
import os, signal, time
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.setsid()
time.sleep(302)
"""
COMPOSE = "services:\n  web: {build: .}\n  worker: {build: .}\n"
SPEC = """
[image]
name = "demo"
[base]
debian = "bookworm"
[airflow]
version = "2.8.1"
constraints = false
[python]
version = "3.11"
"""
COMMANDS = {
    "plan": ("plan",),
    "optimize": ("optimize", "--dry-run"),
    "doctor": ("doctor",),
    "lock": ("lock",),
    "images": ("images",),
}


@dataclass(frozen=True)
class Case:
    """``delay`` in seconds after the start; ``again``: how much later the same signal comes once more."""

    command: str
    tool: str
    number: signal.Signals
    delay: float
    again: float | None = None
    closed: bool = False
    """Nobody reads what it writes."""


@dataclass(frozen=True)
class Ending:
    code: int
    seconds: float
    left: tuple[str, ...]
    said: str


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A project, a spec, an engine that takes connections and says nothing, a package ``uv`` that names the fake."""
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "optbuild.toml").write_text(SPEC)
    (tmp_path / "packages/uv").mkdir(parents=True)
    (tmp_path / "packages/uv/__init__.py").write_text(
        "import shutil\ndef find_uv_bin():\n    return shutil.which('uv')\n"
    )
    for name, text in (("stubborn", STUBBORN), ("quiet", QUIET), ("leaves", LEAVES)):
        (tmp_path / name).mkdir()
        for tool in ("docker", "docker-compose", "uv", "apt-get", "apt-cache", "mmdebstrap", "dpkg"):
            (tmp_path / name / tool).write_text(text)
            (tmp_path / name / tool).chmod(0o755)
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(tmp_path / "engine.sock"))
        engine.listen(64)
        yield tmp_path


def run(folder: Path, case: Case) -> Ending:
    """One command line, with its signal."""
    mark = uuid.uuid4().hex
    home = folder / mark
    home.mkdir()
    env = {name: os.environ[name] for name in ("LANG", "LC_ALL") if name in os.environ}
    env |= {"HOME": str(home), "PATH": f"{folder / case.tool}:/usr/bin:/bin", MARK: mark}
    env |= {"DOCKER_HOST": f"unix://{folder / 'engine.sock'}", "PYTHONPATH": f"{folder / 'packages'}:{ROOT}"}
    process = subprocess.Popen(
        # whoever started this test may ignore them; optbuild would then ignore them too, as it should
        ("/usr/bin/env", "--default-signal=INT,HUP", sys.executable, "-c", MAIN, *COMMANDS[case.command]),
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    if case.closed:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.close()
    time.sleep(case.delay)
    started = time.monotonic()
    process.send_signal(case.number)
    if case.again is not None:
        time.sleep(case.again)
        process.send_signal(case.number)
    try:
        code = process.wait(timeout=LIMIT_SECONDS + 5)
    except subprocess.TimeoutExpired:
        code = 999
    seconds = time.monotonic() - started
    left = find_marked(mark)
    for pid, _ in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    said = "" if case.closed or process.stderr is None else process.stderr.read().decode()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    return Ending(code, seconds, tuple(words for _, words in left), said)


def find_marked(mark: str) -> list[tuple[int, str]]:
    """The processes that a run started and that run, with their words."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            marked = f"{MARK}={mark}".encode() in (entry / "environ").read_bytes().split(b"\0")
            if marked and (entry / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found.append((int(entry.name), words))
    return found


def find_fault(case: Case, ending: Ending) -> str:
    """What is wrong with how it ended; empty: nothing."""
    if ending.left:
        return f"still runs: {ending.left}"
    if ending.seconds > LIMIT_SECONDS:
        return f"it took {ending.seconds:.1f} s"
    if ending.code not in find_codes(case):
        return f"exit code {ending.code}: {ending.said}"
    if ending.code == 130 and ("Traceback" in ending.said or (ending.said and "optbuild: " not in ending.said)):
        return f"it said: {ending.said}"
    return ""


def find_codes(case: Case) -> set[int]:
    """Before optbuild begins the signal itself ends Python (1: while that loads its own modules). Who has lost its
    reader may end before the signal."""
    early = {1, -case.number} if case.delay < EARLY_SECONDS else set()
    return {130} | early | ({141} if case.closed else set())


def find_faults(folder: Path, cases: list[Case]) -> dict[Case, str]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        endings = list(pool.map(lambda case: run(folder, case), cases))
    found = {case: find_fault(case, ending) for case, ending in zip(cases, endings, strict=True)}
    return {case: fault for case, fault in found.items() if fault}


def test_a_signal_ends_everything_whatever_the_children_do(folder: Path) -> None:
    cases = [
        Case("plan", "stubborn", signal.SIGINT, 0.0),
        Case("plan", "stubborn", signal.SIGTERM, 0.1),
        Case("plan", "stubborn", signal.SIGINT, 0.4),
        Case("plan", "stubborn", signal.SIGTERM, 2.5),
        Case("plan", "leaves", signal.SIGHUP, 2.5),
        Case("plan", "stubborn", signal.SIGINT, 2.0, again=0.3),
        Case("plan", "stubborn", signal.SIGINT, 2.0, closed=True),
        Case("optimize", "stubborn", signal.SIGINT, 2.5),
        Case("doctor", "leaves", signal.SIGTERM, 2.0),
        Case("lock", "stubborn", signal.SIGINT, 3.0),
        Case("images", "quiet", signal.SIGTERM, 2.5),
        Case("images", "quiet", signal.SIGINT, 0.3),
    ]
    assert find_faults(folder, cases) == {}


@pytest.mark.soak
def test_signals_at_many_moments(folder: Path) -> None:
    chance = random.Random(1)  # noqa: S311 - which moments, not a secret
    cases = [
        Case(
            command,
            chance.choice(("stubborn", "quiet", "leaves")),
            chance.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP)),
            step * 0.08,
            again=chance.choice((None, None, 0.01, 0.5, 5.0)),
            closed=chance.random() < 0.2,
        )
        for command in COMMANDS
        for step in range(40)
    ]
    assert find_faults(folder, cases) == {}
