"""What an sdist depends on that this machine cannot build: what is written in it, in another wheel, or what it says."""

from __future__ import annotations

import shutil
import tomllib
from email.parser import HeaderParser
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from builder.core.files import make_private_folder
from builder.core.limits import LOCK_LIMIT
from builder.core.process import Command
from builder.image.lock.facts import DistributionFacts, list_extras, list_field_values, parse_metadata
from builder.image.lock.sources.sdists import BUILD_ENVIRONMENT, provide_source, read_pyproject

if TYPE_CHECKING:
    from pathlib import Path

    from builder.image.lock.pylock import LockedFile
    from builder.image.lock.uv import Uv

_STATIC_SINCE = Version("2.2")
"""Since this version of the metadata, what is not Dynamic is the same in each wheel of an sdist (PEP 643)."""
_ASK_BACKEND = """
import importlib, os, sys
name, folders, output = sys.argv[1:]
sys.path[:0] = [os.path.abspath(folder) for folder in folders.split(os.pathsep) if folder]
module, _, attribute = name.partition(":")
backend = importlib.import_module(module)
for part in filter(None, attribute.split(".")):
    backend = getattr(backend, part)
backend.prepare_metadata_for_build_wheel(output)
"""
"""PEP 517: how a frontend finds the backend and asks it for metadata; the hook compiles nothing."""
_LEGACY_BACKEND = "setuptools.build_meta:__legacy__"


def read_static_facts(uv: Uv, file: LockedFile, scratch: Path) -> DistributionFacts | None:
    """What the sdist obliges its own build to say (PEP 643, PEP 621); None where the build may decide."""
    source = provide_source(uv, file, scratch)
    information = source / "PKG-INFO"
    text = information.read_text(encoding="utf-8", errors="replace") if information.is_file() else ""
    return parse_static_information(file.name, text) or parse_static_project(file.name, read_pyproject(source) or "")


def parse_static_information(name: str, text: str) -> DistributionFacts | None:
    """Of a PKG-INFO. Before metadata 2.2 nothing obliges it to be true."""
    fields = HeaderParser().parsestr(text)
    dynamic = {str(line).strip().lower() for line in fields.get_all("Dynamic", [])}
    try:
        version = Version(str(fields["Metadata-Version"] or "1.0"))
    except InvalidVersion:
        return None
    if version < _STATIC_SINCE or dynamic & {"requires-dist", "provides-extra"}:
        return None
    return DistributionFacts(name, list_field_values(fields, "Requires-Dist"), (), list_extras(fields))


def parse_static_project(name: str, pyproject: str) -> DistributionFacts | None:
    """Of a pyproject.toml with ``[project]``: what is not in its ``dynamic`` no backend may add to (PEP 621)."""
    try:
        project = tomllib.loads(pyproject).get("project")
        if not isinstance(project, dict) or "name" not in project:
            return None
        if {"dependencies", "optional-dependencies"} & set(project.get("dynamic", ())):
            return None
        return DistributionFacts(name, *_list_project_requirements(project))
    except (tomllib.TOMLDecodeError, InvalidRequirement, AttributeError, TypeError):
        return None


def _list_project_requirements(
    project: dict[str, Any],
) -> tuple[tuple[str, ...], tuple[()], tuple[str, ...]]:
    """As a backend writes them into the metadata: those of an extra with it in their marker."""
    lines = [str(Requirement(line)) for line in project.get("dependencies", ())]
    extras = {
        canonicalize_name(extra): of_extra for extra, of_extra in project.get("optional-dependencies", {}).items()
    }
    for extra, of_extra in extras.items():
        for line in of_extra:
            requirement = Requirement(line)
            others = f"({requirement.marker}) and " if requirement.marker else ""
            requirement.marker = None
            lines.append(f'{requirement} ; {others}extra == "{extra}"')
    return tuple(lines), (), tuple(sorted(extras))


def ask_backend(uv: Uv, file: LockedFile, scratch: Path) -> DistributionFacts | None:
    """What the sdist's own backend says before it compiles anything; None where it cannot say it here.

    uv resolves with the same answer. The pinned build requirements are in ``BUILD_ENVIRONMENT`` of ``scratch``.
    """
    source = scratch / f"source-{file.name}"
    shutil.copytree(provide_source(uv, file, scratch), source, symlinks=True, dirs_exist_ok=True)
    table = tomllib.loads(read_pyproject(source) or "").get("build-system", {})
    output = scratch / f"metadata-{file.name}"
    make_private_folder(output)
    folders = ":".join(table.get("backend-path", ()))
    argv = (
        str(scratch / BUILD_ENVIRONMENT / "bin/python"),
        *("-c", _ASK_BACKEND, table.get("build-backend", _LEGACY_BACKEND), folders, str(output)),
    )
    env = uv.make_environment(scratch)
    result = uv.runner.run(Command(argv, cwd=source, env=env, timeout=LOCK_LIMIT.read(env)))
    found = next(output.glob("*.dist-info/METADATA"), None)
    return parse_metadata(found.read_text(encoding="utf-8", errors="replace")) if result.ok and found else None
