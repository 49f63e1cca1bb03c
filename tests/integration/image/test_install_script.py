"""Parts of the builder stage's script that need no builder stage."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from builder.core.resources import find_template_folder

if TYPE_CHECKING:
    from pathlib import Path

CHECK = """
source <(sed --quiet '/^check_wheels()/,/^}/p' "$1")
wheels=$2/wheels requirements=$2
check_wheels
"""


@pytest.mark.parametrize(("wheels", "code"), [(("dill-1.whl", "nvd3-1.whl"), 0), (("dill-1.whl",), 1), ((), 1)])
def test_a_wheel_that_uv_left_elsewhere_is_missed(tmp_path: Path, wheels: tuple[str, ...], code: int) -> None:
    (tmp_path / "sdists.txt").write_text("dill==1 --hash=sha256:0\nnvd3==1 --hash=sha256:1\n")
    (tmp_path / "wheels").mkdir()
    for name in wheels:
        (tmp_path / "wheels" / name).touch()
    script = find_template_folder() / "scripts" / "install.sh"
    words = ["bash", "-o", "errexit", "-c", CHECK, "bash", str(script), str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert (f"of 2 sdists uv left {len(wheels)} wheels" in done.stderr) == bool(code)


ENVIRONMENTS = """
set -o errexit
source <(sed --quiet '/^make_environment()/,/^}/p' "$1")
for _ in one two; do
  rm -rf "$2/target"
  make_environment "$2/target"
  python3 -c ''
done
"""


def test_an_environment_is_made_by_the_interpreter_and_not_by_a_link_elsewhere(tmp_path: Path) -> None:
    """apache/airflow 3 has links in /usr/local/bin. Twice: bash remembers the first one's python3, which is gone."""
    links = tmp_path / "links"
    links.mkdir()
    (links / "python3").symlink_to("/usr/bin/python3")
    script = find_template_folder() / "scripts" / "install.sh"
    words = ["bash", "-c", ENVIRONMENTS, "bash", str(script), str(tmp_path)]
    env = {**os.environ, "PATH": f"{tmp_path}/target/bin:{links}:/usr/bin:/bin"}
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "target/pyvenv.cfg").read_text().splitlines()
    assert "home = /usr/bin" in lines
