"""uv's two passes: argv, preferences, and what is said when nothing fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from builder.core.errors import ExitCode, IndexUnreadableError, LockError, ToolFailedError, UnsatisfiableError
from builder.image.lock.first_pass import VersionPreferences, parse_pins
from builder.image.lock.resolve import extract_uv_reason, resolve_files, resolve_pins
from builder.image.lock.uv import Uv, make_compile_argv, make_install_argv, make_pylock_argv, make_sdist_build_argv

if TYPE_CHECKING:
    from pathlib import Path

    from builder.core.process import Command
    from builder.image.lock.target import LockTarget

CONFLICT = """\
error: No solution found when resolving dependencies
  cause: Because matplotlib==3.7.2 depends on pyparsing>=2.3.1,<3.1 and pyparsing==3.1.1, we can conclude that matplotlib==3.7.2 cannot be used.
         And because you require matplotlib==3.7.2, we can conclude that your requirements are unsatisfiable.
"""  # noqa: E501 - as uv 0.13 writes it
OLD_CONFLICT = """\
  \N{MULTIPLICATION SIGN} No solution found when resolving dependencies:
  ╰─▶ Because you require numpy==1.24.3 and numpy==1.26.0, we can conclude that your requirements are unsatisfiable.

      hint: Pre-releases are available
