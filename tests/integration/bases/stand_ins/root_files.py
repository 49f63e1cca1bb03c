"""Root file systems of the stand-ins: Debian's packages by mmdebstrap, kept between runs by what they are made from."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from results import hash_files

IMAGES = Path(__file__).parent / "images"
_LEFT_OUT = ("doc", "info", "lintian", "locale", "man")
"""Folders of /usr/share that Debian's own slim images leave out."""
_EMPTY_LISTS = 'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/cache/apt/archives/*.deb'


@dataclass(frozen=True)
class RootFiles:
    """Minimal Debian with apt, its sources and its keyring, and ``packages`` beside it."""

    release: str
    packages: tuple[str, ...]
    python: str = ""
    """``3.11``: that interpreter of the release's, not as packages, but in the layout of python.org's installation."""
    prefix: str = "/usr/local"
    """Where it goes."""

    @property
    def content(self) -> str:
        """Of all that it is made from but the mirror."""
        argv = make_mmdebstrap_argv(self, Path("root.tar"))
        return hash_files([IMAGES / "python/place_python"], *argv)


def make_mmdebstrap_argv(root: RootFiles, target: Path) -> tuple[str, ...]:
    """The machine's own Debian source stays in the image, as the source of an image by Debian does."""
    place = f'"$OPTBUILD_PLACE_PYTHON" "$1" {root.python} {root.prefix}'
    return (
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        f"--include={','.join(('usr-is-merged', 'ca-certificates', 'netbase', 'tzdata', *root.packages))}",
        "--aptopt=APT::Install-Recommends false",
        *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in _LEFT_OUT),
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        *([f"--customize-hook={place}"] if root.python else []),
        f"--customize-hook={_EMPTY_LISTS}",
        root.release,
        str(target),
    )


def make_root_files(root: RootFiles, cache: Path) -> Path:
    """The tar below ``cache``; it is made (half a minute) where it is not there. Raises RuntimeError."""
    kept = cache / f"root-{root.content}.tar"
    if kept.exists():
        return kept
    cache.mkdir(parents=True, exist_ok=True)
    part = cache / f".{os.getpid()}-{kept.name}"  # the ending says which format; a killed run leaves no half tar
    env = {**os.environ, "LC_ALL": "C", "OPTBUILD_PLACE_PYTHON": str(IMAGES / "python/place_python")}
    done = subprocess.run(make_mmdebstrap_argv(root, part), capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        part.unlink(missing_ok=True)
        raise RuntimeError(f"mmdebstrap failed with {done.returncode}:\n{done.stderr[-2000:]}")
    return Path(shutil.move(part, kept))
