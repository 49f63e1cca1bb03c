"""What keeps two builds apart, and how near they are."""

from __future__ import annotations

import pytest
from project_factories import build

from builder.compose.model import Build
from builder.compose.rules.similarity import BuildDifference, compare_builds
from builder.dockerfile.analysis import analyze_dockerfile

BASE = "FROM apache/airflow:2.8.1\n"


def compare(a: str, b: str, *, left: Build | None = None, right: Build | None = None) -> BuildDifference:
    one, other = left or build("a.Dockerfile"), right or build("b.Dockerfile")
    return compare_builds(one, other, analyze_dockerfile(a, one), analyze_dockerfile(b, other), ("web", "worker"))


def test_another_argument_of_one_dockerfile() -> None:
    text = BASE + "RUN one\nARG TOKEN=x\nRUN two $TOKEN\n"
    one, other = build(args=(("TOKEN", "hunter2"),)), build(args=(("EXTRA", "1"), ("TOKEN", "hunter3")))
    found = compare(text, text, left=one, right=other)
    assert found.near
    assert found.lines == ("build argument EXTRA: only worker sets it", "build argument TOKEN: another value")
    assert [step.name for step in found.common_prefix] == ["FROM", "RUN"], "from ARG on, layers differ"
    assert "hunter" not in repr(found)


def test_another_target_context_and_platform() -> None:
    one = build(target="dev", platforms=("linux/amd64",))
    other = build(dockerfile="../Dockerfile.airflow", context="/home/ada/shop/sub", secrets=("token",))
    found = compare(BASE, BASE, left=one, right=other)
    assert found.near, "it is the same file"
    assert "target: dev against the last stage" in found.lines
    assert "context: . against ./sub" in found.lines
    assert {"secrets differ", "platforms differ"} <= set(found.lines)


def test_the_line_on_which_two_files_part() -> None:
    a = BASE + "USER root\nRUN apt-get update\nUSER airflow\nRUN pip install --index-url https://u:hunter2@h/ pandas\n"
    b = BASE + "USER root\n# why\nRUN apt-get update\nUSER airflow\nRUN pip uninstall pandas\n"
    found = compare(a, b)
    assert found.near
    assert found.lines[0] == "a.Dockerfile line 5: RUN pip install; b.Dockerfile line 6: RUN pip uninstall"
    assert len(found.common_prefix) == 4
    assert "hunter2" not in repr(found.lines)


def test_an_instruction_is_named_without_what_may_be_a_password() -> None:
    start = BASE + "RUN one\n"
    for one in ("ENV PASSWORD=hunter2", "LABEL a=hunter2", 'CMD ["x", "hunter2"]', "RUN x --password hunter2 y"):
        assert "hunter2" not in repr(compare(start + one + "\n", start + "USER 1\n").lines)


def test_one_may_go_on_where_the_other_ends() -> None:
    found = compare(BASE + "RUN one\nRUN two\n", BASE + "RUN one\nRUN two\nRUN three\n")
    assert found.near
    assert found.lines[0] == "a.Dockerfile ends there; b.Dockerfile line 4: RUN three"


def test_the_same_text_in_two_files() -> None:
    found = compare(BASE + "RUN one\n", BASE + "RUN one\n")
    assert found.near
    assert found.lines == ("a.Dockerfile and b.Dockerfile say the same",)


def test_pins_with_other_versions() -> None:
    a = BASE + "RUN x\nRUN pip install pandas==2.0.3 numpy==1.24.3 seaborn\n"
    b = BASE + "RUN y\nRUN pip install pandas==2.1.0 numpy==1.24.3 scipy\n"
    found = compare(a, b)
    assert found.near, "one base, and most pins have the same names"
    assert "pandas: ==2.0.3 against ==2.1.0" in found.lines
    assert "only in web: seaborn" in found.lines
    assert "only in worker: scipy" in found.lines


def test_long_lists_are_cut() -> None:
    a = BASE + "RUN pip install " + " ".join(f"p{number}==1" for number in range(30)) + "\n"
    found = compare(a, a.replace("==1", "==2"))
    assert "22 more requirements with another version" in found.lines


def test_far_apart() -> None:
    assert not compare(BASE + "RUN a\nRUN b\n", "FROM python:3.11\nRUN a\nRUN b\n").near
    assert not compare(BASE + "RUN a\nRUN b\nRUN c\n", BASE + "RUN d\nRUN e\nRUN f\n").near
    assert not compare(BASE, BASE + "RUN d\n").near, "a base alone is nothing in common"


def test_files_of_another_context_are_other_files() -> None:
    text = BASE + "RUN one\nCOPY . /app\nRUN two\n"
    same = compare(text, text, left=build("a"), right=build("b"))
    assert len(same.common_prefix) == 4
    apart = compare(text, text, left=build("a"), right=build("b", context="/home/ada/other"))
    assert [step.name for step in apart.common_prefix] == ["FROM", "RUN"]
    copied = BASE + "COPY --from=x /a /b\nCOPY <<EOF /c\nhello\nEOF\n"
    assert len(compare(copied, copied, left=build("a"), right=build("b", context="/other")).common_prefix) == 3


def test_heredocs_count() -> None:
    found = compare(BASE + "RUN one\nRUN <<E\na\nE\n", BASE + "RUN one\nRUN <<E\nb\nE\n")
    assert len(found.common_prefix) == 2


