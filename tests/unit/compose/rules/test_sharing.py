"""OB105 and OB106: what is shared, and who starts before the shared image exists."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from project_factories import AIRFLOW, build, project, seed, service

from builder.compose.rules.context import RuleContext
from builder.compose.rules.sharing import find_early_starts, find_shared_images
from builder.compose.sharing.groups import group_services
from builder.compose.sharing.options import SharingOptions
from builder.compose.sharing.targets import choose_targets

if TYPE_CHECKING:
    from builder.compose.model import Project


def look(made: Project, **choices: Any) -> RuleContext:
    groups = group_services(made, {})
    return RuleContext(made, groups, {}, choose_targets(made, groups, SharingOptions(**choices)))


def shared(builder: dict[str, Any] | None = None, sharer: dict[str, Any] | None = None) -> Project:
    return project(
        service("one", **{"build": build(), "image": "mine", "environment": AIRFLOW, **(builder or {})}),
        service("two", **{"image": "mine", "depends_on": ["one"], **(sharer or {})}),
    )


def test_a_shared_image_without_protection() -> None:
    (finding,) = find_shared_images(look(shared()))
    assert finding.code == "OB105"
    assert finding.message == "one and two use mine:latest; one builds it"
    (detail,) = finding.details
    assert detail.startswith("one and two lack `pull_policy: never`")
    assert "anyone could register" in detail


def test_one_that_lacks_protection() -> None:
    (finding,) = find_shared_images(look(shared({"pull_policy": "never"})))
    assert finding.details[0].startswith("two lacks `pull_policy: never`")


def test_a_shared_image_with_protection() -> None:
    (finding,) = find_shared_images(look(shared({"pull_policy": "never"}, {"pull_policy": "never"})))
    assert finding.details == ()


def test_a_registry_s_image_needs_no_protection() -> None:
    name = {"image": "registry.example/mine"}
    (finding,) = find_shared_images(look(shared(name, name)))
    assert finding.details == ()


def test_a_foreign_image_that_several_use() -> None:
    made = project(service("a", image="apache/airflow:2.8.1"), service("b", image="apache/airflow:2.8.1"))
    (finding,) = find_shared_images(look(made))
    assert finding.message == "a and b use apache/airflow:2.8.1; no service here builds it"
    assert finding.details == ()


def test_duplicates_and_single_services_are_not_shared() -> None:
    assert not list(find_shared_images(look(seed())))


def test_a_sharer_that_does_not_depend_on_the_builder() -> None:
    (finding,) = find_early_starts(look(shared(sharer={"depends_on": []})))
    assert finding.code == "OB106"
    assert finding.message == (
        "two can start while one, which builds its image, does not: on a machine without the image, first "
        "`docker compose build one`"
    )
    assert finding.services == ("two",)
    assert finding.details == ("`docker compose up -d two` ends with `No such image` there",)


def test_without_the_policy_a_registry_is_asked() -> None:
    made = shared(sharer={"depends_on": []})
    (finding,) = find_early_starts(RuleContext(made, group_services(made, {})))
    assert finding.details == ("`docker compose up -d two` asks a registry for it there",)


def test_nobody_is_told_to_wait_for_a_service_that_goes_on() -> None:
    """That an API waits for its worker would be nonsense: only the image is needed."""
    (finding,) = find_early_starts(look(shared(sharer={"depends_on": []})))
    assert finding.fix == "on a new machine, `docker compose build one` before anything else"


def test_a_service_behind_a_profile_is_named_with_what_to_type() -> None:
    made = seed(airflow_cli={"build": build(), "environment": AIRFLOW, "profiles": ("debug",)})
    (finding,) = find_early_starts(look(made))
    assert finding.services == ("airflow-cli",)
    assert finding.message.endswith("first `docker compose build airflow-init`")
    assert finding.details == ("`docker compose --profile debug run airflow-cli` ends with `No such image` there",)


def test_of_many_early_starts_a_few_are_written_out() -> None:
    common: dict[str, Any] = {"build": build(), "environment": AIRFLOW}
    made = project(*(service(f"s{number}", **common) for number in range(6)))
    (finding,) = find_early_starts(look(made))
    (detail,) = finding.details
    assert detail.startswith(
        "`docker compose up -d s1`, `docker compose up -d s2`, `docker compose up -d s3` and 2 more"
    )


def test_the_remedy_is_no_circle() -> None:
    init = {"command": ("airflow", "db", "migrate"), "depends_on": ["two"]}
    (finding,) = find_early_starts(look(shared(init, {"depends_on": []})))
    assert finding.fix == "on a new machine, `docker compose build one` before anything else"


def test_a_template_that_nothing_starts_is_not_early() -> None:
    made = shared(sharer={"depends_on": [], "profiles": ("template",)})
    assert list(find_early_starts(look(made)))
    text = b"services:\n  two: {image: mine, profiles: [template]}\n  one: {extends: two, build: .}\n"
    assert not list(find_early_starts(look(replace(made, sources={made.files.files[0]: text}))))


def test_the_remedy_waits_for_the_end_of_an_init() -> None:
    made = shared({"command": ("airflow", "db", "migrate")}, {"depends_on": []})
    (finding,) = find_early_starts(look(made))
    assert finding.fix == "depends_on:\n  one:\n    condition: service_completed_successfully"


def test_a_builder_behind_a_profile() -> None:
    (finding,) = find_early_starts(look(shared({"profiles": ("setup",)})))
    assert finding.fix == "remove `profiles:` from one"
    assert "behind the profile setup" in finding.details[1]


def test_a_profile_that_all_have_hides_nobody() -> None:
    both = {"profiles": ("airflow",)}
    assert not list(find_early_starts(look(shared(both, both))))
    (finding,) = find_early_starts(look(shared(both, {**both, "depends_on": []})))
    assert len(finding.details) == 1


def test_all_that_depend_on_the_builder_are_fine() -> None:
    assert not list(find_early_starts(look(shared())))
    assert not list(find_early_starts(look(seed())))


def test_today_s_duplicates_build_for_themselves() -> None:
    made = seed(airflow_scheduler={"depends_on": []})
    assert not list(find_early_starts(RuleContext(made, group_services(made, {}))))


def test_a_planned_builder_that_not_all_depend_on() -> None:
    made = seed(airflow_scheduler={"depends_on": []}, airflow_webserver={"depends_on": []})
    (finding,) = find_early_starts(look(made, builder_service="airflow-init"))
    assert finding.message.startswith(
        "airflow-scheduler and airflow-webserver can start while airflow-init, which builds their image, does not: "
    )


def test_where_no_service_builds_nobody_is_early() -> None:
    made = seed(airflow_scheduler={"depends_on": []})
    assert not list(find_early_starts(look(made, image_only=True)))
