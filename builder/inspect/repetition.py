"""Two images that should be one: the first file in which they differ, and in what.

Only what goes into a layer's digest counts: path, kind, mode, owner, time, size, link, extended attributes, content.
Where a step deletes a file of a lower layer, one thing is never the same: the whiteout, whose time is that of the build
and whose mode is 0000 or 0600 (both seen with BuildKit 0.13, one after the other); nothing can set them. Two images
that differ in nothing else have the same contents.
"""

from __future__ import annotations

import hashlib
import stat
import tarfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from builder.engine.archive import ImageArchive
from builder.engine.manifests import BLOBS
from builder.engine.tarstream import normalize_entry_path
from builder.engine.walk_order import OPAQUE, WHITEOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from builder.engine.archive import ArchivedLayer
    from builder.engine.protocols import ArchiveApi

HINTS = {
    ".pyc": "bytecode: its bytes depend on the hash seed, on the time stamp in its head (unchecked-hash has none), and "
    "on what its process compiled before",
    ".so": "a compiled library: time, user, host or folder of the compilation may be in it; build its wheel once, and "
    "lock that",
    ".tar.gz": "gzip writes the time of the packing into its head",
    "RECORD": "a list of installed files: the installer wrote it in another order, or of other files",
}
"""End of a path → why such a file often differs."""
TIME_HINT = "its time is that of the build: set it to the lock's source-date-epoch in the step that writes it"
_KINDS = {tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "link", tarfile.LNKTYPE: "hard link"}


@dataclass(frozen=True)
class ExactEntry:
    """All of one entry that its layer's digest depends on. ``time`` in seconds since 1970, ``content`` a sha256."""

    kind: str
    mode: int
    uid: int
    gid: int
    time: float
    size: int
    link: str
    attributes: tuple[tuple[str, str], ...]
    content: str


@dataclass(frozen=True)
class Difference:
    """The first one. ``layer`` counts from 1, the lowest; 0: the layers are equal, the configuration is not.

    ``path`` empty: the layer has the same entries, written otherwise. ``others`` counts further entries that differ.
    """

    layer: int
    step: str
    """The instruction that made the layer."""
    path: str
    what: tuple[str, ...]
    hint: str
    others: int


def find_first_difference(
    api: ArchiveApi, first: str, second: str, *, ignores_whiteouts: bool = False
) -> Difference | None:
    """Of two images by ID; None: none was found, which two different IDs do not allow. ``ignores_whiteouts``: as if all
    whiteouts of one path were the same.

    Raises EngineFailedError, BadImageArchiveError.
    """
    stored = (frozenset(api.inspect_image(image)["RootFS"]["Layers"]) for image in (first, second))
    equal = frozenset.intersection(*stored)
    one, two = (_read_image(api.get_image(image), equal) for image in (first, second))
    if ignores_whiteouts:
        one, two = ignore_whiteouts(one, two)
    return compare_images(one, two)


def hash_equal_contents(api: ArchiveApi, first: str, second: str, below: frozenset[str]) -> str:
    """The sha256 of what two images have above the layers ``below``, where they delete something and nothing but how
    that is noted differs; else empty. ``below`` are the digests of a common base, into which nobody looks.

    Raises EngineFailedError, BadImageArchiveError.
    """
    one, two = (_read_image(api.get_image(image), below) for image in (first, second))
    plain = [clear_whiteouts(image) for image in (one, two)]
    if plain[0].layers != plain[1].layers or _drop_diffs(one.config) != _drop_diffs(two.config):
        return ""
    is_deleting = any(_is_whiteout(path) for layer in one.layers for path in layer)
    return hash_contents(plain[0].layers) if is_deleting else ""


_DELETION = ExactEntry("deletion", 0, 0, 0, 0.0, 0, "", (), "")


def clear_whiteouts(image: ExactImage) -> ExactImage:
    """The image with nothing of its whiteouts but their paths."""
    layers = tuple(
        {path: _DELETION if _is_whiteout(path) else entry for path, entry in layer.items()} for layer in image.layers
    )
    return replace(image, layers=layers)


def ignore_whiteouts(one: ExactImage, two: ExactImage) -> tuple[ExactImage, ExactImage]:
    """Both without them; layers that are equal then count as equal."""
    one, two = clear_whiteouts(one), clear_whiteouts(two)
    pairs = zip(one.diffs, two.diffs, one.layers, two.layers, strict=False)
    same = tuple(left if below == above else right for left, right, below, above in pairs)
    return one, replace(two, diffs=(*same, *two.diffs[len(same) :]))


