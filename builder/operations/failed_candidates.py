"""The images that a build left which failed or was killed: the next build of that project removes them.

What keeps an image in ``optbuild clean`` keeps it here too: containers, compose files, rules of protection, a name that
somebody else gave it. What cannot be found out keeps all of them, and stops no build.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.core.errors import OptbuildError
from builder.core.naming import SPEC_FILE
from builder.image.build.candidates import find_left_images, settle_candidates
from builder.state import read_state

if TYPE_CHECKING:
    from pathlib import Path

    from builder.core.runtime import Runtime
    from builder.engine.client import Engine
    from builder.operations.snapshot import StoreOptions
    from builder.state import OpenCandidate


def remove_failed_candidates(
    runtime: Runtime, engine: Engine, name: str, folder: Path, protected: tuple[str, ...] = ()
) -> tuple[OpenCandidate, ...]:
    """Those that stay open, because something needs their image. The caller holds the project's lock, so no build of
    it runs.

    ``folder`` of its spec, whose rules of protection are ``protected``.
    """
    identity = engine.info.identity
    opened = read_state(runtime.state_folder).list_candidates(identity, name)
    if not opened:
        return ()
    try:
        found = _find_images(runtime, engine, opened)
        settle_candidates(runtime.state_folder, identity, name, found)  # with IDs, by which they are judged
        if found:
            is_spec = (folder / SPEC_FILE).is_file()  # a spec may have another name
            _remove_images(runtime, engine, found, _make_options(folder if is_spec else None, protected))
            found = _find_images(runtime, engine, found)
            settle_candidates(runtime.state_folder, identity, name, found)
    except OptbuildError as error:
        runtime.progress.note(f"what failed builds of {name} left stays for now: {error}")
    return read_state(runtime.state_folder).list_candidates(identity, name)


def _find_images(runtime: Runtime, engine: Engine, opened: tuple[OpenCandidate, ...]) -> tuple[OpenCandidate, ...]:
    """One for each image that is there and was not proven since, with its ID."""
    verified = read_state(runtime.state_folder).verified
    return tuple(
        replace(one, image_id=image.id)
        for one in opened
        for image in find_left_images(engine, one)
        if image.id not in verified
    )


def _make_options(spec: Path | None, protected: tuple[str, ...]) -> StoreOptions:
    from builder.operations.snapshot import StoreOptions  # much, for this rare case alone

    return StoreOptions(spec=spec) if spec else StoreOptions(protect=protected)


def _remove_images(runtime: Runtime, engine: Engine, found: tuple[OpenCandidate, ...], options: StoreOptions) -> None:
    """As ``optbuild clean`` does it, and says it."""
    from builder.engine.compose_containers import StackEngine  # much, for this rare case alone
    from builder.engine.socket_client import connect_reader
    from builder.operations.clean import lock_store, remove_images
    from builder.operations.snapshot import SnapshotReader
    from builder.store.clean import CleanOptions, make_clean_plan

    only = frozenset(one.image_id for one in found if one.image_id)
    runtime.progress.note(f"candidates of builds that failed or were killed: {len(only)}")
    with connect_reader(runtime.env) as reader, lock_store(runtime):
        store = SnapshotReader(runtime, options, reader, strict=True)
        planned = make_clean_plan(store.read_snapshot(), CleanOptions(unused=True, only=only))
        for choice in planned.choices:
            if choice.row.image.id in only and not choice.goes:
                runtime.progress.note(f"{choice.row.image.title} stays: {choice.reason}")
        remove_images(runtime, engine.info.identity, planned, StackEngine(engine), store.read_snapshot)
