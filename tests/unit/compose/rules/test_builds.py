"""OB101 and OB102: one image that is built several times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from project_factories import AIRFLOW, Image, build, image, project, seed, service

from builder.compose.rules.builds import find_duplicate_builds, find_same_tags
from builder.compose.rules.context import RuleContext
from builder.compose.sharing.groups import group_services
from builder.compose.sharing.options import SharingOptions
from builder.compose.sharing.targets import choose_targets
from builder.core.errors import Where

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.compose.model import Project


def look(made: Project, images: Mapping[str, Image | None] | None = None, **choices: Any) -> RuleContext:
    groups = group_services(made, {})
    return RuleContext(made, groups, {}, choose_targets(made, groups, SharingOptions(**choices)), images=images)


def three(**images: Image) -> RuleContext:
    """The seed project with what the engine has for ``init``, ``scheduler`` and ``webserver``."""
    return look(seed(), {f"shop-airflow-{name}:latest": one for name, one in images.items()})


def test_one_dockerfile_built_three_times() -> None:
    (finding,) = find_duplicate_builds(look(seed()))
    assert finding.code == "OB101"
    assert finding.message == (
        "airflow-init, airflow-scheduler and airflow-webserver build ./Dockerfile.airflow 3 times"
    )
    assert finding.services == ("airflow-init", "airflow-scheduler", "airflow-webserver")
    assert finding.where == Where("docker-compose.yml", None, "services.airflow-init.build")
    assert finding.fix == "`optbuild optimize`: all 3 start from shop-airflow:latest, which airflow-init alone builds"
    assert finding.details == ()
    assert not list(find_same_tags(look(seed())))


def test_a_service_that_only_uses_the_image_is_no_builder() -> None:
    made = seed(worker={"image": "shop-airflow-init"})
    (finding,) = find_duplicate_builds(look(made))
    assert "worker" not in finding.message
    assert "worker" in finding.services


def test_different_builds_and_shared_images_are_no_duplicates() -> None:
    shared = seed(
        airflow_init={"image": "x"},
        airflow_scheduler={"build": None, "image": "x"},
        airflow_webserver={"build": build("Other"), "image": "y"},
    )
    assert not list(find_duplicate_builds(look(shared)))
    assert not list(find_same_tags(look(shared)))


def test_the_fix_says_where_the_image_comes_from() -> None:
    (by_hand,) = find_duplicate_builds(look(seed(), image_only=True))
    assert by_hand.fix is not None
    assert by_hand.fix.endswith("built once; no service builds it")
    made = seed()
    (spec,) = find_duplicate_builds(look(made, spec_image="spec:1", spec_folder=made.files.directory))
    assert spec.fix == "`optbuild optimize`: all 3 start from spec:1, which the optbuild.toml makes"


def test_the_fix_says_why_a_group_is_left_alone() -> None:
    made = project(service("a", build=build()), service("b", build=build()))
    (finding,) = find_duplicate_builds(look(made))
    assert finding.fix == (
        "what it builds on cannot be read here, so it may be Airflow: left alone unless `--group a` asks for it"
    )


def test_the_fix_says_what_stands_in_the_way() -> None:
    made = seed(airflow_webserver={"pull_policy": "build"})
    (finding,) = find_duplicate_builds(look(made))
    assert (finding.fix or "").startswith("left alone: airflow-webserver has `pull_policy: build`")


def test_without_a_choice_the_fix_says_what_to_write() -> None:
    made = seed()
    (finding,) = find_duplicate_builds(RuleContext(made, group_services(made, {})))
    assert finding.fix == "keep `build:` in one service; give all of them the same `image:` and `pull_policy: never`"


def test_a_target_is_named_and_a_login_is_not() -> None:
    address = build(context="https://ada:hunter2@git.example/a.git", target="prod")
    made = project(service("a", build=address), service("b", build=address))
    (finding,) = find_duplicate_builds(look(made))
    assert finding.message == "a and b build https://***@git.example/a.git (target prod) twice"


# --- what the engine has


def test_equal_layers_are_shared_now_and_not_for_long() -> None:
    (finding,) = find_duplicate_builds(three(init=image("1", "a", "b"), scheduler=image("2", "a", "b")))
    now, later = finding.details
    assert now.startswith("2 image IDs with equal layers: one `docker compose build` made them")
    assert "`build --no-cache SERVICE`" in later
    assert "takes 2 times the bytes" in later


def test_layers_that_differ_lie_on_the_disk_more_than_once() -> None:
    (finding,) = find_duplicate_builds(three(init=image("1", "a", "b"), scheduler=image("2", "a", "c")))
    (detail,) = finding.details
    assert detail.startswith("2 image IDs whose layers differ after the first 1")
    assert "more than once" in detail


def test_one_image_under_several_names_lies_there_once() -> None:
    (finding,) = find_duplicate_builds(
        three(init=image("1", "a"), scheduler=image("1", "a"), webserver=image("1", "a"))
    )
    (detail,) = finding.details
    assert detail.startswith("3 names, one image")


def test_nothing_is_said_of_one_image_alone() -> None:
    (finding,) = find_duplicate_builds(three(init=image("1", "a")))
    assert finding.details == ()


def test_names_of_the_old_compose_are_recognised() -> None:
    old = {"shop_airflow-init:latest": image("1", "a"), "shop_airflow-webserver:latest": image("2", "b")}
    (finding,) = find_duplicate_builds(look(seed(), old))
    assert "2 image IDs whose layers differ" in finding.details[0]


# --- one tag


def test_one_tag_built_by_several() -> None:
    made = seed(airflow_init={"image": "x"}, airflow_scheduler={"image": "x:latest"}, airflow_webserver={"image": "x"})
    (finding,) = find_same_tags(look(made))
    assert finding.code == "OB102"
    assert finding.message == "airflow-init, airflow-scheduler and airflow-webserver all build x:latest"
    assert finding.fix == "`optbuild optimize`: all 3 start from x:latest, which airflow-init alone builds"
    assert not list(find_duplicate_builds(look(made)))


def test_one_tag_of_two_different_builds() -> None:
    made = project(
        service("a", build=build("A"), image="x", environment=AIRFLOW),
        service("b", build=build("B"), image="x", environment=AIRFLOW),
    )
    (finding,) = find_same_tags(look(made))
    assert finding.message == ("a and b build different images under the name x:latest: the last one built gets it")
    assert finding.fix == "give b another `image:`: only one of them, a, can be x:latest"


@pytest.mark.parametrize(
    ("services", "fix"),
    [
        (
            {"a": {"build": build(tags=("x",))}, "b": {"build": build("B"), "image": "x:latest"}},
            "take x:latest out of `tags:` in the build of a: only one of them, b, can be x:latest",
        ),
        (
            {
                "a": {"build": build(tags=("x:1",)), "image": "a"},
                "b": {"build": build("B", tags=("x:1",)), "image": "b"},
            },
            "take x:1 out of `tags:` in the build of b: only one of them, a, can be x:1",
        ),
        (
            {
                "a": {"build": build(tags=("docker.io/library/x",)), "image": "a"},
                "b": {"build": build("B"), "image": "x"},
                "c": {"build": build("C"), "image": "x"},
            },
            (
                "take x:latest out of `tags:` in the build of a; give c another `image:`: only one of them, b, can be "
                "x:latest"
            ),
        ),
    ],
)
def test_one_tag_by_way_of_build_tags(services: dict[str, Any], fix: str) -> None:
    made = project(*(service(name, **keys) for name, keys in services.items()))
    (finding,) = find_same_tags(look(made))
    assert finding.services == tuple(services)
    assert finding.fix == fix


def test_two_builders_of_three_share_a_tag() -> None:
    made = seed(airflow_init={"image": "x"}, airflow_scheduler={"image": "x"})
    (same,) = find_same_tags(look(made))
    assert same.message == "airflow-init and airflow-scheduler both build x:latest"
    assert [finding.code for finding in find_duplicate_builds(look(made))] == ["OB101"]
