"""Which file and which mapping gives a service its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from project_files import project_of

from builder.compose.load.includes import MOST_EXTENDS
from builder.compose.rewrite.resolve import find_key_sources, resolve_text
from builder.compose.rewrite.slots import ExistingEntry, KeyAssignments
from builder.core.errors import ComposeError

if TYPE_CHECKING:
    from builder.compose.model import Project


def given_by(project: Project, service: str, key: str) -> list[tuple[str, str | None]]:
    """File and plain text of everything that counts for the key, the winner first."""
    return [
        (found.stratum.document.path.name, resolve_text(found.content.entry.value))
        for found in KeyAssignments(find_key_sources(project)).find(service, key)
        if isinstance(found.content, ExistingEntry)
    ]


def test_an_own_key_beats_what_is_merged_and_of_a_list_the_first_wins() -> None:
    project = project_of("""\
        x-a: &a {build: a, image: a}
        x-b: &b
          <<: *a
          build: b
        services:
          own: {<<: *a, build: own}
          first: {<<: [*b, *a]}
          nested: *b
        """)
    assert given_by(project, "own", "build") == [("compose.yml", "own")]
    assert given_by(project, "first", "build") == [("compose.yml", "b")]
    assert given_by(project, "nested", "image") == [("compose.yml", "a")]


def test_builds_of_several_files_all_count_and_of_images_the_last() -> None:
    base = "services:\n  old: {build: old}\n  web: {extends: old, build: base, image: base}\n"
    project = project_of(base, "services:\n  web: {build: over, image: over}\n")
    assert given_by(project, "web", "build") == [
        ("compose.override.yml", "over"),
        ("compose.yml", "base"),
        ("compose.yml", "old"),
    ]
    assert given_by(project, "web", "image") == [("compose.override.yml", "over")]


def test_reset_and_override_hide_what_lies_below() -> None:
    base = "services:\n  web: {build: base}\n  init: {build: base}\n  all: {build: base}\n"
    over = "services:\n  web: {build: !reset null}\n  init: {build: !override over}\n  all: !override {image: x}\n"
    project = project_of(base, over)
    assert given_by(project, "web", "build") == []
    assert given_by(project, "init", "build") == [("compose.override.yml", "over")]
    assert given_by(project, "all", "build") == []


def test_services_may_be_merged_themselves() -> None:
    project = project_of("x-all: &all\n  web: {build: .}\nservices:\n  <<: *all\n  db: {image: x}\n")
    assert given_by(project, "web", "build") == [("compose.yml", ".")]


def test_files_that_an_include_lists_override_each_other() -> None:
    project = project_of(
        "include:\n  - path: [more/a.yml, more/b.yml]\n  - c.yml\nservices: {}\n",
        more__a="services:\n  web: {image: a, build: .}\n",
        more__b="services:\n  web: {image: b}\n",
        c="include: [more/d.yml]\n",
        more__d="services:\n  db: {image: d}\n",
    )
    assert given_by(project, "web", "image") == [("b.yml", "b")]
    assert given_by(project, "web", "build") == [("a.yml", ".")]
    assert given_by(project, "db", "image") == [("d.yml", "d")]


def test_an_extends_in_a_circle_ends() -> None:
    project = project_of("services:\n  a: {extends: b, build: a}\n  b: {extends: a, build: b}\n")
    assert given_by(project, "a", "build") == [("compose.yml", "a"), ("compose.yml", "b"), ("compose.yml", "a")]


@pytest.mark.parametrize(("services", "refused"), [(MOST_EXTENDS, False), (MOST_EXTENDS + 2, True), (3000, True)])
def test_services_that_extend_each_other_in_a_long_chain_are_refused_with_a_line(services: int, refused: bool) -> None:
    chain = "".join(f"  s{number}: {{<<: {{extends: s{number - 1}}}}}\n" for number in range(services - 1, 0, -1))
    project = project_of(f"services:\n{chain}  s0: {{build: .}}\n")
    if not refused:
        assert given_by(project, f"s{services - 1}", "build") == [("compose.yml", ".")]
        return
    with pytest.raises(ComposeError, match="extend each other over more than") as caught:
        find_key_sources(project)
    assert caught.value.where is not None
    assert caught.value.where.line


def test_what_an_extends_means_must_be_known() -> None:
    project = project_of("services:\n  a:\n    extends: {file: lib.yml, service: gone}\n", lib="services: {}\n")
    assert find_key_sources(project).unclear["a"].line == 3


def test_a_path_with_a_variable_is_found_beside_files_that_would_fit_as_well() -> None:
    project = project_of(
        "include: ['${F:-base}.yml']\nservices:\n  web: {extends: {file: '${G:-more}.yml', service: web}}\n",
        base="services:\n  db: {image: base}\n",
        more="services:\n  web: {image: more}\n",
    )
    assert given_by(project, "db", "image") == [("base.yml", "base")]
    assert given_by(project, "web", "image") == [("more.yml", "more")]


def test_equal_bytes_are_looked_at_once() -> None:
    written = "services:\n  web: {build: .}\n"
    assert find_key_sources(project_of(written)) is find_key_sources(project_of(written))
