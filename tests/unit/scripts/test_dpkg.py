"""The order in which .debs are installed, and what is said where dpkg cannot go on."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from build_scripts import load_build_script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


@pytest.fixture
def dpkg() -> Iterator[ModuleType]:
    with load_build_script("dpkg", "foundation") as module:
        yield module


class FakeDpkg:
    """Unpacks a package once those that it pre-depends on are configured."""

    def __init__(self, needs: dict[str, str], *, ended: bool = False) -> None:
        self.needs, self.ended = needs, ended
        self.unpacked: list[str] = []
        self.configured: list[str] = []

    def __call__(self, *argv: str) -> subprocess.CompletedProcess[str]:
        if argv[0] == "--configure":
            self.configured += [name for name in self.unpacked if name not in self.configured]
            return subprocess.CompletedProcess(argv, 0, "", "")
        failed = [path for path in argv[1:] if self.needs.get(Path(path).name, "") not in ("", *self.configured)]
        self.unpacked += [Path(path).name for path in argv[1:] if path not in failed]
        said = "Errors were encountered while processing:\n" + "".join(f" {path}\n" for path in failed)
        return subprocess.CompletedProcess(argv, 1 if failed else 0, "", "killed" if self.ended else said)


def test_a_package_waits_for_what_it_pre_depends_on(dpkg: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeDpkg({"a.deb": "c.deb", "c.deb": "d.deb"})
    monkeypatch.setattr(dpkg, "run_dpkg", fake)
    dpkg.install_debs(Path("/debs") / name for name in ("d.deb", "c.deb", "b.deb", "a.deb"))
    assert fake.unpacked == ["b.deb", "d.deb", "c.deb", "a.deb"]
    assert fake.configured == fake.unpacked


@pytest.mark.parametrize("ended", [False, True])
def test_dpkg_that_cannot_go_on_ends_the_build_with_its_words(
    dpkg: ModuleType, monkeypatch: pytest.MonkeyPatch, ended: bool
) -> None:
    monkeypatch.setattr(dpkg, "run_dpkg", FakeDpkg({"a.deb": "missing"}, ended=ended))
    monkeypatch.setattr(dpkg, "NEEDED_BY_SCRIPTS", ("/nonexistent/perl",))
    with pytest.raises(SystemExit, match="could not unpack") as caught:
        dpkg.install_debs([Path("/debs/a.deb")])
    assert ("killed" if ended else "/debs/a.deb") in str(caught.value)
    assert "lacks /nonexistent/perl, which scripts of " in str(caught.value)
