"""What optbuild keeps on disk, byte for byte: each file in golden/documents was written by version 0.1.0.

An update of optbuild reads what the version before wrote, and writes what that version reads.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from builder.compose.model import ImageOrigin, ProjectFiles, SharedTarget
from builder.engine.layers import Layer, compute_chain_ids
from builder.image.lock.facts import DistributionFacts, ElfRecord, read_cached_facts, write_cached_facts
from builder.inspect import cache
from builder.inspect import layer_index as known
from builder.inspect.model import EntryKind, FileKind, LayerContent, LayerEntry, RecognizedFile
from builder.rollout.journal import (
    ContainerRecord,
    FileRecord,
    Journal,
    Phase,
    Recipe,
    ReplacedImage,
    ServiceRecord,
    TagRecord,
)
from builder.rollout.journal_file import dump_journal, parse_journal, read_journal
from builder.state import (
    STATE_FILE,
    FormerImage,
    ProjectState,
    PromotionJournal,
    State,
    TagMove,
    VerifiedImage,
    dump_state,
    parse_state,
    read_state,
    update_state,
)
from builder.store import layer_cache as layercache
from builder.store.manifest import Manifest, SavedImage, dump_manifest, parse_manifest

GOLDEN = Path(__file__).parents[2] / "golden" / "documents"

DIGEST = [f"sha256:{digit * 64}" for digit in "0123456789abcdef"]

STATE = State(
    {
        DIGEST[2]: VerifiedImage(DIGEST[2], "shop", "fedcba987654", "roles and database", 1_764_000_001.25),
        DIGEST[1]: VerifiedImage(DIGEST[1], "shop", "0123456789ab", "proof", 1_764_000_000.5),
    },
    (
        ProjectState(
            "unix:///var/run/docker.sock|ABCD",
            "shop",
            {"shop:latest": DIGEST[2], "shop:0.1": DIGEST[1]},
            tuple(FormerImage(DIGEST[number], f"{number:012x}", 1_763_000_000.0 + number) for number in (3, 4, 5)),
        ),
        ProjectState("engine", "empty é \u2028"),
    ),
    (
        PromotionJournal(
            "engine", "shop", DIGEST[2], "0123456789ab", (TagMove("a:1", None), TagMove("b:1", DIGEST[1])), 2.0
        ),
    ),
)

FOLDER = Path("/srv/shop é")
FILE = FOLDER / os.fsdecode(b"caf\xe9.yml")
"""A file's name is any bytes."""

EDITS = (
    FileRecord(
        FILE,
        b"services: {}\n\xff\x00",
        b"services:\n  web: {}\n",
        0o644,
        FOLDER / "compose.yml.bak",
        FOLDER / ".x.0000aaaa",
    ),
    FileRecord(FOLDER / "compose.yml", b"", b"x" * 100, 0o100600, FOLDER / "b", FOLDER / "t"),
)
FULL_RECIPE = Recipe(
    SharedTarget(("web", "worker"), "shop:latest", ImageOrigin.BUILDER, builder="web", note="docker build . é"),
    "web",
    {"context": ".", "args": {"NUMBER": 3, "RATE": 1.5, "EMPTY": None, "ON": True}, "tags": ["a", "${B:-c}"]},
    12.75,
)
OPEN_JOURNAL = Journal(
    run="0000bbbb",
    files=ProjectFiles(FOLDER, (FILE, FOLDER / "compose.override.yml"), (FOLDER / "prod.env",), "shop"),
    project="shop",
    engine="engine",
    phase=Phase.UNDOING,
    at=1_764_000_000.125,
    reached=Phase.RESTARTING,
    edits=EDITS,
    tags=(TagRecord("shop:latest", None), TagRecord("shop:1", DIGEST[1], DIGEST[2], passing=True)),
    services=(
        ServiceRecord(
            "web",
            (ContainerRecord("c1", DIGEST[1], running=True), ContainerRecord("c2", "", running=False)),
            start=True,
        ),
        ServiceRecord("init", (), start=False, completes=True, expects_health=False),
    ),
    current=(ServiceRecord("web", (), start=False),),
    completing=("init",),
    steps=(("init",), ("web", "worker")),
    needs={"web": ("init",), "init": ()},
    recipes=(
        FULL_RECIPE,
        Recipe(
            SharedTarget(
                ("a", "b"), "reg.example:5000/x:1", ImageOrigin.SPEC, None, FOLDER / "images", None, keeps_name=True
            )
        ),
    ),
    made=(DIGEST[2],),
    known=(DIGEST[1], DIGEST[3]),
    replaced=(ReplacedImage(DIGEST[1], ("shop:latest", "shop:1")), ReplacedImage(DIGEST[3])),
    cleaned=(DIGEST[3],),
    bytes_before=10**12,
    bytes_after=0,
)
COMMITTED_JOURNAL = Journal(
    run="0000cccc",
    files=ProjectFiles(FOLDER, (FOLDER / "compose.yml",)),
    project="shop",
    engine="",
    phase=Phase.COMMITTED,
    at=3.0,
    previous=Journal("0000dddd", OPEN_JOURNAL.files, "shop", "engine", Phase.COMMITTED, 2.5, edits=EDITS[:1]),
)

