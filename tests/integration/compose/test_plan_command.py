"""`optbuild plan` as a process, with the real Compose."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from real_files import FILES, copy_project, name_of

from builder.core.process import Command, LocalRunner, ProcessResult

ROOT = Path(__file__).parents[3]
SEED = ROOT / "tests" / "fixtures" / "seed"
MAIN = "from builder.cli.main import main; main()"
AIRFLOW_SERVICES = ["airflow-init", "airflow-scheduler", "airflow-webserver"]
SECRET = "s3cr3t-hunter2"


def plan(folder: Path, *words: str, **env: str) -> ProcessResult:
    ours = {key: value for key, value in os.environ.items() if not key.startswith("COMPOSE_")}
    argv = (sys.executable, "-c", MAIN, "plan", *words)
    return LocalRunner().run(Command(argv, cwd=folder, env={**ours, **env}, timeout=120))


def as_json(folder: Path, *words: str, **env: str) -> dict[str, Any]:
    done = plan(folder, "--format", "json", *words, **env)
    assert done.ok, done.err
    found = json.loads(done.out)
    assert isinstance(found, dict)
    return found


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    """A copy of the seed project's literal file."""
    return Path(shutil.copytree(SEED, tmp_path / "seed"))


def test_the_seed_project_gets_what_it_deserves(seed: Path) -> None:
    before = {path: path.read_bytes() for path in seed.iterdir()}
    found = as_json(seed)
    codes = {finding["code"] for finding in found["findings"]}
    assert {"OB101", "OB104", "OB201", "OB202", "OB205", "OB301"} <= codes
    assert not codes & {"OB102", "OB103", "OB107", "OB204"}
    assert found["affected"] == AIRFLOW_SERVICES
    assert [edit["file"] for edit in found["edits"]] == ["docker-compose.yml"]
    assert {path: path.read_bytes() for path in seed.iterdir()} == before


def test_every_finding_of_the_seed_points_to_its_line(seed: Path) -> None:
    lines = {path.name: path.read_text().splitlines() for path in seed.iterdir()}
    places = {(one["code"], *one["services"]): lines[one["file"]][one["line"] - 1] for one in as_json(seed)["findings"]}
    assert places["OB101", *AIRFLOW_SERVICES].strip() == "build:"
    assert "postgres:13" in places["OB104", "postgres"]
    assert places["OB201", "airflow-init"].strip() == "command: db init"
    assert any(line.startswith("version:") for (code, *_), line in places.items() if code == "OB205")


def test_in_a_repository_with_two_specs_each_makes_the_image_of_what_builds_beside_it(tmp_path: Path) -> None:
    services = ""
    for name in ("etl", "ml"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "Dockerfile").write_text(f"FROM apache/airflow:2.8.1\nENV TEAM={name}\n")
        spec = f'[image]\nname = "company/{name}"\n[base]\ndebian = "bookworm"\n[airflow]\nversion = "2.8.1"\n'
        (folder / "optbuild.toml").write_text(f'{spec}[python]\nversion = "3.11"\n')
        services += (
            f"  {name}-a: {{build: {name}, command: scheduler}}\n  {name}-b: {{build: {name}, command: triggerer}}\n"
        )
    (tmp_path / "compose.yaml").write_text(f"services:\n{services}")
    for name in ("etl", "ml"):
        made = {tuple(one["services"]): one["target"] for one in as_json(tmp_path, "--spec", name)["groups"]}
        assert [target["image"] for target in made.values() if target] == [f"company/{name}:latest"]
        assert made[f"{name}-a", f"{name}-b"]["source"] == "spec"


def test_the_edit_is_what_patch_applies(seed: Path) -> None:
    (edit,) = as_json(seed)["edits"]
    patched = LocalRunner().run(Command(("patch", "-p0", "--fuzz=0"), cwd=seed, stdin=edit["diff"].encode()))
    assert patched.ok, patched.out
    assert as_json(seed)["edits"] == []
    assert "OB101" not in {finding["code"] for finding in as_json(seed)["findings"]}


def test_no_value_of_an_environment_is_in_any_output(seed: Path) -> None:
    file = seed / "docker-compose.yml"
    (seed / "secrets.env").write_text(f"POSTGRES_PASSWORD={SECRET}\n")
    (seed / ".env").write_text(f"DATABASE_URL=postgresql://me:{SECRET}@db/x\n")
    text = file.read_text().replace("    image: postgres:13\n", "    image: postgres:13\n    env_file: secrets.env\n")
    text = text.replace(
        "    context: .\n", "    context: .\n    args:\n      TOKEN: ${TOKEN}\n      URL: ${DATABASE_URL}\n"
    )
    file.write_text(text)
    for kind in ("text", "json", "github", "sarif"):
        done = plan(seed, "--format", kind, TOKEN=SECRET)
        assert done.ok
        assert SECRET not in done.out + done.err, kind
    assert SECRET not in plan(seed, "--explain", "OB104", TOKEN=SECRET).out


