"""The installed executable: what its start costs, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from builder.cli.overview import COMMANDS, GROUPS

OPTBUILD = str(Path(sys.executable).parent / "optbuild")
HEAVY = {"docker", "testcontainers", "rich", "pydantic", "jinja2", "dockerfile_parse", "requests", "ssl", "asyncio"}


def run(*argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **env})


def test_help_names_the_commands_in_their_order() -> None:
    result = run(OPTBUILD, "--help")
    groups = result.stdout.partition(f"{next(iter(GROUPS))}:\n")[2]
    listed = [line.split()[0] for line in groups.splitlines() if line.startswith("  ")]
    assert (result.returncode, result.stderr, listed) == (0, "", list(COMMANDS))


@pytest.mark.parametrize("argv", [["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_imports_nothing_heavy(argv: list[str]) -> None:
    program = f"""
import sys
from builder.cli import main
assert main.run({argv!r}, main.make_local_runtime) == 0
print(*sorted({{name.partition(".")[0] for name in sys.modules}} & {HEAVY!r}), file=sys.stderr)
"""
    result = run(sys.executable, "-c", program)
    assert (result.returncode, result.stderr.split()) == (0, [])


@pytest.mark.alone
def test_help_starts_in_a_fraction_of_a_second() -> None:
    program = "import time; t = time.process_time(); import builder.cli.main; print(time.process_time() - t)"
    assert min(float(run(sys.executable, "-c", program).stdout) for _ in range(3)) < 0.6  # 0.15 s, two cores, idle


def test_a_spec_with_a_mistake_ends_with_2_and_its_line(tmp_path: Path) -> None:
    (tmp_path / "optbuild.toml").write_text(
        '[image]\nname = "UPPER"\n[base]\ndebian = "bookworm"\n[airflow]\n'
        'version = "2.8.1"\n[python]\nversion = "3.11"\n'
    )
    result = run(OPTBUILD, "lock", "--check", str(tmp_path))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"optbuild: error: {tmp_path}/optbuild.toml:2: image.name: 'UPPER' is not")
    assert result.stderr.endswith("\n  next: image names are lower case: upper\n")


def test_a_folder_without_a_spec_ends_with_2(tmp_path: Path) -> None:
    result = run(OPTBUILD, "lock", str(tmp_path))
    assert result.returncode == 2
    assert f"there is no optbuild.toml; looked for {tmp_path}/optbuild.toml" in result.stderr
