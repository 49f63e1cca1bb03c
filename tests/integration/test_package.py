"""What is published: an sdist and a wheel that the judges of packages accept, the same bytes whoever builds them,
and a file that pins them and all that they depend on."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import uv

REPOSITORY = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent
UNRELATED = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", ".bench", "dist")


def run(*command: str | Path, cwd: Path = REPOSITORY) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build_release(folder: Path, mode: str) -> Path:
    """From a copy of the source with new time stamps; ``mode`` is what chmod makes of its files."""
    source = folder / "source"
    shutil.copytree(REPOSITORY, source, ignore=UNRELATED, copy_function=shutil.copy, symlinks=True)
    run("chmod", "--recursive", mode, source)
    run(uv.find_uv_bin(), "build", "--quiet", "--out-dir", folder / "dist", source)
    (folder / "dist/.gitignore").unlink()
    run(REPOSITORY / ".ci/release-constraints", folder / "dist")
    return folder / "dist"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_release(tmp_path_factory.mktemp("one"), "go=rX")


def test_the_judges_accept_them(dist: Path) -> None:
    packages = sorted(path for path in dist.iterdir() if path.suffix in {".whl", ".gz"})
    assert len(packages) == 2
    run(TOOLS / "twine", "check", "--strict", *packages)
    run(TOOLS / "check-wheel-contents", *(path for path in packages if path.suffix == ".whl"))


def test_pyroma_rates_it_9_or_better(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    run(TOOLS / "pyroma", "--min", "9", sdist)


def test_built_twice_they_are_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    """With other modes, in another folder, with other time stamps."""
    again = build_release(tmp_path, "go=")
    files = sorted(path.name for path in dist.iterdir())
    assert len(files) == 3
    assert files == sorted(path.name for path in again.iterdir())
    assert [name for name in files if (dist / name).read_bytes() != (again / name).read_bytes()] == []


def test_the_constraints_install_it_with_every_hash_checked(dist: Path, tmp_path: Path) -> None:
    (constraints,) = dist.glob("*-constraints.txt")
    python = tmp_path / "venv/bin/python"
    run(uv.find_uv_bin(), "venv", "--quiet", "--python", sys.executable, tmp_path / "venv")
    install: list[str | Path] = [
        uv.find_uv_bin(),
        "pip",
        "install",
        "--quiet",
        "--python",
        python,
        "--find-links",
        dist,
        "--require-hashes",
    ]
    run(*install, "--requirements", constraints)
    assert re.fullmatch(r"optbuild [0-9.]+\n", run(python.with_name("optbuild"), "--version"))
    wrong = tmp_path / "wrong.txt"
    wrong.write_text(
        re.sub(
            r"(?m)(^optbuild-airflow(?:.*\n)+)",
            lambda own: re.sub(r"sha256:.{8}", "sha256:00000000", own[1]),
            constraints.read_text(),
        )
    )
    done = subprocess.run(
        [*map(str, install), "--reinstall", "--requirements", wrong], capture_output=True, check=False
    )
    assert b"Hash mismatch" in done.stderr
