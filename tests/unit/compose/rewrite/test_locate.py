"""The line of a service's key, as findings show it."""

from __future__ import annotations

import pytest
from project_files import project_of
from work_counter import count_calls

from builder.compose.rewrite.locate import locate_key

MERGED = """\
    x-common: &common
      build:
        context: .
        args:
          - A=b
    services:
      web:
        <<: *common
        ports: [a,
          b]
      worker: *common
      init: {<<: [*common], command: x}
    """


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        (("web",), "compose.yml:7: services.web"),
        (("web", "build"), "compose.yml:2: services.web.build"),
        (("web", "build", "args", "0"), "compose.yml:5: services.web.build.args.0"),
        (("web", "ports", "1"), "compose.yml:10: services.web.ports.1"),
        (("web", "ports", "7"), "compose.yml:9: services.web.ports"),
        (("web", "healthcheck"), "compose.yml:7: services.web"),
        (("worker", "build", "context"), "compose.yml:3: services.worker.build.context"),
        (("init", "command"), "compose.yml:12: services.init.command"),
        (("nobody", "build"), "compose.yml"),
    ],
)
def test_the_line_of_the_key_or_of_the_nearest_thing_above(keys: tuple[str, ...], place: str) -> None:
    assert str(locate_key(project_of(MERGED), *keys)) == place


def test_the_file_that_wins_is_named() -> None:
    project = project_of("services:\n  web:\n    image: a\n    build: .\n", "services:\n  web:\n    image: b\n")
    assert str(locate_key(project, "web", "image")) == "compose.override.yml:3: services.web.image"
    assert str(locate_key(project, "web", "build")) == "compose.yml:4: services.web.build"


def test_extended_and_included_files_are_named() -> None:
    project = project_of(
        "include: [more/a.yml]\nservices:\n  web:\n    extends: {file: '${X:-lib}/base.yml', service: base}\n",
        lib__base="services:\n  base:\n    build: .\n",
        more__a="services:\n  db:\n    image: postgres\n",
    )
    assert str(locate_key(project, "web", "build")) == "lib/base.yml:3: services.web.build"
    assert str(locate_key(project, "db", "image")) == "more/a.yml:3: services.db.image"


def test_a_file_that_cannot_be_read_gives_the_place_of_its_mistake() -> None:
    assert locate_key(project_of("services:\n  web: [\n"), "web", "build").line == 3


def test_twice_the_services_are_twice_the_work() -> None:
    assert count_places_work(400) < 2.2 * count_places_work(200)


def count_places_work(count: int) -> int:
    """Of looking for three keys in each of so many services."""
    services = "".join(f"  s{number}:\n    <<: *a\n    image: x\n    ports: [80]\n" for number in range(count))
    project = project_of(f"x-a: &a {{build: .}}\nservices:\n{services}")
    locate_key(project, "s0")
    keys = [(f"s{number}", key) for number in range(count) for key in ("build", "image", "ports")]
    return count_calls(lambda: [locate_key(project, *key) for key in keys])


def test_a_file_that_cannot_be_read_with_places_is_named_as_all_others() -> None:
    project = project_of("services:\n  a: {build: .}\n---\nservices: {}\n")
    assert str(locate_key(project, "a", "build")).startswith("compose.yml:3")
