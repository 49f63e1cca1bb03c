"""An anchor, wherever it stands, is not a reason for nobody to build: the build moves, or another service keeps it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from project_factories import AIRFLOW, FOLDER, build, project, service
from reference_loader import services as load_services

from builder.compose.model import ImageOrigin
from builder.compose.plan import ObservedState, PlanDependencies, make_plan
from builder.compose.rewrite.rewrite import make_edited_project, rewrite_files
from builder.compose.sharing.options import SharingOptions

FLOW = "services:\n  web: &a {build: ., user: me}\n  cli: {<<: *a, user: you}\n"
BLOCK = "services:\n  web: &a\n    build: .   # here\n    user: me\n  cli:\n    <<: *a\n    user: you\n"
CHAIN = "services:\n  init: &a\n    build: .\n  web: &b\n    <<: *a\n  cli:\n    <<: *b\n"
NESTED = "x-c: &c\n  build: .\nservices:\n  init: &i\n    <<: *c\n  web:\n    <<: *i\n"
MERGED = "x-c: &c {build: .}\nservices:\n  init: {<<: *c}\n  web: {<<: *c}\n"
VALUE = "services:\n  init:\n    build: &b .\n  web:\n    build: *b\n"
VALUE_BLOCK = "services:\n  web:\n    build: &b\n      context: .\n  init: {build: *b}\n"
EXTENDS = "services:\n  web: &a\n    build: .\n  init:\n    extends: web\n  cli:\n    <<: *a\n"
LIST = "x-c: &c {user: me}\nservices:\n  init: &i\n    build: .\n  web:\n    <<: [*c, *i]\n"
ALIAS = "services:\n  web: &a\n    build: .\n  cli: *a\n"
OVERRIDE = "services:\n  web:\n    user: root\n"


@pytest.mark.parametrize(
    ("text", "builder"),
    [
        (FLOW, "cli"),
        (BLOCK, "cli"),
        (CHAIN, "cli"),
        (NESTED, "web"),
        (MERGED, "init"),
        (VALUE, "init"),
        (VALUE_BLOCK, "init"),
        (EXTENDS, "init"),
        (LIST, "web"),
        (ALIAS, "cli"),
    ],
    ids=["flow", "block", "chain", "nested", "extension", "value", "value below", "extends", "list", "alias"],
)
@pytest.mark.parametrize("override", [False, True], ids=["alone", "with an override file"])
def test_some_service_builds_whatever_the_anchors(text: str, builder: str, *, override: bool) -> None:
    main, over = FOLDER / "docker-compose.yml", FOLDER / "docker-compose.override.yml"
    sources = {main: text.encode(), **({over: OVERRIDE.encode()} if override else {})}
    names = load_services([text.encode()])
    made = project(*(service(name, build=build(), environment=AIRFLOW) for name in names))
    made = replace(made, sources=sources, files=replace(made.files, files=tuple(sources)))
    plan = make_plan(made, {}, SharingOptions(), ObservedState(), PlanDependencies(rewrite_files))
    (target,) = (one.target for one in plan.groups if one.target is not None)
    assert (target.source, target.builder) == (ImageOrigin.BUILDER, builder)
    after = load_services(make_edited_project(made, plan.edits).sources.values())
    assert [name for name, one in after.items() if one.get("build") not in (None, "(reset)")] == [builder]
    assert {one["image"] for one in after.values()} == {"shop-airflow:latest"}
