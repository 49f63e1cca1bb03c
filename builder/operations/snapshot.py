"""All that decides about images, from engine, files and state, as one value: what `images` and `clean` judge."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from builder.core.errors import NoProjectHereError, UnknownProtectionError
from builder.engine.compose_labels import LABEL_PROJECT
from builder.operations.targets import spec_folder
from builder.store.bytes import Ledger
from builder.store.history import ever_used, read_journals, remembered
from builder.store.inventory import read_images, with_times
from builder.store.layer_cache import read_layers, remove_outdated, write_layers
from builder.store.model import Rules, Snapshot
from builder.store.projects import beside, by_containers, by_journals, from_files, merged, neighbours, users_of
from builder.store.protect import protected_by

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.model import KnownProject, Mentions, ProjectFiles
    from builder.core.runtime import Runtime
    from builder.engine.socket_client import EngineReader
    from builder.store.history import Journals
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


class StoreWorld:
    """Reads the snapshot, as often as asked. ``strict``: for whoever deletes. Then what a broken optbuild.toml
    protects is not guessed, and which image stands on which is asked of the engine, not of a file in the cache."""

    def __init__(self, runtime: Runtime, options: StoreOptions, look: EngineReader, *, strict: bool) -> None:
        self.runtime = runtime
        self.options = options
        self.look = look
        self.strict = strict
        self.notes: dict[str, None] = {}
        self._cache = runtime.cache_folder / LAYERS_FOLDER
        self._layers = {} if strict else read_layers(self._cache)
        self._own = runtime.cwd if options.spec is None else spec_folder(runtime, options.spec)

    def snapshot(self) -> Snapshot:
        """Raises ComposeError for files that are named and not there, UnknownProtectionError when ``strict``,
        EngineFailedError and EngineMissingError."""
        given = self._given
        with ThreadPoolExecutor(max_workers=2) as pool:
            reading = pool.submit(self._images)
            listed = self.look.api.containers()
            journals = read_journals(self.runtime.state_folder)
            projects = self._projects(given, listed, journals)
            read = self._mentions(projects)
            patterns, doubts = self._patterns(projects)
            images = reading.result()
        if self.options.times:
            images = with_times(self.look.api, images)
        self._remember(images)
        users = users_of(listed)
        pairs = zip(projects, read, strict=True)
        told = [self._with_history(one, project, images, journals) if one.unreadable else one for project, one in pairs]
        return Snapshot(
            engine=self.look.identity,
            images=images,
            users=users,
            mentions=tuple(told),
            remembered=remembered(self.look.identity, self._state(), journals, doubts=doubts),
            rules=Rules(patterns, self.options.keep),
        )

    def bytes(self) -> int | None:
        """True bytes of all images, as they are now; None: the engine does not tell all of them."""
        images = self._images()
        self._remember(images)
        return Ledger(images).totals().real.exact

    def _images(self) -> tuple[StoredImage, ...]:
        return read_images(self.look.api, self._layers, sized=not self.look.containerd_store)

    @staticmethod
    def _projects(
        given: tuple[KnownProject, ...], listed: list[dict[str, Any]], journals: Journals
    ) -> tuple[KnownProject, ...]:
        done = (*journals.committed, *journals.unfinished)
        known = merged((*given, *by_containers(listed), *by_journals(done)))
        return (*known, *merged(near for one in known for near in neighbours(one)))

    @cached_property
    def _given(self) -> tuple[KnownProject, ...]:
        """The one that ``-f`` or COMPOSE_FILE names, else that of the current folder, where there is one."""
        from builder.compose.load.discover import discover

        options, runtime = self.options, self.runtime
        named = bool(options.files or options.project_directory)
        try:
            files = discover(
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
            return beside(runtime.cwd)
        return (from_files(files, options.project_name or "", "-f" if named else "the current folder"),)

    def _mentions(self, projects: tuple[KnownProject, ...]) -> list[Mentions]:
        from builder.store.references.compose_files import mentions

        return [mentions(project, self.runtime.env) for project in projects]

    def _with_history(
        self, one: Mentions, project: KnownProject, images: tuple[StoredImage, ...], journals: Journals
    ) -> Mentions:
        """Compose labels what it builds; journals know what they saw; its built images have the project's name."""
        known = f"{one.project} (known from {' and '.join(project.sources)})"
        kept = "what its containers, its journals and its name tell of its images counts as referenced"
        self.notes[f"{known}: {one.unreadable}, so {kept}"] = None
        made = {image.id for image in images if image.layers.labels.get(LABEL_PROJECT) == one.project}
        starts = (f"{one.project}-", f"{one.project}_")
        named = {name for image in images for name in image.names if name.startswith(starts)}
        return replace(one, ever_used=frozenset({*made, *named, *ever_used(journals, one.project)}))

    def _patterns(self, projects: tuple[KnownProject, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
        """And why more may be protected than is known."""
        found, doubts = dict.fromkeys(self.options.protect, "--protect"), []
        for folder in dict.fromkeys((self._own, *(project.directory for project in projects))):
            try:
                found = {**protected_by(folder), **found}
            except PermissionError as error:
                doubts.append(f"{error.filename} may not be read by this user")
            except UnknownProtectionError as error:
                if self.strict:
                    raise
                self.notes[f"{error.where}: {error.message}"] = None
        return found, tuple(doubts)

    def _state(self) -> Any:
        from builder.state import read_state

        return read_state(self.runtime.state_folder, warn=self._warned)

    def _warned(self, text: str) -> None:
        self.notes[text.removeprefix("warning: ")] = None

    def _remember(self, images: tuple[StoredImage, ...]) -> None:
        remove_outdated(self._cache)
        found = {image.id: image.layers.layers for image in images}
        if found.keys() != self._layers.keys():
            self._layers = found
            write_layers(self._cache, found)
