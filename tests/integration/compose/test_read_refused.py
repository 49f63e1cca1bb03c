"""What Compose refuses: in its words, with the place, without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from real_files import read, write

from builder.core.errors import ComposeError

if TYPE_CHECKING:
    from pathlib import Path


REFUSED = {
    "broken YAML": ("services:\n  a:\n    image: x\n   b: [\n", 4, None, "yaml"),
    "a key twice": ("services:\n  a:\n    image: x\n    image: y\n", 4, None, "already defined"),
    "an unknown key": ("services:\n  a:\n    image: x\n    foo: canary\n", 4, "services.a.foo", "foo is not allowed"),
    "a copied block": ("services:\n  a:\n    <<: *airflow\n    image: x\n", 3, None, r"the alias \*airflow stands"),
    "a text that is merged": ("x-a: &a b\nservices:\n  a:\n    <<: *a\n", 4, "<<", "map merge requires"),
    "a tab": ("services:\n\ta: {image: x}\n", 2, None, "cannot start any token"),
    "no mapping": ("hello\n", 1, None, "cannot unmarshal"),
    "nothing": ("", None, None, "empty compose file"),
    "a missing extended file": ("services:\n  a: {extends: {file: no.yml, service: b}}\n", None, None, "no such file"),
    "a missing included file": ("include: [no.yml]\nservices:\n  a: {image: x}\n", None, None, "no such file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_compose_refuses_is_said_in_its_words(case: str, tmp_path: Path) -> None:
    text, line, key, said = REFUSED[case]
    write(tmp_path, {"compose.yaml": text})
    with pytest.raises(ComposeError, match=said) as caught:
        read(cwd=tmp_path)
    where = caught.value.where
    assert where is not None
    assert (where.file, where.line, where.key) == (str(tmp_path / "compose.yaml"), line, key)
    assert "canary" not in str(caught.value)
    assert caught.value.hint


LEAKS = {
    "an env file": {"compose.yaml": "services: {a: {image: x}}", ".env": 'A="canary-1\n'},
    "a size": {"compose.yaml": "services: {a: {image: x, mem_limit: canary-1}}"},
    "a duration": {"compose.yaml": "services: {a: {image: x, healthcheck: {test: x, interval: canary-1}}}"},
    "a number": {"compose.yaml": "services: {a: {image: x, cpus: canary-1}}"},
    "a variable": {
        "compose.yaml": "services: {a: {image: x, ports: ['${PASSWORD}:b:c:d']}}",
        ".env": "PASSWORD=canary-1",
    },
    "an interpolation": {"compose.yaml": "services: {a: {image: x, environment: {A: 'canary-1${'}}}"},
}


@pytest.mark.parametrize("case", LEAKS)
def test_no_secret_leaves_in_a_refusal(case: str, tmp_path: Path) -> None:
    write(tmp_path, LEAKS[case])
    try:
        project = read(cwd=tmp_path)
    except ComposeError as error:
        said = f"{error} {error!r}"
    else:
        assert project.complaints
        said = f"{project!r} {project.complaints}"
    assert "canary" not in said


def test_a_missing_required_variable_is_told(tmp_path: Path) -> None:
    write(tmp_path, {"compose.yaml": "services: {a: {image: '${IMG:?name the image}', build: .}}"})
    project = read(cwd=tmp_path)
    assert project.resolved is None
    assert project.complaints == (
        "error while interpolating services.a.image: required variable IMG is missing a value: name the image",
    )
    assert project.services["a"].raw_image == "${IMG:?name the image}"
