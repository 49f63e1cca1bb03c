"""A Dockerfile instruction by instruction: each becomes a part of the spec, or an open point with its reason."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from builder.adopt.base import find_base_kind, make_base_below, make_own_below
from builder.adopt.commands import CommandReader
from builder.adopt.copies import CopyReader
from builder.adopt.installers import is_installer_image, is_installer_script
from builder.adopt.model import Base
from builder.adopt.requirements import RequirementReader
from builder.adopt.values import show_instruction
from builder.adopt.variables import collect_arguments, collect_environment, collect_labels
from builder.airflow.variables import HOME, HOME_VARIABLE
from builder.core.errors import Where
from builder.dockerfile import Instruction, read_instructions
from builder.dockerfile.files import collect_build_files, find_all_copies, iterate_with_folder
from builder.dockerfile.run_steps import list_run_steps
from builder.dockerfile.stages import (
    find_stage_chain,
    list_feeding_stages,
    parse_assignments,
    parse_exec_form,
    parse_stages,
    substitute_variables,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from builder.adopt.base import BaseBelow
    from builder.adopt.model import BuildContext, Collection
    from builder.dockerfile.files import CopyInstruction
    from builder.dockerfile.stages import Stage

_USERS = frozenset({"airflow", "50000", "astro", "default"})
_PYTHON_PLACES = re.compile(
    r"(?:^|/)(?:site-packages|dist-packages|\.local|\.?venv|virtualenv|env|wheels?|wheelhouse|install|deps|packages)(?:/|$)"
    r"|^/usr/local(?:/(?:bin|lib|lib/python3[\d.]*(?:/\S*)?))?$|^/opt/venv"
)
"""Where a stage puts Python packages for another one to take."""
_AT_START = "say it where the container is started (compose: `{key}:`)"
_START_POINTS = {
    "HEALTHCHECK": (
        "an image of ours has none, because each role is healthy in another way",
        _AT_START.format(key="healthcheck"),
    ),
    "STOPSIGNAL": ("the entrypoint ends each role by SIGTERM", _AT_START.format(key="stop_signal")),
    "VOLUME": ("an image of ours has no volume of its own", _AT_START.format(key="volumes")),
    "ONBUILD": ("nothing runs in builds that stand on the image", "write it into those Dockerfiles"),
}
"""Instruction → reason and next step."""
SAID_ANEW = frozenset({"USER", "WORKDIR", "ENTRYPOINT", "CMD", "HEALTHCHECK", "STOPSIGNAL"})
"""Instructions whose last word counts, also across Dockerfiles."""


@dataclass
class DockerfileReader:
    """One Dockerfile as one build sees it. ``read`` gives texts of the context, ``arguments`` those of the build."""

    collection: Collection
    context: BuildContext
    name: str
    """Of the Dockerfile, below the root."""
    text: str
    read: Callable[[str], str | None]
    arguments: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    own_bases: Mapping[str, BaseBelow] = field(default_factory=dict)
    """Name of an image that another Dockerfile of the project makes → what that one leaves."""
    replaced: frozenset[str] = frozenset()
    """Instructions that the Dockerfile above says anew."""
    result: BaseBelow | None = None
    """What it leaves to one that stands on it, once it is collected."""

    def collect(self) -> Base:
        """Fill the collection; the base that the image stands on. Raises ValueError where there is no stage."""
        stages = parse_stages(read_instructions(self.text), self.arguments, self._find_below)
        chain = find_stage_chain(stages, self.target)
        if not chain:
            raise ValueError(f"{self.name} has no stage {self.target or ''}".strip())
        base = chain[0].base
        folder = self._find_below(base).folder
        chain = (_begin_at(chain[0], folder), *chain[1:]) if folder is not None else chain
        self._collect_stages(stages, chain)
        return Base(find_base_kind(base), base, Where(self.name, chain[0].line))

    def _find_below(self, reference: str) -> BaseBelow:
        return self.own_bases.get(reference) or make_base_below(reference)

    def _collect_stages(self, stages: tuple[Stage, ...], chain: tuple[Stage, ...]) -> None:
        files = collect_build_files(stages, chain, self.read, {})
        prefix = self.context.name_of("x").removesuffix("x")
        requirements = RequirementReader(self.collection, lambda name: self._read_below(name, prefix))
        commands = CommandReader(self.collection, self.context, files, requirements)
        feeding = list_feeding_stages(stages, chain)
        for stage in feeding:
            own = replace(
                commands, files=collect_build_files(stages, find_stage_chain(stages, str(stage.index)), self.read, {})
            )
            for step in list_run_steps((stage,)):
                own.collect(step, Where(self.name, step.run.line), built=True)
            commands.projects.add_stage((stage.name or "", str(stage.index)), own.projects)
        for step in list_run_steps(chain, self._find_below(chain[0].base).environment):
            commands.collect(step, Where(self.name, step.run.line))
        for stage in feeding:
            for one in stage.instructions:
                if one.name == "ARG":
                    collect_arguments(one, Where(self.name, one.line), self.collection)
        self._collect_instructions(chain, commands, has_packages=bool(feeding))
        self._move_home(chain)
        commands.finish()

    def _read_below(self, name: str, prefix: str) -> str | None:
        return self.read(name.removeprefix(prefix)) if name.startswith(prefix) else None

    def _collect_instructions(self, chain: tuple[Stage, ...], commands: CommandReader, *, has_packages: bool) -> None:
        copies = {copy.line: copy for copy in find_all_copies(chain)}
        reader = CopyReader(self.collection, self.context)
        below = self._find_below(chain[0].base)
        known = dict(below.environment)
        user = None
        folder = "/"
        assigned = {
            name
            for stage in chain
            for one in stage.instructions
            if one.name == "ENV"
            for name in parse_assignments(one)
        }
        for stage, one, current in iterate_with_folder(chain):
            folder = current
            where = Where(self.name, one.line)
            values = {**{key: value for key, value in stage.arguments if key not in assigned}, **known}
            match one.name:
                case "ENV":
                    before = dict(self.collection.environment)
                    collect_environment(one, where, values, self.collection, is_base_known=below.is_official)
                    known |= {
                        key: found.value
                        for key, found in self.collection.environment.items()
                        if before.get(key) != found
                    }
                case "ARG":
                    collect_arguments(one, where, self.collection)
                    known = {**self._list_arguments(one, values, assigned), **known}
                case "LABEL" | "MAINTAINER":
                    collect_labels(one, where, values, self.collection)
                case "COPY" | "ADD":
                    copy = copies.get(one.line)
                    if copy is not None and any(map(is_installer_script, copy.sources)):
                        commands.installers.add(copy, where)
                    elif copy is not None and copy.stage is not None:
                        self._check_handed_over(one, copy, commands, where, has_packages=has_packages)
                    else:
                        reader.collect(one, copy, where)
                case "USER":
                    user = one
                case _:
                    self._collect_start(one, where)
        reader.check_ignored()
        self._check_end(chain, folder, user, below)
        self.result = make_own_below(chain, below, folder)

    def _move_home(self, chain: tuple[Stage, ...]) -> None:
        """What lies below another AIRFLOW_HOME, DAGs above all, lies below ours: Airflow looks there."""
        inherited = self._find_below(chain[0].base).environment.get(HOME_VARIABLE, HOME)
        homes = [
            (value.rstrip("/"), one.line)
            for stage in chain
            for one in stage.instructions
            if one.name == "ENV" and (value := parse_assignments(one).get(HOME_VARIABLE))
        ]
        home, line = homes[-1] if homes else (inherited, chain[0].line)
        moved = [name for name, found in self.collection.files.items() if found.value.startswith(f"{home}/")]
        if home == HOME or "$" in home or not moved:
            return
        for name in moved:
            found = self.collection.files[name]
            self.collection.files[name] = replace(found, value=HOME + found.value.removeprefix(home))
        self.collection.note(Where(self.name, line), f"what was copied below {home} lies below {HOME}")

    def _list_arguments(self, one: Instruction, values: Mapping[str, str], assigned: set[str]) -> dict[str, str]:
        """Of an ARG whose name an ENV takes later: what it is until then."""
        given = {name: default for name, default in parse_assignments(one).items() if name in assigned}
        return {
            name: self.arguments.get(name, substitute_variables(text or "", values)) for name, text in given.items()
        }

    def _check_handed_over(
        self, one: Instruction, copy: CopyInstruction, commands: CommandReader, where: Where, *, has_packages: bool
    ) -> None:
        """COPY from another stage: Python packages come by the lock, anything else stays open."""
        if is_installer_image(copy.stage or ""):
            commands.installers.note(where)
            return
        if commands.projects.is_exported(copy):
            self.collection.note(where, "a list of requirements that the other stage makes of the project: it is read")
            return
        for source in copy.sources:
            given = any(f"{source}/".startswith(f"{prefix.rstrip('/')}/") for prefix in commands.prefixes if prefix)
            if not (has_packages and (given or _PYTHON_PLACES.search(source))):
                reason = "it comes from another stage or image, and no key of the spec makes it"
                step = "make the files part of the project, and name them in [files]"
                self.collection.leave(where, show_instruction(one), reason, step)
                return
        self.collection.note(where, "the Python packages of that stage: the lock has them")

    def _collect_start(self, one: Instruction, where: Where) -> None:
        if one.name in self.replaced:
            return
        if one.name in _START_POINTS:
            self.collection.leave(where, show_instruction(one), *_START_POINTS[one.name])
        elif one.name == "ENTRYPOINT" and (parse_exec_form(one.value) or ())[-1:] != ("/entrypoint",):
            reason = "the image has the entrypoint of the official one, which waits for the database and starts a role"
            step = "give the containers its program (compose: `entrypoint:`), and name the file in [files]"
            self.collection.leave(where, show_instruction(one), reason, step)
        elif one.name == "CMD" and one.value.strip() not in ("[]", ""):
            reason = "the image starts no role by itself: one image serves them all"
            self.collection.leave(where, show_instruction(one), reason, _AT_START.format(key="command"))
        elif one.name == "EXPOSE" and one.value.strip() not in ("8080", "8080/tcp"):
            self.collection.note(where, "EXPOSE only documents a port: containers publish what compose names")
        elif one.name == "SHELL":
            self.collection.note(where, "SHELL says how RUN is read, and the image has none of these RUNs")

    def _check_end(self, chain: tuple[Stage, ...], folder: str, user: Instruction | None, below: BaseBelow) -> None:
        """The folder and the user that the image starts with."""
        if "USER" in self.replaced:
            pass
        elif user is not None:
            self._check_user(user, dict(chain[-1].arguments))
        elif not below.is_own and find_base_kind(chain[0].base) == "image":
            where = Where(self.name, chain[0].line)
            self.collection.note(where, "no USER: that image may start as root; this one starts as the user 50000")
        named = [one for stage in chain for one in stage.instructions if one.name == "WORKDIR" and one.line]
        if named and "WORKDIR" not in self.replaced and posixpath.normpath(folder) != HOME and "$" not in folder:
            reason = f"the image starts in {HOME}"
            step = _AT_START.format(key="working_dir")
            self.collection.leave(Where(self.name, named[-1].line), show_instruction(named[-1]), reason, step)

    def _check_user(self, one: Instruction, known: Mapping[str, str]) -> None:
        text = substitute_variables(one.value.strip(), known).strip("\"'")
        name, _, group = text.partition(":")
        if name in _USERS and group in ("", "0", "root"):
            return
        reason = "the image's user is 50000 with the group 0, and works with every user of that group"
        self.collection.leave(Where(self.name, one.line), show_instruction(one), reason, _AT_START.format(key="user"))


def _begin_at(stage: Stage, folder: str) -> Stage:
    """Relative paths start in the working folder of the image below."""
    return replace(stage, instructions=(Instruction("WORKDIR", folder, 0), *stage.instructions))