"""


class FakeUv:
    """Resolves by a function: (preferences, conditions, offline) → pins, or text of an error.

    ``unknown`` are pins that cannot be installed; ``sources`` names that have no wheel.
    """

    def __init__(self, solve: Any, *, unknown: tuple[str, ...] = (), sources: tuple[str, ...] = ()) -> None:
        self.solve = solve
        self.unknown, self.sources = unknown, sources
        self.calls: list[tuple[dict[str, str], dict[str, str], bool]] = []
        self.wheels: list[tuple[str, ...]] = []

    def __call__(self, command: Command) -> tuple[int, str, str]:
        assert command.cwd is not None
        output = command.cwd / "requirements.txt"
        if "--no-deps" in command.argv:
            lines = (command.cwd / "requirements.in").read_text().split()
            missing = {*self.unknown, *(self.sources if "--only-binary" in command.argv else ())}
            return int(any(line in missing or line.split("==")[0] in missing for line in lines)), "", ""
        conditions = parse_pins((command.cwd / "conditions.txt").read_text())
        call = (parse_pins(output.read_text()), conditions, "--offline" in command.argv)
        follows = zip(command.argv, command.argv[1:], strict=False)
        self.wheels.append(tuple(name for option, name in follows if option == "--only-binary"))
        self.calls.append(call)
        answer = self.solve(*call)
        if isinstance(answer, str):
            return 2, "", answer
        output.write_text("".join(f"{name}=={version}\n" for name, version in answer.items()))
        return 0, "", ""


def uv_of(fake_runner: Any, answer: Any) -> Uv:
    return Uv("uv", "0.13.9", "python3", fake_runner(answer), {})


def test_the_argv_of_each_pass(target: LockTarget) -> None:
    common = (
        "--python",
        "py",
        "--python-version",
        "3.11",
        "--python-platform",
        "x86_64-manylinux_2_36",
        "--no-progress",
    )
    first = ("pip", "compile", "--quiet", "in", "--output-file", "out", *common)
    assert make_compile_argv(target, "py", "in", "c", "out") == (
        *first,
        "--constraints",
        "c",
        "--no-header",
        "--no-annotate",
    )
    assert make_pylock_argv(target, "py", "in", "out") == (
        *first,
        "--format",
        "pylock.toml",
        "--no-deps",
        "--no-header",
    )


def test_only_hashed_files_are_ever_installed(target: LockTarget) -> None:
    assert "--require-hashes" in make_install_argv(target, "py", "r.txt", "folder")
    assert {"--require-hashes", "--no-build-isolation"} <= set(make_sdist_build_argv("venv", "r.txt", "folder"))


def test_the_previous_lock_counts_more_than_constraints(fake_runner: Any, target: LockTarget, tmp_path: Path) -> None:
    fake = FakeUv(lambda preferred, _demands, _offline: preferred)
    wanted = VersionPreferences({"a": "1", "b": "1"}, {"a": "2"})
    assert resolve_pins(uv_of(fake_runner, fake), target, ["a", "b"], wanted, tmp_path) == {"a": "2", "b": "1"}
    assert [offline for _, _, offline in fake.calls] == [True, False]  # what the lock had is not fought for again


def test_what_the_previous_lock_has_is_not_asked_of_the_index(
    fake_runner: Any, target: LockTarget, tmp_path: Path
) -> None:
    fake = FakeUv(lambda *_: {"a": "2"})
    wanted = VersionPreferences({"a": "1"}, {"a": "2", "removed": "1"})
    assert resolve_pins(uv_of(fake_runner, fake), target, ["a"], wanted, tmp_path) == {"a": "2"}
    assert [offline for _, _, offline in fake.calls] == [True]


def test_a_constraint_lost_to_the_newest_of_something_else_is_kept(
    fake_runner: Any, target: LockTarget, tmp_path: Path
) -> None:
    def solve(_preferred: object, demands: dict[str, str], _offline: bool) -> dict[str, str]:
        return {"joblib": "1.5", "cloudpickle": "2.2.1"} if demands else {"joblib": "1.6", "cloudpickle": "3.1"}

    fake = FakeUv(solve)
    wanted = VersionPreferences({"cloudpickle": "2.2.1"})
    pins = resolve_pins(uv_of(fake_runner, fake), target, ["joblib"], wanted, tmp_path)
    assert pins == {"joblib": "1.5", "cloudpickle": "2.2.1"}
    demand = {"cloudpickle": "2.2.1"}
    assert fake.calls[1:] == [(demand, demand, True), (demand, demand, False)]  # joblib 1.6 of before is not preferred


def make_solver(first: dict[str, str], *, demanded: dict[str, str]) -> FakeUv:
    """uv that answers ``first``, and ``demanded`` as soon as something is demanded."""
    return FakeUv(lambda _preferred, demands, _offline: demanded if demands else first)


CONSTRAINTS = {"isodate": "0.7.2", "protobuf": "4.25.5", "otel": "1.27.0", "scipy": "1.18.0"}


@pytest.mark.parametrize(
    ("first", "worse"),
    [
        pytest.param(
            {"dbt": "1.8", "isodate": "0.6.1", "protobuf": "4.25.5"},
            {"dbt": "1.9", "isodate": "0.7.2", "protobuf": "6.33"},
            id="it gives up another one",
        ),
        pytest.param(
            {"dbt": "1.8", "isodate": "0.6.1", "protobuf": "5", "otel": "1.27.0"},
            {"dbt": "1.9", "isodate": "0.7.2", "protobuf": "5", "otel": "2"},
            id="as many as before, but others",
        ),
        pytest.param(
            {"dbt": "1.8", "isodate": "0.6.1"}, {"dbt": "2.0.0rc9", "isodate": "0.7.2"}, id="it brings a pre-release"
        ),
        pytest.param(
            {"sklearn": "1.7", "scipy": "1.17"}, {"sklearn": "0.19"}, id="a release so old that it needs no scipy"
        ),
        pytest.param(
            {"sklearn": "1.7", "scipy": "1.17", "isodate": "0.6.1"},
            {"sklearn": "0.19", "isodate": "0.6.1"},
            id="the same, with another one lost before and after",
        ),
    ],
)
def test_a_demand_that_costs_more_than_it_keeps_is_refused(
    fake_runner: Any, target: LockTarget, tmp_path: Path, first: dict[str, str], worse: dict[str, str]
) -> None:
    fake = make_solver(first, demanded=worse)
    wanted = VersionPreferences(CONSTRAINTS)
    assert resolve_pins(uv_of(fake_runner, fake), target, ["dbt", "sklearn"], wanted, tmp_path) == first


@pytest.mark.parametrize(
    ("first", "better"),
    [
        pytest.param(
            {"a": "2", "isodate": "0.6.1"}, {"a": "1", "isodate": "0.7.2"}, id="something unconstrained moves"
        ),
        pytest.param(
            {"a": "2rc1", "isodate": "0.6.1"}, {"a": "2rc1", "isodate": "0.7.2"}, id="a pre-release asked for"
        ),
        pytest.param(
            {"isodate": "0.6.1", "protobuf": "6"}, {"isodate": "0.7.2", "protobuf": "6"}, id="one of two is kept"
        ),
    ],
)
def test_a_demand_that_only_keeps_more_is_taken(
    fake_runner: Any, target: LockTarget, tmp_path: Path, first: dict[str, str], better: dict[str, str]
) -> None:
    fake = make_solver(first, demanded=better)
    assert resolve_pins(uv_of(fake_runner, fake), target, ["a"], VersionPreferences(CONSTRAINTS), tmp_path) == better


def test_a_refused_demand_does_not_stay_for_the_next(fake_runner: Any, target: LockTarget, tmp_path: Path) -> None:
    def solve(_preferred: object, demands: dict[str, str], _offline: bool) -> dict[str, str]:
        if "isodate" in demands:
            return {"isodate": "0.7.2", "protobuf": "4.25.5", "otel": "9"}
        return {"isodate": "0.6.1", "protobuf": "4.25.5" if demands else "6", "otel": "1.27.0"}

    pins = resolve_pins(uv_of(fake_runner, FakeUv(solve)), target, ["a"], VersionPreferences(CONSTRAINTS), tmp_path)
    assert pins == {"isodate": "0.6.1", "protobuf": "4.25.5", "otel": "1.27.0"}


def test_what_uvs_cache_holds_does_not_decide(fake_runner: Any, target: LockTarget, tmp_path: Path) -> None:
    """Without the network uv leaves out the versions that its cache lacks: a solution from it is asked for again."""

    def make(cached: bool) -> FakeUv:
        def solve(_preferred: object, demands: dict[str, str], offline: bool) -> dict[str, str] | str:
            if offline and not cached:
                return "error: Packages were unavailable because the network was disabled"
            if offline:
                return {"a": "1", "isodate": "0.7.2"}
            return {"a": "3", "isodate": "0.7.2"} if demands else {"a": "4", "isodate": "0.6.1"}

        return FakeUv(solve)

    found = [
        resolve_pins(uv_of(fake_runner, make(cached)), target, ["a"], VersionPreferences(CONSTRAINTS), tmp_path)
        for cached in (False, True)
    ]
    assert found == [{"a": "3", "isodate": "0.7.2"}] * 2


def test_what_a_distribution_stops_to_need_is_kept_by_that(
    fake_runner: Any, target: LockTarget, tmp_path: Path
) -> None:
    """The newest joblib needs a newer cloudpickle than is constrained, the one before needs none: pip takes that."""
    after = {"scikit-learn": "1.5.2", "joblib": "1.5.3"}
    fake = make_solver({"scikit-learn": "1.5.2", "joblib": "1.6.0", "cloudpickle": "3.1.3"}, demanded=after)
    wanted = VersionPreferences({"cloudpickle": "2.2.1"})
    assert resolve_pins(uv_of(fake_runner, fake), target, ["scikit-learn==1.5.2"], wanted, tmp_path) == after


def test_all_that_was_lost_is_tried_at_once(fake_runner: Any, target: LockTarget, tmp_path: Path) -> None:
    """One answer of uv instead of one for each, and each of them alone would have been met by giving up the other."""

    def solve(_preferred: object, conditions: dict[str, str], _offline: bool) -> dict[str, str]:
        old = {"mlflow": "3.2", "isodate": "0.7.2", "protobuf": "4.25.5"}
        return old if conditions.items() >= {"isodate": "0.7.2", "protobuf": "4.25.5"}.items() else new

    new = {"mlflow": "3.17", "isodate": "0.6.1", "protobuf": "6"}
    fake, said = FakeUv(solve), list[str]()
    uv = uv_of(fake_runner, fake)
    pins = resolve_pins(uv, target, ["mlflow"], VersionPreferences(CONSTRAINTS), tmp_path, say=said.append)
    assert pins == {"mlflow": "3.2", "isodate": "0.7.2", "protobuf": "4.25.5"}
    assert [conditions for _, conditions, _ in fake.calls] == [{}, CONSTRAINTS, CONSTRAINTS]
    assert said == ["3 distributions, try 1 of 3 to keep 2 constraints at once"]


def test_one_after_the_other_where_all_together_contradict(
    fake_runner: Any, target: LockTarget, tmp_path: Path
) -> None:
    """What is kept stays a condition for the next, and so does what was never lost."""

    def solve(_preferred: object, conditions: dict[str, str], _offline: bool) -> dict[str, str] | str:
        kept = {"isodate": "0.6.1", "protobuf": "6", "otel": "1.27.0"} | conditions
        return (
            CONFLICT if kept["protobuf"] == "4.25.5" else {name: kept[name] for name in ("isodate", "protobuf", "otel")}
        )

    fake, said = FakeUv(solve), list[str]()
    uv = uv_of(fake_runner, fake)
    pins = resolve_pins(uv, target, ["dbt"], VersionPreferences(CONSTRAINTS), tmp_path, say=said.append)
    assert pins == {"isodate": "0.7.2", "protobuf": "6", "otel": "1.27.0"}
    assert [set(CONSTRAINTS) - set(conditions) for _, conditions, _ in fake.calls[1:]] == [
        set(),
        {"protobuf"},
        {"protobuf"},
        set(),
    ]
    assert said[1:] == [
        "3 distributions, try 2 of 3 to keep isodate==0.7.2",
        "3 distributions, try 3 of 3 to keep protobuf==4.25.5",
    ]


def test_a_constraint_that_cannot_be_installed_is_no_condition(
    fake_runner: Any, target: LockTarget, tmp_path: Path
) -> None:
    """scipy 1.18.0 needs a newer Python: only the other one is tried, although an old release would meet both."""

    def solve(_preferred: object, conditions: dict[str, str], _offline: bool) -> dict[str, str]:
        if "scipy" in conditions:
            return {"feature-tools": "1", "sklearn": "0.19", "isodate": "0.7.2"}
        return {"feature-tools": "1", "sklearn": "1.7", "scipy": "1.17", "isodate": conditions.get("isodate", "0.6.1")}

    fake = FakeUv(solve, unknown=("scipy==1.18.0",))
    wanted = VersionPreferences(CONSTRAINTS)
    pins = resolve_pins(uv_of(fake_runner, fake), target, ["feature-tools==1"], wanted, tmp_path)
    assert pins == {"feature-tools": "1", "sklearn": "1.7", "scipy": "1.17", "isodate": "0.7.2"}


def test_only_wheels_count_of_what_is_free_to_move(fake_runner: Any, target: LockTarget, tmp_path: Path) -> None:
    """Whoever looks through all releases of dbt builds none of their sources; what has no wheel today may have none."""
    first = {"dbt": "1.12", "agate": "1", "python-nvd3": "1", "isodate": "0.6.1", "protobuf": "4.25.5"}
    fake = FakeUv(lambda *_: first, sources=("python-nvd3",))
    resolve_pins(uv_of(fake_runner, fake), target, ["dbt"], VersionPreferences(CONSTRAINTS), tmp_path)
    assert fake.wheels == [(), ("agate", "dbt"), ("agate", "dbt")]


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        pytest.param(CONFLICT, [False, True], id="a contradiction"),
        pytest.param(CONFLICT + "networkx==3.4 and cachetools>=5", [False, True], id="names like network and cache"),
        pytest.param(
            CONFLICT + "hint: Packages were unavailable because the network was disabled.",
            [False, True, False],
            id="pages that the cache lacks",
        ),
        pytest.param("Because six was not found in the cache and", [False, True, False], id="a page it lacks"),
        pytest.param("Because there is no version of six==1 and", [False, True, False], id="an empty cache"),
    ],
)
def test_a_contradiction_is_believed_without_the_index_where_the_cache_has_all(
    fake_runner: Any, target: LockTarget, tmp_path: Path, said: str, asked: list[bool]
) -> None:
    fake = FakeUv(lambda _p, demands, _o: said if demands else {"matplotlib": "3.7.2", "pyparsing": "3.0.9"})
    wanted = VersionPreferences({"pyparsing": "3.1.1"})
    pins = resolve_pins(uv_of(fake_runner, fake), target, ["matplotlib==3.7.2"], wanted, tmp_path)
    assert pins["pyparsing"] == "3.0.9"
    assert [offline for _, _, offline in fake.calls] == asked


def test_a_constraint_against_the_users_own_line_is_not_even_tried(
    fake_runner: Any, target: LockTarget, tmp_path: Path
) -> None:
    fake = FakeUv(lambda *_: {"numpy": "1.24.3"})
    resolve_pins(uv_of(fake_runner, fake), target, ["NumPy==1.24.3"], VersionPreferences({"numpy": "1.24.4"}), tmp_path)
    assert len(fake.calls) == 1


def test_what_the_cache_lacks_is_asked_of_the_index(fake_runner: Any, target: LockTarget, tmp_path: Path) -> None:
    def solve(_preferred: object, demands: dict[str, str], offline: bool) -> dict[str, str] | str:
        if not demands:
            return {"b": "2"}
        return "error: b==1 was not found in the cache" if offline else {"b": "1"}

    fake = FakeUv(solve)
    assert resolve_pins(uv_of(fake_runner, fake), target, ["b"], VersionPreferences({"b": "1"}), tmp_path) == {"b": "1"}
    assert [offline for _, _, offline in fake.calls] == [False, True, False]


def test_a_contradiction_names_the_users_lines(fake_runner: Any, target: LockTarget, tmp_path: Path) -> None:
    fake = FakeUv(lambda *_: CONFLICT)
    lines = ["apache-airflow==2.8.1", "matplotlib==3.7.2", "pyparsing==3.1.1"]
    with pytest.raises(UnsatisfiableError, match=r"Because matplotlib==3\.7\.2 depends on pyparsing") as caught:
        resolve_pins(uv_of(fake_runner, fake), target, lines, VersionPreferences(), tmp_path)
    assert caught.value.involved == ("matplotlib==3.7.2", "pyparsing==3.1.1")
    assert "No solution found" not in str(caught.value)
    assert "base image" not in str(caught.value)


def test_a_contradiction_names_what_of_the_base_image_is_in_it(
    fake_runner: Any, target: LockTarget, tmp_path: Path
) -> None:
    """uv says that the person requires it; nobody wrote it."""
    fake = FakeUv(lambda *_: CONFLICT)
    present = {"matplotlib": "3.7.2", "pyparsing": "3.0.9", "numpy": "1.24.4"}
    with pytest.raises(UnsatisfiableError) as caught:
        resolve_pins(
            uv_of(fake_runner, fake), target, ["pyparsing==3.1.1"], VersionPreferences(), tmp_path, present=present
        )
    assert caught.value.present == ("matplotlib 3.7.2",)
    assert "of the base image, with all that it needs there:\n    matplotlib 3.7.2\n" in str(caught.value)


UNREACHABLE = """\
error: Request failed after 3 retries in 6.9s
  cause: Failed to fetch: http://127.0.0.1:9/simple/six/
  cause: Connection refused (os error 111)
