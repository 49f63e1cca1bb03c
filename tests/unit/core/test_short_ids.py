"""A name that several stages and messages use is written in one place."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from source_trees import list_nodes, parse_builder

from builder.core import naming

ROOT = Path(__file__).parents[3]


def find_modules_with(words: str) -> list[str]:
    """The modules of builder/ with a string in which a name ends in ``words``, docstrings included."""
    ending = re.compile(rf"{re.escape(words)}(?!\w)")
    return [
        path.relative_to(ROOT).as_posix()
        for path, tree in parse_builder().items()
        if any(
            isinstance(node, ast.Constant) and isinstance(node.value, str) and ending.search(node.value)
            for node in list_nodes(tree)
        )
    ]


def test_how_a_backup_is_called_is_written_once_so_that_the_messages_name_it_as_it_is() -> None:
    assert find_modules_with(naming.BACKUP_SUFFIX) == ["builder/core/naming.py"]


def test_the_docs_call_a_backup_what_it_is_called() -> None:
    page = (ROOT / "docs/how-to/compose-project.md").read_text(encoding="utf-8")
    assert set(re.findall(r"docker-compose\.yml(\.\w+)", page)) == {naming.BACKUP_SUFFIX}


@pytest.mark.parametrize("identity", ["sha256:9cc694b97dbfc79370", "9cc694b97dbfc79370", "9cc694b97dbf"])
def test_an_id_is_shown_by_its_first_twelve_digits(identity: str) -> None:
    assert naming.shorten_id(identity) == "9cc694b97dbf"
