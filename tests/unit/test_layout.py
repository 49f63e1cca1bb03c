"""Which part of builder/ may import which: design.md's layout, read top to bottom, as one table."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

BUILDER = Path(__file__).parents[2] / "builder"
FOUNDATION = frozenset(
    {
        "builder",
        "core",
        "errors",
        "process",
        "files",
        "progress",
        "naming",
        "catalog",
        "findings",
        "products",
        "airflow",
        "dockerfile",
        "elf",
        "resources",
    }
)
"""Top-level modules that everything may use."""

MAY_IMPORT: dict[str, frozenset[str]] = {
    # A stage takes its predecessor's value: it may import the module that defines it, and never calls the stage.
    "spec": frozenset({"base.packages"}),
    "airflow": frozenset(),
    "engine": frozenset(),
    "base": frozenset({"render.model", "engine"}),
    "lock": frozenset({"spec.model", "base.packages"}),
    "render": frozenset({"spec.model", "lock.model", "base.packages"}),
    "image": frozenset({"spec.model", "lock.model", "render.model", "verify.model", "engine", "state"}),
    # base.postgres is no stage of the flow: it makes the database that a verification starts.
    "verify": frozenset({"spec.model", "lock.model", "image.model", "engine", "state", "base.postgres"}),
    "report": frozenset(
        {
            "verify.model",
            "image.model",
            "compose.model",
            "doctor",
            "inspect.model",
            "inspect.diff",
            "inspect.scene",  # a page shows also the files that a later layer hides; no value holds those
            "inspect.againstlock",
            "store.model",
            "engine.layers",  # the layers of an image, which the values of store.model hold
            "store.clean",
            "store.manifest",
            "store.backup",
            "store.restore",
        }
    ),
    "state": frozenset(),
    "doctor": frozenset({"engine.secrets"}),
    # What a project's files name keeps images from being deleted.
    "compose": frozenset({"engine", "state", "store.model"}),
    # A .dive-ci is YAML too.
    "inspect": frozenset({"spec.model", "lock.model", "engine", "compose.nodes", "compose.sites", "compose.tree"}),
    # What protects an image is said in compose files and journals.
    "store": frozenset(
        {"engine", "state", "compose.model", "compose.journal", "compose.journalfile", "compose.history"}
    ),
}
"""Beside the foundation and itself. ``engine`` means any module of it: it is a door to the outside, not a stage."""

HEAVY = frozenset(
    {
        "docker",
        "testcontainers",
        "rich",
        "pydantic",
        "jinja2",
        "dockerfile_parse",
        "requests",
        "uv",
        "ssl",
        "asyncio",
        "yaml",
        "cyclonedx",
    }
)
ONLY_HERE = {
    "subprocess": {"process"},
    "yaml": {"compose"},
    "multiprocessing": set(),
    "jinja2": {"render"},
    "cyclonedx": {"inspect"},
}
OUTSIDE = {"os.environ", "os.getenv", "sys.argv", "sys.stdout", "sys.stderr", "Path.cwd", "Path.home", "os.getcwd"}


def modules() -> dict[str, ast.Module]:
    """``spec.reader`` → its syntax tree; ``builder`` is the package itself."""
    found = {}
    for path in sorted(BUILDER.rglob("*.py")):
        parts = path.relative_to(BUILDER).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__") or "builder"
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


MODULES = modules()


def imports(tree: ast.AST, *, at_start: bool = False) -> set[str]:
    """Dotted names of all imported modules; ``at_start``: only those that importing this module imports."""
    found: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(module=str(module), level=0, names=names):
                found |= (
                    {module, *(f"{module}.{alias.name}" for alias in names)}
                    if module.startswith("builder")
                    else {module}
                )
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() if at_start:
                continue
            case ast.If(test=ast.Name(id="TYPE_CHECKING")) if at_start:
                continue
            case _:
                found |= imports(node, at_start=at_start)
    return found


def own_imports(tree: ast.AST, *, at_start: bool = False) -> set[str]:
    """The modules of builder/ among them, without the prefix."""
    names = {name.removeprefix("builder.") for name in imports(tree, at_start=at_start) if name.startswith("builder")}
    return {name for name in names if name in MODULES}


def part(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def forbidden(module: str, imported: set[str]) -> set[str]:
    """What of ``imported`` the table does not allow to ``module``."""
    own = part(module)
    if own == "cli":
        return set()
    allowed = MAY_IMPORT.get(own, frozenset())
    packages = {name for name in imported if name not in FOUNDATION and part(name) not in {own, *FOUNDATION}}
    folders = {
        name for name in packages if (BUILDER / name).is_dir()
    }  # `from builder.image.spec import x` names x as well
    return {name for name in packages - folders if name not in allowed and part(name) not in allowed}


@pytest.mark.parametrize("module", MODULES)
def test_a_part_imports_only_what_the_table_allows(module: str) -> None:
    assert not forbidden(module, own_imports(MODULES[module]))


def test_every_part_is_in_the_table() -> None:
    assert {part(module) for module in MODULES} <= {*MAY_IMPORT, *FOUNDATION, "cli"}


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("render.plan", "from builder.image.lock.resolve import x", {"lock.resolve"}),
        ("render.plan", "from builder.image.lock.model import Lock", set()),
        ("render.plan", "def f():\n    from builder.cli import main", {"cli.main"}),
        ("errors", "from builder.image.spec import reader", {"spec.reader"}),
        ("cli.lock", "from builder.image.spec import reader", set()),
    ],
)
def test_the_table_catches(monkeypatch: pytest.MonkeyPatch, module: str, source: str, found: set[str]) -> None:
    for name in ("lock.resolve", "lock.model", "cli.main", "spec.reader"):
        monkeypatch.setitem(MODULES, name, ast.parse(""))
    assert forbidden(module, own_imports(ast.parse(source))) == found


def circle(trees: dict[str, ast.Module]) -> list[str]:
    """Modules that import each other in a ring, also late or for their types only; the first is the last too."""
    graph = {name: own_imports(tree) - {name} for name, tree in trees.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_imports_go_one_way() -> None:
    assert circle(MODULES) == []


def test_a_circle_is_caught() -> None:
    late = "def f():\n    from builder.engine import client"
    assert circle(MODULES | {"engine.asking": ast.parse(late)})


@pytest.mark.parametrize("module", MODULES)
def test_some_libraries_have_one_door(module: str) -> None:
    used = {name.split(".")[0] for name in imports(MODULES[module])}
    assert not {library for library, doors in ONLY_HERE.items() if library in used and part(module) not in doors}


def reached(module: str, seen: set[str]) -> set[str]:
    """Every module of builder/ that importing ``module`` imports, ``seen`` included."""
    if module not in seen:
        seen.add(module)
        for name in own_imports(MODULES[module], at_start=True):
            reached(name, seen)
    return seen


def starts(module: str) -> bool:
    """Whether `optbuild --help` imports it: the entry point, and each file with a command."""
    functions = {node.name for node in MODULES[module].body if isinstance(node, ast.FunctionDef)}
    return part(module) == "cli" and bool(functions & {"command", "main"})


@pytest.mark.parametrize("module", [name for name in MODULES if starts(name)])
def test_a_command_imports_nothing_heavy_at_start(module: str) -> None:
    heavy = {
        f"{name} imports {library}"
        for name in reached(module, set())
        for library in imports(MODULES[name], at_start=True)
        if library.split(".")[0] in HEAVY
    }
    assert not heavy


@pytest.mark.parametrize("module", [name for name in MODULES if part(name) != "cli"])
def test_the_world_is_passed_in(module: str) -> None:
    used = {ast.unparse(node) for node in ast.walk(MODULES[module]) if isinstance(node, ast.Attribute)}
    assert not used & OUTSIDE
