"""A project of compose files that a test writes as text."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from builder.compose.load.source_files import index_named_files, walk_sources
from builder.compose.model import ImageOrigin, Project, ProjectFiles, SharedTarget
from builder.compose.rewrite.rewrite import make_edited_project, rewrite_files

FOLDER = Path("/project")
IMAGE = "shop-airflow:latest"


def project_of(*mains: str, **others: str) -> Project:
    """Main files in Compose's order; ``others``: name without ``.yml``, ``__`` for a folder → text."""
    names = ("compose.yml", "compose.override.yml")[: len(mains)]
    texts = dict(zip(names, mains, strict=True))
    texts |= {name.replace("__", "/") + ".yml": text for name, text in others.items()}
    sources = {FOLDER / name: textwrap.dedent(text).encode() for name, text in texts.items()}
    files = ProjectFiles(FOLDER, tuple(FOLDER / name for name in names))
    return Project(files, "shop", {}, sources, None, None, meanings=index_named_files(walk_sources(files, {}, sources)))


def target(*services: str, builder: str | None = None, image: str = IMAGE, **keys: Any) -> SharedTarget:
    source = ImageOrigin.BUILDER if builder else ImageOrigin.IMAGE_ONLY
    return SharedTarget(tuple(sorted(services)), image, source, builder, **keys)


def rewritten(project: Project, *targets: SharedTarget) -> dict[str, str]:
    """The new text of each file that changes, by its name."""
    edits = rewrite_files(project, targets)
    assert rewrite_files(make_edited_project(project, edits), targets) == (), "a second run changes something"
    return {str(edit.path.relative_to(FOLDER)): edit.after.decode() for edit in edits}


def text(written: str) -> str:
    return textwrap.dedent(written)
