"""Sources that this machine cannot build: where their metadata comes from, in which order, and what is said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.errors import BuilderUnavailableError, BuildFailedError, ExitCode, UnbuildableSourceError
from builder.image.lock.facts import DistributionFacts, read_cached_facts
from builder.image.lock.pylock import LockedFile
from builder.image.lock.sources import other_wheels, unbuilt
from builder.image.lock.sources.unbuilt import SourceReader, UnbuiltSource, list_last_lines, read_unbuilt_source
from builder.image.lock.uv import Uv

if TYPE_CHECKING:
    from pathlib import Path

    from builder.image.lock.target import LockTarget

FILE = LockedFile("mysqlclient", "2.2.1", "sdist", "11" * 32, 5, None)
NO_HEADERS = """\
error: Failed to build `mysqlclient==2.2.1`
  cause: The build backend returned an error

         [stderr]
         Traceback (most recent call last):
           File "<string>", line 14, in <module>
             ^^^^^^^^^^^^^^^^^^^^^^^^
             self.run_setup()
           File "<string>", line 28, in find_package_name
         Exception: Can not find valid pkg-config name.
         Specify MYSQLCLIENT_CFLAGS and MYSQLCLIENT_LDFLAGS env vars manually

hint: Build failures usually indicate a problem with the package or the build environment
"""
NO_MODULE = "error: Failed to build `x`\n  cause: y\nModuleNotFoundError: No module named 'pkg_resources'\n"
OTHER = "sklearn/a.c:3: error: too few arguments to function '_PyLong_AsByteArray'\n"
WINDOWS = "mysqlclient-2.2.1-cp311-cp311-win_amd64.whl"
OLD = "mysqlclient-2.2.1-cp39-cp39-manylinux1_x86_64.whl"


@dataclass
class FakeStage:
    """The builder stage: makes a wheel, or raises."""

    fails: Exception | None = None
    calls: list[tuple[str, tuple[str, ...], str]] = field(default_factory=list)

    def build(
        self, file: LockedFile, tools: tuple[LockedFile, ...], needed: tuple[str, ...], folder: Path, *, why: str
    ) -> None:
        assert tools == (FILE,)
        self.calls.append((file.name, needed, why))
        if self.fails is not None:
            raise self.fails
        info = folder / "mysqlclient-2.2.1.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mysqlclient\nRequires-Dist: of-the-stage\n")
        (info / "RECORD").write_text("")


@pytest.fixture
def read(fake_runner: Any, target: LockTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Reads ``FILE`` with the answers that are given for each way; a way that is not given has none."""

    def run(log: str, stage: FakeStage | None = None, *, wheels: tuple[str, ...] = (), **ways: bool) -> UnbuiltSource:
        def give(way: str) -> DistributionFacts | None:
            return DistributionFacts("mysqlclient", (way,), ()) if ways.get(way) else None

        def give_wheel(*_: object) -> tuple[str, DistributionFacts] | None:
            facts = give("wheel")
            return None if facts is None else (WINDOWS, facts)

        monkeypatch.setattr(unbuilt, "list_wheels", lambda *_: wheels)
        monkeypatch.setattr(unbuilt, "read_static_facts", lambda *_: give("static"))
        monkeypatch.setattr(unbuilt, "read_other_wheel", give_wheel)
        monkeypatch.setattr(unbuilt, "ask_backend", lambda *_: give("backend"))
        monkeypatch.setattr(other_wheels, "find_version_with_wheel", lambda *_: "9.9" if ways.get("other") else None)
        uv = Uv("uv", "1", "py", fake_runner(lambda _c: (0, "", "")), {"HOME": "/nonexistent"})
        reader = SourceReader(uv, target, (FILE,), tmp_path / "cache", tmp_path, lambda _text: None, stage)
        return read_unbuilt_source(reader, FILE, log)

    return run


@pytest.mark.parametrize(
    ("ways", "requires", "origin"),
    [
        ({"static": True, "wheel": True, "backend": True}, "static", "its own source"),
        ({"wheel": True, "backend": True}, "wheel", f"its wheel {WINDOWS}"),
        ({"backend": True}, "backend", "its own build backend"),
    ],
)
def test_the_first_that_knows_is_believed_and_no_engine_asked(
    read: Any, ways: dict[str, bool], requires: str, origin: str
) -> None:
    stage = FakeStage()
    found = read(NO_HEADERS, stage, **ways)
    assert (found.facts.requires, found.origin, found.proven) == ((requires,), origin, False)
    assert found.missing.packages == ("default-libmysqlclient-dev", "pkg-config")
    assert stage.calls == []


def test_what_nothing_knows_is_built_in_the_builder_stage_once(read: Any, tmp_path: Path) -> None:
    stage = FakeStage()
    found = read(NO_HEADERS, stage)
    assert (found.facts.requires, found.proven) == (("of-the-stage",), True)
    ((name, needed, why),) = stage.calls
    assert (name, needed) == ("mysqlclient", ("default-libmysqlclient-dev", "pkg-config"))
    assert why.startswith("mysqlclient 2.2.1 has no wheel, and its source cannot be built on this machine:")
    assert read_cached_facts(tmp_path / "cache", FILE.sha256) == found.facts


