"""Which parts of a project `uv sync` and `poetry install` take: its extras, its dependency groups, itself.

By the documentation of uv 0.9 and Poetry 2.2: uv installs the groups of ``tool.uv.default-groups`` (``dev``, where it
is not set) unless they are switched off, and the project itself where it can be built; Poetry every group that is not
optional, and the project itself unless ``package-mode`` is off. PEP 735 says what a group is, PEP 621 what an extra
is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from builder.dockerfile.shell import ShellCommand

_ELSEWHERE = frozenset(
    {"--package", "--all-packages", "--project", "--directory", "--script", "-C", "-P", "--only-root"}
)
"""Options by which another project is meant, or nothing but the project itself."""
ALL = "*"
_SUBCOMMANDS = {"uv": (("sync",), ("export",)), "poetry": (("install",), ("sync",), ("export",))}
_MAIN = "main"
"""Poetry's name for the dependencies of the project itself."""


@dataclass(frozen=True)
class ProjectParts:
    """Names are normalized (PEP 503); ``*`` among them stands for all that there are."""

    has_main: bool = True
    extras: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    """Those that are named."""
    without: frozenset[str] = frozenset()
    """Extras and groups that are left out."""
    default_of: str = ""
    """The program whose default groups come too; empty: none do."""
    has_itself: bool = True
    """Whether the project itself is installed."""


OWN_DEPENDENCIES = ProjectParts(has_itself=False)


def parse_project_install(command: ShellCommand, environment: Mapping[str, str]) -> ProjectParts | None:
    """None: it installs no project, or another one."""
    words = tuple(word for word in command.words[1:] if not word.startswith("-"))
    known = {"uv": _parse_uv, "poetry": _parse_poetry}.get(command.program)
    if known is None or words[:1] not in _SUBCOMMANDS[command.program]:
        return None
    options = list(_iterate_options(command.words[1:]))
    if any(name in _ELSEWHERE and (command.program, name) != ("uv", "-P") for name, _ in options):
        return None
    parts = known(options, environment)
    is_plain = command.program == "poetry" and words[0] == "export"  # takes no group unasked
    return replace(parts, default_of="", has_itself=False) if is_plain else parts


