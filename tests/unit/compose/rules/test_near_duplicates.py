"""OB103: builds that are nearly the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from project_factories import build, project, service

from builder.compose.rules.context import RuleContext
from builder.compose.rules.near_duplicates import find_near_duplicates
from builder.compose.sharing.groups import group_services
from builder.dockerfile.analysis import analyze_dockerfile

if TYPE_CHECKING:
    from builder.compose.model import Project
    from builder.dockerfile.facts import DockerfileAnalysis


def look(made: Project, **known: DockerfileAnalysis) -> RuleContext:
    return RuleContext(made, group_services(made, known), known)


def read(text: str) -> DockerfileAnalysis:
    return analyze_dockerfile(text, build())


BASE = "FROM apache/airflow:2.8.1\nRUN apt-get update\nRUN pip install pandas\n"


def test_one_dockerfile_with_another_argument() -> None:
    made = project(
        service("a", build=build(args=(("EXTRA", "hunter2"),))),
        service("b", build=build(args=(("EXTRA", "hunter3"),))),
    )
    (finding,) = find_near_duplicates(look(made))
    assert finding.code == "OB103"
    assert finding.message == "a and b build nearly the same: ./Dockerfile.airflow"
    assert finding.details == ("build argument EXTRA: another value",)
    assert "hunter" not in str(finding)


def test_an_argument_that_no_instruction_takes_makes_no_other_layer() -> None:
    made = project(service("a", build=build(args=(("EXTRA", "1"),))), service("b", build=build()))
    (finding,) = find_near_duplicates(look(made, a=read(BASE), b=read(BASE)))
    assert finding.fix is not None
    assert "write both builds the same" in finding.fix
    assert "layers up to" not in finding.fix
    declared = BASE + "ARG EXTRA=0\nRUN echo $EXTRA\n"
    known = {name: analyze_dockerfile(declared, made.services[name].build or build()) for name in ("a", "b")}
    (finding,) = find_near_duplicates(look(made, **known))
    assert "layers up to line 3 are shared" in (finding.fix or "")


def test_one_dockerfile_with_another_target() -> None:
    made = project(service("a", build=build(target="dev")), service("b", build=build(target="prod")))
    (finding,) = find_near_duplicates(look(made))
    assert finding.details == ("target: dev against prod",)


def test_one_dockerfile_for_another_platform() -> None:
    made = project(service("a", build=build()), service("b", build=build(), platform="linux/arm64"))
    (finding,) = find_near_duplicates(look(made))
    assert finding.details == ("platform: the engine's against linux/arm64",)


def test_two_platforms_share_no_layer_and_are_told_once() -> None:
    keys = [{"build": build(platforms=(name,)), "platform": name} for name in ("linux/amd64", "linux/arm64")]
    made = project(service("a", **keys[0]), service("b", **keys[1]))
    (finding,) = find_near_duplicates(look(made, a=read(BASE), b=read(BASE)))
    assert finding.details == ("platform: linux/amd64 against linux/arm64",)
    assert finding.fix is None


def test_two_dockerfiles_with_a_common_beginning_could_share_a_stage() -> None:
    made = project(service("a", build=build("A")), service("b", build=build("B")))
    (finding,) = find_near_duplicates(look(made, a=read(BASE + "RUN one\n"), b=read(BASE + "RUN two\n")))
    assert finding.message == "a and b build nearly the same: ./A and ./B"
    assert finding.fix is not None
    assert "first 3 instructions are equal" in finding.fix
    assert "lines 1 to 3 of ./A" in finding.fix


def test_builds_that_have_nothing_in_common_are_not_near() -> None:
    other = read("FROM python:3.12\nRUN pip install flask\n")
    made = project(service("a", build=build("A")), service("b", build=build("B", context="/home/ada/shop/b")))
    assert not list(find_near_duplicates(look(made, a=read(BASE), b=other)))


def test_a_common_base_image_alone_is_not_near() -> None:
    made = project(service("a", build=build("A")), service("b", build=build("B", context="/home/ada/shop/b")))
    one = read("FROM apache/airflow:2.8.1\nRUN one\nRUN two\nRUN three\n")
    other = read("FROM apache/airflow:2.8.1\nRUN four\nRUN five\nRUN six\n")
    assert not list(find_near_duplicates(look(made, a=one, b=other)))


def test_builds_that_are_equal_only_today() -> None:
    resolved = build(args=(("V", "2"),))
    made = project(
        service("a", build=resolved, raw_build=build(args=(("V", "${ONE:-hunter2}"),))),
        service("b", build=resolved, raw_build=build(args=(("V", "${OTHER}"),))),
    )
    (finding,) = find_near_duplicates(look(made))
    assert finding.message == "a and b build the same today, but it is written with different variables"
    assert finding.details == ("args.V is the same only as long as the variables are",)
    assert "hunter2" not in str(finding)


def test_every_key_with_another_variable_is_named() -> None:
    raws = (
        build("${D}", args=(("A", None), ("SAME", "1")), other=(("shm_size", '"1gb"'), ("network", '"${N}"'))),
        build(args=(("A", "1"), ("SAME", "1")), other=(("shm_size", "1073741824"), ("network", '"host"'))),
    )
    made = project(*(service(name, build=build(), raw_build=raw) for name, raw in zip("ab", raws, strict=True)))
    (finding,) = find_near_duplicates(look(made))
    assert finding.details == ("dockerfile, args.A, network are the same only as long as the variables are",)


def test_equal_builds_are_one_group_and_no_finding() -> None:
    assert not list(find_near_duplicates(look(project(service("a", build=build()), service("b", build=build())))))


def test_each_build_is_told_once() -> None:
    made = project(*(service(name, build=build(target=name)) for name in ("a", "b", "c")))
    assert [finding.services for finding in find_near_duplicates(look(made))] == [("a", "b"), ("a", "c")]


def test_a_thousand_builds_of_one_folder_are_compared_at_once() -> None:
    made = project(*(service(f"s{number:03}", build=build(f"D{number:03}")) for number in range(1000)))
    known = {name: read(f"FROM apache/airflow:2.8.1\nRUN {name}\n") for name in made.services}
    assert not list(find_near_duplicates(look(made, **known)))
