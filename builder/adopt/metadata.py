"""A project without a Dockerfile: pyproject.toml, setup.cfg, requirements.txt, packages.txt, and what locks them."""

from __future__ import annotations

import configparser
import contextlib
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from builder.adopt.model import Found
from builder.adopt.project_parts import OWN_DEPENDENCIES, ProjectTables, find_list, find_table
from builder.adopt.requirements import AIRFLOW, RequirementReader
from builder.adopt.values import find_refusal, show_words
from builder.core.errors import SpecError, Where
from builder.core.toml_text import parse_toml
from builder.dockerfile.lint_compilers import is_build_package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from builder.adopt.model import Collection
    from builder.adopt.project_parts import ProjectParts

PROJECT, SETUP, REQUIREMENTS, PACKAGES = "pyproject.toml", "setup.cfg", "requirements.txt", "packages.txt"
_SETUP_EXTRAS = "options.extras_require"
LOCKS = ("uv.lock", "poetry.lock")
_CARET = re.compile(r"\^(\d+)(?:\.(\d+))?(?:\.(\d+))?$")
_TILDE = re.compile(r"~(\d+)\.(\d+)(?:\.(\d+))?$")


@dataclass(frozen=True)
class MetadataReader:
    """``read`` gives texts below the project's folder."""

    collection: Collection
    read: Callable[[str], str | None]

    def collect_project(self, parts: ProjectParts = OWN_DEPENDENCIES) -> bool:
        """What pyproject.toml or setup.cfg depends on; False: neither depends on anything."""
        tables = self._read_tables()
        found = list(self._iterate_project(self.read(PROJECT) or "", tables, parts))
        if not tables.has_dependencies:
            found += self._iterate_setup(parts)
        locked = self._read_locks() if found else {}
        reader = RequirementReader(self.collection, self.read)
        for one in found:
            pinned = self._pin(one, locked)
            reader.add_requirement(pinned.value, pinned.where)
        return bool(found)

    def collect_requirements(self, name: str = REQUIREMENTS) -> bool:
        """A requirements file; False: there is none."""
        if self.read(name) is None:
            return False
        RequirementReader(self.collection, self.read).read_file(name)
        return True

    def collect_packages(self) -> None:
        """packages.txt, as Astronomer's and Streamlit's projects have it: Debian packages, one a line."""
        for number, line in enumerate((self.read(PACKAGES) or "").splitlines(), 1):
            for name in line.partition("#")[0].split():
                where = Where(PACKAGES, number)
                refusal = find_refusal("DebianPackageName", name)
                if refusal is not None:
                    self.collection.leave(where, show_words(name), str(refusal), refusal.hint or "name it in [apt]")
                else:
                    target = self.collection.apt_build if is_build_package(name) else self.collection.apt_runtime
                    target.append(Found(name, where))
                self.collection.read_files.add(PACKAGES)

    def collect_python(self) -> None:
        """.python-version, of pyenv and uv."""
        match = re.match(r"\s*(3\.\d+)", self.read(".python-version") or "")
        if match:
            self.collection.pythons.append(Found(match[1], Where(".python-version", 1)))

    def is_package(self, program: str) -> bool:
        """Whether an installation of the project by ``uv``, ``poetry`` or ``pip`` has a package of its own too."""
        return self._read_tables().is_package(program)

    def list_missing_parts(self, parts: ProjectParts) -> tuple[str, ...]:
        """Extras and groups that are named, and that neither pyproject.toml nor setup.cfg has."""
        return self._read_tables().list_missing(parts)

    def _read_tables(self) -> ProjectTables:
        extras = self._read_setup()
        listed = {
            name: tuple(filter(None, map(str.strip, extras.get(_SETUP_EXTRAS, name).splitlines())))
            for name in (extras.options(_SETUP_EXTRAS) if extras.has_section(_SETUP_EXTRAS) else ())
        }
        try:
            return ProjectTables(parse_toml(self.read(PROJECT) or ""), listed)
        except tomllib.TOMLDecodeError as error:
            raise SpecError(f"not valid TOML: {error}", where=Where(PROJECT), hint="correct it") from error

    def _iterate_project(self, text: str, tables: ProjectTables, parts: ProjectParts) -> Iterator[Found]:
        project, poetry = find_table(tables.document, "project"), tables.poetry
        extras, groups = tables.choose_extras(parts), tables.choose_groups(parts)
        asked = [requirement for name in sorted(extras) for requirement in tables.iterate_extra(name)]
        self._collect_requires_python(project.get("requires-python"), "requires-python", text)
        own = find_list(project.get("dependencies")) if parts.has_main else ()
        grouped = (requirement for name in sorted(groups) for requirement in tables.list_groups().get(name, ()))
        poetry_own = find_table(poetry, "dependencies")
        for one in (*own, *(one for one in asked if one not in poetry_own), *grouped):
            yield Found(one, _locate(text, one) if one in text else _locate(self.read(SETUP) or "", one, SETUP))
        if "python" in poetry_own:
            self._collect_requires_python(_translate_poetry(str(poetry_own["python"])), "python", text)
        chosen = [poetry_own] if parts.has_main else []
        for table in (*chosen, *(tables.list_poetry_groups().get(name, {}) for name in sorted(groups))):
            for name, value in table.items():
                where = _locate(text, name)
                if name != "python" and (found := self._read_poetry(name, value, where, is_asked=name in asked)):
                    yield found
        self._note_parts(tables, extras, groups, parts)

    def _note_parts(
        self, tables: ProjectTables, extras: frozenset[str], groups: frozenset[str], parts: ProjectParts
    ) -> None:
        """Which are not there, and which are though nobody named them."""
        left = sorted({*tables.list_extras()} - extras) + sorted(tables.list_all_groups() - groups)
        before = left if self.collection.left_parts is None else self.collection.left_parts
        self.collection.left_parts = tuple(one for one in left if one in before)
        for name in sorted(groups - parts.groups):
            text = f"the group {name} is installed, as {parts.default_of} does unless it is told not to"
            self.collection.note(Where(PROJECT), text)

    def _read_poetry(self, name: str, value: Any, where: Where, *, is_asked: bool) -> Found | None:
        """Of Poetry's own table: ``^1.2``, ``{ version = "…", extras = […] }``; optional ones where an extra asks."""
        table = value if isinstance(value, dict) else {"version": value}
        is_left = table.get("optional") and not is_asked
        if "version" not in table or is_left:
            if not is_left:
                reason = "it comes from a folder, a repository or an address"
                step = "publish it to a package index, and add `name==version` to requirements of [python]"
                self.collection.leave(where, show_words(name), reason, step)
            return None
        extras = ",".join(find_list(table.get("extras")))
        spec = _translate_poetry(str(table["version"]))
        return Found(f"{name}{f'[{extras}]' if extras else ''}{spec}", where)

    def _read_setup(self) -> configparser.ConfigParser:
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string(self.read(SETUP) or "")
        except configparser.Error as error:
            raise SpecError(f"cannot be read: {error.message}", where=Where(SETUP), hint="correct it") from error
        return parser

    def _iterate_setup(self, parts: ProjectParts) -> Iterator[Found]:
        text, parser = self.read(SETUP), self._read_setup()
        self._collect_requires_python(
            parser.get("options", "python_requires", fallback=None), "python_requires", text or ""
        )
        for line in parser.get("options", "install_requires", fallback="").splitlines() if parts.has_main else ():
            if line.strip():
                yield Found(line.strip(), _locate(text or "", line.strip(), SETUP))

    def _collect_requires_python(self, spec: object, key: str, text: str) -> None:
        with contextlib.suppress(InvalidSpecifier):
            if isinstance(spec, str) and SpecifierSet(spec) != SpecifierSet():
                name = SETUP if key == "python_requires" else PROJECT
                self.collection.python_ranges.append(Found(f"{key} = {spec}", _locate(text, key, name)))

    def _read_locks(self) -> Mapping[str, tuple[str, str]]:
        """Normalised name → version, and the lock file that says it."""
        found: dict[str, tuple[str, str]] = {}
        for name in LOCKS:
            try:
                packages = parse_toml(self.read(name) or "").get("package")
            except tomllib.TOMLDecodeError as error:
                raise SpecError(f"not valid TOML: {error}", where=Where(name), hint="lock the project again") from error
            for one in packages if isinstance(packages, list) else ():
                if isinstance(one, dict) and "name" in one and "version" in one:
                    found.setdefault(canonicalize_name(str(one["name"])), (str(one["version"]), name))
        return found

    def _pin(self, one: Found, locked: Mapping[str, tuple[str, str]]) -> Found:
        """The requirement in the version that is locked, where it fits; of Airflow the lock is what names it."""
        try:
            parsed = Requirement(one.value)
        except InvalidRequirement:
            return one
        version, file = locked.get(canonicalize_name(parsed.name), ("", ""))
        if not version or parsed.url:
            return one
        if not parsed.specifier.contains(version, prereleases=True):
            self.collection.note(one.where, f"{file} has {parsed.name} {version}, which does not fit: it is not used")
            return one
        extras = f"[{','.join(sorted(parsed.extras))}]" if parsed.extras else ""
        marker = f" ; {parsed.marker}" if parsed.marker else ""
        self.collection.note(one.where, f"{parsed.name} in the version of {file}")
        is_new = canonicalize_name(parsed.name) == AIRFLOW and str(parsed.specifier) != f"=={version}"
        return Found(f"{parsed.name}{extras}=={version}{marker}", Where(file) if is_new else one.where)


def _translate_poetry(text: str) -> str:
    """``^1.2`` and ``~1.2`` in PEP 440's words; a bare version is that one."""
    parts = [part.strip() for part in text.split(",")]
    return ",".join(filter(None, map(_translate_part, parts)))


def _translate_part(text: str) -> str:
    if text == "*":
        return ""
    numbers = [int(one) if one else None for one in match.groups()] if (match := _CARET.fullmatch(text)) else None
    if numbers is not None:
        index = next(
            (index for index, number in enumerate(numbers) if number),
            len([one for one in numbers if one is not None]) - 1,
        )
        upper = [str(number or 0) for number in numbers[:index]] + [str((numbers[index] or 0) + 1)]
        return f">={text[1:]},<{'.'.join(upper)}"
    if match := _TILDE.fullmatch(text):
        return f">={text[1:]},<{match[1]}.{int(match[2]) + 1}"
    return f"=={text}" if re.match(r"\d", text) else text


def _locate(text: str, words: str, file: str = PROJECT) -> Where:
    """The first line that has the words."""
    lines = (number for number, line in enumerate(text.splitlines(), 1) if words in line)
    return Where(file, next(lines, None))
