"""Which room of builder/ may import which: one ladder, read from top to bottom, as in the README's layout."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from source_trees import list_nodes, parse_builder

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
BUILDER = ROOT / "builder"

LADDER: tuple[str, ...] = (
    "cli",
    "operations report",
    "store",
    "foundation",
    "adopt inspect rollout",
    "image compose",
    *("image.build", "image.verify", "image.base", "image.render", "image.lock", "image.spec"),
    *("compose.plan", "compose.planned", "compose.rules", "compose.sharing", "compose.rewrite", "compose.load"),
    *("compose.services compose.display", "compose.yaml compose.model"),
    "doctor dockerfile",
    "engine airflow findings state products",
    "core",
)
"""A module imports its own room and rooms on a lower rung, nothing else. What lies in one room that has rungs of its
own is held by those."""
MOST_FILES = 32
"""Of one folder: what has more is a hall, not a room."""
MOST_LINES = 300
"""Of a file."""
MOST_LINES_OF_A_FUNCTION = 60
"""Without its parameters: those of a command are its options with their help."""

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
        "cyclonedx",
        "yaml",
    }
)
ONLY_HERE = {
    "subprocess": {"core.process"},
    "yaml": {"compose.yaml.events"},
    "multiprocessing": set(),
    "jinja2": {"image.render"},
    "cyclonedx": {"inspect"},
}
"""Library → the modules, or the rooms, that may import it."""
OUTSIDE = {"os.environ", "os.getenv", "sys.argv", "sys.stdout", "sys.stderr", "Path.cwd", "Path.home", "os.getcwd"}
OUTSIDE |= {"sys.stdin", "os.environb", "os.getenvb", "os.path.expanduser"}
LAST_WORDS = {word.rpartition(".")[2] for word in OUTSIDE}
EXCUSED: dict[str, set[str]] = {"core.runtime": {"Path.home"}}
"""Modules that must touch it, with what they touch; an excuse that nothing uses fails."""


def modules() -> dict[str, ast.Module]:
    """``spec.reader`` → its syntax tree; ``builder`` is the package itself."""
    found = {}
    for path, tree in parse_builder().items():
        parts = path.relative_to(BUILDER).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__") or "builder"
        found[name] = tree
    return found


MODULES = modules()


@cache
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
            case ast.FunctionDef() | ast.AsyncFunctionDef() if at_start:
                continue
            case ast.If(test=ast.Name(id="TYPE_CHECKING")) if at_start:
                continue
            case ast.stmt() | ast.ExceptHandler() | ast.match_case():  # nothing else holds a statement
                found |= imports(node, at_start=at_start)
    return found


@cache
def own_imports(tree: ast.AST, *, at_start: bool = False) -> set[str]:
    """The modules of builder/ among them, without the prefix."""
    names = {name.removeprefix("builder.") for name in imports(tree, at_start=at_start) if name.startswith("builder")}
    return {name for name in names if name in MODULES}


def part(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


ROOMS = {room: height for height, rooms in enumerate(LADDER) for room in rooms.split()}
"""Each room's rung, counted from the top."""


def room(module: str, beside: str) -> str | None:
    """The room of ``module`` as it counts beside another module: where both lie in one, the room within that."""
    own = part(module)
    if own != part(beside) or not any(name.startswith(f"{own}.") for name in ROOMS):
        return own if own in ROOMS else None
    return next((name for name in ROOMS if "." in name and f"{module}.".startswith(f"{name}.")), None)


def forbidden(module: str, imported: set[str]) -> set[str]:
    """What of ``imported`` lies neither in the room of ``module`` nor on a lower rung."""
    pairs = {name: (room(module, name), room(name, module)) for name in imported}
    return {
        name for name, (own, other) in pairs.items() if own and other and own != other and ROOMS[other] <= ROOMS[own]
    }


