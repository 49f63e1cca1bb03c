"""What a second rollback undoes: after a rebuild, the rewritten file can still be undone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.rollout.journal import Journal, ReplacedImage


def choose_previous(last: Journal | None, *, edits: bool) -> Journal | None:
    """What a new run keeps as its ``previous``. ``last``: the committed run; ``edits``: the new one changes files.

    Of several rebuilds in a row only the last can be undone, else a nightly one would make the journal longer for ever:
    what an earlier one made then counts as made by the run before it.
    """
    if last is None or edits or last.edits or last.previous is None:
        return last
    kept = last.previous
    return replace(
        kept,
        made=_merge_unique(kept.made, last.made),
        cleaned=_merge_unique(kept.cleaned, last.cleaned),
        replaced=(*kept.replaced, *last.replaced),
    )


def iterate_runs(journal: Journal) -> Iterator[Journal]:
    """This run and those before it, the last first."""
    now: Journal | None = journal
    while now is not None:
        yield now
        now = now.previous


def find_irreplaceable_images(run: Journal) -> dict[str, str]:
    """Image → a name that undoing the run gives it back, where nothing else would: a run that changed no file has
    rebuilt, and what an earlier run made is only named in the files of before. Other old images are built again."""
    earlier = {image for one in iterate_runs(run) if one is not run for image in one.moved}
    moved = {tag.before: tag.reference for tag in run.tags if tag.before and tag.after and tag.before != tag.after}
    return {image: name for image, name in moved.items() if not run.edits or image in earlier}


def find_rebuildable_images(run: Journal) -> frozenset[str]:
    """Old images that undoing the run builds again where they are gone: the files of before build them. To what an
    optimize made, no rollback goes back but by :func:`find_irreplaceable_images`."""
    made = {image for one in iterate_runs(run) for image in one.made}
    return frozenset(one.image_id for one in run.replaced if run.edits) - made - find_irreplaceable_images(run).keys()


def add_cleaned_images(journal: Journal, removed: frozenset[str]) -> Journal:
    """Each run that is remembered, with those of its old images that are gone."""
    own = tuple(one.image_id for one in journal.replaced if one.image_id in removed)
    previous = None if journal.previous is None else add_cleaned_images(journal.previous, removed)
    return replace(journal, cleaned=_merge_unique(journal.cleaned, own), previous=previous)


def collect_replaced_names(journal: Journal) -> dict[str, tuple[str, ...]]:
    """Image → the names that the files gave it, over all runs that are remembered."""
    found: dict[str, set[str]] = {}
    for one in _iterate_replaced(journal):
        found.setdefault(one.image_id, set()).update(one.references)
    return {image: tuple(sorted(names)) for image, names in found.items()}


def _iterate_replaced(journal: Journal) -> Iterator[ReplacedImage]:
    for run in iterate_runs(journal):
        yield from run.replaced


def _merge_unique(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
