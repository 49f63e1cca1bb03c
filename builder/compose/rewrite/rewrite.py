"""From a project and its targets to the edits that make every sharer use one image. Nothing is read or written here."""

from __future__ import annotations

import os.path
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from builder.compose.model import FileEdit
from builder.compose.rewrite.apply_edits import edit_files, is_changed
from builder.compose.rewrite.arrange import arrange_keys
from builder.compose.rewrite.resolve import find_key_sources
from builder.compose.rewrite.slots import ExistingEntry, KeyAssignments, NewValue
from builder.compose.yaml.parse import parse_compose_file
from builder.compose.yaml.values import resolve_node, select_unplanned_values
from builder.core.errors import ComposeError, Where

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.model import Project, SharedTarget
    from builder.compose.rewrite.resolve import KeySources, MappingSource


def rewrite_files(project: Project, targets: tuple[SharedTarget, ...]) -> tuple[FileEdit, ...]:
    """The files that change, in the project's order; none where all is as planned already.

    Raises ComposeError, with the place, for what cannot be changed safely.
    """
    sites = find_key_sources(project)
    _check_known(project, sites, targets)
    draft = arrange_keys(sites, targets)
    changed = edit_files(draft, _place_notes(draft, targets), lambda path: resolve_base_folder(project, path))
    edits = tuple(
        FileEdit(path, data, changed[path]) for path, data in project.sources.items() if changed.get(path, data) != data
    )
    _check_meaning(project, edits, targets)
    return edits


def resolve_base_folder(project: Project, path: Path) -> Path:
    """What relative paths written in this file are relative to."""
    return project.files.directory if path in project.files.files else path.parent


def make_edited_project(project: Project, edits: tuple[FileEdit, ...]) -> Project:
    """The project as if the edits were written; Compose's answers are those of before."""
    return replace(project, sources={**project.sources, **{edit.path: edit.after for edit in edits}})


def _check_known(project: Project, sites: KeySources, targets: tuple[SharedTarget, ...]) -> None:
    for name in (name for target in targets for name in target.services):
        if name not in sites.services:
            where = Where(str(project.files.files[0]), key=f"services.{name}")
            raise ComposeError(
                "none of the files that were read defines this service", where=where, hint="name it with -f"
            )
        if name in sites.unclear:
            hint = "make sure that the extended service exists in a file that can be read"
            raise ComposeError("what this service extends was not found", where=sites.unclear[name], hint=hint)


def _place_notes(draft: KeyAssignments, targets: tuple[SharedTarget, ...]) -> dict[MappingSource, str]:
    """Each note once: at the first new image of its target, or else at the first build that goes."""
    notes: dict[MappingSource, str] = {}
    for target in targets:
        if target.note is None:
            continue
        own = {
            level: content
            for (level, key), content in draft.changes.items()
            if is_changed(level, key, content) and set(draft.sites.users[level]) & set(target.services)
            if (key == "build" and content is None) or content == NewValue(target.image)
        }
        images = [level for level, content in own.items() if content is not None]
        places = [level for level in images or own if level not in notes]
        if places:
            notes[min(places, key=lambda level: _make_position_key(draft, level))] = target.note
    return notes


def _make_position_key(draft: KeyAssignments, level: MappingSource) -> tuple[int, int]:
    documents = list(dict.fromkeys(other.document for other in draft.sites.users))
    return documents.index(level.document), level.node.start


def _check_meaning(project: Project, edits: tuple[FileEdit, ...], targets: tuple[SharedTarget, ...]) -> None:
    """Read the new text again: the planned keys are there, and nothing else means something else."""
    if not edits:
        return
    for edit in edits:
        if select_unplanned_values(parse_compose_file(edit.path, edit.before)) != select_unplanned_values(
            parse_compose_file(edit.path, edit.after)
        ):
            raise _make_unsafe_error(edit.path)
    check = _RewriteCheck(project, make_edited_project(project, edits), targets)
    for name in check.services:
        if not all(check.is_as_planned(name, key) for key in ("build", "image", "pull_policy")):
            raise _make_unsafe_error(edits[0].path, name)


class _RewriteCheck:
    """Compares what services get from the files before and after."""

    def __init__(self, before: Project, now: Project, targets: tuple[SharedTarget, ...]) -> None:
        self._project = before
        self._old, self._new = KeyAssignments(find_key_sources(before)), KeyAssignments(find_key_sources(now))
        self._targets = {name: target for target in targets for name in target.services}
        self.services = {**self._old.sites.services, **self._new.sites.services}

    def is_as_planned(self, name: str, key: str) -> bool:
        target = self._targets.get(name)
        if target is not None:
            if key == "build" and name != target.builder:
                return not self._new.find(name, key)
            planned = {"image": None if target.keeps_name else target.image, "pull_policy": target.pull_policy}
            if planned.get(key) is not None:
                return self._new.text(name, key) == planned[key]
        return self._list_values(self._old, name, key) == self._list_values(self._new, name, key)

    def _list_values(self, draft: KeyAssignments, name: str, key: str) -> list[object]:
        contents = [content for content in draft.list_contents(name, key) if isinstance(content, ExistingEntry)]
        return [
            _resolve_context(resolve_node(content.entry.value), key, self._resolve_folder(content))
            for content in contents
        ]

    def _resolve_folder(self, content: ExistingEntry) -> Path:
        return resolve_base_folder(self._project, content.level.document.path)


def _resolve_context(value: Any, key: str, folder: Path) -> object:
    """A build with the whole path of its context: a copy in another folder writes another path."""
    if key != "build":
        return value
    build = value if isinstance(value, dict) else {"context": value}
    context = build.get("context")
    if not isinstance(context, tuple) or ":" in context[1]:
        return build
    return {**build, "context": os.path.normpath(folder / context[1])}


def _make_unsafe_error(path: Path, service: str | None = None) -> ComposeError:
    return ComposeError(
        "this file cannot be rewritten safely: the result would mean something else than planned",
        where=Where(str(path), key=f"services.{service}" if service else None),
        hint="simplify the anchors around `build`, or write the keys by hand",
    )
