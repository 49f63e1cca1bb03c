"""The JSON Schema knows every key, explains it, and accepts what the reader accepts."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from builder.image.spec.key_texts import ANY_NAME, KEYS, TABLES
from builder.image.spec.reader import parse_spec
from builder.image.spec.schema import list_keys, make_schema

ROOT = Path(__file__).parents[4]
SCHEMA = make_schema()
VALIDATOR = Draft7Validator(SCHEMA)
MINIMAL = """
image.name = "demo"
base.debian = "bookworm"
airflow.version = "2.8.1"
python.version = "3.11"
"""
WHOLE = {
    "build.run": 'build.run-folders = ["/opt/extra"]',
    "build.run-files": 'build.run = ["a.sh"]\nbuild.run-folders = ["/opt/extra"]',
    "build.run-folders": 'build.run = ["a.sh"]',
    "build.run-network": 'build.run = ["a.sh"]\nbuild.run-folders = ["/opt/extra"]',
    "roles.*.health.http": "roles.flower.health.port = 80",
    "roles.*.health.port": 'roles.flower.health.http = "/"',
    "verify.broker": 'airflow.extras = ["celery"]\nroles.worker = {}',
}
"""What a key needs beside it."""
SPECS = sorted([*(ROOT / "images").glob("*/optbuild.toml"), *(ROOT / "tests/fixtures").rglob("optbuild.toml")])


def find_mistakes(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))]


def make_example(path: str) -> str:
    """A small spec in which that key has its example."""
    table = path.rpartition(".")[0]
    lines = [line for line in MINIMAL.splitlines() if not line.startswith(f"{path} =")]
    if table == "base":
        lines = [line for line in lines if not line.startswith("base.")]
    named = path.replace(ANY_NAME, "flower")
    made = [*lines, f"{named} = {KEYS[path].example}"]
    if path.startswith(f"roles.{ANY_NAME}"):
        made += ['airflow.extras = ["celery"]']
        made += [] if path.endswith((".command", ".enabled")) else ['roles.flower.command = ["celery", "flower"]']
        made = [line.replace("roles.flower.enabled", "roles.webserver.enabled") for line in made]
    if path in WHOLE:
        made.append(WHOLE[path])
    return "\n".join(made)


def test_it_is_a_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)


def test_each_key_has_a_text_and_each_text_a_key() -> None:
    assert sorted(path for path, _, _ in list_keys()) == sorted(KEYS)
    assert all(part["description"] == KEYS[path].text for path, part, _ in list_keys())


def test_each_table_has_a_text() -> None:
    def walk(part: dict[str, Any], path: str) -> list[str]:
        inner = [*part.get("properties", {}).items(), (ANY_NAME, part.get("additionalProperties"))]
        found = [walk(one, f"{path}.{name}".strip(".")) for name, one in inner if isinstance(one, dict)]
        own = [path] if part.get("type") == "object" and path not in KEYS and path else []
        return own + [one for some in found for one in some]

    assert sorted(walk(SCHEMA, "")) == sorted(TABLES)
    assert all(TABLES.values())


@pytest.mark.parametrize("path", KEYS)
def test_the_example_of_a_key_is_taken_by_reader_and_schema(path: str) -> None:
    text = make_example(path)
    parse_spec(text, "optbuild.toml", ROOT)
    assert find_mistakes(text) == []


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.parent.name)
def test_it_accepts_the_specs_of_this_repository(path: Path) -> None:
    assert find_mistakes(path.read_text()) == []


@pytest.mark.parametrize(
    ("added", "words"),
    [
        ('image.nmae = "x"', "'nmae' was unexpected"),
        ('base.image = "python:3.11-slim"', "is valid under each of"),
        ('apt.runtime = "libgomp1"', "is not of type 'array'"),
        ("layers.max = 41", "greater than the maximum"),
        ("layers.max = true", "is not of type 'integer'"),
        ('budget.image-bytes = "much"', "does not match"),
        ("airflow.constraints = true", "is not valid under any of the given schemas"),
        ("roles.flower.health.port = 5555", "'http' is a required property"),
        ('roles.Flower.command = ["x"]', "does not match"),
        ("slim.test = true", "'test' was unexpected"),
        ('lables.team = "ml"', "'lables' was unexpected"),
    ],
)
def test_it_refuses_what_the_reader_refuses(added: str, words: str) -> None:
    (mistake,) = find_mistakes(f"{MINIMAL}\n{added}\n")
    assert words in mistake
    with pytest.raises(Exception, match=r"optbuild\.toml"):
        parse_spec(f"{MINIMAL}\n{added}\n", "optbuild.toml", ROOT)


@pytest.mark.parametrize("table", ["image", "base", "airflow", "python"])
def test_it_misses_a_table(table: str) -> None:
    rest = "\n".join(line for line in MINIMAL.splitlines() if not line.startswith(table))
    assert find_mistakes(rest) == [f"'{table}' is a required property"]
