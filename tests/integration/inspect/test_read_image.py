"""Real images of several layers: what is read of them is what they were made of, and what the engine counts."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.errors import BadImageArchiveError, NoSuchImageError, NotABaseError
from builder.core.process import Command, LocalRunner
from builder.core.progress import SilentProgress
from builder.engine.client import Engine, connect_engine
from builder.engine.errors import ApiError
from builder.engine.socket_api import SocketApi
from builder.engine.socket_client import EngineReader, connect_reader
from builder.inspect.model import EntryKind, ImageContent, LayerEntry
from builder.inspect.read import read_archive_file, read_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEST_LABEL = "optbuild.test"
SECRET = f"s3cret-{uuid.uuid4().hex}"
SCRATCH = """FROM scratch
ADD odd.tar /
COPY --chown=50000:7 --chmod=0640 big.bin /opt/data/
WORKDIR /opt/data
ENV PASSWORD=hunter2
COPY small/ /opt/
WORKDIR /made/by/workdir
"""
EXTENDED = """FROM {base}
USER root
ARG TOKEN
RUN mkdir /deep /deep/er && printf 12345 > /deep/er/file && printf 123 > /keep
RUN rm -r /deep && chmod 700 /keep && : > /empty
"""


def docker(*words: str) -> str:
    done = LocalRunner().run(Command(("docker", *words), timeout=300))
    assert done.ok, done.err
    return done.out


def odd_tar() -> bytes:
    """Names and kinds of entries that a COPY does not make."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", encoding="utf-8", errors="surrogateescape") as archive:
        for name, kind, text in (
            ("odd", tarfile.DIRTYPE, ""),
            ("odd/file", tarfile.REGTYPE, "x" * 1000),
            ("odd/hard", tarfile.LNKTYPE, "odd/file"),
            ("odd/soft", tarfile.SYMTYPE, "../somewhere"),
            ("odd/\udcff\udcfe", tarfile.REGTYPE, "not UTF-8"),
            ("odd/" + "long" * 50, tarfile.REGTYPE, "a header of its own"),
            ("odd/pipe", tarfile.FIFOTYPE, ""),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.mode = kind, 0o755
            if kind == tarfile.REGTYPE:
                member.size = len(text)
            else:
                member.linkname = text
            archive.addfile(member, io.BytesIO(text.encode()) if member.size else None)
    return out.getvalue()


def build(folder: Path, dockerfile: str, *options: str) -> str:
    mark = f"{os.getpid()}-{uuid.uuid4().hex[:10]}"
    (folder / "Dockerfile").write_text(f"{dockerfile}LABEL {TEST_LABEL}={mark}\n")
    reference = f"optbuild-test-read:{mark}"
    docker("build", "--quiet", *options, "--tag", reference, str(folder))
    return reference


BIG = os.urandom(3_000_000)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory, orphans_removed: object) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("scratch")
    (folder / "odd.tar").write_bytes(odd_tar())
    (folder / "big.bin").write_bytes(BIG)
    (folder / "small").mkdir()
    (folder / "small/a").write_bytes(b"1")
    (folder / "small/ü").write_bytes(b"22")
    (folder / "small/link").symlink_to("a")
    reference = build(folder, SCRATCH)
    yield reference
    docker("rmi", reference)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory, postgres_image: str, orphans_removed: object) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("extended")
    reference = build(folder, EXTENDED.format(base=postgres_image), "--build-arg", f"TOKEN={SECRET}")
    yield reference
    docker("rmi", reference)


@pytest.fixture
def quick() -> Iterator[EngineReader]:
    with connect_reader(os.environ) as found:
        assert isinstance(found.api, SocketApi)
        yield found


def read(engine: Any, reference: str, folder: Path, **more: Any) -> ImageContent:
    return read_image(engine, reference, folder, SilentProgress(), **more)


def history(engine: Engine, reference: str) -> list[int]:
    """Bytes as `docker history` shows them, of the entries that have any; oldest first."""
    return [int(entry["Size"]) for entry in reversed(engine.client.api.history(reference)) if entry["Size"]]  # type: ignore[no-untyped-call] # the SDK


def entry(content: ImageContent, layer: int, path: str) -> LayerEntry:
    [found] = [one for one in content.layers[layer].entries if one.path == path]
    return found


def test_the_bytes_of_each_layer_are_those_of_docker_history(
    quick: EngineReader, engine: Engine, scratch: str, tmp_path: Path
) -> None:
    found = read(quick, scratch, tmp_path)
    assert [layer.bytes for layer in found.layers if layer.bytes] == history(engine, scratch)
    assert sum(layer.bytes for layer in found.layers) == 1000 + 9 + 19 + len(BIG) + 3
    assert found.id == engine.find_image_id(scratch)
    assert found.references == (scratch,)
    assert found.created is not None


