"""Words: the texts of builder/ and templates/ say "is not a folder", never "is no folder"."""

from __future__ import annotations

import ast
import re
import tokenize
from io import StringIO
from pathlib import Path

import pytest
from source_trees import list_nodes, parse_file

ROOT = Path(__file__).parents[2]
PACKAGES = (path for path in (ROOT / "builder").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists())
ROOMS = (
    *sorted(f"builder/{path.name}" for path in PACKAGES),
    "templates",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
)
NO_NOUN = re.compile(r"(?<!\b[Tt]here )\b(?:is|are|was|were) no (?!longer\b|more\b)")
"""But not "there is no image", "is no longer", "are no more than"."""


def read_texts(path: Path) -> list[str]:
    """What people read in a file: of Python its strings, docstrings and comments, each f-string as one text; of any
    other file all of it. Line breaks become blanks."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return [" ".join(text.split())]
    tree = parse_file(path)
    found = [join_literals(node) for node in list_nodes(tree) if isinstance(node, ast.JoinedStr)]
    found += [node.value for node in list_nodes(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [" ".join(one.split()) for one in (*found, *read_comments(text))]


def read_comments(text: str) -> list[str]:
    """Those of Python; none where no line with one could be wrong: to find them takes ten times as long as to parse."""
    if not any("#" in line and NO_NOUN.search(" ".join(line.split())) for line in text.splitlines()):
        return []
    tokens = tokenize.generate_tokens(StringIO(text).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def join_literals(node: ast.JoinedStr) -> str:
    """An f-string with ``X`` for each value."""
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)


def find_no_nouns(texts: list[str]) -> list[str]:
    return sorted(
        {text[max(0, found.start() - 30) : found.end() + 20] for text in texts for found in NO_NOUN.finditer(text)}
    )


@pytest.mark.parametrize("room", ROOMS)
def test_nothing_is_no_noun(room: str) -> None:
    start = ROOT / room
    assert start.exists(), f"{room} is not there any more: take it out of ROOMS"
    paths = sorted(path for path in start.rglob("*") if path.is_file()) if start.is_dir() else [start]
    paths = [path for path in paths if "__pycache__" not in path.parts and "vendor" not in path.parts]
    found = {str(path.relative_to(ROOT)): wrong for path in paths if (wrong := find_no_nouns(read_texts(path)))}
    assert not found, "write 'is not a ...'"


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ('x = f"{path} is no folder"', True),
        ('x = "it is" " no folder"', True),
        ('"""Raises ValueError for what is\nno folder."""', True),
        ("x = 1  # they are no copies", True),
        ('x = "it was no folder"', True),
        ('x = "there is no folder"', False),
        ('x = "it is no longer here"', False),
        ('x = "it is none"', False),
        ("is_no = 1", False),
    ],
)
def test_what_counts(tmp_path: Path, source: str, wrong: bool) -> None:
    path = tmp_path / "module.py"
    path.write_text(source, encoding="utf-8")
    assert bool(find_no_nouns(read_texts(path))) is wrong
