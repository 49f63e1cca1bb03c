"""Variables: where they come from, who wins, and how a text with them is filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.compose.load.interpolate import interpolate_text, read_project_variables, read_variables
from builder.compose.model import ProjectFiles

if TYPE_CHECKING:
    from pathlib import Path

VARIABLES = {"X": "x", "EMPTY": "", "Y_1": "y", "lower": "l"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$X/${X}/${Y_1}/$lower", "x/x/y/l"),
        ("a$Xb", "a"),
        ("$$X $${X}", "$X ${X}"),
        ("${NONE}|$NONE", "|"),
        ("${NONE:-d}|${EMPTY:-d}|${X:-d}", "d|d|x"),
        ("${NONE-d}|${EMPTY-d}|${X-d}", "d||x"),
        ("${NONE:+a}|${EMPTY:+a}|${X:+a}", "||a"),
        ("${NONE+a}|${EMPTY+a}|${X+a}", "|a|a"),
        ("${NONE:-${X}}", "x"),
        ("${NONE:-${ALSO:-a}b}c", "abc"),
        ("${NONE:-a:b-c}", "a:b-c"),
        ("${X:?must be set}", "x"),
        ("${NONE:?must be set}", "${NONE:?must be set}"),
        ("${EMPTY?must be set}", ""),
        ("100 $ and $1", "100 $ and $1"),
        ("${broken", "${broken"),
        ("${not a name}", "${not a name}"),
        ("é ${X} \n日本", "é x \n日本"),
    ],
)
def test_a_text_is_filled_in_as_compose_does(text: str, expected: str) -> None:
    assert interpolate_text(text, VARIABLES) == expected


def test_an_env_file(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(
        "# comment\nA=1\nexport B='$A literal'\nC=\"${A}-2\" # why\nEMPTY=\nNAME_ONLY\nOURS=${OUTER}\n\nD= spaced \n"
    )
    assert read_variables({"OUTER": "o"}, (path,)) == {
        "OUTER": "o",
        "A": "1",
        "B": "$A literal",
        "C": "1-2",
        "EMPTY": "",
        "OURS": "o",
        "D": "spaced",
    }


def test_the_environment_wins_and_a_later_file_over_an_earlier_one(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("A=a\nB=a\nC=a\n")
    second.write_text("B=b\nC=b\n")
    assert read_variables({"C": "c"}, (first, second)) == {"A": "a", "B": "b", "C": "c"}


@pytest.mark.parametrize(("disabled", "found"), [(None, "1"), ("0", "1"), ("false", "1"), ("1", None), ("true", None)])
def test_the_env_file_of_the_project_can_be_forbidden(tmp_path: Path, disabled: str | None, found: str | None) -> None:
    (tmp_path / ".env").write_text("A=1\n")
    env = {} if disabled is None else {"COMPOSE_DISABLE_ENV_FILE": disabled}
    assert read_project_variables(ProjectFiles(tmp_path, ()), env).get("A") == found


def test_named_env_files_replace_the_one_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n")
    (tmp_path / "e").write_text("B=2\n")
    assert read_project_variables(ProjectFiles(tmp_path, (), (tmp_path / "e",)), {}) == {"B": "2"}
