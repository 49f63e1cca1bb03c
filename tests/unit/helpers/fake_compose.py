"""A Compose that answers what a test says, and a project to ask it about."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from builder.compose.model import ProjectFiles
from builder.core.process import Command, ProcessResult
from builder.engine.compose import ComposeCli

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

CLI = ComposeCli(("docker", "compose"))
REFUSED = (15, "", "services.a.ports is wrong\n")
MISSING = (1, "", "docker: 'compose' is not a docker command.\n")


def answer(**services: Any) -> tuple[int, str, str]:
    return (0, json.dumps({"name": "p", "services": services}), 'time="x" level=warning msg="nothing"')


PLAIN, RAW = answer(a={"image": "x"}), answer(a={"image": "${X}"})


def follow_edit(found: dict[str, Any], command: Command) -> dict[str, Any]:
    """The answer as it is once the file that the command names is edited: what it says of the planned keys."""
    file = command.argv[command.argv.index("--file") + 1]
    if "optbuild-overlay" not in file:
        return found
    for name, written in yaml.safe_load(Path(file).read_text())["services"].items():
        service = found["services"][name]
        service |= {key: written[key] for key in ("image", "pull_policy") if key in written}
        if "build" not in written:
            service.pop("build", None)
    return found


@dataclass
class Compose:
    """``resolved`` and ``raw``: exit code, stdout, stderr; or what gives them."""

    resolved: Any = PLAIN
    raw: Any = RAW
    version: tuple[int, str, str] = (0, "2.26.1\n", "")
    commands: list[Command] = field(default_factory=list)
    together: threading.Barrier | None = None

    def run(
        self,
        command: Command,
        *,
        on_out: Callable[[str], None] | None = None,
        on_err: Callable[[str], None] | None = None,
    ) -> ProcessResult:
        self.commands.append(command)
        if command.argv[-1] == "--short":
            return ProcessResult(command, *self.version)
        if self.together is not None:
            self.together.wait(timeout=10)
        given = self.raw if "--no-interpolate" in command.argv else self.resolved
        return ProcessResult(command, *(given(command) if callable(given) else given))

    def of(self, *words: str) -> list[Command]:
        return [command for command in self.commands if all(word in command.argv for word in words)]


def plain_files(folder: Path) -> ProjectFiles:
    (folder / "compose.yaml").write_text("services: {a: {image: '${X}'}}\n")
    return ProjectFiles(folder, (folder / "compose.yaml",))


def machine(folder: Path) -> dict[str, str]:
    """The environment of a machine that has both commands."""
    (folder / "bin").mkdir()
    for tool in ("docker", "docker-compose"):
        (folder / "bin" / tool).write_text("")
        (folder / "bin" / tool).chmod(0o755)
    return {"PATH": str(folder / "bin"), "PASSWORD": "canary-variable", "COMPOSE_PROFILES": "one"}
