"""Images of a few files, sent to a registry as they are: what no engine here would make, or nobody should build on.

Each is one layer whose files are text; nothing in them can be started.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
STATUS = """\
Package: base-files
Status: install ok installed
Architecture: amd64
Version: 12.4+deb12u10

Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u10
"""


@dataclass(frozen=True)
class PlainImage:
    """``files``: path without a leading slash → text. ``configuration``: of the image's ``config``."""

    name: str
    files: Mapping[str, str]
    system: str = "linux"
    architecture: str = "amd64"
    configuration: Mapping[str, object] = field(default_factory=dict)

    @property
    def repository(self) -> str:
        return f"stand-in/{self.name}"


def make_python_files(version: str) -> Mapping[str, str]:
    """What an installation by python.org looks like from outside."""
    folder = f"usr/local/lib/python{version}"
    return {f"usr/local/bin/python{version}": "", f"{folder}/os.py": "", f"{folder}/site.py": ""}


_OTHER_PYTHON = {"etc/os-release": DEBIAN, "var/lib/dpkg/status": STATUS, **make_python_files("3.9")}
_RIGHT_PYTHON = {"etc/os-release": DEBIAN, "var/lib/dpkg/status": STATUS, **make_python_files("3.11")}
ALPINE = PlainImage(
    "alpine",
    {
        "etc/os-release": 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME="Alpine Linux v3.20"\n',
        "etc/alpine-release": "3.20.3\n",
        "lib/apk/db/installed": "P:musl\nV:1.2.5-r0\n\n",
        "lib/ld-musl-x86_64.so.1": "",
        **make_python_files("3.11"),
    },
)
DISTROLESS = PlainImage(
    "distroless",
    {
        "etc/os-release": DEBIAN.replace("Debian GNU/Linux 12 (bookworm)", "Distroless"),
        "var/lib/dpkg/status.d/libc6": STATUS.partition("\n\n")[2],
        "usr/bin/python3.11": "",
        "usr/lib/python3.11/os.py": "",
    },
)
"""dpkg's status in a folder, no dpkg, no apt, no shell."""
OTHER_PYTHON = PlainImage("other-python", _OTHER_PYTHON)
NO_PYTHON = PlainImage("no-python", {"etc/os-release": DEBIAN, "var/lib/dpkg/status": STATUS})
ARM = PlainImage("arm", _RIGHT_PYTHON, architecture="arm64")
WINDOWS = PlainImage("windows", {"Files/Windows/System32/ntoskrnl.exe": ""}, system="windows")
SECRET = PlainImage(
    "secret", _RIGHT_PYTHON, configuration={"Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "DB_PASSWORD=hunter2hunter2"]}
)
"""Its environment holds what looks like a password."""
REFUSED = (ALPINE, DISTROLESS, OTHER_PYTHON, NO_PYTHON, ARM, WINDOWS, SECRET)
"""No lock for Python 3.11 on linux/amd64 stands on one of these."""


def push_plain_image(address: str, image: PlainImage, tag: str = "latest") -> str:
    """The digest of its manifest; ``address`` is the registry's host:port."""
    layer = _make_layer(image)
    packed = gzip.compress(layer, mtime=0)
    configuration = {
        "os": image.system,
        "architecture": image.architecture,
        "created": "2026-01-01T00:00:00Z",
        "config": {"Labels": {"optbuild.stand-in.note": "made by optbuild's tests"}, **image.configuration},
        "rootfs": {"type": "layers", "diff_ids": [make_digest(layer)]},
        "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "made by optbuild's tests"}],
    }
    config = json.dumps(configuration).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, **_push_blob(address, image.repository, config)},
        "layers": [{"mediaType": LAYER, **_push_blob(address, image.repository, packed)}],
    }
    return push_manifest(address, image.repository, tag, json.dumps(manifest).encode(), MANIFEST)


def push_index(address: str, repository: str, tag: str, members: Mapping[str, str]) -> str:
    """An index of ``members``: architecture → digest of a manifest that the repository has. Gives its digest."""
    listed = [
        {
            "mediaType": MANIFEST,
            "digest": digest,
            "size": len(read_manifest(address, repository, digest)),
            "platform": {"os": "linux", "architecture": architecture},
        }
        for architecture, digest in members.items()
    ]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}
    return push_manifest(address, repository, tag, json.dumps(index).encode(), INDEX)


def make_digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def read_manifest(address: str, repository: str, reference: str) -> bytes:
    """``reference`` is a tag or a digest."""
    url = f"http://{address}/v2/{repository}/manifests/{reference}"
    request = urllib.request.Request(url, headers={"Accept": f"{MANIFEST}, {INDEX}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return bytes(answer.read())


def push_manifest(address: str, repository: str, tag: str, data: bytes, kind: str) -> str:
    """Gives its digest. The tag is moved where the repository has it."""
    url = f"http://{address}/v2/{repository}/manifests/{tag}"
    request = urllib.request.Request(url, data=data, method="PUT", headers={"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=20):
        return make_digest(data)


def _push_blob(address: str, repository: str, data: bytes) -> dict[str, object]:
    start = urllib.request.Request(f"http://{address}/v2/{repository}/blobs/uploads/", data=b"", method="POST")
    with urllib.request.urlopen(start, timeout=20) as answer:
        where = answer.headers["Location"]
    digest = make_digest(data)
    url = f"{where}{'&' if '?' in where else '?'}digest={digest}"
    kind = {"Content-Type": "application/octet-stream"}
    with urllib.request.urlopen(urllib.request.Request(url, data=data, method="PUT", headers=kind), timeout=20):
        return {"digest": digest, "size": len(data)}


def _make_layer(image: PlainImage) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for path, text in sorted(image.files.items()):
            data = text.encode()
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o755 if "/bin/" in f"/{path}" else 0o644
            tar.addfile(entry, io.BytesIO(data))
    return stream.getvalue()
