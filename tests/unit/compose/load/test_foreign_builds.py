"""What makes an image whose service does not build: another service, a comment, or what a run remembers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from project_factories import FOLDER, build, project, service

from builder.compose.load.foreign_builds import fill_foreign_builds, parse_remembered_build
from builder.compose.model import Build, Project
from builder.compose.sharing.recipe_comment import format_build_note

SHARED = "shop-airflow:latest"


def commented(text: str) -> Project:
    made = project(service("web", image="shop-airflow"), service("db", image="postgres:13"))
    return replace(made, sources={made.files.files[0]: text.encode()})


def found(made: Project, name: str = "web", remembered: dict[str, Build] | None = None) -> Build | None:
    return fill_foreign_builds(made, remembered or {}).services[name].image_build


@pytest.mark.parametrize(
    "wanted",
    [
        build(),
        build("Dockerfile"),
        build("docker/Dockerfile", target="prod"),
        build(context=f"{FOLDER}/my app", args=(("A", "it's 1"), ("B", None))),
        build(context="/home/ada/image", platforms=("linux/arm64",)),
        build("/srv/Dockerfile"),
        build("Dockerfile", context="https://git.example/a.git#v1:sub"),
    ],
    ids=str,
)
def test_the_comment_that_optbuild_writes_is_read_as_the_build_that_it_was(wanted: Build) -> None:
    """Text of the comment → build is the way back of build → text."""
    was = service("web", build=wanted)
    note = format_build_note(project(was), was, SHARED)
    assert note is not None
    assert found(commented(f"services:\n  web:\n    # {note}\r\n    image: shop-airflow\n")) == wanted


@pytest.mark.parametrize(
    "comment",
    [
        "# built by: docker build -t other:1 .",
        "# built by: docker build -t 'shop-airflow .",
        "# built by: docker build .",
        "# built by: docker build -t shop-airflow",
        "# built by: docker build -t shop-airflow --secret id=x .",
        "# built by: docker build -t shop-airflow a b",
        "# built by: optbuild build --verify",
        "image: 'x # built by: docker build -t shop-airflow .'",
    ],
)
def test_what_is_not_such_a_comment_says_nothing(comment: str) -> None:
    assert found(commented(f"services:\n  {comment}\n")) is None


def test_the_build_of_another_service_comes_first_then_the_comment_then_the_memory() -> None:
    comment = "# built by: docker build -t shop-airflow -f Commented .\n"
    memory = {"shop-airflow:latest": build("Remembered")}
    assert found(commented(""), remembered=memory) == build("Remembered")
    assert found(commented(comment), remembered=memory) == build("Commented")
    made = commented(comment)
    made = replace(made, services={**made.services, "init": service("init", image=SHARED, build=build("Built"))})
    assert found(made, remembered=memory) == build("Built")
    assert found(made, "init", memory) == build("Built")
    assert found(made, "db", memory) is None


def test_a_service_that_builds_has_its_own_build() -> None:
    made = project(service("web", image=SHARED, build=build()))
    assert found(made, remembered={SHARED: build("Other")}) == build()


def test_a_remembered_build_is_filled_in() -> None:
    raw = {"context": "./${DIR:-image}", "args": {"A": "$B"}, "secrets": [{"source": "${S}"}], "no_cache": True}
    assert parse_remembered_build(project().files, raw, {"B": "1", "S": "pip"}) == Build(
        f"{FOLDER}/image", args=(("A", "1"),), secrets=("pip",)
    )
    assert parse_remembered_build(project().files, {}, {}) == Build(str(FOLDER))
