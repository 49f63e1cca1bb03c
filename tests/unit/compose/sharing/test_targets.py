"""What a group becomes, and why some stay as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from project_factories import AIRFLOW, FOLDER, build, facts, project, seed, service

from builder.compose.model import ImageOrigin, Project, SharedTarget
from builder.compose.sharing.groups import group_services
from builder.compose.sharing.options import SharingOptions, TargetDecision
from builder.compose.sharing.targets import choose_targets
from builder.core.errors import ComposeError

if TYPE_CHECKING:
    from pathlib import Path

SHARERS = ("airflow-init", "airflow-scheduler", "airflow-webserver")
SPEC: dict[str, Any] = {"spec_image": "spec-airflow:latest", "spec_folder": FOLDER}


def choose(
    made: Project, *, taken: frozenset[str] = frozenset(), **choices: Any
) -> dict[tuple[str, ...], TargetDecision]:
    return dict(choose_targets(made, group_services(made, {}), SharingOptions(**choices), taken=taken))


def target(made: Project, *services: str, **choices: Any) -> SharedTarget:
    choice = choose(made, **choices)[services or SHARERS]
    assert choice.target is not None, choice.reason
    return choice.target


def reason(made: Project, *services: str, **choices: Any) -> str:
    choice = choose(made, **choices)[services or SHARERS]
    assert choice.target is None
    return choice.reason


def pair(first: dict[str, Any] | None = None, second: dict[str, Any] | None = None, **both: Any) -> Project:
    """Two Airflow services of one build; the second depends on the first."""
    common = {"build": build(), "environment": AIRFLOW, **both}
    return project(
        service("one", **{**common, **(first or {})}),
        service("two", **{**common, "depends_on": ["one"], **(second or {})}),
    )


def test_the_seed_project_builds_in_init() -> None:
    assert target(seed()) == SharedTarget(SHARERS, "shop-airflow:latest", ImageOrigin.BUILDER, "airflow-init")


def test_groups_of_one_and_foreign_images_are_left_alone() -> None:
    made = seed(cache={"image": "redis"}, cache2={"image": "redis"})
    assert reason(made, "postgres") == "one service alone uses this image"
    assert reason(made, "cache", "cache2") == "already shared: no service here builds this image"


# --- who keeps the build


def test_the_builder_may_be_reached_through_others() -> None:
    made = seed(airflow_webserver={"depends_on": ["airflow-scheduler"]})
    assert target(made).builder == "airflow-init"


def test_a_service_builds_also_where_not_all_reach_it() -> None:
    made = seed(airflow_webserver={"depends_on": ["postgres"]})
    assert target(made) == SharedTarget(SHARERS, "shop-airflow:latest", ImageOrigin.BUILDER, "airflow-init")
    assert choose(made)[SHARERS].warnings == ()


def test_of_services_that_go_on_the_one_that_most_reach_builds() -> None:
    keys = {"build": build(), "command": ("scheduler",)}
    names = ("one", "three", "two")
    made = project(service("one", **keys), service("two", **keys), service("three", **keys, depends_on=["two"]))
    assert target(made, *names, groups=("one",)).builder == "two"


def test_of_equals_the_first_of_the_file_builds() -> None:
    keys = {"build": build(), "command": ("scheduler",)}
    made = project(*(service(name, **keys) for name in ("one", "three", "two")))
    text = b"services:\n  two: {build: .}\n  three: {build: .}\n  one: {build: .}\n"
    assert target(made, "one", "three", "two", groups=("one",)).builder == "one"
    written = replace(made, sources={made.files.files[0]: text})
    assert target(written, "one", "three", "two", groups=("one",)).builder == "two"


def test_the_first_of_the_file_is_that_of_the_first_file() -> None:
    keys = {"build": build(), "command": ("scheduler",)}
    made = project(*(service(name, **keys) for name in ("one", "two")))
    main, override = made.files.files[0], FOLDER / "docker-compose.override.yml"
    sources = {
        main: b"services:\n  two: {build: .}\n  one: {build: .}\n",
        override: b"services:\n  one: {user: me}\n  two: {user: me}\n",
    }
    made = replace(made, files=replace(made.files, files=(main, override)), sources=sources)
    assert target(made, "one", "two", groups=("one",)).builder == "two"


def test_a_service_behind_a_profile_builds_only_where_all_are() -> None:
    made = seed(airflow_init={"profiles": ("setup",)})
    assert target(made).builder == "airflow-scheduler"
    apart = pair({"profiles": ("x",)}, {"profiles": ("y",), "command": ("airflow", "db", "migrate")})
    assert target(apart, "one", "two").builder == "two"


def test_of_services_behind_profiles_the_one_builds_that_is_there_with_most() -> None:
    common: dict[str, Any] = {"build": build(), "environment": AIRFLOW}
    made = project(
        service("a", **common, profiles=("x",)),
        service("b", **common, profiles=("y",)),
        service("c", **common, profiles=("y",)),
    )
    assert target(made, "a", "b", "c").builder == "b"


# --- who cannot do without it


def watched(*names: str, **more: Any) -> Project:
    return seed(**{name.replace("-", "_"): {"is_watched": True} for name in names}, **more)


def built_on(*names: str) -> dict[str, Any]:
    contexts = tuple((f"context{number}", f"service:{name}") for number, name in enumerate(names))
    return {"build": build("Dockerfile.docs", additional_contexts=contexts)}


@pytest.mark.parametrize(
    ("made", "builder"),
    [
        (watched("airflow-webserver"), "airflow-webserver"),
        (seed(docs=built_on("airflow-scheduler")), "airflow-scheduler"),
        (
            seed(airflow_cli={**built_on("x"), "build": build(), "is_watched": True, "profiles": ("debug",)}),
            "airflow-cli",
        ),
        (watched("airflow-scheduler", docs=built_on("airflow-scheduler", "postgres")), "airflow-scheduler"),
    ],
    ids=["watch", "service context", "watch behind a profile", "both of one"],
)
def test_who_cannot_do_without_the_build_keeps_it(made: Project, builder: str) -> None:
    names = tuple(name for name in made.services if name not in ("docs", "postgres"))
    assert target(made, *names).builder == builder
    assert target(made, *names, builder_service=builder).builder == builder
    for choices in ({"image_only": True}, SPEC, {"builder_service": "airflow-init"}):
        assert reason(made, *names, **choices).startswith(f"{builder} cannot do without `build:`")
        assert reason(made, *names, **choices).endswith(f"choose `--builder-service {builder}`")


@pytest.mark.parametrize(
    "made",
    [
        watched("airflow-webserver", "airflow-init"),
        seed(docs=built_on("airflow-scheduler", "airflow-init")),
        watched("airflow-webserver", docs=built_on("airflow-scheduler")),
        watched("airflow-webserver", docs=built_on("airflow-init"), more=built_on("airflow-webserver")),
    ],
    ids=["two watched", "two contexts", "one each", "three ways"],
)
def test_where_two_cannot_do_without_it_both_stay(made: Project) -> None:
    why = reason(made)
    assert "cannot do without `build:`" in why
    assert why.endswith("only one of them could keep it")


def test_a_context_that_is_not_a_service_s_needs_no_build() -> None:
    contexts = (("a", "docker-image://airflow-scheduler"), ("b", "/home/ada/airflow-scheduler"), ("c", "service:other"))
    made = seed(docs={"build": build("Dockerfile.docs", additional_contexts=contexts)})
    assert target(made).builder == "airflow-init"


TAKEN_OVER = """\
services:
  base: {build: .}
  init: {extends: base, command: db migrate}
  web: {extends: base, command: webserver, depends_on: [init]}