"""
REFUSED = """\
error: No solution found when resolving dependencies
  cause: Because six was not found in the package registry and you require six, we can conclude that your requirements are unsatisfiable.

hint: An index URL (https://index.example/simple) could not be queried due to a lack of valid authentication credentials (401 Unauthorized).
"""  # noqa: E501 - as uv writes it


@pytest.mark.parametrize("said", [UNREACHABLE, REFUSED], ids=["no route", "no permission"])
def test_an_index_that_cannot_be_read_is_no_contradiction(
    fake_runner: Any, target: LockTarget, tmp_path: Path, said: str
) -> None:
    fake = FakeUv(lambda *_: said)
    with pytest.raises(IndexUnreadableError, match="the package index cannot be read") as caught:
        resolve_pins(uv_of(fake_runner, fake), target, ["six"], VersionPreferences(), tmp_path)
    assert caught.value.exit_code is ExitCode.ENGINE
    assert all(word in str(caught.value) for word in ("UV_DEFAULT_INDEX", "HTTPS_PROXY", "SSL_CERT_FILE"))
    with pytest.raises(IndexUnreadableError):
        uv_of(fake_runner, lambda _c: (2, "", said)).check(("x",), tmp_path)


def test_any_other_failure_of_uv_is_no_contradiction_either(
    fake_runner: Any, target: LockTarget, tmp_path: Path
) -> None:
    fake = FakeUv(lambda *_: "error: Failed to build `six`")
    with pytest.raises(ToolFailedError, match="Failed to build"):
        resolve_pins(uv_of(fake_runner, fake), target, ["six"], VersionPreferences(), tmp_path)


def test_uvs_layout_and_hints_are_left_out() -> None:
    text = extract_uv_reason(OLD_CONFLICT)
    assert text.startswith("Because you require numpy==1.24.3")
    assert "hint" not in text
    assert "╰" not in text


def test_a_failing_second_pass_is_the_tools_failure(fake_runner: Any, target: LockTarget, tmp_path: Path) -> None:
    with pytest.raises(ToolFailedError, match="uv failed with exit code 2"):
        resolve_files(uv_of(fake_runner, lambda _c: (2, "", "error: index unreachable")), target, {"a": "1"}, tmp_path)


def test_pins_are_read_strictly() -> None:
    text = "# c\n-e .\nFlask_X[async]==1.0 ; python_version>'3'\n    # via a\nb==2 # d\n"
    assert parse_pins(text) == {"flask-x": "1.0", "b": "2"}
    with pytest.raises(LockError, match="not a pinned release"):
        parse_pins("a @ https://example.org/a.whl\n")
