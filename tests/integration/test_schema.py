"""The schema that `optbuild schema` prints, in the hands of two checkers: check-jsonschema and taplo."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent
GOOD = REPOSITORY / "images/airflow/optbuild.toml"
BAD = {
    "unknown key": ("version = ", "verzion = "),
    "unknown table": ("[verify]", "[verifi]"),
    "wrong kind": ("[image]\n", "[image]\nkind = true\n"),
    "two bases": ("[base]\n", '[base]\nimage = "python:3.11"\n'),
    "no base": ("[base]\n", "[budget]\n"),
    "not a size": ("[base]\n", '[budget]\nimage-bytes = "much"\n[base]\n'),
}


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "optbuild.schema.json"
    subprocess.run([TOOLS / "optbuild", "schema", "--output", path], check=True)
    printed = subprocess.run([TOOLS / "optbuild", "schema"], check=True, capture_output=True).stdout
    assert printed == path.read_bytes()
    return path


def write_specs(schema: Path, folder: Path) -> dict[str, Path]:
    """The good one and each bad one, with the line that tells an editor their schema."""
    good = GOOD.read_text()
    texts = {"good": good} | {name: good.replace(old, new, 1) for name, (old, new) in BAD.items()}
    assert len(set(texts.values())) == 1 + len(BAD)
    paths = {name: folder / f"{name}.toml" for name in texts}
    for name, path in paths.items():
        path.write_text(f"#:schema {schema.as_uri()}\n{texts[name]}")
    return paths


def test_check_jsonschema_tells_good_from_bad(schema: Path, tmp_path: Path) -> None:
    """In one call: each takes it 2 s."""
    paths = write_specs(schema, tmp_path)
    argv: tuple[str | Path, ...] = (
        TOOLS / "check-jsonschema",
        "--output-format",
        "json",
        "--schemafile",
        schema,
        *paths.values(),
    )
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    report = json.loads(done.stdout)
    assert {Path(error["filename"]).stem for error in report["errors"]} == set(BAD)
    assert report["parse_errors"] == []


@pytest.mark.parametrize("by_its_line", [False, True])
def test_taplo_tells_good_from_bad(schema: Path, tmp_path: Path, by_its_line: bool) -> None:
    named = () if by_its_line else ("--schema", schema.as_uri())
    codes = {
        name: subprocess.run((TOOLS / "taplo", "check", *named, path), check=False, capture_output=True).returncode
        for name, path in write_specs(schema, tmp_path).items()
    }
    assert codes == {"good": 0} | dict.fromkeys(BAD, 1)


def test_taplo_reads_the_line_that_init_writes(tmp_path: Path) -> None:
    """From another folder too: the path in it is relative to the file."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "Dockerfile").write_text("FROM apache/airflow:2.8.1-python3.11\n")
    subprocess.run((TOOLS / "optbuild", "init", project), check=True, capture_output=True)
    spec = project / "optbuild.toml"
    argv = (TOOLS / "taplo", "check", spec)
    assert subprocess.run(argv, check=False, capture_output=True, cwd=tmp_path).returncode == 0
    spec.write_text(spec.read_text().replace("[image]\n", "[image]\nverzion = 1\n"))
    done = subprocess.run(argv, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert "'verzion' was unexpected" in done.stderr
