"""What the rules see, and the account that keeps a byte from being counted twice."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from builder.core.naming import LABEL_CONTENT
from builder.core.phrases import format_short_list
from builder.core.published import PublishedFiles
from builder.inspect.cache_folders import find_cache_folder, is_cached
from builder.inspect.model import FileKind, WastedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from builder.inspect.filesystem import ImageFilesystem
    from builder.inspect.machine import Machine
    from builder.inspect.model import LayerEntry
    from builder.inspect.overlay import ShadowedFile
    from builder.inspect.packages.installed_packages import ImagePackages


class FileVersion(NamedTuple):
    """One of the files that a path was, layer after layer. ``gone``: how it was hidden; None: it is visible."""

    layer: int
    entry: LayerEntry
    gone: ShadowedFile | None


@dataclass(frozen=True)
class WasteContext:
    """One image, as every rule sees it."""

    filesystem: ImageFilesystem = field(repr=False)
    packages: ImagePackages = field(repr=False)
    machine: Machine

    @cached_property
    def histories(self) -> Mapping[str, tuple[tuple[FileVersion, ...], ...]]:
        """Path with a hidden file → its versions, oldest first; those with the same bytes are together."""
        versions: dict[str, list[FileVersion]] = defaultdict(list)
        for one in self.filesystem.hidden:
            versions[one.entry.path].append(FileVersion(one.layer, one.entry, one))
        for path, found in versions.items():
            found.sort(key=lambda version: version.layer)
            placed = self.filesystem.files.get(path)
            if placed is not None:
                found.append(FileVersion(placed.layer, placed.entry, None))
        return {path: tuple(_iterate_runs(found)) for path, found in versions.items()}

    @cached_property
    def _origins(self) -> Mapping[str, int]:
        return {path: runs[-1][0].layer for path, runs in self.histories.items() if runs[-1][-1].gone is None}

    @property
    def hidden_runs(self) -> Iterator[tuple[tuple[FileVersion, ...], ShadowedFile]]:
        """Versions of one file with the same bytes that nobody sees in the end, and what hid the last of them."""
        for runs in self.histories.values():
            for run in runs:
                how = run[-1].gone
                if how is not None:
                    yield run, how

    @cached_property
    def secrets(self) -> Mapping[str, str]:
        """sha256 of a file → what secret it is, without what any package publishes."""
        layers = self.filesystem.content.layers
        found = {
            digest: one for layer in layers for digest, one in layer.recognized.items() if one.kind is FileKind.SECRET
        }
        published = PublishedFiles()
        for layer in layers if found else ():
            for path, text in layer.texts.items():
                published.add_list(path, text)
        return {digest: one.what for digest, one in found.items() if not published.has(digest, one.md5)}

    @property
    def pruned(self) -> bool:
        """`optbuild build` made all of it: then the tests that are left are imported, the symbols not to be stripped.

        An image that extends such a one carries the label too; there its layers are the base's.
        """
        content = self.filesystem.content
        return LABEL_CONTENT in content.labels and not content.base_layers

    def find_layer(self, path: str) -> int:
        """Of a visible file: the layer that would hold it if no later one wrote the same bytes again."""
        origin = self._origins.get(path)
        return self.filesystem.files[path].layer if origin is None else origin

    def extend_fix(self, fix: str, files: Iterable[WastedFile]) -> str:
        """``fix``, and which caches have to go as well because they hold the same bytes by hard links."""
        links = self.filesystem.hard_links
        names = (name for file in files for name in links.get(file.path, ()))
        caches = {cache.folder for name in names if (cache := find_cache_folder(name.rpartition("/")[0])) is not None}
        return (
            f"{fix}; the same bytes are in {format_short_list(sorted(caches))}, which has to go as well"
            if caches
            else fix
        )


def _iterate_runs(versions: list[FileVersion]) -> Iterator[tuple[FileVersion, ...]]:
    run: list[FileVersion] = []
    for version in versions:
        if run and not _has_same_bytes(run[-1], version):
            yield tuple(run)
            run = []
        run.append(version)
    yield tuple(run)


def _has_same_bytes(below: FileVersion, above: FileVersion) -> bool:
    """Whether ``above`` replaced ``below`` by the same bytes. A file that was deleted in between was made anew."""
    replaced = below.gone is not None and below.gone.by is not None
    return replaced and below.entry.digest == above.entry.digest and below.entry.size == above.entry.size


class WasteLedger:
    """Which bytes already are waste. The base's do not count, because an image cannot remove them; but a secret
    in it can be read all the same.
    """

    def __init__(self, context: WasteContext) -> None:
        self._look = context
        self._base = context.filesystem.content.base_layers
        self._taken: dict[tuple[int, str], int] = {}

    def claim(
        self, layer: int, entry: LayerEntry, part: int | None = None, *, also_base: bool = False
    ) -> WastedFile | None:
        """The whole file, or ``part`` of its bytes, as far as no rule has them; None: nothing is left."""
        if (layer < self._base and not also_base) or not entry.size:
            return None
        key = (layer, entry.path)
        taken = self._taken.get(key, 0)
        bytes_left = entry.size - taken
        wanted = bytes_left if part is None else min(part, bytes_left)
        if wanted <= 0:
            return None
        self._taken[key] = taken + wanted
        return WastedFile(layer, entry.path, wanted)

    def has_waste_in(self, paths: Iterable[str]) -> bool:
        """Whether any byte of these visible files is waste already."""
        return any((self._look.find_layer(path), path) in self._taken for path in paths)

    def take_visible(self, path: str, part: int | None = None) -> WastedFile | None:
        """The same of a file that a container sees."""
        return self.claim(self._look.find_layer(path), self._look.filesystem.files[path].entry, part)

    def take_all(self, paths: Iterable[str], also: Callable[[str], bool] = lambda _: False) -> list[WastedFile]:
        """Whole visible files. One with a further name stays, unless that name is removed too: ``also`` says so.

        A name in a cache always does; :meth:`WasteContext.extend_fix` says so.
        """
        links = self._look.filesystem.hard_links
        going = (path for path in paths if all(is_cached(name) or also(name) for name in links.get(path, ())))
        return [taken for path in going if (taken := self.take_visible(path)) is not None]

    def take_folder(self, root: str) -> list[WastedFile]:
        """All that is visible below ``root``, further names within it included."""
        inside = f"{root}/"
        folders = self._look.filesystem.folders.items()
        paths = [one.entry.path for folder, placed in folders if f"{folder}/".startswith(inside) for one in placed]
        return self.take_all(paths, lambda path: path.startswith(inside))


def group_by_layer(files: Iterable[WastedFile]) -> Iterator[tuple[int, tuple[WastedFile, ...]]]:
    """Layer → its files, largest first."""
    found: dict[int, list[WastedFile]] = defaultdict(list)
    for file in files:
        found[file.layer].append(file)
    for layer in sorted(found):
        yield layer, sort_largest_first(found[layer])


def sort_largest_first(files: Iterable[WastedFile]) -> tuple[WastedFile, ...]:
    return tuple(sorted(files, key=lambda file: (-file.bytes, file.path, file.layer)))


def format_count(files: Iterable[object], noun: str = "file") -> str:
    """``1 file``, ``3,000 files``."""
    number = len(list(files))
    return f"1 {noun}" if number == 1 else f"{number:,} {noun}s"
