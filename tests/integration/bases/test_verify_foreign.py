"""What verify says of images on somebody else's base: what that one does otherwise is noted, and refuses nothing."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sabotage import verify
from stand_ins import run

from builder.airflow.releases import find_release
from builder.core.naming import LABEL_AIRFLOW
from builder.image.verify.model import CheckStatus
from builder.image.verify.plan import PlanBase, VerifyPlan, make_plan_from_labels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.engine.client import Engine
    from builder.image.verify.model import CheckResult

VERSION = "2.8.1"
STEP = """\
FROM {base}
COPY --chmod=0644 file /opt/added
{more}
"""


@pytest.fixture
def pulled(airflow_281: str) -> Iterator[str]:
    run(("docker", "pull", "--quiet", airflow_281))
    yield airflow_281
    run(("docker", "rmi", "--no-prune", airflow_281))


def prove(reference: str, plan: VerifyPlan, folder: Path, *only: str) -> dict[str, CheckResult]:
    return {check.name: check for check in verify(reference, plan, folder, *only).checks}


def test_what_the_official_image_does_otherwise_is_noted(pulled: str, tmp_path: Path) -> None:
    made = make_plan_from_labels(pulled, {LABEL_AIRFLOW: VERSION}, find_release(VERSION).roles)
    plan = replace(made, database="sqlite")
    checks = prove(pulled, plan, tmp_path, "configuration", "folders", "user", "failed-migration")
    assert checks["failed-migration"].status is CheckStatus.NOTED, checks["failed-migration"]
    assert "without the tables" in checks["failed-migration"].notes[0]
    assert [note.split()[4].rstrip(":") for note in checks["folders"].notes] == [
        "/opt/airflow/plugins",
        "/opt/airflow/config",
    ]
    assert {checks[name].status for name in ("configuration", "folders", "user")} == {CheckStatus.PASSED}


@pytest.mark.soak
def test_the_stand_in_passes_all_that_it_is_held_to(pulled: str, tmp_path: Path) -> None:
    made = make_plan_from_labels(pulled, {LABEL_AIRFLOW: VERSION}, find_release(VERSION).roles)
    checks = prove(pulled, replace(made, database="sqlite"), tmp_path)
    assert [name for name, check in checks.items() if not check.is_good] == []
    assert "`airflow db migrate` ends with 0" in checks["init"].message


@pytest.mark.parametrize(
    ("more", "failed"), [("", []), ("USER root\nRUN cp /bin/true /opt/mine && chmod 4755 /opt/mine", ["privileges"])]
)
def test_only_what_is_added_to_a_python_image_is_judged(
    python_311: str, engine: Engine, tmp_path: Path, more: str, failed: list[str]
) -> None:
    """That one has setuid files and pip: they are named."""
    run(("docker", "pull", "--quiet", python_311))
    name = f"optbuild-test-foreign-{uuid.uuid4().hex[:10]}"
    (tmp_path / "file").write_text("added")
    (tmp_path / "Dockerfile").write_text(STEP.format(base=python_311, more=more))
    try:
        run(("docker", "build", "--quiet", f"--tag={name}", str(tmp_path)))
        layers = engine.api.inspect_image(python_311)["RootFS"]["Layers"]
        base = PlanBase(python_311, len(layers), "", tuple(layers))
        plan = VerifyPlan(VERSION, (), (), "sqlite", base=base)
        for _ in range(2):  # the second time from what is known of the base's layers
            checks = prove(name, plan, tmp_path / "home", "contents", "privileges")
            assert [one.name for one in checks.values() if not one.is_good] == failed
            assert any("copies of pip (1): /usr/local/lib/python3.11/" in note for note in checks["contents"].notes)
            if not failed:
                assert any(re.search(r"setuid files \(\d+\): /usr/bin/", note) for note in checks["privileges"].notes)
    finally:
        for reference in (name, python_311):
            run(("docker", "rmi", "--no-prune", reference))
