"""What a Dockerfile's target installs: system packages, servers among them, Python requirements and their files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.dockerfile.facts import InstalledServer
from builder.dockerfile.installs import parse_pip_install, parse_system_change
from builder.dockerfile.requirements import collect_requirements
from builder.products.find import find_by_package

if TYPE_CHECKING:
    from builder.dockerfile.facts import Pin
    from builder.dockerfile.files import BuildFiles
    from builder.dockerfile.run_steps import RunStep


def find_server(package: str) -> str | None:
    """The server that a system package brings."""
    product = find_by_package(package)
    return None if product is None else product.name


@dataclass(frozen=True)
class InstalledPackages:
    """``unread``: requirements files that are not at hand."""

    packages: tuple[str, ...]
    servers: tuple[InstalledServer, ...]
    pins: tuple[Pin, ...]
    unread: tuple[str, ...]


def collect_packages(steps: tuple[RunStep, ...], files: BuildFiles) -> InstalledPackages:
    """Walk the RUN instructions of the chain."""
    packages: dict[str, None] = {}
    servers: list[InstalledServer] = []
    pins: list[Pin] = []
    unread: list[str] = []
    for step in steps:
        for change in filter(None, map(parse_system_change, step.filled)):
            if change.action == "install":
                packages |= dict.fromkeys(change.packages)
                servers += [
                    InstalledServer(name, one, change.line) for one in change.packages if (name := find_server(one))
                ]
        for pip in filter(None, map(parse_pip_install, step.commands)):
            asked = collect_requirements(pip, step, files)
            pins += asked.pins
            unread += asked.unread
    return InstalledPackages(tuple(packages), tuple(servers), tuple(pins), tuple(dict.fromkeys(unread)))
