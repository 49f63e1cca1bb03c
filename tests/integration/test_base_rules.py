"""What base.sh leaves out of Debian's files for each rule of [slim], and what it writes down of it."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from builder.core.resources import find_template_folder
from builder.core.slim_rules import RULES, Scope

if TYPE_CHECKING:
    from pathlib import Path

GCONV = "usr/lib/x86_64-linux-gnu/gconv/CP1251.so"
FILES = {
    "dpkg-symbols": ["var/lib/dpkg/info/libc6:amd64.symbols"],
    "debconf-templates": ["var/cache/debconf/templates.dat"],
    "gconv": [GCONV, "usr/lib/x86_64-linux-gnu/gconv/gconv-modules"],
    "leap-second-zones": ["usr/share/zoneinfo/right/Europe/Berlin"],
    "perl": ["usr/bin/perl", "usr/lib/x86_64-linux-gnu/perl-base/strict.pm"],
}
KEPT = ["var/lib/dpkg/info/libc6:amd64.list", "var/cache/debconf/config.dat", "usr/share/zoneinfo/Europe/Berlin"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """With an empty folder of Debian's, which stays, and /lib as a link, by which perl-base names its files."""
    root = tmp_path / "root"
    for name in (*KEPT, *(name for names in FILES.values() for name in names)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("12345")
    (root / "usr/lib/empty").mkdir()
    (root / "etc").mkdir()
    (root / "lib").symlink_to("usr/lib")
    (root / "usr/bin/perl5.36").hardlink_to(root / "usr/bin/perl")
    listed = ["/.", "/usr/bin", "/usr/bin/perl", "/usr/bin/perl5.36", "/lib/x86_64-linux-gnu/perl-base/strict.pm"]
    (root / "var/lib/dpkg/info/perl-base.list").write_text("".join(f"{path}\n" for path in listed))
    return root


@pytest.fixture
def script(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    shutil.copy(find_template_folder() / "base.sh", folder)
    (folder / "base.env").write_text("release=bookworm\narchitecture=amd64\nsource_date_epoch=1\npruned=\n")
    return folder / "base.sh"


def clean(script: Path, root: Path, *rules: str) -> subprocess.CompletedProcess[str]:
    command = [str(script), "--clean-root", str(root), *rules]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("rule", sorted(FILES))
def test_a_rule_takes_its_files_and_writes_them_down(script: Path, root: Path, rule: str) -> None:
    done = clean(script, root, rule)
    assert (done.returncode, done.stderr) == (0, "")
    assert not [name for name in FILES[rule] if (root / name).exists()]
    others = [name for other, names in FILES.items() if other != rule for name in names]
    assert not [name for name in (*KEPT, *others) if not (root / name).exists()]
    ledger = json.loads((root / "usr/share/optbuild/pruned.json").read_text())
    count = len(FILES[rule])  # a second name of perl is no second file
    assert ledger == {"schema_version": 1, "rules": {rule: {"files": count, "bytes": 5 * count}}}
    assert (root / "usr/lib/empty").is_dir()


def test_no_rule_takes_nothing(script: Path, root: Path) -> None:
    assert clean(script, root).returncode == 0
    assert not [name for names in FILES.values() for name in names if not (root / name).exists()]
    assert not (root / "usr/share/optbuild").exists()


def test_an_unknown_rule_ends_it(script: Path, root: Path) -> None:
    done = clean(script, root, "wishes")
    assert done.returncode == 2
    assert "base.env names the rule wishes" in done.stderr


def test_every_rule_of_the_table_is_known_to_the_script() -> None:
    assert {rule.name for rule in RULES if rule.scope is Scope.BASE} == {*FILES}
