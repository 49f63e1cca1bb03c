"""The exact Debian packages of the final image and of the builder stage, from the release's own package lists."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.base.packages import BUILDER_PACKAGES
from builder.errors import LockError, ToolMissingError
from builder.files import exclusive
from builder.lock.apt import Apt, stanzas
from builder.lock.sources import release_sources

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from builder.lock.model import DebianPackage
    from builder.lock.target import Target
    from builder.process import Runner


@dataclass(frozen=True)
class Packages:
    """``runtime`` is a whole root file system; ``build`` is what the builder stage has beyond it."""

    runtime: tuple[DebianPackage, ...]
    build: tuple[DebianPackage, ...]


def resolve_packages(
    target: Target,
    seeds: tuple[str, ...],
    build: tuple[str, ...],
    kept: Mapping[str, str],
    *,
    runner: Runner,
    env: Mapping[str, str],
    cache_folder: Path,
    etc_apt: Path,
) -> Packages:
    """The closure of ``seeds`` and the release's essential packages, and what ``build`` adds to it.

    ``kept`` (name → version) are versions to keep as long as the release still offers them.
    """
    root = cache_folder / "apt" / f"{target.release}-{target.architecture}"
    with exclusive(cache_folder / "apt" / f"{target.release}-{target.architecture}.lock", "reading package lists"):
        apt = Apt(root, target.architecture, runner, env)
        apt.prepare(machine_sources(etc_apt, target.release))
        apt.update()
        apt.prefer(kept)
        known = list(stanzas(apt.available()))
        _check_names((*seeds, *build), {fields["Package"] for fields in known} | _virtual(known), target.release)
        essential = tuple(fields["Package"] for fields in known if fields.get("Essential") == "yes")
        runtime = apt.simulate((*essential, *seeds))
        everything = apt.simulate((*essential, *seeds, *BUILDER_PACKAGES, *build))
        return Packages(apt.show(runtime), apt.show(sorted(set(everything) - set(runtime))))


def machine_sources(etc_apt: Path, release: str) -> dict[str, str]:
    """The machine's sources for ``release``; an error with exit code 3 when it has none."""
    paths = [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*"))]
    files = {path.name: path.read_text() for path in paths if path.suffix in (".list", ".sources") and path.is_file()}
    found = release_sources(files, release)
    if not found:
        raise ToolMissingError(
            f"an apt source of Debian {release}",
            hint=f"run this on Debian {release}, or add a source of {release} below {etc_apt}",
        )
    return found


def _virtual(known: list[dict[str, str]]) -> set[str]:
    return {
        one.split("(")[0].strip() for fields in known for one in fields.get("Provides", "").split(",") if one.strip()
    }


def _check_names(names: tuple[str, ...], known: set[str], release: str) -> None:
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            raise LockError(
                f"Debian {release} has no package {name!r}",
                hint=f"did you mean {' or '.join(near)}?" if near else "look for its name in that release",
            )
