"""Groups, choices, findings and edits become one plan; what is refused becomes words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from project_factories import AIRFLOW, FOLDER, build, facts, project, seed, service

from builder.compose.model import FileEdit, ImageBytes, ImageOrigin, Project, SharedTarget, Sharing
from builder.compose.plan import ObservedState, PlanDependencies, list_image_names, make_plan
from builder.compose.sharing.options import SharingOptions
from builder.core.errors import ComposeError, Where
from builder.engine.layers import ImageLayers, Layer

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.compose.planned import Plan

FILE = FOLDER / "docker-compose.yml"
AIRFLOW_SERVICES = ("airflow-init", "airflow-scheduler", "airflow-webserver")
NAMES = tuple(f"shop-{name}:latest" for name in AIRFLOW_SERVICES)


def rewrite(_project: Project, targets: tuple[SharedTarget, ...]) -> tuple[FileEdit, ...]:
    """An edit that says which targets it was made for."""
    return (FileEdit(FILE, b"", " ".join(target.image for target in targets).encode()),)


def refusing(
    *services: str, together: bool = False
) -> Callable[[Project, tuple[SharedTarget, ...]], tuple[FileEdit, ...]]:
    """Refuses a target that has one of these services; ``together``: any two targets at once."""

    def refuse(made: Project, targets: tuple[SharedTarget, ...]) -> tuple[FileEdit, ...]:
        if (together and len(targets) > 1) or any(set(services) & set(target.services) for target in targets):
            raise ComposeError("its anchor is used elsewhere", where=Where("docker-compose.yml", 7))
        return rewrite(made, targets)

    return refuse


def image(identity: str, *layers: tuple[str, int], created: float = 0.0) -> ImageLayers:
    return ImageLayers(identity, (), {}, created, tuple(Layer(chain, chain, size, "RUN") for chain, size in layers))


def planned(
    made: Project | None = None,
    choices: SharingOptions | None = None,
    seen: ObservedState | None = None,
    means: PlanDependencies | None = None,
) -> Plan:
    return make_plan(
        made or seed(), {}, choices or SharingOptions(), seen or ObservedState(), means or PlanDependencies(rewrite)
    )


def two_groups() -> Project:
    other = {"build": build("Dockerfile.dbt")}
    return project(*seed().services.values(), service("dbt-one", **other), service("dbt-two", **other))


def test_the_seed_project() -> None:
    plan = planned()
    airflow, database = plan.groups
    assert airflow.target is not None
    assert airflow.target.builder == "airflow-init"
    assert airflow.target.image == "shop-airflow:latest"
    assert (database.target, plan.affected) == (None, AIRFLOW_SERVICES)
    assert [edit.after for edit in plan.edits] == [b"shop-airflow:latest"]
    assert "OB101" in {finding.code for finding in plan.findings}
    assert plan.engine == ""
    assert plan.images == {}
    assert (airflow.now, airflow.then, airflow.if_apart, airflow.sharing) == (None, None, None, None)


def test_a_refused_edit_leaves_the_findings_and_says_why() -> None:
    plan = planned(means=PlanDependencies(refusing("airflow-init")))
    assert plan.edits == ()
    assert plan.groups[0].target is None
    assert plan.groups[0].reason == "it cannot be changed safely: its anchor is used elsewhere"
    assert [one.refused for one in plan.groups] == [True, False]
    services = "airflow-init, airflow-scheduler and airflow-webserver"
    assert plan.notes == (f"no edit for {services}: docker-compose.yml:7: its anchor is used elsewhere",)
    assert "OB101" in {finding.code for finding in plan.findings}


def test_a_refused_edit_is_told_on_one_line_and_takes_the_warnings_of_its_target_along() -> None:
    def refuse(_project: Project, _targets: object) -> tuple[FileEdit, ...]:
        where = Where(str(FOLDER / "more" / "compose.yml"), 3)
        raise ComposeError("two edits meet", where=where, hint="write the keys by hand")

    plan = planned(seed(airflow_webserver={"depends_on": ()}), means=PlanDependencies(refuse))
    (note,) = plan.notes
    assert note.endswith("airflow-webserver: more/compose.yml:3: two edits meet; write the keys by hand")
    assert plan.groups[0].warnings == (), "that no service keeps the build is not so: nothing changes"


def test_a_database_elsewhere_is_named_without_its_password() -> None:
    url = "postgresql+psycopg2://ada:hunter2@db.example.org:5432/airflow"
    connected = {**AIRFLOW, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url}
    made = seed(airflow_webserver={"environment": connected}, airflow_scheduler={"environment": connected})
    (note,) = planned(made).notes
    assert note == (
        "Airflow keeps its metadata in PostgreSQL at db.example.org, outside of this project: nothing here touches it"
    )
    inside = {**AIRFLOW, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://ada:hunter2@postgres/airflow"}
    assert planned(seed(airflow_webserver={"environment": inside})).notes == ()


def unable_to_keep(*builders: str) -> Callable[[Project, tuple[SharedTarget, ...]], tuple[FileEdit, ...]]:
    """Refuses these builders only."""

    def refuse(made: Project, targets: tuple[SharedTarget, ...]) -> tuple[FileEdit, ...]:
        if any(target.builder in builders for target in targets):
            raise ComposeError("the others merge its whole mapping")
        return rewrite(made, targets)

    return refuse


def test_where_the_one_that_would_keep_the_build_cannot_another_one_does() -> None:
    plan = planned(means=PlanDependencies(unable_to_keep("airflow-init")))
    (airflow, _) = plan.groups
    assert airflow.target is not None
    assert (airflow.target.source, airflow.target.builder) == (ImageOrigin.BUILDER, "airflow-scheduler")
    assert airflow.warnings == (
        "airflow-scheduler keeps `build:`, because airflow-init cannot: the others merge its whole mapping",
    )
    assert [edit.after for edit in plan.edits] == [b"shop-airflow:latest"]
    assert plan.notes == ()


def test_where_none_of_them_can_keep_the_build_nobody_does() -> None:
    plan = planned(means=PlanDependencies(unable_to_keep("airflow-init", "airflow-scheduler", "airflow-webserver")))
    (airflow, _) = plan.groups
    assert airflow.target is not None
    assert (airflow.target.source, airflow.target.builder) == (ImageOrigin.IMAGE_ONLY, None)
    assert airflow.target.note is not None
    assert airflow.warnings == ("no service keeps `build:`: the others merge its whole mapping",)
    assert [edit.after for edit in plan.edits] == [b"shop-airflow:latest"]
    assert plan.notes == ()
    (duplicate,) = (finding for finding in plan.findings if finding.code == "OB101")
    assert (duplicate.fix or "").endswith("no service builds it")


def test_a_builder_that_was_asked_for_is_not_replaced() -> None:
    plan = planned(
        choices=SharingOptions(builder_service="airflow-init"), means=PlanDependencies(unable_to_keep("airflow-init"))
    )
    assert (plan.groups[0].target, plan.edits) == (None, ())
    assert len(plan.notes) == 1


def test_the_only_one_that_builds_keeps_its_build() -> None:
    """Only `pull_policy` was due: to take the build as well would be another change than the one refused."""
    made = project(
        service("one", build=build(), image="mine", environment=AIRFLOW),
        service("two", image="mine", environment=AIRFLOW, depends_on=["one"]),
    )
    plan = planned(made, means=PlanDependencies(unable_to_keep("one")))
    assert (plan.groups[0].target, plan.edits) == (None, ())


def test_one_refused_group_does_not_stop_the_other() -> None:
    plan = planned(
        two_groups(), SharingOptions(groups=("dbt-one", "airflow-init")), means=PlanDependencies(refusing("dbt-two"))
    )
    assert [edit.after for edit in plan.edits] == [b"shop-airflow:latest"]
    assert plan.affected == AIRFLOW_SERVICES
    assert len(plan.notes) == 1


def test_groups_that_cannot_be_changed_together_are_left() -> None:
    plan = planned(
        two_groups(),
        SharingOptions(groups=("dbt-one", "airflow-init")),
        means=PlanDependencies(refusing(together=True)),
    )
    assert plan.edits == ()
    assert plan.affected == ()
    assert len(plan.notes) == 1


def test_choices_that_name_nothing_here_are_an_error() -> None:
    with pytest.raises(ComposeError, match="nobody"):
        planned(choices=SharingOptions(builder_service="nobody"))


def test_a_name_that_another_project_uses_is_not_taken() -> None:
    used = {"shop-airflow": frozenset({"other"}), "shop-airflow-init:latest": frozenset({"shop"})}
    target = planned(seen=ObservedState(used_by=used)).groups[0].target
    assert target is not None
    assert target.image != "shop-airflow:latest"
    own = planned(seen=ObservedState(used_by={"shop-airflow:latest": frozenset({"shop"})})).groups[0].target
    assert own is not None
    assert own.image == "shop-airflow:latest"


def seen_of(*images: ImageLayers, **more: ImageLayers) -> ObservedState:
    return ObservedState("26.1.5", {**dict(zip(NAMES, images, strict=False)), **more})


def test_bytes_of_what_one_build_made() -> None:
    layers = (("base", 100), ("deps", 900))
    plan = planned(seen=seen_of(*(image(str(number), *layers, created=number) for number in range(3))))
    airflow = plan.groups[0]
    assert airflow.now == ImageBytes(3000, 1000, 3)
    assert airflow.sharing is Sharing.LAYERS
    assert airflow.then == ImageBytes(1000, 1000, 1)
    assert airflow.if_apart is None  # nothing tells where the base ends
    assert plan.images["shop-airflow-init:latest"].bytes == 1000
    assert "postgres:13" not in plan.images


def test_bytes_once_the_base_is_known() -> None:
    layers = (("base", 100), ("deps", 900))
    seen = seen_of(image("1", *layers))
    known = {name: facts(airflow=True, base="apache/airflow:2.8.1") for name in AIRFLOW_SERVICES}
    seen = replace(seen, images={**(seen.images or {}), "apache/airflow:2.8.1": image("b", ("base", 100))})
    plan = make_plan(seed(), known, SharingOptions(), seen, PlanDependencies(rewrite))
    assert plan.groups[0].if_apart == ImageBytes(3000, 100 + 3 * 900, 3)


def test_the_image_of_an_optbuild_toml_is_what_will_be() -> None:
    choices = SharingOptions(spec_folder=Path("/home/ada/shop"), spec_image="ml:latest")
    seen = replace(seen_of(image("1", ("a", 9))), images={"ml:latest": image("2", ("b", 5))})
    airflow = planned(choices=choices, seen=seen).groups[0]
    assert airflow.target is not None
    assert airflow.target.source is ImageOrigin.SPEC
    assert airflow.then == ImageBytes(5, 5, 1)


def test_images_under_the_names_of_compose_1_are_found() -> None:
    plan = planned(seen=ObservedState("26", {"shop_airflow-init:latest": image("1", ("a", 9))}))
    assert plan.images["shop-airflow-init:latest"].bytes == 9
    assert plan.groups[0].now == ImageBytes(9, 9, 1)


def test_every_name_that_matters_is_asked_for() -> None:
    known = {name: facts(base="apache/airflow:2.8.1") for name in AIRFLOW_SERVICES}
    wanted = list_image_names(seed(), known, SharingOptions(spec_image="ml:latest"))
    assert {*NAMES, "postgres:13", "shop_airflow-init:latest", "apache/airflow:2.8.1", "ml:latest"} <= set(wanted)
    assert len(wanted) == len(set(wanted))


def test_a_build_that_was_seen_has_its_time() -> None:
    for name in (NAMES[1], f"docker.io/library/{NAMES[1]}"):
        assert planned(seen=ObservedState(build_seconds={name: 61.5})).groups[0].build_seconds == 61.5


def test_a_promoted_name_is_the_same_in_every_spelling() -> None:
    made = project(service("web", image="ml:latest"), service("worker", image="index.docker.io/library/ml"))
    seen = ObservedState(
        "26", {"ml:latest": image("sha256:now")}, promoted={"docker.io/library/ml:latest": "sha256:was"}
    )
    (found,) = [finding for finding in planned(made, seen=seen).findings if finding.code == "OB206"]
    assert found.services == ("web", "worker")


def test_what_keeps_compose_from_starting_is_a_note() -> None:
    said = ("env file /home/ada/shop/.env.dev not found",)
    (note,) = planned(replace(seed(), resolved=None, complaints=said)).notes
    assert note.endswith("read without its variables: env file /home/ada/shop/.env.dev not found")
    assert planned(replace(seed(), raw=None, complaints=said)).notes == ()
