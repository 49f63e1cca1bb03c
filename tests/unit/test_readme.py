"""README and docs speak of what is there, and every command that they show is one that could be typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from builder.cli.overview import COMMANDS
from builder.cli.reference.commands import read_commands
from builder.image.spec.model import SpecFile
from builder.image.spec.reader import parse_spec

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text()
DOCS = REPOSITORY / "docs"
PAGES = {
    str(path.relative_to(REPOSITORY)): path.read_text()
    for path in (REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md")))
}
MOST_LINES = 160
ROWS = {row.name: row for row in read_commands()}
SHOWN = sorted(
    {
        (name, " ".join(words.split("#")[0].split()))
        for name, text in PAGES.items()
        if not name.startswith("docs/reference")
        for words in re.findall(r"(?:^\$ |`|^    |: )optbuild ([a-z][^`\n|]*)", text, re.MULTILINE)
        if words.split()[0] in ROWS
    }
)
"""Page → the words behind `optbuild` in its code."""


def test_names_every_command_and_no_other() -> None:
    found = {name for text in PAGES.values() for name in re.findall(r"[`$] ?optbuild ([a-z]+)", text)}
    assert found == set(COMMANDS)


def test_it_can_be_read_in_a_minute() -> None:
    assert len(README.splitlines()) <= MOST_LINES


@pytest.mark.parametrize(("page", "words"), SHOWN)
def test_a_command_that_is_shown_has_these_options(page: str, words: str) -> None:
    name, *rest = words.split()
    known = {option for row in ROWS[name].options for option in row.names}
    given = {word.partition("=")[0].rstrip(",.;:)") for word in rest if re.match(r"--?[a-z]", word)}
    assert given <= known, page


def test_each_link_leads_somewhere() -> None:
    broken = [
        f"{page}: {target}"
        for page, text in PAGES.items()
        for target in re.findall(r"\]\(([^)#\s]+)\)", text)
        if "://" not in target and not (REPOSITORY / page).parent.joinpath(target).exists()
    ]
    assert broken == []


def test_each_page_is_linked_from_the_table_of_them_and_that_from_the_readme() -> None:
    table = "docs/README.md"
    pages = {name for name in PAGES if name.startswith("docs/")} - {table}
    assert pages == {f"docs/{name}" for name in re.findall(r"\]\(([^)#\s]+)\)", PAGES[table])}
    assert table in re.findall(r"\]\(([^)#\s]+)\)", README)


def test_names_only_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named = {name for text in PAGES.values() for name in re.findall(r"`make ([a-z-]+)`", text)}
    assert named <= targets


def spec() -> str:
    block = re.findall(r"```toml\n(.*?)```", PAGES["docs/how-to/write-the-spec.md"], re.DOTALL)[0]
    return str(block)


def test_the_spec_of_the_readme_is_one() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert parse_spec(block, "README.md", REPOSITORY).base.debian == "bookworm"


def test_its_spec_is_a_spec() -> None:
    assert parse_spec(spec(), "README.md", REPOSITORY).image.name == "ml-pipeline-airflow"


def test_its_spec_shows_every_key() -> None:
    """But the table [build], whose one key has one value, [protect], which the text beside names, and [slim],
    whose keys stand in a table of their own (test_readme_tables.py)."""
    tables = SpecFile.model_json_schema()["$defs"]
    keys = {
        key
        for name, table in tables.items()
        if name not in {"BuildTable", "ProtectTable", "SlimTable"}
        for key in table["properties"]
    }
    assert keys > {"name", "extras", "waste-percent", "port"}
    assert not [key for key in sorted(keys) if not re.search(rf"(?<![\w-]){key} =", spec())]


def layout() -> dict[str, str]:
    """Path → what the layout block says of it; names ending in ``/`` are folders, deeper ones are indented."""
    block = README.split("## How it is laid out", 1)[1].split("```", 2)[1]
    found: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in block.strip().splitlines():
        indent = len(line) - len(line.lstrip())
        name, _, text = line.strip().partition(" ")
        above = [one for one in above if one[0] < indent]
        path = "".join(folder for _, folder in above) + name
        found[path] = text.strip()
        if name.endswith("/"):
            above.append((indent, name))
    return found


def rooms(folder: Path) -> set[str]:
    """What of Python lies directly in ``folder``: packages, and modules but ``__init__``."""
    packages = {f"{path.name}/" for path in folder.iterdir() if (path / "__init__.py").exists()}
    return packages | {path.name for path in folder.glob("*.py") if path.name != "__init__.py"}


def test_its_layout_names_all_rooms_of_the_package_and_no_other() -> None:
    named = {path.removeprefix("builder/") for path in layout() if path.count("/") - path.endswith("/") == 1}
    assert named == rooms(REPOSITORY / "builder")


@pytest.mark.parametrize("room", ["image", "compose"])
def test_its_layout_names_the_rooms_within(room: str) -> None:
    prefix = f"builder/{room}/"
    named = {path.removeprefix(prefix) for path in layout() if path.startswith(prefix) and path != prefix}
    packages = {name for name in rooms(REPOSITORY / prefix) if name.endswith("/")}
    assert {name for name in named if name.endswith("/")} == packages
    assert {name for name in named if not name.endswith("/")} <= rooms(REPOSITORY / prefix)


def test_its_layout_says_something_of_each_path_that_is_there() -> None:
    for path, text in layout().items():
        assert (REPOSITORY / path).exists(), path
        assert text, path
