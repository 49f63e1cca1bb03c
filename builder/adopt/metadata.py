"""A project without a Dockerfile: pyproject.toml, setup.cfg, requirements.txt, packages.txt, and what locks them."""

from __future__ import annotations

import configparser
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from builder.adopt.model import Found
from builder.adopt.requirements import AIRFLOW, RequirementReader
from builder.adopt.values import find_refusal, show_words
from builder.core.errors import SpecError, Where
from builder.core.toml_text import parse_toml
from builder.dockerfile.lint_compilers import is_build_package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from builder.adopt.model import Collection

PROJECT, SETUP, REQUIREMENTS, PACKAGES = "pyproject.toml", "setup.cfg", "requirements.txt", "packages.txt"
LOCKS = ("uv.lock", "poetry.lock")
_PYTHONS = ("3.11", "3.13")
"""Of the Debian releases that a base can be made from, oldest first."""
_CARET = re.compile(r"\^(\d+)(?:\.(\d+))?(?:\.(\d+))?$")
_TILDE = re.compile(r"~(\d+)\.(\d+)(?:\.(\d+))?$")


@dataclass(frozen=True)
class MetadataReader:
    """``read`` gives texts below the project's folder."""

    collection: Collection
    read: Callable[[str], str | None]

    def collect_project(self) -> bool:
        """What pyproject.toml or setup.cfg depends on; False: neither depends on anything."""
        text = self.read(PROJECT)
        found = list(self._iterate_project(text)) if text is not None else []
        found = found or list(self._iterate_setup())
        locked = self._read_locks() if found else {}
        reader = RequirementReader(self.collection, self.read)
        for one in found:
            reader.add_requirement(self._pin(one, locked), one.where)
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

    def _iterate_project(self, text: str) -> Iterator[Found]:
        try:
            document = parse_toml(text)
        except tomllib.TOMLDecodeError as error:
            raise SpecError(f"not valid TOML: {error}", where=Where(PROJECT), hint="correct it") from error
        project = _find_table(document, "project")
        self._collect_requires_python(project.get("requires-python"), "requires-python", text)
        for one in _find_list(project.get("dependencies")):
            yield Found(one, _locate(text, one))
        poetry = _find_table(_find_table(document, "tool"), "poetry")
        for name, value in _find_table(poetry, "dependencies").items():
            if name == "python":
                self._collect_requires_python(_translate_poetry(str(value)), "python", text)
            elif (requirement := self._read_poetry(name, value, _locate(text, name))) is not None:
                yield requirement
        skipped = sorted((*_find_table(project, "optional-dependencies"), *_find_table(document, "dependency-groups")))
        if skipped:
            names = ", ".join(skipped)
            self.collection.note(Where(PROJECT), f"extras and groups of its own are not installed: {names}")

    def _read_poetry(self, name: str, value: Any, where: Where) -> Found | None:
        """Of Poetry's own table: ``^1.2``, ``{ version = "…", extras = […] }``."""
        table = value if isinstance(value, dict) else {"version": value}
        if "version" not in table or table.get("optional"):
            if not table.get("optional"):
                reason = "it comes from a folder, a repository or an address"
                step = "publish it to a package index, and add `name==version` to requirements of [python]"
                self.collection.leave(where, show_words(name), reason, step)
            return None
        extras = ",".join(_find_list(table.get("extras")))
        spec = _translate_poetry(str(table["version"]))
        return Found(f"{name}{f'[{extras}]' if extras else ''}{spec}", where)

    def _iterate_setup(self) -> Iterator[Found]:
        text = self.read(SETUP)
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string(text or "")
        except configparser.Error as error:
            raise SpecError(f"cannot be read: {error.message}", where=Where(SETUP), hint="correct it") from error
        self._collect_requires_python(
            parser.get("options", "python_requires", fallback=None), "python_requires", text or ""
        )
        for line in parser.get("options", "install_requires", fallback="").splitlines():
            if line.strip():
                yield Found(line.strip(), _locate(text or "", line.strip(), SETUP))

    def _collect_requires_python(self, spec: object, key: str, text: str) -> None:
        """The first Python of a Debian release that fits."""
        if not isinstance(spec, str) or self.collection.pythons:
            return
        try:
            allowed = SpecifierSet(spec)
        except InvalidSpecifier:
            return
        fitting = next((one for one in _PYTHONS if allowed.contains(f"{one}.2")), None)
        name = SETUP if key == "python_requires" else PROJECT
        if fitting is not None:
            self.collection.pythons.append(Found(fitting, _locate(text, key, name)))
        else:
            reason = f"no Debian release has such a Python, only {' and '.join(_PYTHONS)}"
            step = "name an image with it in [base], and it as version of [python]"
            self.collection.leave(_locate(text, key, name), f"{key} = {spec}", reason, step)

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

    def _pin(self, one: Found, locked: Mapping[str, tuple[str, str]]) -> str:
        """The requirement in the version that is locked, where it fits."""
        try:
            parsed = Requirement(one.value)
        except InvalidRequirement:
            return one.value
        version, file = locked.get(canonicalize_name(parsed.name), ("", ""))
        if not version or parsed.url or canonicalize_name(parsed.name) == AIRFLOW:
            return one.value
        if not parsed.specifier.contains(version, prereleases=True):
            self.collection.note(one.where, f"{file} has {parsed.name} {version}, which does not fit: it is not used")
            return one.value
        extras = f"[{','.join(sorted(parsed.extras))}]" if parsed.extras else ""
        marker = f" ; {parsed.marker}" if parsed.marker else ""
        self.collection.note(one.where, f"{parsed.name} in the version of {file}")
        return f"{parsed.name}{extras}=={version}{marker}"


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


def _find_table(found: Any, key: str) -> dict[str, Any]:
    value = found.get(key) if isinstance(found, dict) else None
    return value if isinstance(value, dict) else {}


def _find_list(value: Any) -> list[str]:
    return [str(one) for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _locate(text: str, words: str, file: str = PROJECT) -> Where:
    """The first line that has the words."""
    lines = (number for number, line in enumerate(text.splitlines(), 1) if words in line)
    return Where(file, next(lines, None))
