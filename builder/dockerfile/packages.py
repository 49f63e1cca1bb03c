"""What a Dockerfile's target installs: system packages, servers among them, Python requirements and their files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.dockerfile.facts import InstalledServer
from builder.dockerfile.installs import parse_pip_install, parse_system_change
from builder.dockerfile.project_installs import collect_project_pins
from builder.dockerfile.requirements import Requirements, collect_requirements
from builder.products.find import find_by_package

if TYPE_CHECKING:
    from builder.dockerfile.facts import Pin
    from builder.dockerfile.files import BuildFiles
    from builder.dockerfile.installs import SystemChange
    from builder.dockerfile.run_steps import RunStep


def find_server(package: str) -> str | None:
    """The server that a system package brings."""
    product = find_by_package(package)
    return None if product is None else product.name


_LISTS = re.compile(
    r"\bxargs\b[^|;&\n]*?\s(?:-a\s*|--arg-file[= ]\s*)([^\s;&|]+)"  # xargs -a FILE apt-get install
    r"|\bxargs\b[^|;&\n]*<\s*([^\s;&|]+)"  # xargs apt-get install < FILE
    r"|(?:\bcat|\bgrep\s[^|;&]*?|\bsed\s[^|;&]*?)\s+([\w./-]+)\s*\|[^;&\n]*\bxargs\b"  # cat FILE | xargs
    r"|[$]\((?:cat|grep\s[^)]*?|<)\s*([\w./-]+)\s*\)"  # $(cat FILE)
)
"""Files that list the system packages which a RUN installs."""


@dataclass(frozen=True)
class InstalledPackages:
    """``pins`` by pip, ``others`` by other programs. ``unread``: requirements files that are not at hand."""

    packages: tuple[str, ...]
    servers: tuple[InstalledServer, ...]
    pins: tuple[Pin, ...]
    others: tuple[Pin, ...]
    unread: tuple[str, ...]


def collect_packages(steps: tuple[RunStep, ...], files: BuildFiles) -> InstalledPackages:
    """Walk the RUN instructions of the chain."""
    packages: dict[str, None] = {}
    servers: list[InstalledServer] = []
    asked = Requirements()
    others: list[Pin] = []
    for step in steps:
        for change in filter(None, map(parse_system_change, step.filled)):
            names = _list_packages(change, step, files) if change.action == "install" else ()
            packages |= dict.fromkeys(names)
            servers += [InstalledServer(name, one, change.line) for one in names if (name := find_server(one))]
        for command in step.commands:
            pip = parse_pip_install(command)
            if pip is not None:
                asked += collect_requirements(pip, step, files)
            else:
                others += collect_project_pins(command, step, files)
    return InstalledPackages(
        tuple(packages), tuple(servers), asked.pins, tuple(others), tuple(dict.fromkeys(asked.unread))
    )


def _list_packages(change: SystemChange, step: RunStep, files: BuildFiles) -> tuple[str, ...]:
    """Those that the command names, and those of the files that its RUN reads them from."""
    text = "\n".join((step.run.value, *(heredoc.body for heredoc in step.run.heredocs)))
    lists = {next(filter(None, match.groups())).strip("\"'") for match in _LISTS.finditer(text)}
    shortened = {"", *(re.split("[/~=]", name, maxsplit=1)[0] for name in lists)}
    named = (word for word in change.packages if not word.startswith(("$", "`", "<")) and word not in shortened)
    read = (step.read_file(name, files) or "" for name in sorted(lists))
    listed = (line.partition("#")[0].split() for one in read for line in one.splitlines())
    return (*named, *(re.split("[=/:]", word, maxsplit=1)[0] for words in listed for word in words))
