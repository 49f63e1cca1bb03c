"""A Compose that reads the files itself: enough of its answer for plain projects, with no process."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from builder.compose.load.interpolate import interpolate_text
from builder.core.process import ProcessResult

if TYPE_CHECKING:
    from builder.core.process import Command


class YamlCompose:
    """Answers ``docker compose config``; every other command is a mistake of the test."""

    def run(self, command: Command, **_more: object) -> ProcessResult:
        if command.argv[-1] == "--short":
            return ProcessResult(command, 0, "2.26.1\n", "")
        assert "config" in command.argv, command.argv
        file = Path(command.argv[command.argv.index("--file") + 1])
        variables = read_variables(file.parent / ".env")
        text = file.read_text(encoding="utf-8")
        try:
            document = yaml.safe_load(text if "--no-interpolate" in command.argv else interpolate_text(text, variables))
        except yaml.YAMLError as error:
            return ProcessResult(command, 15, "", f"yaml: {error}\n")
        services = {name: answer_service(one, file.parent) for name, one in document["services"].items()}
        return ProcessResult(command, 0, json.dumps({"name": file.parent.name, "services": services}), "")


def read_variables(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return dict(line.split("=", 1) for line in lines if "=" in line)


def answer_service(found: dict[str, Any], folder: Path) -> dict[str, Any]:
    """As Compose says it: absolute contexts, commands as lists, environment as a map."""
    service = dict(found)
    if "build" in service:
        build = {"context": service["build"]} if isinstance(service["build"], str) else dict(service["build"])
        build["context"] = str((folder / build["context"]).resolve())
        service["build"] = build
    for key in ("command", "entrypoint"):
        if isinstance(service.get(key), str):
            service[key] = shlex.split(service[key])
    if isinstance(service.get("environment"), list):
        service["environment"] = dict(one.split("=", 1) for one in service["environment"])
    return service