"""


def taken_over(**base: Any) -> Project:
    """``init`` and ``web`` extend ``base``."""
    common: dict[str, Any] = {"build": build(), "environment": AIRFLOW}
    made = project(
        service("base", **common, **base), service("init", **common), service("web", **common, depends_on=["init"])
    )
    return replace(made, sources={made.files.files[0]: TAKEN_OVER.encode()})


def test_a_template_that_nothing_starts_is_no_sharer_to_wait_for() -> None:
    assert target(taken_over(profiles=("template",)), "base", "init", "web").builder == "init"


def test_a_builder_may_have_the_profile_that_all_sharers_have() -> None:
    assert target(pair(profiles=("airflow",)), "one", "two").builder == "one"
    wider = pair({"profiles": ("airflow", "setup")}, {"profiles": ("airflow",)})
    assert target(wider, "one", "two").builder == "one"
    narrower = pair({"profiles": ("airflow",)}, {"profiles": ("airflow", "debug")})
    assert target(narrower, "one", "two").builder == "two"


def test_a_sharer_behind_a_profile_may_depend_on_the_builder() -> None:
    assert target(pair(second={"profiles": ("debug",)}), "one", "two").builder == "one"


def test_init_comes_before_the_order_of_names() -> None:
    common: dict[str, Any] = {"build": build(), "environment": AIRFLOW}
    made = project(
        service("a", **common, depends_on=["z-init"]),
        service("b", **common, depends_on=["a"]),
        service("z-init", **common, depends_on=["a"]),
    )
    assert target(made, "a", "b", "z-init").builder == "z-init"


def test_a_circle_of_dependencies_ends() -> None:
    assert target(pair({"depends_on": ["two"]}), "one", "two").builder == "one"


def test_a_builder_can_be_named() -> None:
    made = seed(airflow_scheduler={"depends_on": []})
    choice = choose(made, builder_service="airflow-init")[SHARERS]
    assert choice.target is not None
    assert choice.target.builder == "airflow-init"


def test_a_named_builder_must_be_able_to_build() -> None:
    made = pair(second={"build": None, "image": "shop-one"})
    three = project(*made.services.values(), service("zed", build=build(), environment=AIRFLOW))
    assert "no `build:`" in reason(three, "one", "two", "zed", builder_service="two")


def test_a_named_builder_must_exist() -> None:
    with pytest.raises(ComposeError, match="no service nobody") as caught:
        choose(seed(), builder_service="nobody")
    assert caught.value.hint is not None
    assert "airflow-init" in caught.value.hint


def test_a_named_builder_must_share_something() -> None:
    with pytest.raises(ComposeError, match="postgres shares its image with no other service"):
        choose(seed(), builder_service="postgres")


def test_a_named_builder_of_one_group_changes_no_other() -> None:
    made = project(*seed().services.values(), *pair(build=build("Other")).services.values())
    assert target(made, builder_service="two").builder == "airflow-init"
    assert target(made, "one", "two", builder_service="two").builder == "two"


def test_image_only_is_a_choice() -> None:
    found = target(seed(), image_only=True)
    assert (found.source, found.builder) == (ImageOrigin.IMAGE_ONLY, None)


# --- the comment of an image that no service builds


@pytest.mark.parametrize(
    ("keys", "command"),
    [
        ({"dockerfile": "Dockerfile"}, "docker build -t NAME ."),
        ({"target": "prod"}, "docker build -t NAME -f Dockerfile.airflow --target prod ."),
        ({"context": "/home/ada/shop/my app"}, "docker build -t NAME -f 'my app/Dockerfile.airflow' './my app'"),
        (
            {"context": "https://git.example/a.git#v1"},
            "docker build -t NAME -f Dockerfile.airflow 'https://git.example/a.git#v1'",
        ),
        ({"args": (("TOKEN", "hunter2"),)}, "docker build -t NAME -f Dockerfile.airflow --build-arg TOKEN=hunter2 ."),
        ({"args": (("A", "it's 1"),)}, """docker build -t NAME -f Dockerfile.airflow --build-arg 'A=it'"'"'s 1' ."""),
        ({"args": (("A", None),)}, "docker build -t NAME -f Dockerfile.airflow --build-arg A ."),
        ({"args": (("A", "a\nb"),)}, "optbuild optimize --rebuild"),
        ({"platforms": ("linux/amd64",)}, "docker build -t NAME -f Dockerfile.airflow --platform linux/amd64 ."),
        ({"context": "/home/ada"}, "docker build -t NAME -f ../Dockerfile.airflow .."),
        ({"secrets": ("pip",)}, "optbuild optimize --rebuild"),
        ({"dockerfile_inline": "FROM x"}, "optbuild optimize --rebuild"),
        ({"other": (("network", '"host"'),)}, "optbuild optimize --rebuild"),
        ({"context": "https://ada:hunter2@git.example/a.git"}, "optbuild optimize --rebuild"),
        ({"target": "a\nb"}, "optbuild optimize --rebuild"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_the_comment_names_the_command(keys: dict[str, Any], command: str) -> None:
    note = target(pair(build=build(**keys)), "one", "two", image_only=True).note
    assert note is not None
    assert note.startswith("built by: ")
    assert note.removeprefix("built by: ").replace("shop-airflow:latest", "NAME") == command


def test_the_comment_never_shows_what_a_variable_holds() -> None:
    raw = build(context="https://${TOKEN}.git.example/a.git")
    made = pair(build=build(context="https://hunter2.git.example/a.git"), raw_build=raw)
    assert target(made, "one", "two", image_only=True).note == "built by: optbuild optimize --rebuild"


def test_the_comment_names_the_platform() -> None:
    note = target(pair(platform="linux/amd64"), "one", "two", image_only=True).note
    assert note == "built by: docker build -t shop-airflow:latest -f Dockerfile.airflow --platform linux/amd64 ."


def test_values_of_build_arguments_that_are_written_nowhere_are_said_but_not_shown() -> None:
    raw = build(args=(("FREE", None), ("LITERAL", "1"), ("TOKEN", "${TOKEN}")))
    made = pair(build=build(args=(("FREE", None), ("LITERAL", "1"), ("TOKEN", "hunter2"))), raw_build=raw)
    choice = choose(made, image_only=True)[("one", "two")]
    assert choice.target is not None
    assert (choice.target.note or "").endswith("--build-arg FREE --build-arg LITERAL=1 --build-arg TOKEN .")
    (warning,) = choice.warnings
    assert "the build arguments TOKEN come" in warning
    assert "hunter2" not in str(choice)


def test_a_value_is_written_nowhere_when_nobody_knows_how_it_is_written() -> None:
    made = pair(build=build(args=(("TOKEN", "hunter2"),)), raw_build=None)
    assert "hunter2" not in str(choose(made, image_only=True))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"dockerfile_inline": "FROM x"}, "`dockerfile_inline` does not fit into one `docker build` command"),
        ({"secrets": ("pip",), "other": (("labels", '{"a":"b"}'),)}, "`secrets` and `labels` do not fit"),
        ({"context": "https://ada:hunter2@git.example/a.git"}, "the address of its context holds a login"),
        ({"args": (("A", "a\nb"),)}, "its values cannot be written in one line"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_recipe_that_no_comment_can_keep_is_said_to_be_lost(keys: dict[str, Any], words: str) -> None:
    made = pair(build=build(**keys), second={"depends_on": ()})
    choice = choose(made, image_only=True)[("one", "two")]
    assert choice.target is not None
    (warning,) = choice.warnings
    assert words in warning
    assert "only the .bak" in warning
    assert "hunter2" not in warning
    assert target(made, "one", "two").builder == "one"
    assert target(made, "one", "two", **SPEC).source is ImageOrigin.SPEC


def test_a_variable_in_the_recipe_is_said_to_be_lost() -> None:
    made = pair(raw_build=build(context="/home/ada/shop/${DIR}"))
    (warning,) = choose(made, image_only=True)[("one", "two")].warnings
    assert "a variable in `context` does not fit" in warning


@pytest.mark.parametrize("json", ['{"services": {}}', '\n{\n  "services": {}\n}\n'])
def test_a_json_file_takes_no_comment(json: str) -> None:
    made = pair(second={"depends_on": ()})
    made = replace(made, sources={made.files.files[0]: json.encode()})
    (warning,) = choose(made, image_only=True)[("one", "two")].warnings
    assert "a JSON file takes no comment" in warning
    assert target(made, "one", "two", image_only=True).note is None
    assert target(made, "one", "two", **SPEC).note is None
    flow = replace(made, sources={made.files.files[0]: b"{services: {}}"})
    assert target(flow, "one", "two", image_only=True).note is not None


def test_an_absolute_path_stays_where_a_file_says_it() -> None:
    made = pair(build=build(context="/srv/image"))
    made = replace(made, sources={made.files.files[0]: b"services: {one: {build: {context: /srv/image/}}}"})
    note = target(made, "one", "two", image_only=True).note
    assert note == "built by: docker build -t shop-airflow:latest -f /srv/image/Dockerfile.airflow /srv/image"


# --- the name


def test_a_name_that_all_have_stays_as_it_is_written() -> None:
    made = pair(image="mine:1", raw_image="${NAME:-mine:1}")
    found = target(made, "one", "two")
    assert (found.image, found.keeps_name) == ("mine:1", True)


def test_a_name_that_one_has_becomes_that_of_all() -> None:
    found = target(pair({"image": "mine"}), "one", "two")
    assert (found.image, found.keeps_name) == ("mine:latest", False)


def test_a_name_with_a_variable_that_only_one_has_is_replaced() -> None:
    made = pair({"image": "mine:1", "raw_image": "mine:${TAG:-1}"})
    assert target(made, "one", "two").image == "shop-airflow:latest"


@pytest.mark.parametrize(
    ("first", "second", "who"),
    [
        ({"image": "ghcr.io/me/init:1"}, {"image": "ghcr.io/me/web:1"}, "those of one and two contain a registry"),
        ({"image": "ghcr.io/me/init:1"}, {"image": "web"}, "that of one contains a registry"),
        (
            {"image": "af:1", "raw_image": "${REG:-}af:1"},
            {"image": "af:1", "raw_image": "af:${TAG:-1}"},
            "that of one contains",
        ),
        ({"image": "ghcr.io/af:1", "raw_image": "ghcr.io/af:${TAG}"}, {}, "that of one contains a registry"),
    ],
)
@pytest.mark.parametrize("choices", [{}, {"image_only": True}, {"spec_image": "x:1", "spec_folder": FOLDER}])
def test_names_of_a_registry_are_not_replaced(
    first: dict[str, Any], second: dict[str, Any], who: str, choices: dict[str, Any]
) -> None:
    why = reason(pair(first, second), "one", "two", **choices)
    assert who in why
    assert "the one `image:` under which it should be pushed" in why


def test_a_name_of_a_registry_that_one_has_becomes_that_of_all() -> None:
    assert target(pair({"image": "ghcr.io/me/af:1"}), "one", "two").image == "ghcr.io/me/af:1"


def test_one_name_written_with_two_variables_is_not_kept() -> None:
    made = pair({"image": "m:1", "raw_image": "m:${A}"}, {"image": "m:1", "raw_image": "m:${B}"})
    found = target(made, "one", "two")
    assert (found.image, found.keeps_name) == ("shop-airflow:latest", False)


def test_several_names_are_replaced_by_a_new_one() -> None:
    found = target(pair({"image": "a"}, {"image": "b"}), "one", "two")
    assert (found.image, found.keeps_name) == ("shop-airflow:latest", False)


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ({"dockerfile": "Dockerfile"}, "shop-shared:latest"),
        ({"dockerfile": "Dockerfile.api"}, "shop-api:latest"),
        ({"dockerfile": "api.Dockerfile"}, "shop-api:latest"),
        ({"dockerfile": "Dockerfile", "context": "/home/ada/shop/My Api"}, "shop-my-api:latest"),
        ({"dockerfile": "services/web/Dockerfile"}, "shop-web:latest"),
        ({"dockerfile": "Dockerfile", "target": "Prod_1"}, "shop-prod-1:latest"),
        ({"dockerfile": "Dockerfile", "context": "https://git.example/team/tool.git#v1"}, "shop-tool:latest"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_another_build_is_named_by_what_tells_it_apart(keys: dict[str, Any], name: str) -> None:
    made = pair(build=build(**keys), environment={})
    assert target(made, "one", "two", groups=("one",)).image == name


def test_a_new_name_is_nobody_s() -> None:
    named = project(*pair().services.values(), service("airflow", build=build("Other")))
    assert target(named, "one", "two").image == "shop-airflow-shared:latest"
    used = project(*pair().services.values(), service("x", image="docker.io/library/shop-airflow"))
    assert target(used, "one", "two").image == "shop-airflow-shared:latest"
    assert target(pair(), "one", "two", taken=frozenset({"shop-airflow:latest"})).image == "shop-airflow-shared:latest"


def test_a_tag_that_another_build_gives_is_taken() -> None:
    made = project(*pair().services.values(), service("x", build=build("Other", tags=("shop-airflow",))))
    assert target(made, "one", "two").image == "shop-airflow-shared:latest"


def test_a_name_that_another_build_has_is_refused() -> None:
    made = project(*pair(image="mine").services.values(), service("x", build=build("Other"), image="mine:latest"))
    assert reason(made, "one", "two") == "the service x uses the name mine:latest for another image"


def test_a_name_that_cannot_be_built_is_refused() -> None:
    assert "nothing can be built" in reason(pair(image="mine@sha256:" + "0" * 64), "one", "two")


def test_a_kept_name_that_another_project_uses_is_said() -> None:
    choice = choose(pair(image="mine"), taken=frozenset({"mine:latest"}))[("one", "two")]
    assert choice.target is not None
    assert choice.warnings == ("another project on this engine uses the name mine:latest too",)


def test_it_is_said_too_where_no_service_builds() -> None:
    made = pair(image="mine")
    choice = choose(made, taken=frozenset({"mine:latest"}), image_only=True)[("one", "two")]
    assert choice.target is not None
    assert choice.target.source is ImageOrigin.IMAGE_ONLY
    assert "another project on this engine uses the name mine:latest too" in choice.warnings


def test_two_groups_get_two_names() -> None:
    common: dict[str, Any] = {"environment": AIRFLOW}
    made = project(
        service("a1", build=build("web/Dockerfile"), **common),
        service("a2", build=build("web/Dockerfile"), **common, depends_on=["a1"]),
        service("b1", build=build("job/Dockerfile"), **common),
        service("b2", build=build("job/Dockerfile"), **common, depends_on=["b1"]),
    )
    assert target(made, "a1", "a2").image == "shop-airflow:latest"
    assert target(made, "b1", "b2").image == "shop-airflow-job:latest"


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("mine", "never"),
        ("team/mine", "never"),
        ("registry.example/mine", None),
        ("localhost/mine", None),
        ("host:5000/mine", None),
    ],
)
def test_only_a_registry_may_be_asked(image: str, policy: str | None) -> None:
    assert target(pair(image=image), "one", "two").pull_policy == policy


def test_a_strange_project_name_still_gives_a_valid_one() -> None:
    made = pair()
    strange = project(*made.services.values(), name="_my__-project_")
    assert target(strange, "one", "two").image == "my-project-airflow:latest"


# --- what is left alone


def test_what_cannot_be_read_is_not_said_to_be_something_else() -> None:
    assert reason(pair(environment={}), "one", "two") == (
        "what it builds on cannot be read here, so it may be Airflow: left alone unless `--group one` asks for it"
    )


def test_a_shared_build_that_is_not_airflow_is_left_alone_unless_asked_for() -> None:
    made = pair(environment={})
    known = dict.fromkeys(("one", "two"), facts(base="python:3.11"))
    choice = choose_targets(made, group_services(made, known), SharingOptions())["one", "two"]
    assert choice.reason == "not Airflow: left alone unless `--group one` asks for it"
    assert target(made, "one", "two", groups=("two",)).builder == "one"
    assert target(pair(environment={}, image="mine"), "one", "two", groups=("mine:latest",)).builder == "one"


def test_a_group_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ComposeError, match="called nothing"):
        choose(seed(), groups=("nothing",))


@pytest.mark.parametrize(
    ("policy", "words"), [("build", "at every start"), ("always", "registry"), ("daily", "registry")]
)
def test_a_pull_policy_that_means_something_else_is_not_overruled(policy: str, words: str) -> None:
    assert words in reason(pair(second={"pull_policy": policy}), "one", "two")


@pytest.mark.parametrize("policy", ["missing", "if_not_present", "never"])
def test_a_pull_policy_that_asks_for_nothing_is_no_obstacle(policy: str) -> None:
    assert target(pair(pull_policy=policy), "one", "two").pull_policy == "never"


def test_a_registry_may_be_asked_as_the_file_says() -> None:
    assert target(pair(image="registry.example/mine", pull_policy="always"), "one", "two").pull_policy is None


def test_a_build_for_several_platforms_is_left_alone() -> None:
    made = pair(build=build(platforms=("linux/amd64", "linux/arm64")))
    assert "several platforms (linux/amd64, linux/arm64)" in reason(made, "one", "two")


def test_tags_stay_with_the_builder_or_the_group_stays_as_it_is() -> None:
    tagged: dict[str, Any] = {"build": build(tags=("mine:dev",))}
    assert target(pair(**tagged), "one", "two").builder == "one"
    assert "different `tags:`" in reason(pair(second=tagged), "one", "two")
    assert "--builder-service" in reason(pair(**tagged), "one", "two", image_only=True)
    assert "`tags:`" in reason(pair(**tagged), "one", "two", spec_image="x:1", spec_folder=FOLDER)


# --- what is shared already


def shared(**sharers: Any) -> Project:
    return project(
        service("one", build=build(), image="mine", environment=AIRFLOW, **sharers),
        service("two", image="mine", environment=AIRFLOW, depends_on=["one"], **sharers),
    )


def test_what_is_shared_gets_the_policy_that_it_lacks() -> None:
    choice = choose(shared())[("one", "two")]
    assert choice.target == SharedTarget(("one", "two"), "mine:latest", ImageOrigin.BUILDER, "one", keeps_name=True)


def test_what_is_shared_and_protected_stays() -> None:
    assert reason(shared(pull_policy="never"), "one", "two") == "already shared"


def test_what_is_shared_from_a_registry_stays() -> None:
    made = project(
        service("one", build=build(), image="r.example/mine", environment=AIRFLOW),
        service("two", image="r.example/mine"),
    )
    assert reason(made, "one", "two") == "already shared"


def test_what_is_shared_under_two_names_stays() -> None:
    made = project(
        service("one", build=build(tags=("mine:dev",)), image="mine", environment=AIRFLOW),
        service("two", image="mine:dev"),
    )
    assert "several names" in reason(made, "one", "two")


def test_what_is_shared_but_built_twice_under_one_tag_is_refused() -> None:
    made = project(*shared().services.values(), service("zed", build=build("Other"), image="mine"))
    assert reason(made, "one", "two") == "the service zed uses the name mine:latest for another image"


@pytest.mark.parametrize("choices", [{}, {"image_only": True}])
def test_a_second_run_has_nothing_to_do(choices: dict[str, Any]) -> None:
    planned = target(seed(), **choices)
    after = {
        name.replace("-", "_"): {
            "image": planned.image,
            "build": build() if name == planned.builder else None,
            "pull_policy": planned.pull_policy,
        }
        for name in planned.services
    }
    again = choose(seed(**after), **choices)
    assert planned.services in again
    assert [services for services, choice in again.items() if choice.target is not None] == []


# --- an optbuild.toml


def test_an_optbuild_toml_makes_the_image() -> None:
    found = target(seed(), **SPEC)
    assert found == SharedTarget(
        SHARERS,
        "spec-airflow:latest",
        ImageOrigin.SPEC,
        spec_folder=FOLDER,
        note="built by: optbuild build --verify",
    )


def test_the_comment_names_the_folder_of_the_optbuild_toml() -> None:
    assert target(seed(), **{**SPEC, "spec_folder": FOLDER / "my image"}).note == (
        "built by: optbuild build './my image' --verify"
    )
    assert target(seed(), **{**SPEC, "spec_folder": FOLDER.parent / "image"}).note == (
        "built by: optbuild build ../image --verify"
    )


def test_the_comment_holds_in_a_project_behind_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "deep" / "real" / "image").mkdir(parents=True)
    (tmp_path / "link").symlink_to("deep/real")
    made = seed()
    made = replace(made, files=replace(made.files, directory=tmp_path / "link"))
    note = target(made, **{**SPEC, "spec_folder": tmp_path / "deep" / "real" / "image"}).note
    assert note == "built by: optbuild build ./image --verify"


def test_an_optbuild_toml_makes_only_airflow() -> None:
    made = pair(environment={})
    assert target(made, "one", "two", groups=("one",), **SPEC).source is ImageOrigin.BUILDER


def test_of_several_airflow_groups_the_largest_gets_the_image() -> None:
    made = project(*seed().services.values(), *pair(build=build("Other")).services.values())
    assert target(made, **SPEC).source is ImageOrigin.SPEC
    assert "airflow-init, airflow-scheduler, airflow-webserver" in reason(made, "one", "two", **SPEC)


@pytest.mark.parametrize("keys", [{"context": str(FOLDER / "ml")}, {"dockerfile": "ml/Dockerfile"}])
def test_of_several_specs_each_is_for_the_build_beside_it(keys: dict[str, str]) -> None:
    own = {"build": build(**keys), "environment": AIRFLOW}
    made = seed(one=own, two=own)
    found = choose(made, spec_image="ml:latest", spec_folder=FOLDER / "ml")
    assert found["one", "two"].target == target(made, "one", "two", spec_image="ml:latest", spec_folder=FOLDER / "ml")
    assert "one, two" in found[SHARERS].reason
    assert target(made, **SPEC).source is ImageOrigin.SPEC, "the spec of the project's own folder is for most services"


def test_a_named_builder_comes_before_the_optbuild_toml() -> None:
    assert target(seed(), builder_service="airflow-init", **SPEC).source is ImageOrigin.BUILDER


def test_the_name_of_the_optbuild_toml_must_be_free() -> None:
    made = seed(other={"image": "spec-airflow"})
    assert "the service other uses the name" in reason(made, **SPEC)


def test_a_foreign_airflow_image_is_replaced_only_when_asked_for() -> None:
    common: dict[str, Any] = {"image": "apache/airflow:2.8.1"}
    made = project(service("a", **common), service("b", **common))
    assert "no service here builds" in reason(made, "a", "b", **SPEC)
    assert target(made, "a", "b", groups=("a",), **SPEC).source is ImageOrigin.SPEC


def test_an_image_of_the_optbuild_toml_that_is_used_already_stays() -> None:
    common: dict[str, Any] = {"image": "spec-airflow:latest", "pull_policy": "never"}
    made = project(service("a", **common), service("b", **common))
    assert "the optbuild.toml makes" in reason(made, "a", "b", groups=("a",), **SPEC)


def test_a_thousand_services_are_chosen_for_at_once() -> None:
    common: dict[str, Any] = {"build": build(), "environment": AIRFLOW}
    first = service("s000-init", **common)
    made = project(first, *(service(f"s{n:03}", **common, depends_on=["s000-init"]) for n in range(1, 1000)))
    assert target(made, *made.services).builder == "s000-init"


def test_a_new_name_is_none_that_the_engine_has_for_somebody_else() -> None:
    """Else the shared image would take the name from an image that has nothing to do with it."""
    found = seed()
    groups = group_services(found, {})
    chosen = choose_targets(found, groups, SharingOptions(), occupied={"shop-airflow:latest"})
    target = next(choice.target for choice in chosen.values() if choice.target is not None)
    assert target.image not in {"shop-airflow", "shop-airflow:latest"}
