"""From a project and its targets to the edits that make every sharer use one image. Nothing is read or written here."""

from __future__ import annotations

import os.path
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from builder.compose.model import FileEdit
from builder.compose.rewrite.apply_edits import edited, is_new
from builder.compose.rewrite.arrange import arrange
from builder.compose.rewrite.resolve import find_sites
from builder.compose.rewrite.slots import Draft, Kept, Written
from builder.compose.yaml.parse import parse
from builder.compose.yaml.values import unplanned, value_of
from builder.core.errors import ComposeError, Where

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.model import Project, Target
    from builder.compose.rewrite.resolve import Level, Sites


def rewrite(project: Project, targets: tuple[Target, ...]) -> tuple[FileEdit, ...]:
    """The files that change, in the project's order; none where all is as planned already.

    Raises ComposeError, with the place, for what cannot be changed safely.
    """
    sites = find_sites(project)
    _check_known(project, sites, targets)
    draft = arrange(sites, targets)
    changed = edited(draft, _notes(draft, targets), lambda path: folder_of(project, path))
    edits = tuple(
        FileEdit(path, data, changed[path]) for path, data in project.sources.items() if changed.get(path, data) != data
    )
    _check(project, edits, targets)
    return edits


def folder_of(project: Project, path: Path) -> Path:
    """What relative paths written in this file are relative to."""
    return project.files.directory if path in project.files.files else path.parent


def after(project: Project, edits: tuple[FileEdit, ...]) -> Project:
    """The project as if the edits were written; Compose's answers are those of before."""
    return replace(project, sources={**project.sources, **{edit.path: edit.after for edit in edits}})


def _check_known(project: Project, sites: Sites, targets: tuple[Target, ...]) -> None:
    for name in (name for target in targets for name in target.services):
        if name not in sites.services:
            where = Where(str(project.files.files[0]), key=f"services.{name}")
            raise ComposeError("no file that was read says what this service is", where=where, hint="name it with -f")
        if name in sites.unclear:
            hint = "see that the extended service exists in a file that can be read"
            raise ComposeError("what this service extends was not found", where=sites.unclear[name], hint=hint)


def _notes(draft: Draft, targets: tuple[Target, ...]) -> dict[Level, str]:
    """Each note once: at the first new image of its target, or else at the first build that goes."""
    notes: dict[Level, str] = {}
    for target in targets:
        if target.note is None:
            continue
        own = {
            level: content
            for (level, key), content in draft.changes.items()
            if is_new(level, key, content) and set(draft.sites.users[level]) & set(target.services)
            if (key == "build" and content is None) or content == Written(target.image)
        }
        images = [level for level, content in own.items() if content is not None]
        places = [level for level in images or own if level not in notes]
        if places:
            notes[min(places, key=lambda level: _place(draft, level))] = target.note
    return notes


def _place(draft: Draft, level: Level) -> tuple[int, int]:
    documents = list(dict.fromkeys(other.document for other in draft.sites.users))
    return documents.index(level.document), level.node.start


def _check(project: Project, edits: tuple[FileEdit, ...], targets: tuple[Target, ...]) -> None:
    """Read the new text again: the planned keys are there, and nothing else means something else."""
    if not edits:
        return
    for edit in edits:
        if unplanned(parse(edit.path, edit.before)) != unplanned(parse(edit.path, edit.after)):
            raise _unsafe(edit.path)
    check = _Check(project, after(project, edits), targets)
    for name in check.services:
        if not all(check.is_right(name, key) for key in ("build", "image", "pull_policy")):
            raise _unsafe(edits[0].path, name)


class _Check:
    """Compares what services get from the files before and after."""

    def __init__(self, before: Project, now: Project, targets: tuple[Target, ...]) -> None:
        self._project = before
        self._old, self._new = Draft(find_sites(before)), Draft(find_sites(now))
        self._targets = {name: target for target in targets for name in target.services}
        self.services = {**self._old.sites.services, **self._new.sites.services}

    def is_right(self, name: str, key: str) -> bool:
        target = self._targets.get(name)
        if target is not None:
            if key == "build" and name != target.builder:
                return not self._new.find(name, key)
            planned = {"image": None if target.keeps_name else target.image, "pull_policy": target.pull_policy}
            if planned.get(key) is not None:
                return self._new.text(name, key) == planned[key]
        return self._values(self._old, name, key) == self._values(self._new, name, key)

    def _values(self, draft: Draft, name: str, key: str) -> list[object]:
        contents = [content for content in draft.contents(name, key) if isinstance(content, Kept)]
        return [_located(value_of(content.entry.value), key, self._folder(content)) for content in contents]

    def _folder(self, content: Kept) -> Path:
        return folder_of(self._project, content.level.document.path)


def _located(value: Any, key: str, folder: Path) -> object:
    """A build with the whole path of its context: a copy in another folder writes another path."""
    if key != "build":
        return value
    build = value if isinstance(value, dict) else {"context": value}
    context = build.get("context")
    if not isinstance(context, tuple) or ":" in context[1]:
        return build
    return {**build, "context": os.path.normpath(folder / context[1])}


def _unsafe(path: Path, service: str | None = None) -> ComposeError:
    return ComposeError(
        "this file cannot be rewritten safely: the result would mean something else than planned",
        where=Where(str(path), key=f"services.{service}" if service else None),
        hint="simplify the anchors around `build`, or write the keys by hand",
    )
