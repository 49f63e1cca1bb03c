"""The Python distributions that an interpreter of an image finds, each once, with their bytes and metadata."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.image.lock.facts import DistributionFacts, parse_metadata
from builder.image.lock.foundation import InstalledDistribution
from builder.image.lock.foundation_check import is_version
from builder.inspect.packages.distributions import find_distributions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.core.progress import Progress
    from builder.inspect.filesystem import ImageFilesystem
    from builder.inspect.packages.distributions import Distribution


def list_distributions(
    filesystem: ImageFilesystem, sites: Sequence[str], progress: Progress
) -> tuple[tuple[InstalledDistribution, ...], tuple[DistributionFacts, ...]]:
    """By name, and what each needs, in the same order. Of two with one name the first in ``sites`` counts, as it does
    for the interpreter; one whose version no installer of today reads is left out, and that is said."""
    places = {filesystem.resolve_links(f"{site}/x")[:-2]: place for place, site in reversed(list(enumerate(sites)))}
    found: dict[str, Distribution] = {}
    for one in sorted(
        (one for one in find_distributions(filesystem) if one.folder in places), key=lambda one: places[one.folder]
    ):
        if is_version(one.version):
            found.setdefault(one.name, one)
        else:
            progress.note(
                f"warning: {one.name} of the base is not counted: {one.version!r} is not a version by PEP 440"
            )
    ordered = [found[name] for name in sorted(found)]
    installed = tuple(
        InstalledDistribution(one.name, one.version, one.folder, _count_bytes(filesystem, one)) for one in ordered
    )
    return installed, tuple(_read_facts(filesystem, one) for one in ordered)


def _count_bytes(filesystem: ImageFilesystem, one: Distribution) -> int:
    """Of the files in its RECORD that are there, each once."""
    files = filesystem.files
    paths = {filesystem.resolve_links(path) for path in one.files}
    return sum(files[path].entry.size for path in paths if path in files)


def _read_facts(filesystem: ImageFilesystem, one: Distribution) -> DistributionFacts:
    texts = filesystem.texts
    text = texts.get(f"{one.info}/METADATA") or texts.get(f"{one.info}/PKG-INFO") or texts.get(one.info) or b""
    return replace(parse_metadata(text.decode("utf-8", "replace")), name=one.name)
