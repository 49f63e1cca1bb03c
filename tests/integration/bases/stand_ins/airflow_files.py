"""Airflow as the official image has it below /home/airflow: uv installs what pins/ lists, as the version has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from results import hash_files

from builder.core.process import LocalRunner
from builder.image.lock.uv import find_uv

PINS = Path(__file__).parent / "pins"
HOME = "home/airflow"


@dataclass(frozen=True)
class AirflowFiles:
    """``python`` is the interpreter of the image; ``is_environment``: a virtual environment, not a user's site."""

    version: str
    python: str
    is_environment: bool
    python_version: str = "3.11"

    @property
    def pins(self) -> Path:
        return PINS / f"airflow-{self.version}.txt"

    @property
    def content(self) -> str:
        return hash_files([Path(__file__), self.pins], self.python, str(self.is_environment))

    def make(self, cache: Path, target: Path) -> Path:
        """The tar, made (a minute or two, from the package index) where ``cache`` has none. Raises RuntimeError."""
        kept = cache / f"airflow-{self.version}-{self.content}.tar"
        if not kept.exists():
            folder = Path(tempfile.mkdtemp(prefix="airflow-", dir=cache))
            try:
                self._install(folder)
                _pack(folder, folder / "files.tar").replace(kept)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        os.link(kept, target)
        return target

    def _install(self, folder: Path) -> None:
        local = folder / HOME / ".local"
        uv = find_uv(LocalRunner(), dict(os.environ), sys.executable).executable  # the one beside optbuild
        _run(uv, "venv", "--quiet", "--no-project", f"--python={self.python_version}", str(local))
        scripts = [*(local / "bin").iterdir()]  # of the environment alone: a distribution has `activate-...` too
        _run(uv, "pip", "install", "--quiet", f"--python={local}", "--no-deps", "--link-mode=copy", f"-r{self.pins}")
        own = f"/{HOME}/.local/bin/python" if self.is_environment else self.python
        for script in (local / "bin").iterdir():
            if script.is_file() and not script.is_symlink() and (data := script.read_bytes()).startswith(b"#!"):
                script.write_bytes(
                    data.replace(f"{local}/bin/python3".encode(), own.encode()).replace(
                        f"{local}/bin/python".encode(), own.encode()
                    )
                )
        # A lock and a mark for backups, too.
        own_files = [one for one in local.iterdir() if one.is_symlink() or not one.is_dir()]  # lib64, pyvenv.cfg
        for unwanted in (*own_files, *scripts):
            unwanted.unlink()
        for compiled in local.rglob("__pycache__"):
            shutil.rmtree(compiled)
        if self.is_environment:
            self._make_environment(folder / HOME)

    def _make_environment(self, home: Path) -> None:
        home_of_python = Path(self.python).parent
        text = f"home = {home_of_python}\ninclude-system-site-packages = false\nversion = {self.python_version}\n"
        (home / ".local/pyvenv.cfg").write_text(text)
        (home / ".local/bin/python").symlink_to(self.python)
        for name in ("python3", f"python{self.python_version}"):
            (home / ".local/bin" / name).symlink_to("python")
        shutil.copyfile(self.pins, home / "constraints.txt")


def _pack(folder: Path, target: Path) -> Path:
    """As the official image has it: user 50000, group 0, and the group may write."""
    owner = ("--owner=50000", "--group=0", "--numeric-owner", "--mode=ug+rwX,o+rX,o-w")
    _run("tar", "--create", f"--file={target}", "--sort=name", *owner, f"--directory={folder}", HOME)
    return target


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv[:3])} failed with {done.returncode}:\n{done.stderr[-2000:]}")
