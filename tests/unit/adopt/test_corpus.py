"""`optbuild init` on every project of the corpus: the spec and the report say what its original gives."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from adoption import Sample, compare_report, compare_spec, list_samples
from fake_compose import machine
from runtime_factory import make_runtime
from yaml_compose import YamlCompose

from builder.cli import main as cli

if TYPE_CHECKING:
    from pathlib import Path

SAMPLES = list_samples()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_the_spec_says_what_the_original_gives(
    sample: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = sample.copy_to(tmp_path)
    out = io.StringIO()
    runtime = make_runtime(tmp_path, machine(tmp_path), runner=YamlCompose(), out=out)
    code = cli.run(("init", sample.name, "--format=json", *sample.options), lambda **_: runtime)
    said = capsys.readouterr().err
    if sample.expected["outcome"] == "refused":
        assert code == 2
        assert not [word for word in sample.expected["mentions"] if word not in said], said
        assert "next: " in said
        assert not (folder / "optbuild.toml").exists()
        return
    assert code == 0, said
    report = json.loads(out.getvalue())
    assert [*compare_spec(sample, folder), *compare_report(sample, report)] == []
    assert all(point["reason"] and point["next"] and point["file"] for point in report["open"])
    assert (folder / "optbuild.toml").read_text(encoding="utf-8") == report["text"]
