"""A base image as an engine gives it: its configuration, and the archive of its layers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from archive_files import chunks, config_of, image, sha256, tar
from note_progress import NoteProgress

from builder.core.errors import Where
from builder.engine.errors import ApiError
from builder.foundation.read import read_foundation
from builder.foundation.request import FoundationRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from builder.image.lock.foundation import ReadFoundation

FIRST, SECOND = ("sha256:" + digit * 64 for digit in "12")
RELEASE = b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_CODENAME=bookworm\n'
STATUS = b"""\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u7

Package: dpkg
Status: install ok installed
Architecture: amd64
Version: 1.21.22

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0
"""
SITE = "usr/local/lib/python3.11/site-packages"
HEADER = b'#define PY_MAJOR_VERSION 3\n#define PY_VERSION      \t"3.11.9"\n'
PROGRAMS = ("usr/bin/dpkg", "usr/bin/dash", "usr/local/bin/python3.11")
LINKS = {"bin": "usr/bin", "usr/bin/sh": "dash", "usr/local/bin/python3": "python3.11"}


def distribution(site: str, name: str, version: str, *requires: str, size: int = 100) -> dict[str, bytes]:
    """The files of one."""
    info = f"{site}/{name.replace('-', '_')}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}\nlong words".encode()
    record = f"{name}.py,,\n{info.rpartition('/')[2]}/RECORD,,\n".encode()
    return {f"{site}/{name}.py": b"x" * size, f"{info}/METADATA": metadata, f"{info}/RECORD": record}


@dataclass(frozen=True)
class BaseImage:
    """What the official Python image is like, in small. ``programs`` can be started."""

    files: Mapping[str, bytes] = field(
        default_factory=lambda: {
            "usr/lib/os-release": RELEASE,
            "var/lib/dpkg/status": STATUS,
            "usr/local/include/python3.11/patchlevel.h": HEADER,
            **distribution(SITE, "pip", "24.0"),
        }
    )
    links: Mapping[str, str] = field(default_factory=lambda: {"etc/os-release": "../usr/lib/os-release", **LINKS})
    programs: tuple[str, ...] = PROGRAMS
    environment: tuple[str, ...] = ("PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8")
    config: Mapping[str, Any] = field(default_factory=dict)
    platform: tuple[str, str] = ("linux", "amd64")
    digests: tuple[str, ...] = (f"python@{FIRST}",)
    created: str = "2024-03-01T10:00:00.123456789Z"

    def without(self, *names: str) -> BaseImage:
        return replace(
            self,
            files={name: data for name, data in self.files.items() if name not in names},
            links={name: link for name, link in self.links.items() if name not in names},
            programs=tuple(name for name in self.programs if name not in names),
        )

    def having(self, files: Mapping[str, bytes], **links: str) -> BaseImage:
        return replace(self, files={**self.files, **files}, links={**self.links, **links})

    @property
    def layers(self) -> tuple[bytes, ...]:
        programs = tar(dict.fromkeys(self.programs, b"\x7fno"), mode=0o755)
        return programs, tar(self.files, links=self.links)

    @property
    def id(self) -> str:
        return f"sha256:{sha256(config_of(self.layers))}"


@dataclass
class FakeEngine:
    """``names`` → image; ``registry``: what a pull brings."""

    names: dict[str, BaseImage] = field(default_factory=dict)
    registry: dict[str, BaseImage] = field(default_factory=dict)
    pulled: list[str] = field(default_factory=list)

    @property
    def api(self) -> FakeEngine:
        return self

    def pull(self, name: str) -> None:
        self.pulled.append(name)
        self.hold(name, self.registry[name])

    def hold(self, name: str, one: BaseImage) -> None:
        self.names |= {one.id: one, name: one, **dict.fromkeys(one.digests, one)}

    def images(self) -> list[dict[str, Any]]:
        raise AssertionError("a foundation is asked for by its name alone")

    def inspect_image(self, image: str) -> dict[str, Any]:
        if image not in self.names:
            raise ApiError(f"/images/{image}/json", 404, "no such image")
        one = self.names[image]
        return {
            "Id": one.id,
            "Created": one.created,
            "Os": one.platform[0],
            "Architecture": one.platform[1],
            "RepoDigests": list(one.digests),
            "Config": {"Env": list(one.environment), **one.config},
            "RootFS": {"Layers": [f"sha256:{sha256(layer)}" for layer in one.layers]},
        }

    def history(self, image: str) -> list[dict[str, Any]]:
        assert image in self.names
        return []

    def get_image(self, image: str, chunk_size: int = 1000) -> Iterator[bytes]:
        return chunks(image_of(self.names[image]), chunk_size)


def image_of(one: BaseImage) -> bytes:
    return image(*one.layers)


@dataclass
class Reading:
    """Reads the foundation of one image; ``engine`` and ``progress`` tell what happened."""

    folder: Path
    engine: FakeEngine = field(default_factory=FakeEngine)
    progress: NoteProgress = field(default_factory=NoteProgress)

    def read(self, one: BaseImage | None = None, **wanted: Any) -> ReadFoundation:
        request = make_request(**wanted)
        if one is not None:
            self.engine.hold(request.reference, one)
        return read_foundation(self.engine, request, self.engine.pull, self.folder, self.progress)


def make_request(**wanted: Any) -> FoundationRequest:
    values: dict[str, Any] = {"kind": "image", "reference": "python:3.11-slim", "platform": "linux/amd64"}
    values |= {"python": "3.11", "where": Where("optbuild.toml", 4, "base.image"), **wanted}
    return FoundationRequest(**values)


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    return Reading(tmp_path)


@pytest.fixture
def base() -> BaseImage:
    return BaseImage()


@pytest.fixture
def make_distribution() -> Callable[..., dict[str, bytes]]:
    return distribution


@pytest.fixture
def request_for() -> Callable[..., FoundationRequest]:
    return make_request