MANIFEST = Manifest(
    tuple(
        SavedImage(
            id=DIGEST[number],
            names=(f"app:{number}", "registry.example:5000/team/app:v1.2")[:number],
            digests=(f"registry.example:5000/team/app@{DIGEST[number]}",)[:number],
            platform="linux/arm64/v8",
            created="2026-11-25T12:49:35.969130368Z",
            config=DIGEST[number],
            layers=(DIGEST[number], DIGEST[15]),
            unpacked=367_000_000,
            file=f"app-{number:012x}.tar.zst",
            bytes=2**53 + 1,
            sha256=f"{number:064x}",
            tar_bytes=0,
            tar_sha256="f" * 64,
            saved="2026-11-25T13:29:35Z",
            optbuild="0.1.0",
        )
        for number in (0, 2)
    )
)

CHAINS = compute_chain_ids([DIGEST[1], DIGEST[2]])
LAYERS = {
    DIGEST[5]: (Layer(CHAINS[0], DIGEST[1], 75_000_000, "ADD"), Layer(CHAINS[1], DIGEST[2], None)),
    DIGEST[6]: (),
}

FACTS = DistributionFacts(
    "numpy",
    ('tomli; python_version < "3.11"', "é"),
    (
        ElfRecord("numpy/a.so", "x86-64", ("libc.so.6",), ("$ORIGIN/../numpy.libs",)),
        ElfRecord("b.so", "x86-64", (), ()),
    ),
    ("dev", "test"),
)

CONTENT = LayerContent(
    DIGEST[1],
    20_480,
    (
        LayerEntry("/etc", EntryKind.FOLDER, 0, 0o755, 0, 0, "", "", 0),
        LayerEntry("/etc/\\xff é", EntryKind.FILE, 12, 0o644, 1000, 1000, "", "a" * 64, 1),
    ),
    {"/var/lib/dpkg/status": b"Package: \xff\n"},
    {"a" * 64: RecognizedFile(FileKind.SECRET, "a private key", "b" * 32)},
)


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


def test_the_state() -> None:
    assert parse_state(golden("state.json")) == STATE
    assert dump_state(STATE) == golden("state.json")


def test_the_state_on_disk(tmp_path: Path) -> None:
    (tmp_path / STATE_FILE).write_bytes(golden("state.json"))
    assert read_state(tmp_path) == STATE
    update_state(tmp_path, lambda state: state)
    assert (tmp_path / STATE_FILE).read_bytes() == golden("state.json")


@pytest.mark.parametrize(
    ("name", "journal"), [("journal.open.json", OPEN_JOURNAL), ("journal.json", COMMITTED_JOURNAL)]
)
def test_a_journal(tmp_path: Path, name: str, journal: Journal) -> None:
    (tmp_path / name).write_bytes(golden(name))
    assert read_journal(tmp_path / name) == journal
    assert dump_journal(journal) == golden(name)


def test_the_first_journals_lack_what_came_later() -> None:
    found = parse_journal(golden("journal-first.json"))
    assert (found.reached, found.previous, found.bytes_before, found.bytes_after) == (None, None, None, None)
    assert found.services[0].expects_health
    assert found.recipes[0].seconds is None
    assert found.tags == (TagRecord("shop:latest", None),)


def test_the_manifest_of_a_backup() -> None:
    assert parse_manifest(golden("optbuild-backup.json"), "x") == MANIFEST
    assert dump_manifest(MANIFEST) == golden("optbuild-backup.json")


def test_the_layers_of_the_store(tmp_path: Path) -> None:
    (tmp_path / layercache.FILE).write_bytes(golden("store-layers.json"))
    assert layercache.read_layer_cache(tmp_path) == LAYERS
    layercache.write_layer_cache(tmp_path, LAYERS)
    assert (tmp_path / layercache.FILE).read_bytes() == golden("store-layers.json")


def test_the_layers_of_inspect(tmp_path: Path) -> None:
    (tmp_path / known.FILE).write_bytes(golden("inspect-layers.json"))
    layers = known.KnownLayers(tmp_path)
    assert layers.find_layers(DIGEST[5]) == (DIGEST[1], DIGEST[2])
    (tmp_path / known.FILE).unlink()
    known.KnownLayers(tmp_path).record_layers(
        [(DIGEST[5], (DIGEST[1], DIGEST[2])), (DIGEST[6], ())], present=[DIGEST[5], DIGEST[6]]
    )
    assert (tmp_path / known.FILE).read_bytes() == golden("inspect-layers.json")


def test_the_facts_of_a_distribution(tmp_path: Path) -> None:
    write_cached_facts(tmp_path, "a" * 64, FACTS)
    (entry,) = (tmp_path / "facts").iterdir()
    assert (entry.name, entry.read_bytes()) == (f"{'a' * 64}-2.json", golden("facts.json"))
    assert read_cached_facts(tmp_path, "a" * 64) == FACTS


@pytest.mark.skipif(sys.byteorder == "big", reason="the file says the machine's byte order, and this one says little")
def test_the_content_of_a_layer() -> None:
    assert cache.parse_layer(golden("layer-content"), DIGEST[1]) == CONTENT
    assert cache.serialize_layer(CONTENT) == golden("layer-content")


def test_a_layer_that_was_read_before_ledgers_were_looked_for_is_read_again() -> None:
    assert cache.parse_layer(golden("layer-content-3"), DIGEST[1]) is None


def test_a_layer_that_was_read_before_its_python_was_looked_for_is_read_again() -> None:
    assert cache.parse_layer(golden("layer-content-4"), DIGEST[1]) is None
