"""What base.sh puts into the layer of added packages, on a small root: what apt would do is a script of the test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from builder.core.resources import find_template_folder

if TYPE_CHECKING:
    from pathlib import Path

EPOCH = 1_700_000_000
OLD = EPOCH - 1000
GOSU, CURL = "gosu 1 amd64 00\n", "curl 1 amd64 00\n"
STANDARD = ("usr/bin/curl", "usr/share/doc/curl", "etc/passwd", "var/lib/dpkg/info/curl.list", "var/lib/dpkg/status")


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A context, a finished root without the added package, and mmdebstrap's files."""
    for name in ("context", "root", "bin", "work/builder", "work/added"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(find_template_folder() / "base.sh", tmp_path / "context")
    settings = f"release=bookworm\narchitecture=amd64\nsource_date_epoch={EPOCH}\npruned=\n"
    files = {
        "context/base.env": settings,
        "context/runtime.packages": CURL + GOSU,
        "context/builder.packages": "binutils 1 amd64 00\n",
        "work/added.packages": GOSU,
        "work/installed": "curl 1\n",
        "apt.conf": f'Dir "{tmp_path}/root";\n',
        "bin/dpkg-query": "#!/bin/sh\necho curl 1\n",
        **{f"root/{name}": "12345" for name in STANDARD},
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "root/usr/bin/curl").chmod(0o4755)
    for path in (*(tmp_path / "root").rglob("*"), tmp_path / "root"):
        os.utime(path, (OLD, OLD))
    (tmp_path / "bin/dpkg-query").chmod(0o755)
    return tmp_path


def finish(context: Path, gosu: str, *rules: str) -> subprocess.CompletedProcess[str]:
    """Run it; ``gosu`` are the commands that install the added package, below the copy."""
    unshare = f"""#!/bin/sh
    # --mount base.sh --install LIST ROOT COPY APT_CONFIG
    cd "$6" && grep -q "$6" "$7" || exit 1
    case $4 in
    */added.packages) {gosu} ;;
    *) echo ld >usr/bin/ld ;;
    esac
    """
    (context / "bin/unshare").write_text(unshare)
    (context / "bin/unshare").chmod(0o755)
    folders = [str(context / name) for name in ("root", "work")]
    command = [str(context / "context/base.sh"), "--finish-root", *folders, *rules]
    env = {"PATH": f"{context}/bin:/usr/bin:/bin", "MMDEBSTRAP_APT_CONFIG": str(context / "apt.conf")}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def read_tar(path: Path) -> dict[str, tuple[int, bytes]]:
    """Path → seconds and content."""
    with tarfile.open(path) as archive:
        return {
            member.name: (int(member.mtime), archive.extractfile(member).read() if member.isreg() else b"")  # type: ignore[union-attr]  # regular
            for member in archive
        }


def test_what_is_new_and_what_was_written_lie_above_with_their_folders(context: Path) -> None:
    install = "echo x >usr/bin/gosu; echo more >>var/lib/dpkg/status; : >var/log.lock; touch etc/passwd"
    done = finish(context, install)
    assert (done.returncode, done.stderr) == (0, "")
    added = read_tar(context / "work/added.tar")
    files = {"./usr/bin/gosu", "./var/lib/dpkg/status", "./var/log.lock", "./etc/passwd"}
    folders = {"./usr", "./usr/bin", "./var", "./var/lib", "./var/lib/dpkg", "./etc"}
    assert {*added} == files | folders
    assert added["./var/lib/dpkg/status"] == (EPOCH, b"12345more\n")
    assert {added[name][0] for name in ("./usr/bin", "./var")} == {EPOCH}  # what a root of all would say, too
    assert {added[name][0] for name in ("./usr", "./var/lib")} == {OLD}
    assert {*read_tar(context / "work/builder.tar")} == {"./usr/bin", "./usr/bin/ld"}
    assert not list((context / "root").glob("optbuild-*"))
    assert not (context / "root/usr/bin/gosu").exists()


def test_what_cleaning_and_pruning_take_is_in_neither(context: Path) -> None:
    symbols = "var/lib/dpkg/info/{}.symbols"
    (context / "root" / symbols.format("curl")).write_text("12345")
    new = symbols.format("gosu")
    install = f"echo x >usr/bin/gosu; echo 1234567 >{new}; mkdir -p var/log; echo x >var/log/dpkg.log"
    done = finish(context, install, "dpkg-symbols")
    assert (done.returncode, done.stderr) == (0, "")
    added = read_tar(context / "work/added.tar")
    assert not [name for name in added if name.endswith((".symbols", ".log"))]
    assert not list((context / "root").rglob("*.symbols"))
    ledger = "usr/share/optbuild/pruned.json"
    ledgers = ((context / "root" / ledger).read_bytes(), added[f"./{ledger}"][1])
    assert [json.loads(text)["rules"]["dpkg-symbols"] for text in ledgers] == [
        {"files": 1, "bytes": 5},
        {"files": 2, "bytes": 13},
    ]


@pytest.mark.parametrize(
    ("install", "reason"),
    [
        ("rm usr/bin/curl; echo x >usr/bin/gosu", "a package of added.packages removes ./usr/bin/curl"),
        ("exit 1", "apt cannot add the packages of added.packages to the others"),
    ],
)
def test_what_a_layer_above_cannot_do_is_said_and_not_made(context: Path, install: str, reason: str) -> None:
    done = finish(context, install)
    assert done.returncode == 1
    assert (context / "work/undivided").read_text() == f"{reason}\n"
    assert not (context / "work/added.tar").exists()


def test_a_standard_package_that_needs_another_name_is_said(context: Path) -> None:
    (context / "work/installed").write_text("curl 1\nlibcurl5 1\n")
    assert finish(context, "echo x >usr/bin/gosu").returncode == 1
    said = (context / "work/undivided").read_text()
    assert said == "without the packages of added.packages apt installs libcurl5\n"


def test_undivided_the_layer_above_has_next_to_nothing(context: Path) -> None:
    """The Dockerfile adds it; a tar without any entry would be added as a file."""
    (context / "context/added.packages").write_text(GOSU)
    (context / "work/added.packages").unlink()
    (context / "work/installed").write_text("curl 1\ngosu 1\n")
    assert finish(context, "exit 1").returncode == 0
    assert read_tar(context / "work/added.tar") == {"./usr": (OLD, b"")}
