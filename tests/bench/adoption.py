"""The projects of tests/fixtures/adoption beside what `optbuild init` made of them: what is missing, in words."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder.core.image_reference import normalize_image_name
from builder.core.naming import SPEC_FILE
from builder.image.spec.reader import read_spec
from builder.image.spec.requirements import read_requirements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.image.spec.model import Spec

CORPUS = Path(__file__).parents[1] / "fixtures/adoption"


@dataclass(frozen=True)
class Sample:
    """One project; ``expected`` is its expected.toml."""

    name: str
    expected: Mapping[str, Any]

    @property
    def options(self) -> tuple[str, ...]:
        return tuple(self.expected.get("options", ()))

    def copy_to(self, folder: Path) -> Path:
        """A copy of the project in a folder of its name."""
        return Path(shutil.copytree(CORPUS / self.name / "project", folder / self.name, symlinks=True))


def list_samples() -> tuple[Sample, ...]:
    found = sorted(CORPUS.glob("*/expected.toml"))
    return tuple(Sample(path.parent.name, tomllib.loads(path.read_text("utf-8"))) for path in found)


def compare_report(sample: Sample, report: Mapping[str, Any]) -> list[str]:
    """What the report names too little or too much. ``report`` is the JSON of `optbuild init`."""
    wanted = set(sample.expected.get("open", ()))
    found = {one["file"] if one["line"] is None else f"{one['file']}:{one['line']}" for one in report["open"]}
    text = report["text"] + str(report["open"]) + str(report["remarks"])
    return [
        *(f"not reported: {place}" for place in sorted(wanted - found)),
        *(f"reported: {place}" for place in sorted(found - wanted)),
        *(f"in the spec or the report: {word}" for word in sample.expected.get("absent", ()) if word in text),
    ]


def compare_spec(sample: Sample, folder: Path) -> list[str]:
    """What of the original the spec in ``folder`` does not say."""
    spec = read_spec(folder / SPEC_FILE)
    return [
        *_compare_head(sample.expected, spec),
        *_compare_packages(sample.expected, spec),
        *_compare_rest(sample, spec),
    ]


def _compare_head(expected: Mapping[str, Any], spec: Spec) -> Iterator[str]:
    for what, found in (("airflow", spec.airflow.version), ("python", spec.python.version)):
        if found != expected[what]:
            yield f"{what} {found}, not {expected[what]}"
    base = {spec.base.kind: normalize_image_name(getattr(spec.base, spec.base.kind))}
    if base != {kind: normalize_image_name(name) for kind, name in expected["base"].items()}:
        yield f"base {base}, not {expected['base']}"


def _compare_packages(expected: Mapping[str, Any], spec: Spec) -> Iterator[str]:
    asked = {normalize_pin(text) for text in read_requirements(spec)}
    for pin in expected.get("pins", ()):
        if normalize_pin(pin) not in asked:
            yield f"pin {pin}"
    for extra in set(expected.get("extras", ())) - set(spec.airflow.extras):
        yield f"extra {extra}"
    for name in set(expected.get("apt", ())) - set(spec.apt.runtime):
        yield f"apt {name}"
    for name in set(expected.get("apt-build", ())) - set(spec.apt.build):
        yield f"apt for building {name}"


def _compare_rest(sample: Sample, spec: Spec) -> Iterator[str]:
    expected = sample.expected
    tables = (("env", spec.image.env), ("labels", spec.image.labels), ("files", spec.files))
    for what, found in tables:
        wanted = expected.get(what, {})
        yield from (
            f"{what} {key}={value}, not {found.get(key)}" for key, value in wanted.items() if found.get(key) != value
        )
        yield from (f"{what} {key}={value} too much" for key, value in found.items() if key not in wanted)
    if set(expected.get("roles", ())) != set(spec.roles):
        yield f"roles {sorted(spec.roles)}, not {sorted(expected.get('roles', ()))}"


def normalize_pin(text: str) -> str:
    parsed = Requirement(text)
    return f"{canonicalize_name(parsed.name)}{parsed.specifier}"
