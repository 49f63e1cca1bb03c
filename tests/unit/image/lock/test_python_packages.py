"""Resolving with sources that uv cannot build: it is told what they depend on and asked again."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.errors import SourceNotBuiltError, UnbuildableSourceError, UnsatisfiableError
from builder.image.lock import python_packages
from builder.image.lock.facts import DistributionFacts
from builder.image.lock.first_pass import VersionPreferences
from builder.image.lock.installed import CollectedFacts
from builder.image.lock.present.distributions import PresentDistributions
from builder.image.lock.pylock import LockedFile
from builder.image.lock.python_packages import PythonResolver
from builder.image.lock.uv import Uv

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from builder.image.lock.target import LockTarget


@dataclass
class FakeIndex:
    """uv that needs to build ``sources`` (name → version), in this order, unless it is told about them."""

    sources: Mapping[str, str]
    resolved: list[set[str]] = field(default_factory=list)
    collected: list[tuple[str, ...]] = field(default_factory=list)
    answers: bool = True
    tools: str | None = "1"
    """The version of the build requirement; None: none can be had."""

    present: Any = None

    def resolve_pins(
        self, _uv: Uv, _target: object, lines: Any, _p: object, folder: Path, **more: object
    ) -> dict[str, str]:
        if "tool" in lines:
            if self.tools is None:
                raise UnsatisfiableError("Because you require tool==1", ())
            return {"tool": self.tools}
        self.present = more.get("present")
        settings = folder / "uv.toml"
        entries = tomllib.loads(settings.read_text())["dependency-metadata"] if settings.exists() else []
        told = {str(entry["name"]) for entry in entries} if self.answers else set()
        self.resolved.append(told)
        for name, version in self.sources.items():
            if name not in told:
                raise SourceNotBuiltError(name, version, 2, f"error: Failed to build `{name}=={version}`")
        return {"airflow": "2.8.1", **self.sources}

    def resolve_files(self, _uv: Uv, _target: object, pins: Mapping[str, str], _folder: Path) -> tuple[LockedFile, ...]:
        return tuple(
            LockedFile(name, pin, "sdist" if name in self.sources else "wheel", "00", 1, None)
            for name, pin in sorted(pins.items())
        )

    def collect_facts(
        self, _uv: Uv, _target: object, files: Iterable[LockedFile], tools: Iterable[LockedFile], *_: Any, **_more: Any
    ) -> CollectedFacts:
        names = tuple(file.name for file in files)
        assert [tool.name for tool in tools] == (["tool"] if set(names) & set(self.sources) else [])
        self.collected.append(names)
        return CollectedFacts({name: DistributionFacts(name, (f"needed-by-{name}",), ()) for name in names})


@pytest.fixture
def make_resolver(fake_runner: Any, target: LockTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(index: FakeIndex, said: list[str]) -> PythonResolver:
        for name in ("resolve_pins", "resolve_files", "collect_facts"):
            monkeypatch.setattr(python_packages, name, getattr(index, name))
        monkeypatch.setattr(
            python_packages, "collect_build_requirements", lambda _uv, sdists, *_: dict.fromkeys(sdists, ("tool",))
        )
        uv = Uv("uv", "1", "py", fake_runner(lambda _c: (1, "", "it has no wheel")), {})
        return PythonResolver(uv, target, VersionPreferences(), VersionPreferences(), tmp_path, said.append)

    return make


def test_uv_is_told_of_each_source_that_it_cannot_build(make_resolver: Any) -> None:
    index = FakeIndex({"pycurl": "7.45.2", "other": "1"})
    said: list[str] = []
    found = make_resolver(index, said).resolve(["pycurl"])
    assert index.resolved == [set(), {"pycurl"}, {"pycurl", "other"}]
    assert index.collected == [("pycurl",), ("other",), ("airflow", "other", "pycurl")]
    assert [file.name for file in found.files] == ["airflow", "other", "pycurl"]
    assert "reading what pycurl 7.45.2 depends on" in said


def test_it_is_told_once_only(make_resolver: Any) -> None:
    index = FakeIndex({"pycurl": "7.45.2"}, answers=False)
    with pytest.raises(SourceNotBuiltError, match=r"Failed to build `pycurl==7\.45\.2`"):
        make_resolver(index, []).resolve(["pycurl"])
    assert len(index.resolved) == 2


def test_without_such_a_source_uv_is_asked_once(make_resolver: Any) -> None:
    index = FakeIndex({})
    said: list[str] = []
    make_resolver(index, said).resolve(["airflow"])
    assert len(index.resolved) == 1
    assert said[0] == "asking the index for versions"  # a line every few seconds has something to say from the start


def test_build_requirements_that_cannot_be_had_are_told_as_such(make_resolver: Any, tmp_path: Path) -> None:
    with pytest.raises(UnbuildableSourceError, match=r"dill 1 has no wheel, and what its source needs to be built"):
        make_resolver(FakeIndex({"dill": "1"}, tools=None), [])._resolve_build_tools(
            [LockedFile("dill", "1", "sdist", "00", 1, None)], tmp_path
        )


def test_what_the_foundation_has_takes_part_and_is_not_installed(make_resolver: Any) -> None:
    index = FakeIndex({"pycurl": "7.45.2"})
    resolver = make_resolver(index, [])
    facts = {"airflow": DistributionFacts("airflow", ("pendulum",), (), ("postgres",))}
    present = PresentDistributions({"airflow": "2.8.1"}, facts)
    found = dataclasses.replace(resolver, present=present).resolve(["pycurl"])
    assert index.resolved == [{"airflow"}, {"airflow", "pycurl"}]
    assert index.present == {"airflow": "2.8.1"}
    assert [file.name for file in found.files] == ["pycurl"]
    assert found.facts["airflow"].extras == ("postgres",)  # whether an extra is known is asked of it