@pytest.mark.parametrize("stage", [None, FakeStage(BuilderUnavailableError("no engine answers", hint="start one"))])
def test_without_an_engine_it_is_an_error_that_says_what_is_needed(read: Any, stage: FakeStage | None) -> None:
    with pytest.raises(BuilderUnavailableError, match="Can not find valid pkg-config name") as caught:
        read(NO_HEADERS, stage)
    assert caught.value.exit_code is ExitCode.ENGINE
    hint = str(caught.value.hint)
    assert "apt-get install default-libmysqlclient-dev pkg-config" in hint
    if stage is not None:
        assert "no engine answers" in str(caught.value)
        assert "start one" in hint


def test_what_apt_build_lacks_is_told_with_the_failed_build(read: Any) -> None:
    lacking = UnbuildableSourceError("nothing in [apt] build gives gcc", hint="write gcc")
    with pytest.raises(
        UnbuildableSourceError, match=r"(?s)Can not find valid.*nothing in \[apt\] build gives gcc"
    ) as caught:
        read(NO_HEADERS, FakeStage(lacking))
    assert caught.value.hint == "write gcc"


def test_a_failure_that_misses_nothing_is_tried_in_the_builder_stage(read: Any) -> None:
    """Another compiler may do; what fails there too is told at lock, not by `optbuild build`."""
    stage = FakeStage()
    assert read(OTHER, stage, static=True).proven
    assert [needed for _, needed, _ in stage.calls] == [()]
    failing = FakeStage(BuildFailedError("RUN x", "exit code: 1", ("note: a", "a.c:3: error: too few arguments")))
    with pytest.raises(
        UnbuildableSourceError, match=r"(?s)for 3\.9\).*nor in the builder stage.*\n    a\.c:3: error"
    ) as caught:
        read(OTHER, failing, wheels=(OLD,), static=True, other=True)
    assert "note: a" not in str(caught.value)
    assert caught.value.hint == "ask for mysqlclient==9.9, which has a wheel for Python 3.11"


def test_without_an_engine_it_is_locked_with_a_warning(read: Any) -> None:
    for stage in (None, FakeStage(BuilderUnavailableError("none", hint=None))):
        found = read(OTHER, stage, static=True, other=True)
        assert not found.proven
        assert not found.missing
        assert found.advice == "ask for mysqlclient==9.9, which has a wheel for Python 3.11"


def test_a_python_module_that_no_build_requirement_brings_is_an_error_at_once(read: Any, tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv/pyvenv.cfg").write_text("home = /x\nversion_info = 3.11.7\n")
    stage = FakeStage()
    with pytest.raises(UnbuildableSourceError, match=r"has no wheel for Python 3\.11 \(it has wheels for 3\.9\)"):
        read(NO_MODULE, stage, wheels=(OLD,), static=True, other=True)
    assert stage.calls == []
    (tmp_path / "venv/pyvenv.cfg").write_text("home = /x\nversion_info = 3.12.1\n")  # of a Python that lacks distutils
    assert read(NO_MODULE, stage, static=True).proven


@pytest.mark.parametrize(
    ("wheels", "said"),
    [
        ((), "mysqlclient 2.2.1 has no wheel,"),
        ((WINDOWS,), "has no wheel for linux/amd64 (it has wheels for other systems),"),
        ((OLD,), "has no wheel for Python 3.11 (it has wheels for 3.9),"),
        ((OLD, OLD.replace("39", "310")), "(it has wheels for 3.9 and 3.10),"),
    ],
)
def test_why_it_is_built_at_all_is_said(read: Any, wheels: tuple[str, ...], said: str) -> None:
    assert said in read(NO_HEADERS, wheels=wheels, static=True).report


PIP_NOISE = "  note: This error originates\n  ╰─> See above\n  [end of output]\nerror: metadata-generation-failed\n"
GCC = """\
         no previously-included directories found matching 'doc/build'
         warning: build_py: byte-compiling is disabled, skipping.
         In file included from a.h:3:
         a.c:1:2: fatal error: x.h: No such file or directory
             1 | #include <x.h>
               |          ^~~~
         compilation terminated.
"""


@pytest.mark.parametrize(
    ("log", "lines"),
    [
        (
            NO_HEADERS,
            (
                "Exception: Can not find valid pkg-config name.",
                "Specify MYSQLCLIENT_CFLAGS and MYSQLCLIENT_LDFLAGS env vars manually",
            ),
        ),
        (GCC + PIP_NOISE, ("a.c:1:2: fatal error: x.h: No such file or directory", "compilation terminated.")),
        ("\n".join(f"line {number} x" for number in range(9)), tuple(f"line {number} x" for number in range(4, 9))),
        ("x" * 500, ("x" * 159 + "…",)),
        ("", ()),
    ],
)
def test_the_last_lines_are_the_builds_own_words(log: str, lines: tuple[str, ...]) -> None:
    assert list_last_lines(log) == lines


def test_a_password_in_the_log_is_masked(read: Any) -> None:
    found = read("cannot read https://me:hunter22@index.example/simple\n" + NO_HEADERS.splitlines()[-2], static=True)
    assert "index.example" in found.report
    assert "hunter22" not in found.report
