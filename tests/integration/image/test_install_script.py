"""Parts of the builder stage's script that need no builder stage."""

from __future__ import annotations

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
