"""Whether a project starts on an engine that has none of its images: what `docker compose up` and `build` do there.

Everything that such a start needs of the machine stands in: each foreign image name is one tiny image that sleeps, each
Dockerfile builds on it, and the only keys of services that stay are those that say what is built, fetched and waited
for. Nothing is published, mounted or given a network.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from real_files import RUNNER, environment

from builder.core.image_reference import normalize_image_name
from builder.core.process import Command

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from builder.core.process import ProcessResult

SLEEPER = bytes.fromhex(
    "7f454c46020101000000000000000000" + "02003e0001000000" + "7800400000000000" + "4000000000000000"
    "0000000000000000" + "00000000" + "40003800010040000000" + "0000"
    "0100000005000000" + "0000000000000000" + "0000400000000000" + "0000400000000000" + "9e00000000000000"
    "9e00000000000000" + "0010000000000000"
    "488b3c24" + "4883ff02" + "7c13" + "488b742410" + "803e65" + "7509" + "b83c000000" + "31ff" + "0f05"
    "b822000000" + "0f05" + "ebf7"
)
"""A program of 158 bytes for Linux on x86-64: with a first argument that begins with an "e" it ends, else it sleeps."""
TINY = "sleeper:1"
ENDS, SLEEPS = "end", "sleep"
COMPLETED = "service_completed_successfully"
KEPT = ("build", "image", "pull_policy", "depends_on", "profiles")
STARTS = (("up", "--detach"), ("up", "--detach", "--build"), ("build",))
"""What a person types first on a new machine."""
FAILURES = ("No such image", "pull access denied", "failed to solve", "not found")
_REQUIRED = re.compile(r"\$\{(\w+):?\?")
MISSING_ENV_FILE = re.compile(r"env file (/\S+) not found")
_UNDEFINED = re.compile(r"refers to undefined (network|volume) ([\w.-]+)")
MOST_TURNS = 30
"""Compose names one missing thing at a time."""
_UNDEFINED_SERVICE = re.compile(r'depends on undefined service "?([\w.-]+)"?')


@dataclass(frozen=True)
class Start:
    """One command on the engine without the project's own images. ``problem`` empty: it works."""

    command: tuple[str, ...]
    problem: str


