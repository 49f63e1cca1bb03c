"""Where the Dockerfiles of a project are looked for, and what is said of those that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unreadable_folder import bar

from builder.store.references.dockerfiles import find_base_images, parse_base_names
from builder.store.references.file_references import FileReferences

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_dockerfile_in_a_folder_that_one_may_not_enter_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is not there is none."""
    told = FileReferences()
    told.contexts |= {"mine", "../other", "gone"}
    for name in ("mine", "../other"):
        (tmp_path / "p" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "p" / name / "Dockerfile").write_text("FROM base:1\n")
    assert find_base_images([tmp_path / "p"], told, [{}]).problem == ""
    bar(monkeypatch, tmp_path / "other")
    found = find_base_images([tmp_path / "p"], told, [{}])
    assert found.names == {"base:1"}
    assert found.problem.endswith("other/Dockerfile cannot be read: Permission denied")


def test_values_of_several_services_count_in_every_mixture() -> None:
    text = "ARG HOST=a\nARG NAME=$HOST/base\nARG V\nFROM ${NAME}:${V:-0} AS one\nFROM one\n"
    found = parse_base_names(text, {"HOST": ["b", "c"], "V": ["1", "2"]})
    assert found == {f"{host}/base:{version}" for host in "abc" for version in "012"}


def test_a_hostile_dockerfile_takes_no_time() -> None:
    grown = "ARG A0=x\n" + "".join(f"ARG A{n + 1}=$A{n}$A{n}\n" for n in range(200))
    many = "".join(f"ARG B={n}\nARG C={n}\n" for n in range(200))
    assert parse_base_names(f"{grown}{many}FROM shop/$B:$C\nFROM $A3:1\n", {}) == {"shop/*:*", "xxxxxxxx:1"}