def test_files_are_found_as_compose_finds_them(seed: Path) -> None:
    (seed / "docker-compose.override.yml").write_text("services: {flower: {build: {context: ., dockerfile: F}}}\n")
    (seed / "other.yml").write_text("services: {web: {image: 'nginx:1.27', profiles: [late]}}\n")
    assert "flower" in as_json(seed)["project"]["services"]
    assert "flower" not in as_json(seed, "-f", "docker-compose.yml")["project"]["services"]
    both = as_json(seed, "-f", "docker-compose.yml", "-f", "other.yml")["project"]
    assert {"web", "airflow-init"} <= set(both["services"])
    named = as_json(seed, COMPOSE_FILE="other.yml")["project"]
    assert (named["files"], named["services"]) == (["other.yml"], ["web"])
    below = seed / "dags"
    below.mkdir()
    assert as_json(below)["project"]["directory"] == str(seed)


def test_a_file_that_compose_refuses_is_an_error_with_its_words(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services:\n  web:\n    image: x\n    bild: .\n")
    done = plan(tmp_path)
    assert done.code == 2
    assert "bild" in done.err
    assert "compose.yaml" in done.err
    assert "Traceback" not in done.err


def test_hostile_names_reach_neither_terminal_nor_annotations(tmp_path: Path) -> None:
    hostile = r"x\e[2J\n::error::y"
    text = f'services:\n  a: {{build: ., image: "a:1", labels: {{k: "{hostile}"}}}}\n  b: {{build: ., image: "b:1"}}\n'
    (tmp_path / "compose.yaml").write_text(f'name: shop\n{text}  c: {{image: "{hostile}"}}\n')
    (tmp_path / "Dockerfile").write_text("FROM apache/airflow:2.8.1\nRUN pip install '\x1b[2J::error::'\n")
    for kind in ("text", "github", "sarif", "json"):
        done = plan(tmp_path, "--format", kind)
        assert "\x1b" not in done.out + done.err
        assert not re.search(r"^::error::y", done.out, re.MULTILINE)
        assert "Traceback" not in done.err


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_every_file_gets_a_plan(file: Path, tmp_path: Path) -> None:
    copy_project(file, tmp_path)
    found = as_json(tmp_path, "-p", "corpus")
    lines = (tmp_path / "docker-compose.yml").read_text(encoding="utf-8-sig").splitlines()
    for finding in found["findings"]:
        if finding["file"] == "docker-compose.yml":
            assert finding["line"] is not None, finding
            assert 1 <= finding["line"] <= len(lines)
    duplicates = [group for group in found["groups"] if group["duplicate"] and group["airflow"]]
    assert bool(found["edits"]) == any(group["target"] for group in found["groups"])
    assert {group["reason"] for group in duplicates if not group["target"]} <= {"already shared"}
    done = plan(tmp_path, "-p", "corpus")
    assert done.ok, done.err
    assert found["findings"]
    assert [one for one in found["findings"] if one["message"].split()[0] not in done.out] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_at_once_whatever_compose_does(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "docker").write_text("#!/bin/sh\ntouch asked\nsleep 60\n")
    (tmp_path / "docker").chmod(0o755)
    (tmp_path / "compose.yaml").write_text("services: {a: {image: x}}\n")
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    process = subprocess.Popen((sys.executable, "-c", MAIN, "plan"), cwd=tmp_path, env=env, stderr=subprocess.PIPE)
    while not (tmp_path / "asked").exists():
        time.sleep(0.05)
    process.send_signal(number)
    started = time.monotonic()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert time.monotonic() - started < 10
    assert b"Traceback" not in said
    assert said.startswith(b"optbuild: ")


def test_a_thousand_services_cost_in_proportion(tmp_path: Path) -> None:
    """CPU time, against a quarter of them: in proportion it is less than four times as much, by pairs sixteen times."""
    (tmp_path / "Dockerfile").write_text("FROM apache/airflow:2.8.1\n")
    assert measure_plan(tmp_path, 1000) < 6 * measure_plan(tmp_path, 250)


def measure_plan(folder: Path, services: int) -> float:
    """CPU seconds of a plan of so many, and of what it starts."""
    service = "  s{0:04}:\n    build: .\n    image: shop-{1}\n    environment: {{A: b}}\n    command: sleep {0}\n"
    text = "".join(service.format(number, number % 7) for number in range(services))
    (folder / "compose.yaml").write_text(f"services:\n{text}")
    before = os.times()
    found = as_json(folder)
    after = os.times()
    assert len(found["affected"]) == services
    return sum(after[2:4]) - sum(before[2:4])  # of children that ended
