"""Python requirements of a project: on pip's command line, in files that name others, in constraints."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from builder.adopt.installers import INSTALLERS
from builder.adopt.model import Found
from builder.adopt.values import find_refusal, show_words
from builder.core.errors import Where
from builder.core.redact import mask_text
from builder.image.spec.requirements import iterate_logical_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from builder.adopt.model import Collection

FILES_DEEP = 8
"""How many files a chain of ``-r`` may have."""
_OFFICIAL_ADDRESS = re.compile(r"constraints-(?P<version>\d+\.\d+\.\d+[^/]*)/constraints(?:-\D*)?-?(?P<python>3\.\d+)?")
_OFFICIAL_FILE = re.compile(
    r"/home/airflow/constraints\.txt$|\$\{?HOME\}?/constraints\.txt$|constraints-main/|/constraints-\$"
)
_NESTED = re.compile(r"(?:-r|--requirement|-c|--constraint)(?:[ =]\s*|(?<=-[rc]))[\"']?([^\s\"']+)")
_HASHES = re.compile(r"(\s+--hash[=\s]\s*[a-z0-9]+:[0-9a-f]+)+$")
_HARMLESS = frozenset({"--pre", "--require-hashes", "--prefer-binary", "--no-binary", "--only-binary", "--use-feature"})
INDEX_OPTIONS = frozenset(
    {"-i", "--index-url", "--extra-index-url", "--no-index", "-f", "--find-links", "--trusted-host", "--default-index"}
    | {"--index"}
)
INDEX_REASON = "where packages come from is a matter of the machine, not of the image"
INDEX_STEP = (
    "set it on the machine that locks and builds, in UV_INDEX or PIP_EXTRA_INDEX_URL (UV_DEFAULT_INDEX in place of the "
    "public one): a lock holds names, versions and hashes, and no address"
)
_PUBLISH = "publish it to a package index, and add `name==version` to requirements of [python]"
AIRFLOW = "apache-airflow"
_AIRFLOW_NAMES = (AIRFLOW, "apache-airflow-core")

ReadText = "Callable[[str], str | None]"


@dataclass(frozen=True)
class RequirementReader:
    """``read`` gives the text of a path below the root; None: it is not there, or not readable."""

    collection: Collection
    read: Callable[[str], str | None]

    def add_requirement(self, text: str, where: Where) -> None:
        """One requirement as pip takes it: where it goes in the spec, or why not."""
        bare = _HASHES.sub("", text).strip()
        if bare != text.strip():
            self.collection.note(Where(where.file), "its hashes: the lock has those of every file that it names")
        try:
            parsed = Requirement(bare)
        except InvalidRequirement:
            parsed = None
        refusal = find_refusal("Requirement", bare)
        if parsed is None or refusal is not None:
            self._leave_requirement(bare, where, refusal)
            return
        name = canonicalize_name(parsed.name)
        if name in _AIRFLOW_NAMES:
            self._add_airflow(parsed, where)
        elif name in INSTALLERS:
            self.collection.note(where, f"{name} only installs packages: the image has none of it")
        else:
            self.collection.requirements.append(Found(bare, where))

    def _leave_requirement(self, text: str, where: Where, refusal: Exception | None) -> None:
        is_local = re.match(r"\.{0,2}/|\.(?:\[|$)|.*\.(?:whl|tar\.gz|zip)$", text)
        if text == ".":
            reason = "the project is a package of its own, and not one of an index"
            step = f"{_PUBLISH}; or copy its code with [files], below a folder of PYTHONPATH"
            self.collection.leave(where, "the project itself (.)", reason, step)
            return
        if is_local and "://" not in text:
            reason = "it is a folder or a file of the project, and not a package of an index"
            step = f"{_PUBLISH}; or copy its code with [files], and add what it depends on to requirements"
        else:
            reason, step = str(refusal or "it is not a requirement"), _PUBLISH
        self.collection.leave(where, show_words(text), mask_text(reason), step)

    def _add_airflow(self, parsed: Requirement, where: Where) -> None:
        exact = [one.version for one in parsed.specifier if one.operator == "==" and "*" not in one.version]
        if exact:
            self.collection.versions.append(Found(exact[0], where))
        elif parsed.specifier:
            self.collection.note(where, f"{parsed}: [airflow] version says which one exactly")
        self.collection.extras += [Found(extra, where) for extra in sorted(parsed.extras)]

    def read_file(self, name: str, *, where: Where | None = None) -> None:
        """A requirements file and those that it names; ``where`` names it. One that is plain stays as it is."""
        text = self.read(name)
        if text is None:
            place = where or Where(name)
            self.collection.leave(
                place, show_words(f"-r {name}"), "this file is not there, or cannot be read", "add what it lists"
            )
            return
        self.collection.read_files.add(name)
        if self._is_plain(text):
            self.collection.requirement_files.append(Found(name, where or Where(name)))
            return
        self._read_lines(name, text, FILES_DEEP)

    def _is_plain(self, text: str) -> bool:
        """Whether the spec can name the file: it holds nothing but requirements on other packages than Airflow."""
        lines = [_HASHES.sub("", line) for _, line in iterate_logical_lines(text)]
        return bool(lines) and all(
            find_refusal("Requirement", line) is None
            and canonicalize_name(Requirement(line).name) not in (*_AIRFLOW_NAMES, *INSTALLERS)
            for line in lines
        )

    def _read_lines(self, name: str, text: str, deep: int) -> None:
        for number, line in iterate_logical_lines(text):
            where = Where(name, number)
            if not line.startswith("-"):
                self.add_requirement(line, where)
                continue
            option = line[:2] if line[1:2] != "-" else re.split(r"[\s=]", line, maxsplit=1)[0]
            nested = _NESTED.match(line)
            if nested and option in ("-c", "--constraint"):
                self.read_constraints(self._resolve(name, nested[1]), where)
            elif nested:
                self._read_nested(self._resolve(name, nested[1]), where, deep - 1)
            elif option in ("-e", "--editable"):
                self.add_requirement(line[len(option) :].strip(" ="), where)
            else:
                self.add_option(option, line, where)

    def _resolve(self, name: str, other: str) -> str:
        return other if "://" in other else posixpath.normpath(posixpath.join(posixpath.dirname(name), other))

    def _read_nested(self, name: str, where: Where, deep: int) -> None:
        text = self.read(name) if deep and "://" not in name else None
        if text is None:
            reason = "this file is not there, or cannot be read"
            self.collection.leave(
                where, show_words(f"-r {name}"), reason, "add what it lists to requirements of [python]"
            )
            return
        self.collection.read_files.add(name)
        self._read_lines(name, text, deep)

    def add_option(self, option: str, words: str, where: Where) -> None:
        """An option of pip that stands in a file or on a command line."""
        if option in INDEX_OPTIONS:
            self.collection.leave(where, show_words(words), INDEX_REASON, INDEX_STEP)
        elif option == "--no-deps":
            self.collection.note(where, "--no-deps: the lock also has what these packages depend on")
        elif option in _HARMLESS:
            self.collection.note(where, f"{option}: the lock has the exact version and hash of each file")
        else:
            self.collection.leave(
                where, show_words(words), "this option of pip has no key", "leave it out, if it is not needed"
            )

    def read_constraints(self, name: str, where: Where) -> None:
        """Constraints by address or file: Airflow's own, or those of the project."""
        official = _OFFICIAL_ADDRESS.search(name)
        if official:
            if re.fullmatch(r"\d+\.\d+\.\d+", official["version"]):
                self.collection.versions.append(Found(official["version"], where))
            if official["python"]:
                self.collection.pythons.append(Found(official["python"], where))
        if official or _OFFICIAL_FILE.search(name):
            self.collection.has_official_constraints = True
            return
        text = None if "://" in name else self.read(name)
        if text is None:
            reason = "these constraints are not there, or cannot be read"
            self.collection.leave(where, show_words(f"-c {name}"), reason, "name them as constraints of [airflow]")
            return
        self.collection.read_files.add(name)
        self.collection.constraint_files.append(Found(name, where))


def list_pins(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, normalised name and requirement of each exact pin in a constraints file."""
    for number, line in iterate_logical_lines(text):
        bare = _HASHES.sub("", line)
        try:
            parsed = Requirement(bare)
        except InvalidRequirement:
            continue
        if any(one.operator == "==" for one in parsed.specifier):
            yield number, canonicalize_name(parsed.name), f"{parsed.name}{parsed.specifier}"
