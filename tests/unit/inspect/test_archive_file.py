"""What a file is that is not an archive with an image, and the step that fits."""

from __future__ import annotations

import bz2
import gzip
import lzma
from typing import TYPE_CHECKING

import pytest
import zstandard
from archive_files import image, old_image, tar

from builder.core.errors import BadImageArchiveError, ExitCode, NotAnImageArchiveError
from builder.core.progress import SilentProgress
from builder.inspect.read import read_archive_file

if TYPE_CHECKING:
    from pathlib import Path

    from builder.inspect.model import ImageContent

SERVICES = "x-common: &common\n  image: shop\nservices:\n  web:\n    <<: *common\n"
ROOT = tar({".dockerenv": b"", "bin/sh": b"x", "etc/os-release": b"ID=debian", "usr/bin/env": b"x"})


def read(folder: Path, name: str, data: bytes | str) -> ImageContent:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_archive_file(path, folder / "cache", SilentProgress())


@pytest.mark.parametrize(
    ("name", "data", "what", "step"),
    [
        ("a.tar", b"", "empty", "the command that should have written it failed"),
        ("a.tar.gz", gzip.compress(b"a page of text", mtime=0), "a packed file of another kind", "docker save"),
        ("a.tar.xz", lzma.compress(image(tar({"a": b"1"}))), "packed with xz", "`xz --decompress --keep"),
        ("a.tar.bz2", bz2.compress(image(tar({"a": b"1"}))), "packed with bzip2", "`bzip2 --decompress --keep"),
        ("a.whl", b"PK\x03\x04\x14\0", "a ZIP archive", "docker save"),
        ("tool", b"\x7fELF\x02\x01\x01\0", "a program or a library", "docker save"),
        ("a.db", b"SQLite format 3\0\x10", "a SQLite database", "docker save"),
        ("a.bin", b"\x01\0\x02", "a file of another kind", "docker save"),
        ("Dockerfile.web", "# syntax=x\nARG V=3\n\nFROM python:${V}\n", "a Dockerfile", "docker build"),
        ("docker-compose.yml", SERVICES, "a compose file", "`optbuild plan -f FILE`"),
        ("optbuild.toml", "[image]\nname = 'x'\n", "optbuild's specification", "`optbuild build`"),
        ("optbuild.lock", "version = 1\n", "a lock", "`optbuild diff IMAGE LOCK`"),
        ("sbom.json", '{"bomFormat": "CycloneDX"}', "a bill of materials", "it lists packages and has no layers"),
        ("sbom.spdx", "SPDXVersion: SPDX-2.3\n", "a bill of materials", "--sbom cyclonedx"),
        ("sbom.xml", '<?xml version="1.0"?>\n<bom xmlns="x">', "a bill of materials", "it lists packages"),
        ("m.json", '{"schemaVersion": 2, "layers": []}', "the manifest or the description", "docker save"),
        ("i.json", '[\n {\n  "Id": "sha256:1"}]', "the manifest or the description", "docker save"),
        ("a.tar", "<!DOCTYPE html><html>", "a web page", "the download got an error"),
        ("a.tar", "version https://git-lfs.github.com/spec/v1\noid x", "a pointer of Git LFS", "`git lfs pull`"),
        ("notes.yml", "service: x\n", "a text", "docker save"),
        ("a.tar", ROOT, "a root file system, as `docker export` writes it", "`docker import FILE NAME`"),
        ("a.tar.gz", gzip.compress(ROOT), "a root file system", "`docker import FILE NAME`"),
        ("a.tar", tar({"shop/main.py": b"", "shop/x": b"x"}), "an archive of other files (shop)", "docker save"),
    ],
)  # fmt: skip
def test_what_it_is_and_the_step_that_fits(tmp_path: Path, name: str, data: bytes | str, what: str, step: str) -> None:
    with pytest.raises(NotAnImageArchiveError) as caught:
        read(tmp_path, name, data)
    assert f"{name} is {what}" in caught.value.message
    assert caught.value.message.endswith("not an archive with an image")
    assert step in (caught.value.hint or "")
    assert "--no-cache" not in str(caught.value)
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_an_archive_with_an_image_is_read_packed_or_not(tmp_path: Path, pack: type[bytes]) -> None:
    assert read(tmp_path, "Dockerfile", pack(image(tar({"a": b"1"}), tags=["it:1"]))).references == ("it:1",)


@pytest.mark.parametrize(
    "data",
    [
        image(tar({"a": b"x" * 5000}))[:4096],
        image(tar({"a": b"1"}), manifest=False),
        old_image({"ab/layer.tar": tar({"etc/x": b"", "usr/y": b"", "bin/z": b""})})[:4096],
        gzip.compress(image(tar({"a": b"x" * 5000})))[:120],
        bytes(1024),
    ],
)
def test_one_that_was_cut_off_is_to_be_saved_once_more_and_not_built_again(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadImageArchiveError) as caught:
        read(tmp_path, "shop.tar", data)
    assert "shop.tar: " in caught.value.message
    assert "`docker save --output FILE IMAGE`" in (caught.value.hint or "")
    assert "--no-cache" not in str(caught.value)