def find_offenders(check: Callable[[str, ast.Module], object], *, outside_cli: bool = False) -> dict[str, object]:
    """Module → what a check finds in it. One test asks all modules: a case for each of 400 took seconds to set up."""
    asked = {name: tree for name, tree in MODULES.items() if not (outside_cli and part(name) == "cli")}
    return {name: found for name, tree in asked.items() if (found := check(name, tree))}


def test_a_room_imports_only_its_own_and_lower_rungs() -> None:
    assert find_offenders(lambda name, tree: forbidden(name, own_imports(tree))) == {}


def test_every_module_lies_in_a_room() -> None:
    within = {name.partition(".")[0] for name in ROOMS if "." in name}
    assert {part(name) for name in MODULES} - {"builder"} <= set(ROOMS)
    assert not [name for name in MODULES if part(name) in within and "." in name and room(name, name) is None]


def test_every_room_is_there_and_used() -> None:
    """An entry that nothing uses any more is taken out: the ladder must not only grow."""
    assert sum(len(rooms.split()) for rooms in LADDER) == len(ROOMS)
    assert not [name for name in ROOMS if name not in MODULES]
    imports_of = {(name, one) for name in MODULES for one in own_imports(MODULES[name])}
    assert not [
        name
        for name in set(ROOMS) - {"cli"}
        if not any(f"{one}.".startswith(f"{name}.") and not f"{by}.".startswith(f"{name}.") for by, one in imports_of)
    ]


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("image.render.plan", "from builder.image.lock.model import Lock", set()),
        ("image.lock.make", "from builder.image.render.plan import x", {"image.render.plan"}),
        ("image.render.plan", "def f():\n    from builder.cli.main import main", {"cli.main"}),
        ("core.errors", "from builder.image.spec.reader import x", {"image.spec.reader"}),
        ("cli.lock", "from builder.image.spec import reader", set()),
        ("report.plan", "from builder.operations.plan import x", {"operations.plan"}),
        ("image.lock.make", "from builder.compose.model import x", {"compose.model"}),
        ("compose.plan", "from builder.image.lock.make import x", {"image.lock.make"}),
        ("store.clean", "from builder.image.lock.make import x", set()),
        ("engine.client", "import builder.state", {"state"}),
        ("compose.services.products", "from builder.compose.display import x", {"compose.display"}),
        ("compose.model", "if TYPE_CHECKING:\n    from builder.compose.plan import x", {"compose.plan"}),
    ],
)
def test_the_ladder_catches(module: str, source: str, found: set[str]) -> None:
    assert forbidden(module, own_imports(ast.parse(source))) == found


def test_imports_are_absolute() -> None:
    """A relative import would be seen by no other test here."""
    assert find_offenders(lambda _name, tree: relative_imports(tree)) == {}


def relative_imports(tree: ast.AST) -> list[str]:
    return [ast.unparse(node) for node in list_nodes(tree) if isinstance(node, ast.ImportFrom) and node.level]


def test_a_relative_import_is_caught() -> None:
    assert relative_imports(ast.parse("def f():\n    from ..cli import main")) == ["from ..cli import main"]


def unseen_imports(tree: ast.AST) -> list[str]:
    """What imports a module of builder/ in a way that :func:`imports` does not see."""
    found = []
    bound = any(isinstance(node, ast.Import) and "builder" in ast.unparse(node) for node in list_nodes(tree))
    for node in list_nodes(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="builder"), attr=name) if bound and name in MODULES:
                found.append(ast.unparse(node))
            case ast.ImportFrom(module="builder", names=[ast.alias(name="*")]):
                found.append(ast.unparse(node))
            case ast.ImportFrom(module="importlib", names=names) if any(one.name == "import_module" for one in names):
                found.append(ast.unparse(node))
            case ast.Attribute(attr="import_module") | ast.Name(id="__import__" | "exec" | "eval"):
                found.append(ast.unparse(node))
    return found


