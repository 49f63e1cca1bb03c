"""What the probe of DAG files makes of tracebacks, and of what a file does while it is read."""

from __future__ import annotations

import importlib.util
import io
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.resources import find_template_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAG = "/opt/airflow/dags/etl.py"


@pytest.fixture
def probe() -> Any:
    spec = importlib.util.spec_from_file_location("dags", find_template_folder() / "verify/dags.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


IN_A_HELPER = f"""Traceback (most recent call last):
  File "/site-packages/airflow/models/dagbag.py", line 344, in parse
    loader.exec_module(new_module)
  File "{DAG}", line 2, in <module>
    from helper import f
  File "{DAG}", line 7, in g
    f()
  File "/opt/airflow/dags/helper.py", line 40, in f
    import nothing
ModuleNotFoundError: No module named 'nothing'
"""
SYNTAX = f"""Traceback (most recent call last):
  File "/site-packages/airflow/models/dagbag.py", line 344, in parse
    loader.exec_module(new_module)
  File "{DAG}", line 3
    x = (
        ^
SyntaxError: '(' was never closed
"""
LONG = f"""Traceback (most recent call last):
  File "{DAG}", line 9, in <module>
    time.sleep(60)
airflow.exceptions.AirflowTaskTimeout: DagBag import timeout for {DAG} after 30.0s.
Please take a look at these docs to improve your DAG import time:
* https://airflow.example/best-practices.html
"""


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (IN_A_HELPER, 7, "ModuleNotFoundError: No module named 'nothing'"),
        (SYNTAX, 3, "SyntaxError: '(' was never closed"),
        (LONG, 9, f"airflow.exceptions.AirflowTaskTimeout: DagBag import timeout for {DAG} after 30.0s."),
        (
            "AirflowDagCycleException: Cycle detected in DAG: x",
            None,
            "AirflowDagCycleException: Cycle detected in DAG: x",
        ),
        ("", None, ""),
    ],
)
def test_the_last_frame_within_the_file_is_its_line(probe: Any, text: str, line: int | None, words: str) -> None:
    assert probe.describe(text, DAG)[:2] == [line, words]


def test_the_traceback_begins_at_the_file(probe: Any) -> None:
    assert probe.describe(IN_A_HELPER, DAG)[2].startswith(f'  File "{DAG}", line 2')


def test_what_is_wrong_with_the_only_dag_of_a_file_is_at_its_line(probe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe.State, "dags", [12])
    assert probe.describe("AirflowDagCycleException: x", DAG)[0] == 12
    monkeypatch.setattr(probe.State, "dags", [12, 30])
    assert probe.describe("AirflowDagCycleException: x", DAG)[0] is None


@pytest.fixture
def run(probe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[list[Any]]]:
    """What a file that the text is does, as the probe notes it."""

    def run(text: str, name: str = "etl.py") -> list[list[Any]]:
        file = tmp_path / name
        monkeypatch.setattr(probe.State, "file", str(tmp_path / "etl.py"))
        monkeypatch.setattr(probe.State, "notes", [])
        exec(compile(text, str(file), "exec"), {"probe": probe})  # noqa: S102 - the file that is read
        return list(probe.State.notes)

    return run


def test_what_the_file_does_is_noted_once_with_its_line(run: Callable[..., list[list[Any]]]) -> None:
    text = "def f():\n    probe.note('reads x')\nfor _ in '12':\n    f()\n"
    assert run(text) == [[2, "reads x"]]


def test_what_another_file_does_by_itself_is_not_noted(run: Callable[..., list[list[Any]]]) -> None:
    assert run("probe.note('reads x')", "library.py") == []


@pytest.mark.parametrize(
    ("event", "arguments", "what"),
    [
        ("socket.connect", (None, ("db.example", 5432)), "connects to db.example"),
        ("socket.connect", (None, "/var/run/docker.sock"), "connects to /var/run/docker.sock"),
        ("socket.getaddrinfo", ("api.example", 443, 0, 0, 0), "looks up the host api.example"),
        ("socket.getaddrinfo", (b"api.example", 443, 0, 0, 0), "looks up the host api.example"),
        ("socket.gethostbyname", ("api.example",), "looks up the host api.example"),
    ],
)
def test_a_connection_is_refused_and_noted(
    run: Callable[..., list[list[Any]]], event: str, arguments: tuple[Any, ...], what: str
) -> None:
    text = f"try:\n    probe.watch_sockets({event!r}, {arguments!r})\nexcept OSError:\n    pass\nelse:\n    1 / 0\n"
    assert run(text) == [[2, what]]


@pytest.mark.parametrize("event", ["socket.getaddrinfo", "socket.gethostbyname"])
@pytest.mark.parametrize("host", ["localhost", "", None])
def test_a_library_may_ask_for_its_own_name(run: Callable[..., list[list[Any]]], event: str, host: str | None) -> None:
    assert run(f"probe.watch_sockets({event!r}, ({host!r}, 80))") == []


def test_a_library_outside_of_the_file_connects_as_ever(run: Callable[..., list[list[Any]]]) -> None:
    assert run("probe.watch_sockets('socket.connect', (None, ('h', 1)))", "library.py") == []


@pytest.mark.parametrize(
    ("words", "excused"),
    [
        ("KeyError: 'Variable x does not exist'", True),
        ("airflow.exceptions.AirflowNotFoundException: The conn_id `x` isn't defined", True),
        ("UnavailableError: not done", True),
        ("ModuleNotFoundError: No module named 'x'", False),
        ("ImportError: cannot import name 'x'", False),
        ("SyntaxError: invalid syntax", False),
        ("IndentationError: unexpected indent", False),
    ],
)
def test_what_no_variable_could_mend_is_an_error_in_any_case(probe: Any, words: str, excused: bool) -> None:
    assert (probe.NEVER_EXCUSED.match(words) is None) is excused


def test_files_take_the_place_of_those_of_the_image(probe: Any, tmp_path: Path) -> None:
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "etl.py").write_text("the image's")
    with tarfile.open(tmp_path / "dags.tar", "w") as tar:
        for name in ("etl.py", "sub/more.py"):
            member = tarfile.TarInfo(name)
            member.size = 3
            tar.addfile(member, io.BytesIO(b"new"))
    assert probe.unpack(str(tmp_path / "dags.tar"), str(folder)) == {"etl.py", "sub/more.py"}
    assert {path.read_text() for path in folder.rglob("*.py")} == {"new"}