def hash_contents(layers: Iterable[Mapping[str, ExactEntry]]) -> str:
    """One sha256 over paths, kinds, modes, owners, sizes, links, attributes and bytes of the merged layers, and over
    the paths that they delete of what lies below them; not over any time."""
    merged: dict[str, ExactEntry] = {}
    for layer in layers:
        for path in filter(_is_whiteout, layer):
            folder, _, name = path.rpartition("/")
            hidden = f"{folder}/" if name == OPAQUE else f"{folder}/{name.removeprefix(WHITEOUT)}"
            for old in [one for one in merged if one == hidden or one.startswith(f"{hidden.rstrip('/')}/")]:
                del merged[old]
        merged.update({path: _DELETION if _is_whiteout(path) else entry for path, entry in layer.items()})
    digest = hashlib.sha256()
    for path, entry in sorted(merged.items()):
        digest.update(f"{path!r} {replace(entry, time=0.0)!r}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _is_whiteout(path: str) -> bool:
    return path.rpartition("/")[2].startswith(WHITEOUT)


def _drop_diffs(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key != "rootfs"}


@dataclass(frozen=True)
class ExactImage:
    """``layers`` from the lowest up, each by path."""

    config: Mapping[str, Any]
    diffs: tuple[str, ...]
    layers: tuple[Mapping[str, ExactEntry], ...]


def compare_images(one: ExactImage, two: ExactImage) -> Difference | None:
    """The lowest layer that differs, in it the first path by name; else the configuration."""
    history = one.config.get("history") or ()
    steps = [str(entry.get("created_by", "")) for entry in history if not entry.get("empty_layer")]
    for number, (diff, other) in enumerate(zip(one.diffs, two.diffs, strict=False)):
        if diff != other:
            step = steps[number] if number < len(steps) else ""
            return _compare_layers(one.layers[number], two.layers[number], number + 1, step)
    if len(one.diffs) != len(two.diffs):
        what = f"one build made {len(one.diffs)} layers, the other {len(two.diffs)}"
        return Difference(min(len(one.diffs), len(two.diffs)) + 1, "", "", (what,), "", 0)
    found = tuple(_iterate_config_differences(one.config, two.config, ""))
    return Difference(0, "", "", found, "", 0) if found else None


def _compare_layers(one: Mapping[str, ExactEntry], two: Mapping[str, ExactEntry], number: int, step: str) -> Difference:
    paths = [path for path in sorted({*one, *two}) if one.get(path) != two.get(path)]
    if not paths:
        return Difference(number, step, "", ("the same entries, in another order or with other headers",), "", 0)
    path = paths[0]
    what = tuple(_iterate_differences(one.get(path), two.get(path)))
    only_time = [words.partition(" ")[0] for words in what] == ["time"]
    hint = TIME_HINT if only_time else next((text for end, text in HINTS.items() if path.endswith(end)), "")
    return Difference(number, step, path, what, hint, len(paths) - 1)


def _iterate_differences(one: ExactEntry | None, two: ExactEntry | None) -> Iterator[str]:
    if one is None or two is None:
        yield f"only the {'second' if one is None else 'first'} build has it"
        return
    if one.kind != two.kind:
        yield f"kind {one.kind} / {two.kind}"
    if one.mode != two.mode:
        yield f"mode {one.mode:04o} / {two.mode:04o}"
    if (one.uid, one.gid) != (two.uid, two.gid):
        yield f"owner {one.uid}:{one.gid} / {two.uid}:{two.gid}"
    if one.time != two.time:
        yield f"time {_format_time(one.time)} / {_format_time(two.time)}"
    if one.size != two.size:
        yield f"size {one.size} / {two.size} bytes"
    if one.link != two.link:
        yield f"link to {one.link} / {two.link}"
    if one.attributes != two.attributes:
        yield f"attributes {dict(one.attributes)} / {dict(two.attributes)}"
    if one.content != two.content:
        yield f"content sha256 {one.content[:12]} / {two.content[:12]}"


def _format_time(seconds: float) -> str:
    fraction = f" + {seconds % 1:.9f} s" if seconds % 1 else ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}{fraction}"


def _iterate_config_differences(one: object, two: object, key: str) -> Iterator[str]:
    """``key``: where in the configuration the two values stand."""
    if isinstance(one, dict) and isinstance(two, dict):
        for name in sorted({*one, *two}):
            yield from _iterate_config_differences(one.get(name), two.get(name), f"{key}.{name}" if key else name)
    elif isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        for number, (left, right) in enumerate(zip(one, two, strict=True)):
            yield from _iterate_config_differences(left, right, f"{key}[{number}]")
    elif one != two:
        yield f"{key} {one!r} / {two!r}"


def _read_image(chunks: Iterable[bytes], equal: frozenset[str]) -> ExactImage:
    """``equal``: digests of layers that need not be looked into. Their entries are left out where the archive names
    layers so; one that it names otherwise is read."""
    archive = ImageArchive(chunks)
    skipped = {f"{BLOBS}{diff.removeprefix('sha256:')}" for diff in equal}
    read = {layer.name: read_exact_entries(layer) for layer in archive.iterate_layers(skip=skipped.__contains__)}
    (image, *_) = archive.check_images()
    return ExactImage(image.config, image.diffs, tuple(read.get(name, {}) for name in image.layers))


def read_exact_entries(layer: ArchivedLayer) -> dict[str, ExactEntry]:
    """By path; of entries that come twice, the last."""
    return {normalize_entry_path(member.name): _read_entry(layer, member) for member in layer.iterate_members()}


def _read_entry(layer: ArchivedLayer, member: tarfile.TarInfo) -> ExactEntry:
    content = hashlib.sha256()
    for chunk in layer.iterate_data(member) if member.isreg() else ():
        content.update(chunk)
    return ExactEntry(
        _KINDS.get(member.type, "file" if member.isreg() else "device"),
        stat.S_IMODE(member.mode),
        member.uid,
        member.gid,
        member.mtime,
        member.size,
        member.linkname,
        tuple(sorted((key, value) for key, value in member.pax_headers.items() if key.startswith("SCHILY.xattr."))),
        content.hexdigest(),
    )
