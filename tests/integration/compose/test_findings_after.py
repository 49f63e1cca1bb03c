"""What is found in a project is still found once optimize has edited its file: its Dockerfile is known as before."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from own_projects import FOLDER, OWN_PROJECTS
from reach import make_runtime, optimize_files, write_edits
from real_files import CORPUS_FILES, copy_project, name_of

from builder.operations.plan import PlanOptions, run_plan

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.planned import Plan

ABOUT_SHARING = frozenset({"OB101", "OB102", "OB105", "OB106"})
"""What the edit is about."""
DOCKERFILE = """\
FROM apache/airflow:2.0.0
USER root
RUN apt-get update && apt-get install -y gcc
COPY airflow.cfg /opt/airflow/airflow.cfg
RUN pip install pandas
ENTRYPOINT ["/start.sh"]
HEALTHCHECK CMD true
"""
"""In place of the Dockerfiles that do not lie beside a real file: with something for each rule to find, or to know."""
MAIN_FILES = [next(iter(sorted((FOLDER / name).glob("*compose.y*ml")))) for name in OWN_PROJECTS]


def find_rest(plan: Plan) -> set[tuple[str, str, str]]:
    """Code, services and fix of what is not about sharing; a service for its group, of which any may be named."""
    groups = {name: " ".join(one.group.names) for one in plan.groups for name in one.group.names}
    return {
        (one.code, "; ".join(sorted({groups[name] for name in one.services})), one.fix or "")
        for one in plan.findings
        if one.code not in ABOUT_SHARING
    }


def copy_whole_project(file: Path, folder: Path) -> None:
    """With a Dockerfile wherever a service of a real file wants to be built."""
    if file not in CORPUS_FILES:
        shutil.copytree(file.parent, folder)
        return
    copy_project(file, folder)
    services = run_plan(make_runtime(folder), PlanOptions()).plan.project.services.values()
    for path in [one.build.dockerfile_path for one in services if one.build is not None]:
        if path is not None and path.is_relative_to(folder):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(DOCKERFILE, encoding="utf-8")


@pytest.mark.parametrize("image_only", [False, True], ids=["a service builds", "nobody builds"])
@pytest.mark.parametrize(
    "file", [*MAIN_FILES, *CORPUS_FILES], ids=lambda file: name_of(file) if file in CORPUS_FILES else file.parent.name
)
def test_what_was_found_is_found(file: Path, tmp_path: Path, *, image_only: bool) -> None:
    folder = tmp_path / "shop"
    copy_whole_project(file, folder)
    runtime = make_runtime(folder)
    before = run_plan(runtime, PlanOptions(image_only=image_only))
    assert write_edits(runtime, before) == ""
    after = run_plan(runtime, PlanOptions(image_only=image_only))
    assert find_rest(after.plan) == find_rest(before.plan)


SPEC = """\
[image]
name = "shop-airflow"
[base]
debian = "bookworm"
[airflow]
version = "2.8.1"
[python]
version = "3.11"
"""


def test_the_image_of_an_optbuild_toml_is_known_too(tmp_path: Path) -> None:
    """Its version decides what of the commands is right; the old Dockerfile is nobody's any more."""
    folder = tmp_path / "shop"
    shutil.copytree(FOLDER / "layout-2", folder)
    compose = folder / "docker-compose.yaml"
    compose.write_text(compose.read_text(encoding="utf-8").replace("command: scheduler", "command: db init"))
    text = DOCKERFILE.replace("2.0.0", "2.8.1").replace("ENTRYPOINT", "# ")
    (folder / "Dockerfile").write_text(text, encoding="utf-8")
    (folder / "optbuild.toml").write_text(SPEC, encoding="utf-8")
    runtime = make_runtime(folder)
    before = run_plan(runtime, PlanOptions())
    assert write_edits(runtime, before) == ""
    after = run_plan(runtime, PlanOptions())
    gone = find_rest(before.plan) - find_rest(after.plan)
    assert find_rest(after.plan) <= find_rest(before.plan)
    assert {code for code, _, _ in gone} <= {"OB301", "OB302", "OB303", "OB304", "OB305", "OB306"}


def test_a_build_that_no_comment_says_is_known_from_the_run_that_took_it(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    inline = "FROM apache/airflow:2.0.0\n          RUN pip install pandas==$${PANDAS}\n"
    service = f"    build:\n      args: {{PANDAS: '2'}}\n      dockerfile_inline: |\n          {inline}"
    text = "".join(f"  {name}:\n{service}    command: {name}\n" for name in ("scheduler", "webserver"))
    (folder / "compose.yaml").write_text(f"services:\n{text}", encoding="utf-8")
    runtime = make_runtime(folder)
    before = run_plan(runtime, PlanOptions(image_only=True))
    assert {code for code, _, _ in find_rest(before.plan)} >= {"OB302", "OB303"}
    optimize_files(folder, "--image-only")
    assert "build:" not in (folder / "compose.yaml").read_text(encoding="utf-8")
    assert find_rest(run_plan(runtime, PlanOptions()).plan) == find_rest(before.plan)
