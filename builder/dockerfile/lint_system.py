"""Advice about system packages and files: a compiler left in (OB301), package lists kept (OB306), a recursive
change of owner or mode (OB305), root at the end (OB304)."""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import TYPE_CHECKING

from builder.airflow.images import OFFICIAL_IMAGE, is_airflow_image
from builder.core.image_reference import extract_repository
from builder.dockerfile.facts import Advice
from builder.dockerfile.files import CopyInstruction, find_copies
from builder.dockerfile.installs import SystemChange, parse_system_change
from builder.dockerfile.stages import substitute_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.dockerfile.run_steps import RunStep
    from builder.dockerfile.shell import ShellCommand

_COMPILER = re.compile(
    r"(build-essential|build-base|gcc|g\+\+|gcc-c\+\+|cpp|clang|llvm|gfortran|make|cmake|cargo|rustc)(-\d[\d.]*)?$"
)
_HEADERS = re.compile(r"[a-z0-9.+-]+-(dev|devel)$")
_LISTS = re.compile(r"/var/lib/apt(/lists(/(partial/?)?)?|/)?(\*|\.)*$")
_ROOT_BASES = frozenset(
    {"python", "debian", "ubuntu", "alpine", "node", "golang", "rust", "ruby", "php", "buildpack-deps", "pypy", "perl"}
    | {"amazonlinux", "fedora", "centos", "rockylinux", "almalinux", "eclipse-temurin", "openjdk", "gcc"}
    | {"continuumio/miniconda3", "continuumio/anaconda3", "condaforge/miniforge3"}
)
"""Official images that set no USER; servers that begin as root and step down (postgres, nginx) are not among them."""
_STEPS_DOWN = re.compile(r"\b(gosu|su-exec|setpriv|runuser)\b")


def find_compilers(steps: tuple[RunStep, ...], facts: DockerfileAnalysis) -> Iterator[Advice]:
    """Compilers and headers that a RUN installs and does not remove itself; a later RUN frees no bytes."""
    for step in steps:
        changes = [change for command in step.filled if (change := parse_system_change(command))]
        removed = _collect_removed_packages(changes)
        for change in changes:
            kept = [name for name in change.packages if change.action == "install" and name not in removed]
            tools = [name for name in kept if _COMPILER.match(name)]
            headers = [name for name in kept if _HEADERS.match(name)]
            if (tools or headers) and change.group not in removed and "$" not in removed:
                yield _make_compiler_advice(change, tools, headers, facts)


def _collect_removed_packages(changes: list[SystemChange]) -> set[str]:
    """Names that the RUN removes; ``$`` where it removes something that only a shell knows."""
    names = {name for change in changes if change.action == "remove" for name in change.packages}
    return names | {"$" for name in names if name.startswith(("$", "`"))}


def _make_compiler_advice(
    change: SystemChange, tools: list[str], headers: list[str], facts: DockerfileAnalysis
) -> Advice:
    kinds = (
        f"{', '.join(tools)} (compiler and build tools)" if tools else "",
        f"{', '.join(headers)} (headers)" if headers else "",
    )
    others = [name for name in change.packages if name not in (*tools, *headers) and name in facts.written_packages]
    details = [
        "first try without: `pip download --only-binary :all: -r FILE` shows whether any requirement lacks a wheel",
        "removing it in a later RUN frees nothing: the layer that holds it stays",
    ]
    if others:
        details.append(f"the last stage still installs {', '.join(others)}")
    return Advice(
        "OB301",
        change.line,
        f"{' and '.join(kind for kind in kinds if kind)} stay in the image",
        _format_two_stage_build(change, (*tools, *headers), facts),
        tuple(details),
    )


_INSTALL = {
    "apt": "apt-get update && apt-get install -y --no-install-recommends",
    "apk": "apk add --no-cache",
    "dnf": "dnf install -y",
}


_FILE = "-r requirements.txt"


def _format_two_stage_build(change: SystemChange, packages: tuple[str, ...], facts: DockerfileAnalysis) -> str:
    """Wheels are made beside the compiler, and installed without it."""
    base = facts.base or "IMAGE"
    wanted = _format_requirements(facts)
    copied = ["COPY requirements.txt requirements.txt"] if wanted == _FILE else []
    again = '"apache-airflow==${AIRFLOW_VERSION}" ' if is_airflow_image(facts.base) else ""
    lines = (
        f"FROM {base} AS wheels",
        *(["USER root"] if facts.airflow else []),
        f"RUN {_INSTALL[change.manager]} {' '.join(packages)}",
        *(["USER airflow"] if facts.airflow else []),
        *copied,
        f"RUN pip wheel --no-cache-dir --wheel-dir /tmp/wheels {wanted}",
        "",
        f"FROM {base}",
        *copied,
        "RUN --mount=type=bind,from=wheels,source=/tmp/wheels,target=/wheels \\",
        f"    pip install --no-cache-dir --no-index --find-links=/wheels {again}{wanted}",
    )
    return "\n".join(lines)


def _format_requirements(facts: DockerfileAnalysis) -> str:
    """The project's own requirements where the Dockerfile itself names them."""
    own = [pin for pin in facts.pins if pin.name != "apache-airflow" and pin.name not in ("pip", "setuptools", "wheel")]
    if not own or facts.unread or any(pin.file or pin.from_argument or pin.spec.startswith("@") for pin in own):
        return _FILE
    return " ".join(shlex.quote(f"{pin.name}{pin.spec}") for pin in own)