def make_sleeper(env: Mapping[str, str]) -> None:
    """The tiny image on the engine of ``env``."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        entry = tarfile.TarInfo("run")
        entry.size, entry.mode = len(SLEEPER), 0o755
        tar.addfile(entry, io.BytesIO(SLEEPER))
    run(env, "docker", "import", "--change", 'ENTRYPOINT ["/run"]', "-", TINY, given=stream.getvalue())


def complete_project(folder: Path) -> None:
    """Env files and variables that the files demand are there, and a Dockerfile wherever a service builds one."""
    text = "".join(path.read_text(encoding="utf-8-sig") for path in folder.rglob("*.y*ml"))
    names = sorted(set(_REQUIRED.findall(text)))
    if names:
        with (folder / ".env").open("a", encoding="utf-8") as file:
            file.write("\n" + "".join(f"{name}=1\n" for name in names))
    for _ in range(MOST_TURNS):
        asked = ask_config(folder, environment())
        if asked.ok or not _add_missing(folder, asked.err):
            break
    for service in read_services(folder, environment()).values():
        _replace_dockerfile(folder, service.get("build"))


def _add_missing(folder: Path, said: str) -> bool:
    """The env file, service, network or volume that Compose misses; a part that is not at hand has it."""
    if found := MISSING_ENV_FILE.search(said):
        path = Path(found.group(1))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return True
    if found := _UNDEFINED_SERVICE.search(said):
        _add_part(folder, "services", found.group(1), {"image": f"{found.group(1)}:1"})
        return True
    if found := _UNDEFINED.search(said):
        _add_part(folder, f"{found.group(1)}s", found.group(2), {})
        return True
    return False


def _add_part(folder: Path, kind: str, name: str, value: dict[str, str]) -> None:
    part = folder / "docker-compose.override.yml"
    added: dict[str, Any] = json.loads(part.read_text(encoding="utf-8")) if part.exists() else {}
    added.setdefault(kind, {})[name] = value
    part.write_text(json.dumps(added), encoding="utf-8")


def _replace_dockerfile(folder: Path, build: dict[str, Any] | None) -> None:
    if build is None or "dockerfile_inline" in build or not build["context"].startswith("/"):
        return
    contexts = [build["context"], *(one for one in build.get("additional_contexts", {}).values() if one[0] == "/")]
    for context in contexts:
        assert Path(context).is_relative_to(folder.parent), f"{context} is outside of what a test may write"
        Path(context).mkdir(parents=True, exist_ok=True)
    path = Path(build["context"], build.get("dockerfile", "Dockerfile"))
    path.parent.mkdir(parents=True, exist_ok=True)
    stages = {
        build.get("target", "one"),
        *re.findall(r"(?im)^FROM .* AS (\S+)", path.read_text() if path.exists() else ""),
    }
    path.write_text("".join(f"FROM {TINY} AS {stage}\n" for stage in sorted(stages)), encoding="utf-8")


def find_foreign_images(folder: Path) -> set[str]:
    """Names of images that no service of the project builds."""
    services = read_services(folder, environment()).values()
    built = {normalize_image_name(one["image"]) for one in services if "build" in one and "image" in one}
    return {one["image"] for one in services if "build" not in one and normalize_image_name(one["image"]) not in built}


def try_starts(folder: Path, foreign: Iterable[str], env: Mapping[str, str], name: str) -> tuple[Start, ...]:
    """Each of STARTS in the project of ``folder`` as it is written now, every time without its own images.

    ``env`` names the engine; ``name`` is the project's on it.
    """
    for image in foreign:
        run(env, "docker", "tag", TINY, image)
    flat = folder / "flat.json"
    services = _flatten_services(read_services(folder, environment()))
    flat.write_text(json.dumps({"name": name, "services": services}), encoding="utf-8")
    made = {one.get("image") or f"{name}-{key}" for key, one in services.items()} - {*foreign}
    enabled = frozenset(key for key, one in services.items() if not one.get("profiles"))
    profiles = () if enabled else ("--profile", "*")  # a project of which nothing starts without one
    stack = _FlatProject(
        env,
        ("docker", "compose", "--file", str(flat), *profiles),
        enabled or frozenset(services),
        frozenset(map(normalize_image_name, made)),
    )
    try:
        return tuple(stack.try_start(command) for command in STARTS)
    finally:
        flat.unlink()


@dataclass(frozen=True)
class _FlatProject:
    """``enabled``: services without profile; ``made``: names of the images that are not there."""

    env: Mapping[str, str]
    compose: tuple[str, ...]
    enabled: frozenset[str]
    made: frozenset[str]

    def try_start(self, command: tuple[str, ...]) -> Start:
        try:
            return Start(command, self._find_problem(run(self.env, *self.compose, *command, ok=False), command))
        finally:
            run(self.env, *self.compose, "--profile", "*", "down", "--timeout", "0", "--volumes")
            if there := self._find_made_images():
                run(self.env, "docker", "image", "rm", "--force", *there)

    def _find_problem(self, done: ProcessResult, command: tuple[str, ...]) -> str:
        """Also of a command that ends well and has done nothing."""
        lines = (done.out + done.err).splitlines()
        said = next((line for line in lines if any(text in line for text in FAILURES)), "")
        if not done.ok or said:
            return said or done.err[-500:]
        if command[0] == "build":
            return "" if self._find_made_images() or not self.made else f"it built nothing of {', '.join(self.made)}"
        found = run(self.env, *self.compose, "ps", "--all", "--format", "json").out.splitlines()
        missing = self.enabled - {json.loads(line)["Service"] for line in found if line.strip()}
        return f"no container of {', '.join(sorted(missing))}" if missing else ""

    def _find_made_images(self) -> list[str]:
        there = run(self.env, "docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}").out.split()
        return sorted(self.made & {*map(normalize_image_name, there)})


def _flatten_services(services: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What Compose makes of all files, with nothing in it that a machine may lack."""
    ending = {
        name
        for one in services.values()
        for name, how in (one.get("depends_on") or {}).items()
        if how["condition"] == COMPLETED
    }
    return {
        name: {
            **{key: _fetch_nothing(key, one[key]) for key in KEPT if one.get(key)},
            "entrypoint": ["/run"],
            "command": [ENDS if name in ending else SLEEPS],
            "healthcheck": {"test": ["CMD", "/run", ENDS], "interval": "300ms", "retries": 30},
            "network_mode": "none",
        }
        for name, one in services.items()
    }


def _fetch_nothing(key: str, value: Any) -> Any:
    """A build from an address, and one whose Dockerfile stands in the file, is one of the tiny image."""
    if key != "build" or (value["context"].startswith("/") and "dockerfile_inline" not in value):
        return value
    return {"context": ".", "dockerfile_inline": f"FROM {TINY}\n"}


def read_services(folder: Path, env: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """As Compose understands them, those behind profiles too."""
    asked = ask_config(folder, env)
    assert asked.ok, asked.err
    found: dict[str, dict[str, Any]] = json.loads(asked.out)["services"]
    return found


def ask_config(folder: Path, env: Mapping[str, str]) -> ProcessResult:
    argv = ("docker", "compose", "--profile", "*", "config", "--format", "json")
    return RUNNER.run(Command(argv, cwd=folder, env={**env, "PWD": str(folder)}))


def run(env: Mapping[str, str], *argv: str, ok: bool = True, given: bytes | None = None) -> ProcessResult:
    done = RUNNER.run(Command(argv, env=env, timeout=300, stdin=given))
    assert done.ok or not ok, f"{argv} failed with {done.code}:\n{done.out}\n{done.err}"
    return done


def iterate_problems(starts: Iterable[Start]) -> Iterator[str]:
    for one in starts:
        if one.problem:
            yield f"{' '.join(one.command)}: {one.problem}"
