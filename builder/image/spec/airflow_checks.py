"""Whether a spec fits its Airflow: version, Python, roles and their extras, start commands, executor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder.airflow.commands import check_command
from builder.airflow.find import REPLACED_ROLES, find_started_role
from builder.airflow.releases import find_release
from builder.airflow.variables import AUTH_MANAGER, EXECUTOR, FAB_AUTH_MANAGER
from builder.core.debian import RELEASE_PYTHON
from builder.core.errors import UnknownAirflowError
from builder.image.spec.problem import SpecProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from builder.airflow.model import Release, Role
    from builder.image.spec.model import Spec

_PYTHON, _AIRFLOW = ("python", "version"), ("airflow", "version")


def find_airflow_problems(spec: Spec, *, python: bool) -> Iterator[SpecProblem]:
    yield from _find_other_airflow(spec)
    try:
        known = find_release(spec.airflow.version)
    except UnknownAirflowError as error:
        yield SpecProblem(_AIRFLOW, error.message, error.hint)
        return
    if python:
        yield from _find_airflow_python_problems(spec, known)
    yield from _find_extra_problems(spec, known)
    yield from _find_executor_problems(spec, known)
    if spec.image.kind == "base":  # that it has no roles is said elsewhere
        return
    yield from _find_role_problems(spec, known)
    yield from _find_command_problems(spec, known)
    yield from _find_idle_role_problems(spec, known)
    yield from _find_broker_problems(spec, known)


def _find_airflow_python_problems(spec: Spec, known: Release) -> Iterator[SpecProblem]:
    if spec.python.version not in known.python_versions:
        supported = ", ".join(known.python_versions)
        message = f"Airflow {known.version} does not support Python {spec.python.version}, only {supported}"
        fitting = [(name, python) for name, python in RELEASE_PYTHON.items() if python in known.python_versions]
        hint = "choose another Airflow version: no Debian release has a Python that this one supports"
        if spec.base.debian is None:
            newest = known.python_versions[-1]
            hint = f'write version = "{newest}" in [python], and in [base] an image that has Python {newest}'
        elif fitting:
            hint = f'write debian = "{fitting[0][0]}" in [base] and version = "{fitting[0][1]}" in [python]'
        yield SpecProblem(_PYTHON, message, hint)


def _find_role_problems(spec: Spec, known: Release) -> Iterator[SpecProblem]:
    own = {role.name for role in known.roles}
    names = own | {role.name for role in known.optional_roles}
    for name, table in spec.roles.items():
        if name in names:
            continue
        if name in REPLACED_ROLES:
            message = f"Airflow {known.version} has no role {name}"
            yield SpecProblem(("roles", name), message, f"use {REPLACED_ROLES[name]}")
        elif table.command is None:
            message = f"Airflow {known.version} has no role {name}, and a role of your own needs a command"
            yield SpecProblem(("roles", name), message, f"write its command, or use one of: {', '.join(sorted(names))}")
    kept = [name for name in own if name not in spec.roles or spec.roles[name].enabled]
    if not kept and not any(table.enabled for table in spec.roles.values()):
        yield SpecProblem(("roles",), "every role is switched off", "leave at least one on")


def _find_command_problems(spec: Spec, known: Release) -> Iterator[SpecProblem]:
    """Commands of the spec's own that this Airflow no longer has, or not yet."""
    for name, table in spec.roles.items():
        call = _strip_airflow(table.command or ())
        found = check_command(call, known.version) if call else None
        if found is None or not found.is_fatal:
            continue
        yield SpecProblem(
            ("roles", name, "command"),
            f"`airflow {' '.join(found.change.words)}` {found.says}",
            f"write command = [{_quote(found.instead)}]" if found.instead else "nothing does the same: leave it out",
        )


def _find_extra_problems(spec: Spec, known: Release) -> Iterator[SpecProblem]:
    """Roles and settings that need an extra of Airflow that the spec does not ask for."""
    extras = _list_extras(spec)
    for name, role in _find_own_roles(spec, known):
        for extra in role.needs_extras:
            if canonicalize_name(extra) not in extras:
                yield _make_extra_problem(spec, ("roles", name), f"the role {name}", extra)
    manager = spec.image.env.get(AUTH_MANAGER.name)
    if manager == FAB_AUTH_MANAGER and known.series.fab_commands is not None and "fab" not in extras:
        yield _make_extra_problem(spec, ("image", "env", AUTH_MANAGER.name), "the FAB auth manager", "fab")