def test_no_import_is_hidden() -> None:
    """Only cli/ imports by a name that it computes: it is above all others."""
    assert find_offenders(lambda _name, tree: unseen_imports(tree), outside_cli=True) == {}


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("import importlib\nimportlib.import_module('builder.cli.main')", 1),
        ("from importlib import import_module as load", 1),
        ("__import__('builder.cli.main')", 1),
        ("exec('import builder.cli.main')", 1),
        ("import builder\nbuilder.cli.main.main()", 1),
        ("from builder import *", 1),
        ("import builder\nbuilder.__version__", 0),
        ("import builder.core.files\nfrom builder import core\nfrom importlib.metadata import version", 0),
    ],
)
def test_a_hidden_import_is_caught(source: str, count: int) -> None:
    assert len(unseen_imports(ast.parse(source))) == count


def test_no_folder_is_a_hall() -> None:
    folders = Counter(path.parent for path in BUILDER.rglob("*.py"))
    assert not {folder.name: count for folder, count in folders.items() if count > MOST_FILES}


@cache
def used_names(tree: ast.AST) -> set[str]:
    """What is named in it; a definition, or an import that keeps the name, is not a use. A text ``module:function`` is
    one of that function."""
    found: set[str] = set()
    for node in list_nodes(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                found.add(name)
            case ast.alias(name=name, asname=str()):
                found.add(name)
            case ast.Constant(value=str(text)) if ":" in text:
                found.add(text.rpartition(":")[2])
    return found


def unused_definitions(trees: dict[str, ast.Module]) -> set[str]:
    """Functions and classes that nothing names: a rule, a check or a writer without a row in its table, for one."""
    used = {name for tree in trees.values() for name in used_names(tree)} | {"__getattr__"}
    return {
        f"{module}.{node.name}"
        for module, tree in trees.items()
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name not in used
    }


ONLY_TESTED = {"rollout.journal_file.parse_journal", "state.parse_state"}
"""The other direction of what is written; the program reads with more around it."""


def test_whatever_is_defined_is_used() -> None:
    assert unused_definitions(MODULES) == ONLY_TESTED


def test_a_rule_without_a_row_is_caught() -> None:
    source = "def find_forgotten(look):\n    yield look"
    found = unused_definitions(MODULES | {"compose.rules.x": ast.parse(source)})
    assert found - unused_definitions(MODULES) == {"compose.rules.x.find_forgotten"}


def long_functions(tree: ast.AST) -> list[str]:
    functions = (one for one in list_nodes(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
    return [one.name for one in functions if (one.end_lineno or 0) - one.body[0].lineno + 1 > MOST_LINES_OF_A_FUNCTION]


def test_no_file_is_too_long_to_read() -> None:
    lines = {path: path.read_bytes().count(b"\n") for path in BUILDER.rglob("*.py")}
    assert not {str(path.relative_to(BUILDER)): count for path, count in lines.items() if count > MOST_LINES}


def test_no_function_is_too_long_to_read() -> None:
    assert find_offenders(lambda _name, tree: long_functions(tree)) == {}


def test_a_long_function_is_caught() -> None:
    body = "    pass\n" * MOST_LINES_OF_A_FUNCTION
    assert not long_functions(ast.parse(f"def f(\n    a,\n    b,\n):\n{body}"))
    assert long_functions(ast.parse(f"class A:\n  async def f(self):\n{body}    pass")) == ["f"]


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
    assert circle(MODULES | {"engine.errors": ast.parse(late)})


def wrong_doors(module: str, tree: ast.Module) -> set[str]:
    """The libraries of ONLY_HERE that it imports and may not."""
    used = {name.split(".")[0] for name in imports(tree)}
    return {
        library
        for library, doors in ONLY_HERE.items()
        if library in used and not any(f"{module}.".startswith(f"{door}.") for door in doors)
    }


def test_some_libraries_have_one_door() -> None:
    assert find_offenders(wrong_doors) == {}
    assert wrong_doors("engine.client", ast.parse("import yaml\nimport subprocess")) == {"yaml", "subprocess"}


def test_every_door_is_used() -> None:
    used = {(name, one.split(".")[0]) for name in MODULES for one in imports(MODULES[name])}
    pairs = {(door, library) for library, doors in ONLY_HERE.items() for door in doors}
    assert not [
        (door, library)
        for door, library in pairs
        if not any(f"{name}.".startswith(f"{door}.") and one == library for name, one in used)
    ]


def reached(module: str, seen: set[str]) -> set[str]:
    """Every module of builder/ that importing ``module`` imports, ``seen`` included."""
    if module not in seen:
        seen.add(module)
        for name in own_imports(MODULES[module], at_start=True):
            reached(name, seen)
    return seen


def starts(module: str) -> bool:
    """Whether a start imports it: the entry point, what reads the command line, and each file with a command."""
    functions = {node.name for node in MODULES[module].body if isinstance(node, ast.FunctionDef)}
    return part(module) == "cli" and bool(functions & {"command", "main", "run_app"})


@pytest.mark.parametrize("module", [name for name in MODULES if starts(name)])
def test_a_command_imports_nothing_heavy_at_start(module: str) -> None:
    heavy = {
        f"{name} imports {library}"
        for name in reached(module, set())
        for library in imports(MODULES[name], at_start=True)
        if library.split(".")[0] in HEAVY
    }
    assert not heavy


def test_the_overview_of_commands_needs_no_typer() -> None:
    """`optbuild --help` prints it; typer alone takes longer than the rest of that."""
    assert "typer" not in {one for name in reached("cli.main", set()) for one in imports(MODULES[name], at_start=True)}


def outside_words(tree: ast.AST) -> set[str]:
    """What of ``OUTSIDE`` is touched: as an attribute, also under another name, or imported by its own name."""
    aliases = {"pathlib.Path": "Path"}
    for node in list_nodes(tree):
        match node:
            case ast.Import(names=names):
                aliases |= {alias.asname: alias.name for alias in names if alias.asname}
            case ast.ImportFrom(module="pathlib", names=names):
                aliases |= {alias.asname: alias.name for alias in names if alias.asname}
    used = set()
    for node in list_nodes(tree):
        if isinstance(node, ast.Attribute) and node.attr in LAST_WORDS:
            owner = ast.unparse(node.value)
            head, dot, rest = owner.partition(".")
            owner = f"{aliases.get(head, head)}{dot}{rest}"
            used.add(f"{aliases.get(owner, owner)}.{node.attr}")
        if isinstance(node, ast.ImportFrom):
            used |= {f"{node.module}.{alias.name}" for alias in node.names}
    return used & OUTSIDE


def test_the_runtime_is_passed_in() -> None:
    found = find_offenders(lambda name, tree: outside_words(tree) - EXCUSED.get(name, set()), outside_cli=True)
    assert found == {}


def test_an_excuse_is_used() -> None:
    assert not {name for name, words in EXCUSED.items() if outside_words(MODULES[name]) != words}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import os\nos.environ['A']", {"os.environ"}),
        ("from os import environ", {"os.environ"}),
        ("def f():\n    from sys import argv as a", {"sys.argv"}),
        ("from os import getcwd, path", {"os.getcwd"}),
        ("import os as system\nsystem.environ['A']", {"os.environ"}),
        ("from pathlib import Path as P\nP.cwd()", {"Path.cwd"}),
        ("import pathlib\npathlib.Path.home()", {"Path.home"}),
        ("import pathlib as p\np.Path.home()", {"Path.home"}),
        ("import os\nos.path.join('a')", set()),
    ],
)
def test_reading_the_machine_is_caught(source: str, found: set[str]) -> None:
    assert outside_words(ast.parse(source)) == found