def test_without_facts_only_the_keys_are_compared() -> None:
    found = compare_builds(build("a"), build("b"))
    assert (found.lines, found.near, found.common_prefix) == (("Dockerfile: a against b",), False, ())
    inline = Build("/x", dockerfile_inline="FROM a"), Build("/x", dockerfile_inline="FROM b")
    assert not compare_builds(*inline).near


def test_equal_builds_differ_in_nothing() -> None:
    assert compare(BASE, BASE, left=build("a"), right=build("a")).lines == ()


FINAL = "FROM python:3.11-slim\nENV A=1\n"


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (
            "FROM python:3.11 AS builder\nRUN pip install --user pkg-a\n" + FINAL + "COPY --from=builder /root /root\n",
            "FROM python:3.11 AS builder\nRUN pip install --user pkg-b\n" + FINAL + "COPY --from=builder /root /root\n",
        ),
        (
            "FROM python:3.11\nRUN make a\n" + FINAL + "COPY --from=0 /out /out\n",
            "FROM python:3.11\nRUN make b\n" + FINAL + "COPY --from=0 /out /out\n",
        ),
        (
            "FROM python:3.11 AS B\nRUN make a\n" + FINAL + "RUN --mount=type=bind,from=b,target=/b cp -r /b /out\n",
            "FROM python:3.11 AS B\nRUN make b\n" + FINAL + "RUN --mount=type=bind,from=b,target=/b cp -r /b /out\n",
        ),
        (
            "FROM x AS one\nRUN a\nFROM one AS two\nRUN c\n" + FINAL + "COPY --from=two /out /out\n",
            "FROM x AS one\nRUN b\nFROM one AS two\nRUN c\n" + FINAL + "COPY --from=two /out /out\n",
        ),
        (
            "FROM x AS one\nRUN a\nFROM y AS two\nCOPY --from=one /o /o\n" + FINAL + "COPY --from=two /o /o\n",
            "FROM z AS one\nRUN a\nFROM y AS two\nCOPY --from=one /o /o\n" + FINAL + "COPY --from=two /o /o\n",
        ),
        (FINAL + "COPY --from=nginx:1 /a /a\n", FINAL + "COPY --from=nginx:2 /a /a\n"),
        (
            "FROM x AS s\nCOPY <<EOF /v\na\nEOF\n" + FINAL + "COPY --from=s /v /v\n",
            "FROM x AS s\nCOPY <<EOF /v\nb\nEOF\n" + FINAL + "COPY --from=s /v /v\n",
        ),
    ],
)
def test_what_stages_hand_over_counts(a: str, b: str) -> None:
    found = compare(a, b)
    assert not found.whole
    assert [one.name for one in found.common_prefix] == ["FROM", "ENV"]
    assert not any("say the same" in line for line in found.lines)
    assert compare(a, a).whole


def test_the_line_of_a_stage_is_named() -> None:
    a = "FROM python:3.11 AS builder\nRUN pip install pkg-a\n" + FINAL + "COPY --from=builder /x /x\n"
    found = compare(a, a.replace("RUN pip install pkg-a", "RUN apt-get update\nRUN pip install pkg-b"))
    assert found.lines == (
        "a.Dockerfile line 2: RUN pip install; b.Dockerfile line 2: RUN apt-get update (stage builder)",
        "only in web: pkg-a",
        "only in worker: pkg-b",
    )


def test_a_stage_that_nothing_uses_does_not_matter() -> None:
    a, b = (f"FROM python:3.11 AS docs\nRUN {name}\n{FINAL}RUN x\n" for name in ("one", "two"))
    assert compare(a, b).whole


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("FROM postgres:13\nCOPY data /data\n", False),
        ("FROM alpine AS data\nCOPY . /data\nFROM postgres:13\nCOPY --from=data /data /data\n", False),
        ("FROM postgres:13\nRUN --mount=type=bind,target=/src cp -r /src /data\n", False),
        ("FROM alpine AS data\nADD https://x.example/y /data\nFROM postgres:13\nCOPY --from=data /d /d\n", False),
        ("FROM alpine AS data\nRUN fetch\nFROM postgres:13\nCOPY --from=data /data /data\n", True),
    ],
)
def test_files_of_two_contexts_are_two_things(text: str, same: bool) -> None:
    contexts = (build(context=f"/home/ada/shop/{name}") for name in ("citibike", "taxi"))
    found = compare(text, text, left=next(contexts), right=next(contexts))
    assert (found.near, found.whole) == (same, same)


def test_five_hundred_stages_are_read_at_once() -> None:
    text = "FROM x AS s0\n" + "".join(f"FROM s{i} AS s{i + 1}\nCOPY --from=s{i} /a /b\n" for i in range(490))
    assert compare(text, text).whole


@pytest.mark.parametrize(("version", "common"), [("1", ["FROM", "RUN"]), ("2", [])])
def test_one_name_may_stand_for_two_builds_of_the_project(version: str, common: list[str]) -> None:
    parents = {value: analyze_dockerfile("ARG V\nFROM x:$V\n", build(args=(("V", value),))) for value in ("1", version)}
    one = analyze_dockerfile("FROM base\nRUN x\n", build("A"), find_parent=lambda _name: parents["1"])
    other = analyze_dockerfile("FROM base\nRUN x\n", build("B"), find_parent=lambda _name: parents[version])
    assert [step.name for step in compare_builds(build("A"), build("B"), one, other).common_prefix] == common