def _find_own_roles(spec: Spec, known: Release) -> Iterator[tuple[str, Role]]:
    """The spec's tables that start a role of this Airflow, whatever they call it: name of the table, role."""
    if spec.image.kind == "base":
        return
    own = {role.name: role for role in known.all_roles}
    for name, table in spec.roles.items():
        started = name if table.command is None else find_started_role(_strip_airflow(table.command))
        if table.enabled and started in own:
            yield name, own[started]


def _strip_airflow(command: tuple[str, ...]) -> tuple[str, ...]:
    """The words behind ``airflow``, which the entrypoint adds where it is not there."""
    return command[1:] if command[:1] == ("airflow",) else command


def _find_broker_problems(spec: Spec, known: Release) -> Iterator[SpecProblem]:
    tables = {name for name, table in spec.roles.items() if table.enabled}
    needy = [role.name for role in known.optional_roles if role.needs_broker]
    if spec.verify.broker is not None and not tables & set(needy):
        hint = f"remove the line, or add a role that does: [roles.{needy[0]}]"
        yield SpecProblem(("verify", "broker"), "no role needs a broker", hint)


def _list_extras(spec: Spec) -> set[str]:
    """All that the spec asks for, under their normalised names."""
    return {canonicalize_name(extra) for extra in spec.airflow.extras} | _list_required_extras(spec)


def _list_required_extras(spec: Spec) -> set[str]:
    """Extras of ``apache-airflow[celery]`` among the requirements, and of providers that are named themselves."""
    wanted = [Requirement(text) for text in spec.python.requirements]
    own = {extra for one in wanted if canonicalize_name(one.name) == "apache-airflow" for extra in one.extras}
    providers = {canonicalize_name(one.name).removeprefix(_PROVIDER) for one in wanted if _is_provider(one)}
    return {canonicalize_name(name) for name in (*own, *providers)}


_PROVIDER = "apache-airflow-providers-"


def _is_provider(requirement: Requirement) -> bool:
    return canonicalize_name(requirement.name).startswith(_PROVIDER)


def _make_extra_problem(spec: Spec, path: tuple[str | int, ...], what: str, extra: str) -> SpecProblem:
    hint = f"write extras = [{_quote((*spec.airflow.extras, extra))}] in [airflow]"
    return SpecProblem(path, f"{what} needs the extra {extra} of Airflow", hint)


def _quote(words: Iterable[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)


def _find_executor_problems(spec: Spec, known: Release) -> Iterator[SpecProblem]:
    """An executor of the image's environment that this Airflow does not have, or that lacks its extra.

    Several may stand there (since 2.10), each with an alias; one that is named by its module is believed.
    """
    path, extras = ("image", "env", EXECUTOR.name), _list_extras(spec)
    for name in _list_executors(spec):
        if "." in name:
            continue
        executor = next((one for one in known.series.executors if one.name == name), None)
        if executor is None:
            instead = ", ".join(one.name for one in known.series.executors)
            yield SpecProblem(path, f"Airflow {known.version} has no executor {name}", f"write one of: {instead}")
            continue
        for extra in executor.needs_extras:
            if canonicalize_name(extra) not in extras:
                yield _make_extra_problem(spec, path, f"the executor {name}", extra)


def _list_executors(spec: Spec) -> tuple[str, ...]:
    words = spec.image.env.get(EXECUTOR.name, "").split(",")
    return tuple(name for word in words if (name := word.partition(":")[2].strip() or word.strip()))


def _find_idle_role_problems(spec: Spec, known: Release) -> Iterator[SpecProblem]:
    """Celery's roles beside executors that send nothing to Celery. One that is named by its module may do so."""
    executors = _list_executors(spec)
    if not executors or any("Celery" in name or "." in name for name in executors):
        return
    for name, role in _find_own_roles(spec, known):
        if role.needs_broker:
            message = f"the role {name} works for a Celery executor, and {EXECUTOR.name} is {', '.join(executors)}"
            hint = f'write {EXECUTOR.name} = "CeleryExecutor" into env of [image], or leave the role out'
            yield SpecProblem(("roles", name), message, hint)


def _find_other_airflow(spec: Spec) -> Iterator[SpecProblem]:
    for index, text in enumerate(spec.python.requirements):
        reason = explain_airflow_conflict(Requirement(text), spec.airflow.version)
        if reason:
            yield SpecProblem(("python", "requirements", index), reason, "remove it: airflow.version is what counts")


def explain_airflow_conflict(requirement: Requirement, version: str) -> str | None:
    """Why a requirement on Airflow itself does not fit the spec's Airflow; None when it does."""
    if canonicalize_name(requirement.name) != "apache-airflow":
        return None
    if requirement.specifier.contains(version, prereleases=True):
        return None
    return f"{requirement} does not admit airflow.version {version}"
