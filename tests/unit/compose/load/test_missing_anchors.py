"""A block of a document, copied without the one that its alias names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.compose.load.refusals import make_refusal_error
from builder.compose.yaml.parse import read_tree

if TYPE_CHECKING:
    from pathlib import Path

COPIED = """\
services:
  # as the document has it
  scheduler:
    <<: *airflow-common
    command: scheduler
  webserver:
    <<: *airflow-common
    command: webserver
"""


def explain(folder: Path, text: str) -> tuple[int | None, str, str]:
    file = folder / "compose.yaml"
    error = make_refusal_error("yaml: unknown anchor 'x' referenced", (file,), {file: text.encode()}, str)
    return error.where.line if error.where else None, error.message, error.hint or ""


def add_block(text: str, hint: str) -> str:
    """The text as somebody makes it who does what the hint says."""
    block = hint.split("it names:\n")[1]
    return "".join(f"{line.removeprefix('    ')}\n" for line in block.splitlines()) + text


def test_line_name_and_block_are_said(tmp_path: Path) -> None:
    line, message, hint = explain(tmp_path, COPIED)
    assert line == 4
    assert (
        message == "the alias *airflow-common stands for nothing: no line of this file has its anchor, &airflow-common"
    )
    assert hint.splitlines()[1:] == [
        "    x-airflow-common: &airflow-common",
        "      build: .",
        "      # and what else they have in common: environment, volumes, networks",
    ]


@pytest.mark.parametrize(
    "text",
    [
        COPIED,
        COPIED.replace("<<: *airflow-common", "<<: [*airflow-common]"),
        "services:\n  web:\n    image: x\n    environment:\n      <<: *common-env\n      A: b\n",
        "services:\n  web:\n    depends_on: *needs\n",
        "services:\n  web: *web\n",
        "services: {web: {<<: *common}}\n",
        "services:\n  web:\n    volumes:\n      - *dags\n",
        "x-a:\n  <<: *x-b\n",
    ],
)
def test_with_the_block_the_file_is_yaml(tmp_path: Path, text: str) -> None:
    _, _, hint = explain(tmp_path, text)
    assert read_tree(add_block(text, hint).encode()).broken is None


@pytest.mark.parametrize(
    ("names", "build"),
    [
        ((), ["build: ."]),
        (("Dockerfile",), ["build: ."]),
        (("Dockerfile.airflow",), ["build:", "  context: .", "  dockerfile: Dockerfile.airflow"]),
        (("Dockerfile.a", "Dockerfile.b"), ["build: ."]),
    ],
)
def test_the_dockerfile_that_lies_there_stands_in_the_block(
    tmp_path: Path, names: tuple[str, ...], build: list[str]
) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert [line[6:] for line in explain(tmp_path, COPIED)[2].splitlines()[2:-1]] == build


def test_the_nearest_anchor_is_named(tmp_path: Path) -> None:
    text = f"x-airflow: &airflow-comon\n  image: x\n{COPIED}"
    line, _, hint = explain(tmp_path, text)
    assert line == 6
    assert hint.startswith("write *airflow-comon, which is on line 1; or above `services:`")


def test_an_anchor_that_comes_later_is_to_be_moved(tmp_path: Path) -> None:
    line, message, hint = explain(tmp_path, f"{COPIED}x-airflow-common: &airflow-common\n  image: x\n")
    assert line == 4
    assert message == "the alias *airflow-common is used before its anchor &airflow-common, which comes on line 9 only"
    assert hint == "move what has &airflow-common above line 4, to the top of the file for instance"


def test_an_anchor_behind_broken_text_is_not_looked_for(tmp_path: Path) -> None:
    assert "stands for nothing" in explain(tmp_path, f"{COPIED}x: [\n")[1]
