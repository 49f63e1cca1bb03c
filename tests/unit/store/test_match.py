"""An image is kept under whatever name it is written: by a file, a rule, a container, a journal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fake_image_store import Shelf, identity, image, user

from builder.compose.model import ImageReferences, KnownProject, ProjectFiles
from builder.rollout.journal import Journal, Phase, ReplacedImage, TagRecord
from builder.state import State
from builder.store.clean import CleanOptions, make_clean_plan
from builder.store.history import JournalSet, collect_used_images, make_state_snapshot
from builder.store.match import matches_pattern, may_mean
from builder.store.model import RetentionReason, RetentionRules
from builder.store.protect import read_protected_patterns
from builder.store.references.compose_files import collect_image_references
from builder.store.retention import decide_retention
from builder.store.select import parse_filter

if TYPE_CHECKING:
    from builder.store.model import StoredImage

DIGEST = f"sha256:{'5' * 64}"
SAME = (
    "foo:1",
    "library/foo:1",
    "docker.io/foo:1",
    "docker.io/library/foo:1",
    "index.docker.io/foo:1",
    "index.docker.io/library/foo:1",
    f"foo@{DIGEST}",
    f"library/foo@{DIGEST}",
    f"foo:1@{DIGEST}",
    f"docker.io/library/foo:other@{DIGEST}",
)
"""Ways to write the image ``foo:1``, whose digest in the registry is DIGEST."""
OTHERS = (
    "foo",
    "foo:2",
    "localhost/foo:1",
    "localhost/library/foo:1",
    "localhost:5000/foo:1",
    "registry.example/library/foo:1",
    "registry-1.docker.io/library/foo:1",
    "team/foo:1",
    "library/team/foo:1",
    "Docker.io/foo:1",
    f"foo@sha256:{'6' * 64}",
    f"foo:1@sha256:{'6' * 64}",
    f"localhost/foo@{DIGEST}",
)
"""Names of other images."""


def stored(name: str = "foo:1") -> StoredImage:
    return replace(image("foo", ("base", "foo"), name), digests=(f"{name.rpartition(':')[0]}@{DIGEST}",))


def goes(*found: ImageReferences, rules: RetentionRules | None = None, name: str = "foo:1") -> bool:
    """Whether ``clean --unused`` would delete the image."""
    shelf = Shelf(mentions=list(found), rules=rules or RetentionRules())
    shelf.add(stored(name))
    (choice,) = make_clean_plan(shelf.snapshot(), CleanOptions(unused=True)).choices
    return choice.goes


def named_in(folder: Path, compose: str, dockerfile: str = "FROM scratch\n") -> ImageReferences:
    (folder / "compose.yaml").write_text(compose)
    (folder / "Dockerfile").write_text(dockerfile)
    return collect_image_references(KnownProject("shop", folder, (folder / "compose.yaml",)), {})


PLACES = {
    "image": ("services: {{web: {{image: '{name}'}}}}\n", ""),
    "default": ("services: {{web: {{image: '${{IMAGE:-{name}}}'}}}}\n", ""),
    "broken": ("services:\n  web: {{image: '{name}', x: [}}\n", ""),
    "from": ("services: {{web: {{build: .}}}}\n", "FROM {name} AS made\n"),
    "copy": ("services: {{web: {{build: .}}}}\n", "FROM scratch\nCOPY --from={name} /a /a\n"),
    "argument": ("services: {{web: {{build: {{context: ., args: {{BASE: '{name}'}}}}}}}}\n", "ARG BASE\nFROM $BASE\n"),
    "cache": ("services: {{web: {{build: {{context: ., cache_from: ['type=registry,ref={name}']}}}}}}\n", ""),
    "context": (
        "services: {{web: {{build: {{context: ., additional_contexts: {{b: 'docker-image://{name}'}}}}}}}}\n",
        "",
    ),
}


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("place", PLACES)
def test_what_a_file_names_in_another_spelling_is_kept(place: str, name: str, tmp_path: Path) -> None:
    compose, dockerfile = (text.format(name=name) for text in PLACES[place])
    assert not goes(named_in(tmp_path, compose, dockerfile))


@pytest.mark.parametrize("name", OTHERS)
def test_another_image_is_not_kept_by_it(name: str, tmp_path: Path) -> None:
    assert goes(named_in(tmp_path, f"services: {{web: {{image: '{name}'}}}}\n"))


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("library/foo", "foo:latest"),
        ("docker.io/foo", "foo:latest"),
        ("localhost/foo", "localhost/foo:latest"),
        ("localhost:5000/foo:1", "localhost:5000/foo:1"),
        ("localhost:5000/foo", "localhost:5000/foo:latest"),
        ("[::1]:5000/foo:1", "[::1]:5000/foo:1"),
        ("Registry/foo", "Registry/foo:latest"),
        ("docker.io/team/foo:1", "team/foo:1"),
        ("index.docker.io/library/team/foo:1", "library/team/foo:1"),
    ],
)
def test_registries_ports_and_missing_tags(written: str, listed: str, tmp_path: Path) -> None:
    assert not goes(named_in(tmp_path, f"services: {{web: {{image: '{written}'}}}}\n"), name=listed)


@pytest.mark.parametrize(
    "name",
    [
        "library/foo:$TAG",
        "docker.io/library/foo:${TAG}",
        "index.docker.io/foo:${TAG:?}",
        "docker.io/$NAME",
        "${REGISTRY}/foo:1",
        "${REGISTRY}/library/foo:1",
        "foo@${DIGEST}",
        "foo:${TAG}@${DIGEST}",
    ],
)
def test_what_a_variable_may_make_of_a_name_is_kept(name: str, tmp_path: Path) -> None:
    assert not goes(named_in(tmp_path, f"services: {{web: {{image: '{name}'}}}}\n"))


@pytest.mark.parametrize("name", ["localhost/foo:$TAG", "library/foo:${TAG}-slim", "${REGISTRY}/bar:1"])
def test_what_no_variable_makes_of_a_name_is_not_kept(name: str, tmp_path: Path) -> None:
    assert goes(named_in(tmp_path, f"services: {{web: {{image: '{name}'}}}}\n"))


def test_a_database_is_one_in_every_spelling(tmp_path: Path) -> None:
    shelf = Shelf(mentions=[named_in(tmp_path, "services: {db: {image: 'library/postgres:13'}}\n")])
    shelf.add(image("db", ("base", "db"), "postgres:13"))
    verdict = decide_retention(shelf.snapshot())[identity("db")]
    assert (verdict.standing, verdict.reason[:10]) == (RetentionReason.PROTECTED, "a database")


@pytest.mark.parametrize("pattern", [*SAME, "foo", "library/foo", "library/fo*:1", "docker.io/*", "library/*", "foo:*"])
def test_a_rule_protects_in_every_spelling(pattern: str, tmp_path: Path) -> None:
    (tmp_path / "optbuild.toml").write_text(f"[protect]\nimages = ['{pattern}']\n")
    assert not goes(rules=RetentionRules(read_protected_patterns(tmp_path)))
    assert not goes(rules=RetentionRules({pattern: "--protect"}))
    shelf = Shelf()
    shelf.add(stored())
    chosen = CleanOptions(unused=True, filters=(parse_filter(f"name={pattern}"),))
    assert [choice.goes for choice in make_clean_plan(shelf.snapshot(), chosen).choices] == [True]


@pytest.mark.parametrize(
    "pattern", [*(name for name in OTHERS if name != "foo"), "localhost/*", "library/bar", "*/foo"]
)
def test_a_rule_for_another_image_does_not_protect(pattern: str) -> None:
    assert goes(rules=RetentionRules({pattern: "--protect"}))


@pytest.mark.parametrize(
    ("pattern", "name", "fitting"),
    [
        ("docker.io/*", "registry.example/foo:1", False),
        ("docker.io/*", "team/foo:1", True),
        ("library/*", "team/foo:1", False),
        ("library/*", "library/team/foo:1", True),
        ("*/*", "foo:1", False),
        ("[::1]:5000/*", "[::1]:5000/foo:1", True),
        ("[::1]:5000/*", "[::2]:5000/foo:1", False),
        ("foo:[12]", "foo:2", True),
        ("foo:[12]", "foo:3", False),
        ("foo:1@sha256:*", f"foo@{DIGEST}", True),
    ],
)
def test_patterns(pattern: str, name: str, fitting: bool) -> None:
    assert matches_pattern(pattern, name) is fitting


def test_a_variable_may_stand_for_a_host_and_a_wildcard_of_a_person_does_not() -> None:
    assert may_mean("*/foo:1", stored())
    assert not matches_pattern("*/foo:1", "foo:1")


@pytest.mark.parametrize("name", SAME[:6])
def test_a_container_uses_the_image_in_every_spelling(name: str) -> None:
    shelf = Shelf(users=[user("", "web", image=name)])
    shelf.add(stored())
    assert decide_retention(shelf.snapshot())[identity("foo")].standing is RetentionReason.IN_USE


def run_of(name: str) -> Journal:
    """Gave ``name`` to another image, and so replaced the one with the ID ``foo``."""
    return Journal(
        "0000aaaa",
        ProjectFiles(Path("/p"), (Path("/p/compose.yaml"),)),
        "shop",
        "engine",
        Phase.COMMITTED,
        1000.0,
        tags=(TagRecord(name, None, "new"),),
        replaced=(ReplacedImage(identity("foo"), (name,)),),
    )


@pytest.mark.parametrize("name", SAME[:6])
def test_what_a_run_remembers_is_the_image_in_every_spelling(name: str) -> None:
    run = run_of(name)
    for known in (replace(run, replaced=()), replace(run, tags=())):
        used = collect_used_images(JournalSet((known,)), "shop") - {identity("foo")}
        assert not goes(ImageReferences("shop", unreadable="gone", ever_used=used))
    journals = JournalSet((run,))
    shelf = Shelf(remembered=make_state_snapshot("engine", State(), journals))
    shelf.add(stored())
    assert decide_retention(shelf.snapshot())[identity("foo")].standing is RetentionReason.SUPERSEDED