def find_kept_package_lists(steps: tuple[RunStep, ...]) -> Iterator[Advice]:
    """A RUN that fetches apt's lists and does not delete them itself."""
    for step in steps:
        changes = [
            change for command in step.commands if (change := parse_system_change(command)) and change.manager == "apt"
        ]
        update = next((change for change in changes if change.action == "update"), None)
        if update is None or any(_is_list_removal(command) for command in step.commands):
            continue
        if any(change.action in ("dist-clean", "distclean") for change in changes):
            continue
        if step.has_cache_mount("/var/lib/apt") or step.has_tmpfs("/var/lib/apt"):
            continue
        yield Advice(
            "OB306",
            update.line,
            "apt's package lists stay in this layer",
            "&& rm -rf /var/lib/apt/lists/*",
            ("at the end of the same RUN; `apt-get clean` does not delete them",),
        )


def _is_list_removal(command: ShellCommand) -> bool:
    return command.program in ("rm", "find") and any(_LISTS.match(word) for word in command.words[1:])


def find_recursive_changes(steps: tuple[RunStep, ...], facts: DockerfileAnalysis) -> Iterator[Advice]:
    """``chown -R`` and ``chmod -R`` of files that an earlier layer holds."""
    copied = find_copies(facts.chain)
    for step in steps:
        for index, command in enumerate(step.commands):
            if command.program not in ("chown", "chmod", "chgrp") or not _is_recursive(command):
                continue
            words = [word for word in command.words[1:] if not word.startswith("-")]
            who, paths = (words[0], words[1:]) if words else ("", [])
            old = [path for path in paths if not _is_new_in_run(path, step.commands[:index])]
            if old:
                yield _make_recursive_advice(command, who, old, copied, facts)


def _is_recursive(command: ShellCommand) -> bool:
    return any(re.match(r"-[a-zA-Z]*R|--recursive$", word) for word in command.words[1:])


def _is_new_in_run(path: str, before: tuple[ShellCommand, ...]) -> bool:
    """Whether an earlier command of the same RUN names the folder or one around it: its files are new here."""
    for command in before:
        if command.program in ("chown", "chmod", "chgrp", "cd", "ls", "rm", "echo"):
            continue
        named = [word for word in command.words[1:] if word.startswith(("/", "$", "~", "."))]
        if any(_is_within(path, word) for word in named):
            return True
    return False


def _is_within(path: str, folder: str) -> bool:
    one, other = posixpath.normpath(path), posixpath.normpath(folder)
    return other != "/" and (one == other or one.startswith(other + "/"))


def _make_recursive_advice(
    command: ShellCommand, who: str, paths: list[str], copied: tuple[CopyInstruction, ...], facts: DockerfileAnalysis
) -> Advice:
    what = command.program
    copy = next((one for one in reversed(copied) if one.line < command.line and _overlaps(one, paths)), None)
    option = "--chmod" if what == "chmod" else "--chown"
    if facts.airflow and who in ("airflow", "airflow:airflow", "airflow:"):
        who = "airflow:0"  # the official image has the user in group 0, and no group of its name
    if copy is not None:
        fix = f"COPY {option}={who} {' '.join(copy.sources)} {copy.target}"
        details = (f"in place of line {copy.line}; then delete this {what}",)
    else:
        fix = f"COPY {option}={who} SOURCE {paths[0]}"
        details = ("or do it in the RUN that makes the files; files of the base image keep their owner",)
    return Advice(
        "OB305", command.line, f"`{what} -R {' '.join(paths)}` copies every file into one more layer", fix, details
    )


def _overlaps(copy: CopyInstruction, paths: list[str]) -> bool:
    return any(_is_within(copy.target, path) or _is_within(path, copy.target) for path in paths)


def find_root_user(steps: tuple[RunStep, ...], facts: DockerfileAnalysis) -> Iterator[Advice]:
    """The last USER is root, or there is none and the base image is known to have none."""
    last = [one for one in facts.instructions if one.name == "USER"]
    if not facts.chain or _has_privilege_drop(steps, facts):
        return
    if last:
        written = substitute_variables(last[-1].value.strip().strip("\"'"), dict(facts.chain[-1].arguments))
        user = written.partition(":")[0]
        if user not in ("root", "0"):
            return
        line, message = last[-1].line, f"the last USER is {user}"
    else:
        if extract_repository(facts.base or "") not in _ROOT_BASES:
            return
        line, message = facts.chain[-1].line, f"no USER is set, and {facts.base} starts as root"
    fix = (
        "USER airflow"
        if facts.airflow and _is_official_airflow(facts.base)
        else "RUN useradd --create-home app\nUSER app"
    )
    yield Advice("OB304", line, message, fix, ("as the last instruction before CMD",))


def _has_privilege_drop(steps: tuple[RunStep, ...], facts: DockerfileAnalysis) -> bool:
    """An entrypoint of its own together with gosu or the like: it begins as root on purpose."""
    if facts.entrypoint is None:
        return False
    texts = (*facts.entrypoint, *(step.run.value for step in steps))
    return any(_STEPS_DOWN.search(text) for text in texts)


def _is_official_airflow(base: str | None) -> bool:
    return extract_repository(base or "").endswith(OFFICIAL_IMAGE)
