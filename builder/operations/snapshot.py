"""All that decides about images, from engine, files and state, as one value: what `images` and `clean` judge."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from builder.core.errors import NoProjectHereError, UnknownProtectionError
from builder.engine.compose_labels import LABEL_PROJECT
from builder.operations.targets import resolve_spec_folder
from builder.store.bytes import LayerUsage
from builder.store.history import collect_used_images, make_state_snapshot, read_journals
from builder.store.inventory import add_name_times, read_images
from builder.store.layer_cache import read_layer_cache, remove_outdated, write_layer_cache
from builder.store.model import InventorySnapshot, RetentionRules
from builder.store.projects import (
    find_project_variants,
    find_projects_by_journals,
    find_projects_by_labels,
    find_projects_in_folder,
    make_known_project,
    merge_projects,
    parse_containers,
)
from builder.store.protect import read_protected_patterns

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.model import ImageReferences, KnownProject, ProjectFiles
    from builder.core.runtime import Runtime
    from builder.engine.socket_client import EngineReader
    from builder.store.history import JournalSet
    from builder.store.model import StoredImage

LAYERS_FOLDER = "store"
"""Below the cache folder."""


@dataclass(frozen=True)
class StoreOptions:
    """What a person says; the first four are Compose's."""

    files: tuple[str, ...] = ()
    project_directory: str | None = None
    project_name: str | None = None
    env_files: tuple[str, ...] = ()
    spec: Path | None = None
    protect: tuple[str, ...] = ()
    keep: int = 2
    times: bool = False
    """Also ask when each image last got a name, one request for each."""

    @classmethod
    def of(cls, files: ProjectFiles) -> StoreOptions:
        """As if a person named them."""
        return cls(tuple(map(str, files.files)), str(files.directory), files.name, tuple(map(str, files.env_files)))


class SnapshotReader:
    """Reads the snapshot, as often as asked. ``strict``: before images are deleted. Then what a broken optbuild.toml
    protects is not guessed, and the layers of images are asked of the engine, not of a file in the cache."""

    def __init__(self, runtime: Runtime, options: StoreOptions, look: EngineReader, *, strict: bool) -> None:
        self.runtime = runtime
        self.options = options
        self.look = look
        self.strict = strict
        self.notes: dict[str, None] = {}
        self._cache = runtime.cache_folder / LAYERS_FOLDER
        self._layers = {} if strict else read_layer_cache(self._cache)
        self._own = runtime.cwd if options.spec is None else resolve_spec_folder(runtime, options.spec)

    def read_snapshot(self) -> InventorySnapshot:
        """Raises ComposeError for files that are named and not there, UnknownProtectionError when ``strict``,
        EngineFailedError and EngineMissingError."""
        given = self._find_given_project
        with ThreadPoolExecutor(max_workers=2) as pool:
            reading = pool.submit(self._read_images)
            listed = self.look.api.containers()
            journals = read_journals(self.runtime.state_folder)
            projects = self._find_projects(given, listed, journals)
            read = self._read_references(projects)
            patterns, doubts = self._read_patterns(projects)
            images = reading.result()
        if self.options.times:
            images = add_name_times(self.look.api, images)
        self._remember(images)
        users = parse_containers(listed)
        pairs = zip(projects, read, strict=True)
        completed = [
            self._add_history(one, project, images, journals) if one.unreadable else one for project, one in pairs
        ]
        return InventorySnapshot(
            engine=self.look.identity,
            images=images,
            users=users,
            mentions=tuple(completed),
            remembered=make_state_snapshot(self.look.identity, self._read_state(), journals, doubts=doubts),
            rules=RetentionRules(patterns, self.options.keep),
        )

    def count_bytes(self) -> int | None:
        """True bytes of all images, as they are now; None: the engine does not report all of them."""
        images = self._read_images()
        self._remember(images)
        return LayerUsage(images).count_totals().real.exact

    def _read_images(self) -> tuple[StoredImage, ...]:
        return read_images(self.look.api, self._layers, sized=not self.look.containerd_store)

    @staticmethod
    def _find_projects(
        given: tuple[KnownProject, ...], listed: list[dict[str, Any]], journals: JournalSet
    ) -> tuple[KnownProject, ...]:
        done = (*journals.committed, *journals.unfinished)
        known = merge_projects((*given, *find_projects_by_labels(listed), *find_projects_by_journals(done)))
        return (*known, *merge_projects(near for one in known for near in find_project_variants(one)))

    @cached_property
    def _find_given_project(self) -> tuple[KnownProject, ...]:
        """The one that ``-f`` or COMPOSE_FILE names, else that of the current folder, where there is one."""
        from builder.compose.load.discover import discover_project

        options, runtime = self.options, self.runtime
        named = bool(options.files or options.project_directory)
        try:
            files = discover_project(
                options.files,
                env=runtime.env,
                cwd=runtime.cwd,
                project_directory=options.project_directory,
                project_name=options.project_name,
                env_files=options.env_files,
            )
        except NoProjectHereError:
            if named:
                raise
            return find_projects_in_folder(runtime.cwd)
        return (make_known_project(files, options.project_name or "", "-f" if named else "the current folder"),)

    def _read_references(self, projects: tuple[KnownProject, ...]) -> list[ImageReferences]:
        from builder.store.references.compose_files import collect_image_references

        return [collect_image_references(project, self.runtime.env) for project in projects]

    def _add_history(
        self, one: ImageReferences, project: KnownProject, images: tuple[StoredImage, ...], journals: JournalSet
    ) -> ImageReferences:
        """Compose labels what it builds; journals know what they saw; its built images have the project's name."""
        known = f"{one.project} (known from {' and '.join(project.sources)})"
        kept = "images that its containers, its journals or its name point to count as referenced"
        self.notes[f"{known}: {one.unreadable}, so {kept}"] = None
        made = {image.id for image in images if image.layers.labels.get(LABEL_PROJECT) == one.project}
        starts = (f"{one.project}-", f"{one.project}_")
        named = {name for image in images for name in image.names if name.startswith(starts)}
        return replace(one, ever_used=frozenset({*made, *named, *collect_used_images(journals, one.project)}))

    def _read_patterns(self, projects: tuple[KnownProject, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
        """And why more may be protected than is known."""
        found, doubts = dict.fromkeys(self.options.protect, "--protect"), []
        for folder in dict.fromkeys((self._own, *(project.directory for project in projects))):
            try:
                found = {**read_protected_patterns(folder), **found}
            except PermissionError as error:
                doubts.append(f"{error.filename} may not be read by this user")
            except UnknownProtectionError as error:
                if self.strict:
                    raise
                self.notes[f"{error.where}: {error.message}"] = None
        return found, tuple(doubts)

    def _read_state(self) -> Any:
        from builder.state import read_state

        return read_state(self.runtime.state_folder, warn=self._add_note)

    def _add_note(self, text: str) -> None:
        self.notes[text.removeprefix("warning: ")] = None

    def _remember(self, images: tuple[StoredImage, ...]) -> None:
        remove_outdated(self._cache)
        found = {image.id: image.layers.layers for image in images}
        if found.keys() != self._layers.keys():
            self._layers = found
            write_layer_cache(self._cache, found)
