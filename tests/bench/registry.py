"""A registry on 127.0.0.1, and what its own log says was pushed to it and pulled from it."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

START_SECONDS = 20
_UPLOADED = re.compile(r'"PUT /v2/\S+/blobs/uploads/\S*[?&]digest=sha256(?:%3A|:)([0-9a-f]{64})\S* HTTP/[\d.]+" 201 ')
_DOWNLOADED = re.compile(r'"GET /v2/\S+/blobs/sha256:([0-9a-f]{64}) HTTP/[\d.]+" 20[06] (\d+) ')


def list_uploaded_digests(log: str) -> tuple[str, ...]:
    """Hex digests of the blobs that this part of an access log took in. A blob that was there, or that another
    repository of the registry lent (``POST ...?mount=``), has no such line."""
    return tuple(_UPLOADED.findall(log))


def count_downloaded_bytes(log: str) -> int:
    """Bytes of blobs (layers and configurations) that this part of an access log gave out; manifests not counted."""
    return sum(int(size) for _, size in _DOWNLOADED.findall(log))


@dataclass(frozen=True)
class Registry:
    """``address`` is host:port."""

    address: str
    folder: Path

    def count_pushed_bytes(self, call: Callable[[], object]) -> int:
        """Bytes of blobs that the registry took in while ``call`` ran."""
        return sum(self.measure_blob(digest) for digest in list_uploaded_digests(self._watch(call)))

    def count_pulled_bytes(self, call: Callable[[], object]) -> int:
        return count_downloaded_bytes(self._watch(call))

    def measure_blob(self, digest: str) -> int:
        return self.find_blob(digest).stat().st_size

    def find_blob(self, digest: str) -> Path:
        """The file in which the registry keeps it; with or without ``sha256:``."""
        hexadecimal = digest.removeprefix("sha256:")
        return self.folder / f"data/docker/registry/v2/blobs/sha256/{hexadecimal[:2]}/{hexadecimal}/data"

    def read_layers(self, name: str, tag: str) -> tuple[tuple[str, int], ...]:
        """(digest, bytes) of the image's configuration and layers, from its manifest."""
        kinds = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
        request = urllib.request.Request(f"http://{self.address}/v2/{name}/manifests/{tag}", headers={"Accept": kinds})
        with urllib.request.urlopen(request, timeout=10) as answer:
            manifest = json.load(answer)
        return tuple((one["digest"], one["size"]) for one in (manifest["config"], *manifest["layers"]))

    def _watch(self, call: Callable[[], object]) -> str:
        log = self.folder / "log"
        start = log.stat().st_size
        call()
        time.sleep(0.2)  # the line of the last request is written after its answer
        with log.open("rb") as stream:
            stream.seek(start)
            return stream.read().decode("utf-8", "replace")


@contextlib.contextmanager
def start_registry(folder: Path) -> Iterator[Registry]:
    """Debian's docker-registry on a free port, its data below ``folder``; nothing is installed on this machine."""
    program = _unpack_program(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}}
    settings = {"version": "0.1", "storage": storage, "http": {"addr": address}}
    (folder / "config.yml").write_text(json.dumps(settings))  # JSON is YAML
    with (folder / "log").open("wb") as log:
        command = ("setpriv", "--pdeathsig", "TERM", program, "serve", folder / "config.yml")
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_for(address, server, folder / "log")
        yield Registry(address, folder)
    finally:
        server.terminate()
        server.wait(timeout=10)


def _unpack_program(folder: Path) -> Path:
    folder.chmod(0o777)  # apt downloads as a user of its own
    if _download(folder):  # a fresh machine has no package lists, another has old ones
        subprocess.run(("apt-get", "update", "-qq"), check=True, capture_output=True)
        if failed := _download(folder):
            raise RuntimeError(f"no docker-registry from this machine's Debian source:\n{failed}")
    (archive,) = folder.glob("docker-registry_*.deb")
    subprocess.run(("dpkg-deb", "-x", archive, folder / "program"), check=True)
    return folder / "program/usr/bin/docker-registry"


def _download(folder: Path) -> str:
    """What apt-get said, where it failed."""
    command = ("apt-get", "download", "-qq", "docker-registry")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{address}/v2/", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the registry did not start:\n{log.read_text()[-2000:]}")
