"""What `optbuild init` prints fits the terminal, and what it writes is read in one of 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from adoption import list_samples
from fake_compose import machine
from runtime_factory import make_runtime
from yaml_compose import YamlCompose

from builder.adopt.decide import Choices
from builder.operations.init import InitOptions, run_init
from builder.report.adoption.text import format_adoption_text

if TYPE_CHECKING:
    from pathlib import Path

SAMPLES = {one.name: one for one in list_samples()}


@pytest.mark.parametrize("name", ["enterprise-three", "company-base", "heredoc-steps"])
def test_lines_are_short(name: str, tmp_path: Path) -> None:
    SAMPLES[name].copy_to(tmp_path)
    runtime = make_runtime(tmp_path, machine(tmp_path), runner=YamlCompose())
    adoption = run_init(runtime, InitOptions(tmp_path / name, None, Choices(), has_schema=True))
    for width in (80, 60):
        shown = format_adoption_text(adoption, "optbuild.toml", None, written=False, width=width).splitlines()
        assert [line for line in shown if len(line) > width and len(line.split()) > 2] == []
    comments = [line for line in adoption.text.splitlines() if line.startswith("#")]
    assert [line for line in comments if len(line) > 79 and len(line.split()) > 3] == []
    assert "docker-\n" not in adoption.text