def test_each_layer_has_the_instruction_that_made_it(quick: EngineReader, scratch: str, tmp_path: Path) -> None:
    found = read(quick, scratch, tmp_path)
    words = [(line.split()[0], layer.bytes) for line, layer in zip(found.instructions, found.layers, strict=True)]
    assert words[0] == ("ADD", 1028)
    assert (found.instructions[1], found.layers[1].bytes) == (
        "COPY --chown=50000:7 --chmod=0640 big.bin /opt/data/",
        len(BIG),
    )
    assert found.instructions[-1] == "WORKDIR /made/by/workdir"
    assert ("COPY", 3) in words
    assert not any("hunter2" in line for line in found.instructions)


def test_files_are_what_was_copied(quick: EngineReader, scratch: str, tmp_path: Path) -> None:
    found = read(quick, scratch, tmp_path)
    big = entry(found, 1, "/opt/data/big.bin")
    assert big == LayerEntry(
        "/opt/data/big.bin", EntryKind.FILE, len(BIG), 0o640, 50000, 7, "", hashlib.sha256(BIG).hexdigest()
    )
    odd = {one.path: one for one in found.layers[0].entries if one.path.startswith("/odd/")}
    assert (odd["/odd/hard"].kind, odd["/odd/hard"].link) == (EntryKind.HARDLINK, "/odd/file")
    assert (odd["/odd/soft"].kind, odd["/odd/soft"].link) == (EntryKind.SYMLINK, "../somewhere")
    assert odd["/odd/\\udcff\\udcfe"].size == 9
    assert odd["/odd/" + "long" * 50].size == 19
    assert odd["/odd/pipe"].kind is EntryKind.OTHER


def test_a_second_look_asks_for_no_archive(
    quick: EngineReader, scratch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read(quick, scratch, tmp_path)

    def refuse(*_: object, **__: object) -> Iterator[bytes]:
        raise AssertionError("the engine was asked for the image's bytes")

    monkeypatch.setattr(quick.api, "get_image", refuse)
    assert read(quick, scratch, tmp_path) == first


def test_what_is_not_there_is_refused_both_ways(quick: EngineReader, engine: Engine, tmp_path: Path) -> None:
    for one in (quick, engine):
        with pytest.raises(NoSuchImageError, match="no image optbuild-none:1"):
            read(one, "optbuild-none:1", tmp_path)
        with pytest.raises(ApiError, match="404") as caught:
            next(one.api.get_image("optbuild-none:1"))
        assert caught.value.status_code == 404


def test_the_sdk_reads_the_same(quick: EngineReader, scratch: str, tmp_path: Path) -> None:
    with connect_engine(os.environ) as engine:
        assert read(engine, scratch, tmp_path / "one") == read(quick, scratch, tmp_path / "two")


def test_what_docker_save_wrote_reads_the_same_as_the_engine(quick: EngineReader, scratch: str, tmp_path: Path) -> None:
    path = tmp_path / "saved.tar"
    docker("save", "--output", str(path), scratch)
    found = read_archive_file(path, tmp_path / "one", SilentProgress())
    there = read(quick, scratch, tmp_path / "two")
    assert found == there
    data = bytearray(path.read_bytes())
    data[data.index(BIG) + 1000] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadImageArchiveError, match="damaged"):
        read_archive_file(path, tmp_path / "one", SilentProgress())


def test_an_image_made_from_another_shows_only_its_own_layers_as_its_own(
    quick: EngineReader, engine: Engine, extended: str, postgres_image: str, tmp_path: Path
) -> None:
    found = read(quick, extended, tmp_path)
    below = read(quick, postgres_image, tmp_path)
    assert found.base_layers == len(below.layers)
    named = (docker("inspect", "--format={{.RootFS}}", name) for name in (found.base_name, postgres_image))
    assert len({*named}) == 1  # another test's image may have the same layers, and is named as well then
    assert read(quick, extended, tmp_path, base=postgres_image).base_layers == len(below.layers)
    with pytest.raises(NotABaseError):
        read(quick, postgres_image, tmp_path, base=extended)
    own = found.layers[found.base_layers :]
    assert [layer.bytes for layer in own] == history(engine, extended)[-2:] == [8, 3]
    assert entry(found, found.base_layers + 1, "/deep").kind is EntryKind.WHITEOUT
    assert entry(found, found.base_layers + 1, "/keep").mode == 0o700


def test_a_build_argument_is_nowhere_in_what_is_shown(quick: EngineReader, extended: str, tmp_path: Path) -> None:
    assert SECRET in docker("history", "--no-trunc", extended), "the engine shows it, so hiding it is up to us"
    found = read(quick, extended, tmp_path)
    assert SECRET not in repr(found)
    assert found.instructions[-1].startswith("RUN TOKEN=*** rm -r /deep && chmod 700 /keep")
