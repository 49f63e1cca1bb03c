"""A base that is interrupted or killed while it is made: nothing goes on, nothing stays; the next start sees to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

PROGRAM = """
import sys, types
from pathlib import Path
from builder.image.base import recipes
from builder.image.base.make import make_base
from builder.cli import main
from builder.image.render.model import BuildContext, ContextFile

def command() -> None:
    "Make a base."
    folder, script = Path(sys.argv[1]), Path(sys.argv[2]).read_bytes()
    files = [ContextFile("base.sh", script, executable=True)]
    files += [ContextFile(name, b"") for name in recipes.ROOTS.inputs if name != "base.sh"]
    make_base(main.make_local_runtime(), BuildContext(tuple(files), "linux/amd64", 1), folder)

sys.modules["builder.cli.try"] = types.SimpleNamespace(command=command)
sys.exit(main.run(["try"], main.make_local_runtime, {"try": "Make a base."}))
"""

SLOW = """#!/bin/sh
# A child that takes a second to clean up, as mmdebstrap does, and one that hears nothing of Ctrl-C.
folder=$(mktemp -d)
echo 200 MB >base.tar.part
(trap 'sleep 1; rm -r "$folder"; echo >"$SEEN/cleaned"; exit 1' TERM; echo >"$SEEN/ready"; sleep 300 & wait) &
sleep 300 &
wait
"""

QUICK = """#!/bin/sh
echo >base.tar
echo >builder.tar
"""


class Base:
    """Runs of the program, with a cache, a TMPDIR and a script of their own."""

    def __init__(self, home: Path) -> None:
        self.home, self.tmp, self.seen, self.script = (home / name for name in ("home", "tmp", "seen", "base.sh"))
        self.cache = self.home / "optbuild"
        for folder in (self.cache, self.tmp, self.seen):
            folder.mkdir(parents=True)

    def start(self, script: str) -> subprocess.Popen[str]:
        self.script.write_text(script)
        argv = (sys.executable, "-c", PROGRAM, str(self.cache), str(self.script))
        own = {"XDG_CACHE_HOME": str(self.home), "TMPDIR": str(self.tmp), "SEEN": str(self.seen)}
        env = {**os.environ, **own, "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(argv, env=env, stderr=subprocess.PIPE, text=True)

    def stop(self, number: signal.Signals) -> tuple[int, str]:
        """Start the slow script and send the signal while it runs."""
        process = self.start(SLOW)
        wait_for(self.seen / "ready")
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        return process.returncode, err

    def running(self) -> list[str]:
        """What still runs for this cache, by its environment."""
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                if str(self.seen).encode() in environ.read_bytes():
                    found.append(environ.with_name("cmdline").read_text())
            except OSError:
                continue
        return found

    def left(self) -> list[Path]:
        return [*self.cache.glob("base/.making-*"), *self.tmp.iterdir()]


def wait_for(path: Path) -> None:
    limit = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < limit, f"{path} was not made"
        time.sleep(0.05)


@pytest.fixture
def base(tmp_path: Path) -> Base:
    return Base(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_base_leaves_nothing(base: Base, number: signal.Signals) -> None:
    assert base.stop(number)[0] == 130
    assert (base.seen / "cleaned").exists()  # it was given the time to
    assert base.running() == []
    assert base.left() == []


def test_a_killed_base_is_ended_and_removed_by_the_next_start(base: Base) -> None:
    assert base.stop(signal.SIGKILL)[0] == -signal.SIGKILL
    assert base.running() != []
    assert len(base.left()) == 2  # the half made base and its temporary files
    process = base.start(QUICK)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert ": the optbuild that was making this base was killed" in err
    assert (base.seen / "cleaned").exists()
    assert base.running() == []
    assert base.left() == []
    assert len(list(base.cache.glob("base/*/base.tar"))) == 1


def test_a_base_that_is_being_made_is_not_swept(base: Base) -> None:
    process = base.start(SLOW)
    try:
        wait_for(base.seen / "ready")
        (making,) = base.cache.glob("base/.making-*")
        second = base.start(QUICK)
        assert second.stderr is not None
        assert f"waiting for process {process.pid}" in second.stderr.readline()
        assert making.is_dir()
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    _, err = second.communicate(timeout=30)
    assert second.returncode == 0
    assert "was killed" not in err
