"""Tiny real images whose container runs, built for one test and removed after it; and optbuild as a process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.engine.client import Engine

TEST_LABEL = "optbuild.test"
"""As in tests/integration/conftest.py, which removes what a killed run left."""
MAIN = "from builder.cli.main import main; main()"
KILLED = Path(__file__).parent / "backup_killed.py"
PROGRAM = shutil.which("ldconfig", path="/sbin:/usr/sbin") or "/sbin/ldconfig"
"""Debian links it statically, so it runs in an image without anything else."""


class Machine:
    """Images of one test, by a name that no other test has."""

    def __init__(self, engine: Engine, home: Path, address: str | None = None) -> None:
        self.engine, self.home, self.address = engine, home, address
        self.prefix = f"optbuild-test-{uuid.uuid4().hex[:10]}"
        self.mark = f"{os.getpid()}-{self.prefix}"
        self.made: set[str] = set()

    @property
    def env(self) -> dict[str, str]:
        own = {"XDG_STATE_HOME": str(self.home / "state"), "XDG_CACHE_HOME": str(self.home / "cache")}
        return {**os.environ, **own, **({"DOCKER_HOST": self.address} if self.address else {})}

    def build(self, *names: str, content: bytes = b"") -> str:
        """The ID. ``names`` get the test's prefix. The layer with the program is shared, ``content`` is its own."""
        folder = self.home / f"context-{uuid.uuid4().hex[:6]}"
        folder.mkdir()
        (folder / "content").write_bytes(content)
        shutil.copy(PROGRAM, folder / "ldconfig")
        lines = ["FROM scratch", "COPY ldconfig /ldconfig", "COPY content /content", f"LABEL {TEST_LABEL}={self.mark}"]
        (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
        tags = [word for name in names for word in ("--tag", self.name(name))]
        identity = self.docker("build", "--quiet", *tags, str(folder)).strip()
        self.made.add(identity)
        return identity

    def name(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def names(self, identity: str) -> list[str]:
        found = self.engine.inspect_image(identity)
        return [] if found is None else sorted(found.references)

    def there(self, identity: str) -> bool:
        return self.engine.find_image_id(identity) is not None

    def forget(self, identity: str) -> None:
        """Remove an image of this test, with its names."""
        assert identity in self.made
        for name in self.names(identity) or [identity]:
            self.docker("rmi", name)
        assert not self.there(identity)

    def runs(self, reference: str) -> bool:
        words = ("run", "--rm", "--network", "none", "--label", f"{TEST_LABEL}={self.mark}", reference)
        return "GLIBC" in self.docker(*words, "/ldconfig", "--version")

    def docker(self, *words: str) -> str:
        done = subprocess.run(("docker", *words), env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *words: str, **more: str) -> subprocess.Popen[str]:
        argv = (sys.executable, "-c", MAIN, *words)
        env = {**self.env, **more}
        return subprocess.Popen(argv, env=env, cwd=self.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *words: str, code: int = 0) -> str:
        """What optbuild says on stdout, or on stderr where it fails as it should."""
        process = self.start(*words)
        out, err = process.communicate(timeout=300)
        assert process.returncode == code, f"{process.returncode}\n{out}\n{err}"
        return err if code > 1 else out

    def kill_at(self, number: int, log: Path, *words: str) -> int:
        """Run until it kills itself at the step ``number`` (0: never); its exit code."""
        env = {**self.env, "KILL_AT": str(number), "KILL_LOG": str(log)}
        argv = (sys.executable, str(KILLED), *words)
        done = subprocess.run(argv, env=env, cwd=self.home, capture_output=True, text=True, check=False)
        assert done.returncode <= 0, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.returncode

    def remove(self) -> None:
        """What is left of the test."""
        listed = self.docker("images", "--all", "--quiet", "--no-trunc", f"--filter=label={TEST_LABEL}={self.mark}")
        self.made |= set(listed.split())
        for identity in sorted(self.made):
            if self.there(identity):
                self.forget(identity)


def digits(text: str) -> list[str]:
    """All image IDs in a text."""
    return re.findall(r"sha256:[0-9a-f]{64}", text)


def snapshot(folder: Path) -> Mapping[str, bytes]:
    """All files but the lock."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".optbuild-backup.lock"}