def _iterate_options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each option with what stands behind it, which is its value where it takes one."""
    for number, word in enumerate(words):
        name, equals, value = word.partition("=")
        if word.startswith("-"):
            yield name, value if equals else next(iter(words[number + 1 : number + 2]), "")


def _list_values(options: Sequence[tuple[str, str]], *names: str) -> frozenset[str]:
    """Poetry takes several names in one value."""
    values = (value for name, value in options if name in names)
    return frozenset(canonicalize_name(one) for value in values for one in value.replace(",", " ").split())


def _parse_uv(options: Sequence[tuple[str, str]], environment: Mapping[str, str]) -> ProjectParts:
    names = {name for name, _ in options}
    only = _list_values(options, "--only-group") | ({"dev"} if "--only-dev" in names else frozenset())
    is_off = any(environment.get(name, "") not in ("", "0", "false") for name in ("UV_NO_DEV", "UV_NO_DEFAULT_GROUPS"))
    has_defaults = not (only or is_off or names & {"--no-default-groups"})
    return ProjectParts(
        has_main=not only,
        extras=_list_values(options, "--extra") | ({ALL} if "--all-extras" in names else frozenset()),
        groups=only
        | _list_values(options, "--group")
        | ({"dev"} if "--dev" in names else frozenset())
        | ({ALL} if "--all-groups" in names else frozenset()),
        without=_list_values(options, "--no-group", "--no-extra") | ({"dev"} if "--no-dev" in names else frozenset()),
        default_of="uv" if has_defaults else "",
        has_itself=not (only or names & {"--no-install-project", "--no-emit-project"}),
    )


def _parse_poetry(options: Sequence[tuple[str, str]], _environment: Mapping[str, str]) -> ProjectParts:
    names = {name for name, _ in options}
    only = _list_values(options, "--only") | ({_MAIN} if names & {"--no-dev"} else frozenset())
    return ProjectParts(
        has_main=not only or _MAIN in only,
        extras=_list_values(options, "-E", "--extras") | ({ALL} if "--all-extras" in names else frozenset()),
        groups=(only - {_MAIN}) | _list_values(options, "--with") | ({ALL} if "--all-groups" in names else frozenset()),
        without=_list_values(options, "--without"),
        default_of="" if only else "poetry",
        has_itself=not (names & {"--no-root"} or only - {_MAIN}),
    )


@dataclass(frozen=True)
class ProjectTables:
    """What a pyproject.toml says of its parts. ``document`` is the whole of it; ``setup_extras``: of setup.cfg."""

    document: Mapping[str, Any]
    setup_extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def has_dependencies(self) -> bool:
        """Whether it lists what the project depends on."""
        return bool(find_table(self.document, "project").get("dependencies") or self.poetry.get("dependencies"))

    @property
    def poetry(self) -> Mapping[str, Any]:
        """Poetry's own table."""
        return find_table(self._tool, "poetry")

    @property
    def _tool(self) -> Mapping[str, Any]:
        return find_table(self.document, "tool")

    def is_package(self, program: str) -> bool:
        """uv builds what has a build system or says so, Poetry what does not say otherwise, pip everything."""
        if program == "pip":
            return True
        if program == "poetry":
            return self.poetry.get("package-mode", True) is not False
        said = find_table(self._tool, "uv").get("package")
        return said if isinstance(said, bool) else "build-system" in self.document

    def list_extras(self) -> dict[str, tuple[str, ...]]:
        """Requirements by the normalized name of the extra; of Poetry's own table, names of optional dependencies."""
        project = find_table(self.document, "project")
        tables = (find_table(project, "optional-dependencies"), find_table(self.poetry, "extras"))
        own = {name: find_list(value) for table in tables for name, value in table.items()}
        return {canonicalize_name(name): value for name, value in {**self.setup_extras, **own}.items()}

    def list_groups(self) -> dict[str, tuple[str, ...]]:
        """Requirements of PEP 735 by the normalized name of the group."""
        tables = find_table(self.document, "dependency-groups")
        entries: dict[str, Any] = {canonicalize_name(name): value for name, value in tables.items()}
        groups: dict[str, tuple[str, ...]] = {name: tuple(_iterate_group(entries, name, ())) for name in entries}
        old = find_list(find_table(self._tool, "uv").get("dev-dependencies"))
        return {**groups, "dev": (*groups.get("dev", ()), *old)} if old else groups

    def list_poetry_groups(self) -> dict[str, Mapping[str, Any]]:
        """Poetry's own tables of dependencies by the normalized name of the group."""
        old = find_table(self.poetry, "dev-dependencies")
        tables = find_table(self.poetry, "group").items()
        return {
            **({"dev": old} if old else {}),
            **{canonicalize_name(name): find_table(group, "dependencies") for name, group in tables},
        }

    def list_all_groups(self) -> frozenset[str]:
        return frozenset((*self.list_groups(), *self.list_poetry_groups()))

    def list_missing(self, parts: ProjectParts) -> tuple[str, ...]:
        """Extras and groups that are named, and that are not there."""
        extras = sorted(parts.extras - {ALL} - {*self.list_extras()})
        groups = sorted(parts.groups - {ALL} - self.list_all_groups())
        return (*(f"extra {name}" for name in extras), *(f"group {name}" for name in groups))

    def choose_groups(self, parts: ProjectParts) -> frozenset[str]:
        """Those that are installed, whatever they are called."""
        there = self.list_all_groups()
        named = there if ALL in parts.groups else parts.groups
        return (named | (self._list_defaults(parts.default_of) & there)) - parts.without

    def choose_extras(self, parts: ProjectParts) -> frozenset[str]:
        there = frozenset(self.list_extras())
        return (there if ALL in parts.extras else parts.extras) - parts.without

    def _list_defaults(self, program: str) -> frozenset[str]:
        if program == "uv":
            default = find_table(self._tool, "uv").get("default-groups", ["dev"])
            return self.list_all_groups() if default == "all" else frozenset(map(canonicalize_name, find_list(default)))
        if program == "poetry":
            groups = find_table(self.poetry, "group")
            return self.list_all_groups() - {
                canonicalize_name(name) for name in groups if find_table(groups, name).get("optional") is True
            }
        return frozenset()

    def iterate_extra(self, name: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
        """Requirements of an extra, with those of other extras of the project that it names (``x[other]``)."""
        own = canonicalize_name(str(find_table(self.document, "project").get("name", "")))
        for text in self.list_extras().get(name, ()):
            others = _list_own_extras(text, own)
            if others is None:
                yield text
            for other in sorted((others or frozenset()) - seen - {name}):
                yield from self.iterate_extra(other, seen | {name})


def _list_own_extras(text: str, own: str) -> frozenset[str] | None:
    """The extras of the project itself that a requirement names; None: it is of another one."""
    try:
        parsed = Requirement(text)
    except InvalidRequirement:
        return None
    is_own = bool(own) and canonicalize_name(parsed.name) == own
    return frozenset(map(canonicalize_name, parsed.extras)) if is_own else None


def _iterate_group(entries: Mapping[str, Any], name: str, seen: tuple[str, ...]) -> Iterator[str]:
    """Requirements of a group, with those that it includes; a group that includes itself ends there."""
    for one in entries.get(name, ()) if isinstance(entries.get(name), list) else ():
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict) and "include-group" in one:
            other = canonicalize_name(str(one["include-group"]))
            if other not in (*seen, name):
                yield from _iterate_group(entries, other, (*seen, name))


def find_table(found: Any, key: str) -> dict[str, Any]:
    """Empty where there is none."""
    value = found.get(key) if isinstance(found, dict) else None
    return value if isinstance(value, dict) else {}


def find_list(value: Any) -> tuple[str, ...]:
    """The texts of a list."""
    return tuple(str(one) for one in value if isinstance(one, str)) if isinstance(value, list) else ()
