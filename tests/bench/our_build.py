"""Our side: a copy of one image's folder, its bumps, and ``optbuild`` as a process with caches of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w
from session import link_or_copy, run_command

from builder.image.base.make import hash_base_inputs
from builder.image.base.recipes import find_recipe
from builder.image.lock.document import read_lock
from builder.image.render.context import render_context
from builder.image.spec.reader import read_spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from session import Engine, Session

    from builder.image.lock.model import Lock
    from builder.image.render.model import BuildContext

OPTBUILD = (sys.executable, "-c", "from builder.cli.executable import main; main()")
LOCK = "optbuild.lock"


@dataclass(frozen=True)
class Bump:
    """A change of a project: requirements by name (``numpy==1.24.4``), or another Airflow."""

    name: str
    requirement: str = ""
    airflow: str = ""
    requirements: tuple[str, ...] = ()
    """All of them exchanged: another project."""


@dataclass(frozen=True)
class OurBuild:
    """``home`` holds the caches and the state of this side."""

    source: Path
    session: Session
    home: Path

    @property
    def lock(self) -> Lock:
        return read_lock(self.source / LOCK)

    @property
    def context(self) -> BuildContext:
        return render_context(read_spec(self.source), self.lock)

    def hash_base(self) -> str:
        """Of all that the base is made from; its folder in the cache bears this name."""
        return hash_base_inputs(self.context)

    def forget(self, base: Path) -> None:
        """Caches and state go; the base comes, whose files (those of base.sh) lie below ``base``."""
        shutil.rmtree(self.home, ignore_errors=True)
        entry = self.home / "cache/optbuild/base" / self.hash_base()
        entry.mkdir(parents=True)
        for tar in find_recipe(self.context).products:
            link_or_copy(base / tar, entry / tar)

    def make_base(self, target: Path) -> None:
        """Run base.sh of a fresh context, and move what it makes below ``target``."""
        context = self.render(self.copy("base"))
        run_command((str(context / "base.sh"),), self.make_environment())
        target.mkdir(parents=True, exist_ok=True)
        for tar in find_recipe(self.context).products:
            shutil.move(context / tar, target / tar)
        shutil.rmtree(context)

    def build(self, folder: Path, *options: str, umask: int = -1, engine: Engine | None = None) -> dict[str, Any]:
        """The JSON result: ``image_id``, ``bytes``, ``reference``. On the run's engine, or on another one."""
        argv = (*OPTBUILD, "--quiet", "build", str(folder), "--format", "json", *options)
        env = self.make_environment() | ({"DOCKER_HOST": engine.address} if engine else {})
        result: dict[str, Any] = json.loads(run_command(argv, env, self.home, umask))
        return result

    def tag(self, result: dict[str, Any], name: str) -> None:
        self.session.engine.run("tag", str(result["image_id"]), name)

    def copy(self, name: str) -> Path:
        """The image's folder, copied below the run's."""
        folder = self.session.folder / "projects" / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.source, folder)
        return folder

    def change_spec(self, folder: Path, **tables: Mapping[str, object]) -> None:
        """Set keys of the spec there, table by table."""
        path = folder / "optbuild.toml"
        spec = tomllib.loads(path.read_text(encoding="utf-8"))
        for table, values in tables.items():
            spec[table] = {**spec.get(table, {}), **values}
        path.write_text(tomli_w.dumps(spec), encoding="utf-8")

    def bump(self, bump: Bump) -> Path:
        """A copy with the change, locked anew: what need not move keeps the version of the committed lock.

        The official constraints cannot be asked for everywhere, so the committed lock's own versions stand in for them.
        """
        folder = self.copy(bump.name)
        spec = tomllib.loads((folder / "optbuild.toml").read_text(encoding="utf-8"))
        apply_bump(spec, bump)
        (folder / "optbuild.toml").write_text(tomli_w.dumps(spec), encoding="utf-8")
        moved = {bump.requirement.partition("==")[0], *(["apache-airflow"] if bump.airflow else [])}
        pins = [f"{one.name}=={one.version}" for one in self.lock.python if one.name not in moved]
        constraints = folder / "pins.txt"
        constraints.write_text("".join(f"{pin}\n" for pin in pins))
        argv = (*OPTBUILD, "--quiet", "lock", str(folder), "--constraints", str(constraints))
        run_command(argv, self.make_environment(home=Path.home()), self.session.folder)
        constraints.unlink()
        return folder

    def render(self, folder: Path) -> Path:
        """The context, written beside ``folder``."""
        target = folder.with_name(f"{folder.name}-context")
        shutil.rmtree(target, ignore_errors=True)
        run_command((*OPTBUILD, "--quiet", "render", str(folder), "--output", str(target)), self.make_environment())
        return target

    def make_environment(self, home: Path | None = None) -> dict[str, str]:
        """Python keeps its bytecode in a folder of this run: an installed program has it."""
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env |= {
            "DOCKER_HOST": self.session.engine.address,
            "PYTHONPYCACHEPREFIX": str(self.session.folder / "bytecode"),
        }
        if home is None:
            env |= {"XDG_CACHE_HOME": str(self.home / "cache"), "XDG_STATE_HOME": str(self.home / "state")}
        return env

    @contextlib.contextmanager
    def count_builds(self) -> Iterator[Path]:
        """A ``docker`` in front of the real one that notes each of its calls in the file it yields."""
        folder = self.session.folder / "counting"
        folder.mkdir(exist_ok=True)
        calls = folder / "calls"
        calls.write_text("")
        script = f'#!/bin/sh\necho "$*" >>{calls}\nexec {shutil.which("docker")} "$@"\n'
        (folder / "docker").write_text(script)
        (folder / "docker").chmod(0o755)
        before = os.environ["PATH"]
        os.environ["PATH"] = f"{folder}:{before}"
        try:
            yield calls
        finally:
            os.environ["PATH"] = before


def apply_bump(spec: dict[str, Any], bump: Bump) -> None:
    """Change the tables of an ``optbuild.toml``: a requirement takes the place of the one of its name, or is added."""
    if bump.airflow:
        spec["airflow"]["version"] = bump.airflow
    table = spec.setdefault("python", {})
    if bump.requirements:
        table["requirements"] = list(bump.requirements)
    if bump.requirement:
        name = bump.requirement.partition("==")[0]
        kept = [line for line in table.get("requirements", []) if line.partition("==")[0] != name]
        table["requirements"] = [*kept, bump.requirement]


def count_build_calls(calls: str) -> int:
    """Of the noted docker calls, those that build."""
    return sum(1 for line in calls.splitlines() if line.split()[:2] in (["buildx", "build"], ["buildx", "bake"]))
