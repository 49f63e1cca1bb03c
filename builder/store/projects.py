"""Which compose projects this machine knows: by their containers, by optbuild's own journals, by what a person named.

Labels: github.com/docker/compose, ``pkg/api/labels.go``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from builder.compose.model import KnownProject
from builder.core.naming import shorten_id
from builder.engine.compose_labels import LABEL_PROJECT
from builder.store.foreign_paths import find_local_path, join_label_path
from builder.store.model import ImageUser

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from builder.compose.model import ProjectFiles
    from builder.rollout.journal import Journal

LABEL_FILES = "com.docker.compose.project.config_files"
LABEL_FOLDER = "com.docker.compose.project.working_dir"
LABEL_ENVIRONMENT = "com.docker.compose.project.environment_file"
_NEIGHBOURS = ("*compose*.yml", "*compose*.yaml")
"""Files beside the known ones: an override that came later, one for another machine. They name images too."""


def parse_containers(containers: Iterable[Mapping[str, Any]]) -> tuple[ImageUser, ...]:
    """All containers as the engine lists them."""
    return tuple(_parse_container(item) for item in containers)


def _parse_container(item: Mapping[str, Any]) -> ImageUser:
    names = [str(name).removeprefix("/") for name in item.get("Names") or ()]
    mounts = item.get("Mounts") or ()
    return ImageUser(
        id=str(item["Id"]),
        name=min(names, key=lambda name: (name.count("/"), name), default=shorten_id(str(item["Id"]))),
        image_id=str(item.get("ImageID") or ""),
        image=str(item.get("Image") or ""),
        state=str(item.get("State") or "unknown"),
        project=str((item.get("Labels") or {}).get(LABEL_PROJECT) or ""),
        volumes=tuple(str(mount["Name"]) for mount in mounts if mount.get("Type") == "volume" and mount.get("Name")),
    )


def find_projects_by_labels(containers: Iterable[Mapping[str, Any]]) -> tuple[KnownProject, ...]:
    """Compose writes on each container which files it was made from."""
    found = []
    for item in containers:
        labels = item.get("Labels") or {}
        if name := labels.get(LABEL_PROJECT):
            folder = labels.get(LABEL_FOLDER) or "/"
            files, env_files = (_parse_paths(labels.get(label), folder) for label in (LABEL_FILES, LABEL_ENVIRONMENT))
            found.append(KnownProject(name, find_local_path(folder), files, env_files, ("its containers",)))
    return tuple(dict.fromkeys(found))


def _parse_paths(text: str | None, folder: str) -> tuple[Path, ...]:
    """A project that came from standard input has ``-``, which is not a file that could be read again; one that Docker
    Desktop started has paths of Windows."""
    words = (word for word in (text or "").split(",") if word.strip())
    return tuple(find_local_path(join_label_path(folder, word)) for word in words)


def find_projects_by_journals(journals: Iterable[Journal]) -> tuple[KnownProject, ...]:
    return tuple(make_known_project(one.files, one.project, "an optimize of it") for one in journals)


def make_known_project(files: ProjectFiles, name: str, source: str) -> KnownProject:
    """``name`` and that of ``files`` empty: what the files say of it counts."""
    return KnownProject(name or files.name or "", files.directory, files.files, files.env_files, (source,))


def merge_projects(projects: Iterable[KnownProject]) -> tuple[KnownProject, ...]:
    """One for each name, folder and set of files."""
    found: dict[object, KnownProject] = {}
    for one in projects:
        key = (one.name, one.directory, one.files, one.env_files)
        known = found.get(key)
        sources = tuple(dict.fromkeys((*(known.sources if known else ()), *one.sources)))
        found[key] = replace(one, sources=sources)
    return tuple(found.values())


def find_projects_in_folder(folder: Path) -> tuple[KnownProject, ...]:
    """Each compose file of a folder as a project of its own, where nothing says which belong together."""
    found = find_project_variants(KnownProject("", folder, ()))
    return tuple(replace(one, sources=("the current folder",)) for one in found)


def find_project_variants(project: KnownProject) -> tuple[KnownProject, ...]:
    """The project once more with each further compose file of its folder."""
    absolute = [path for path in project.files if path.is_absolute()]  # one of Windows has no folder here
    folders = dict.fromkeys((project.directory, *(path.parent for path in absolute)))
    further = sorted({path for folder in folders for path in _list_compose_files(folder)} - set(project.files))
    return tuple(replace(project, files=(*project.files, path), sources=("beside its files",)) for path in further)


def _list_compose_files(folder: Path) -> tuple[Path, ...]:
    """None in a folder that is not there, or that this user may not read."""
    try:
        return tuple(path for glob in _NEIGHBOURS for path in folder.glob(glob) if path.is_file())
    except OSError:
        return ()
