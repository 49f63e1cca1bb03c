"""What a rollback would do, and what it did."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.rollout.journal import Journal
    from builder.rollout.undo import UndoResult


def format_rollback_preview(journal: Journal) -> str:
    """What happens when the person says yes."""
    from builder.rollout.history import find_rebuildable_images

    names = [name for step in journal.steps for name in step]
    lines = [f"restore  {edit.path}, byte for byte" for edit in journal.edits]
    lines.append(
        f"restart  {', '.join(names)}, as far as they have containers, from their old images"
        if journal.engine
        else "leave    images and containers as they are: that optimize changed none"
    )
    if find_rebuildable_images(journal) & set(journal.cleaned):
        lines.append("build    the old images again, which were removed since")
    return "".join(f"  {line}\n" for line in lines)


def format_rollback_report(undone: UndoResult, earlier: Journal | None) -> str:
    """What was put back; ``earlier`` is the run that can be undone next."""
    lines = [f"restored {path}" for path in undone.files]
    lines += [f"{name} is again the image that it was" for name in undone.references]
    for name, down in undone.downtime.items():
        stopped = "" if down.stopped is None else f", stopped for {down.stopped:.1f} s"
        until = "" if down.until_up is None else f", up after {down.until_up:.1f} s"
        lines.append(f"restarted {name}{stopped}{until}")
    if not lines:
        lines = ["nothing had to be put back: everything was already as before optimize"]
    if earlier is not None:
        at = datetime.fromtimestamp(earlier.at).astimezone().strftime("%Y-%m-%d %H:%M")
        lines.append(f"the optimize of {at} can be undone too: `optbuild rollback` again")
    return "".join(f"{line}\n" for line in lines)
