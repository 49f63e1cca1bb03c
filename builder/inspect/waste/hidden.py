"""OB401 to OB403: bytes of a layer that a later one writes again, replaces or deletes. They stay in every pull."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from builder.core.phrases import format_short_list
from builder.inspect.model import Waste
from builder.inspect.waste.context import format_count, group_by_layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.inspect.model import LayerEntry, WastedFile
    from builder.inspect.waste.context import WasteContext, WasteLedger


def find_rewritten_files(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """OB401: the same bytes once more. All copies but the lowest one would not be there."""
    taken: list[WastedFile] = []
    changes: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    last: dict[int, LayerEntry] = {}
    for runs in context.histories.values():
        for run in runs:
            for below, above in pairwise(run):
                file = ledger.claim(above.layer, above.entry)
                if file is not None:
                    taken.append(file)
                    changes[above.layer][_classify_rewrite(below.entry, above.entry)] += file.bytes
                    last[above.layer] = above.entry
    for layer, files in group_by_layer(taken):
        change = max(changes[layer], key=lambda one: (changes[layer][one], one))
        told = f"{format_count(files)} written again {_WORDS[change]}: {format_short_list(file.path for file in files)}"
        fix = _FIXES[change].format(entry=last[layer], mode=f"{last[layer].mode & 0o7777:o}")
        yield Waste("OB401", told, fix, files, layer)


def _classify_rewrite(below: LayerEntry, above: LayerEntry) -> str:
    if (below.uid, below.gid) != (above.uid, above.gid):
        return "owner"
    return "mode" if below.mode != above.mode else "nothing"


_WORDS = {
    "owner": "only to change their owner",
    "mode": "only to change their mode",
    "nothing": "with the same bytes, owner and mode",
}
_FIXES = {
    "owner": "copy them with the right owner, `COPY --chown={entry.uid}:{entry.gid} SOURCE TARGET`, or put `chown` "
    "into the RUN that makes them; then remove the `chown -R` of this layer",
    "mode": "copy them with the right mode, `COPY --chmod={mode} SOURCE TARGET`, or put `chmod` into the RUN that "
    "makes them; then remove the `chmod -R` of this layer",
    "nothing": "let one instruction write them: this layer copies or touches what is there already",
}


def find_deleted_files(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """OB403."""
    for layer, files in group_by_layer(_collect_hidden_files(context, ledger, deleted=True)):
        told = f"{format_count(files)} deleted by a later layer: {format_short_list(file.path for file in files)}"
        fix = "delete them in the RUN that makes them (`RUN make-it && use-it && rm -r it`), or make them in a builder "
        yield Waste("OB403", told, f"{fix}stage and COPY --from it only what is needed", files, layer)


def find_replaced_files(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """OB402."""
    for layer, files in group_by_layer(_collect_hidden_files(context, ledger, deleted=False)):
        told = f"{format_count(files)} replaced by a later layer: {format_short_list(file.path for file in files)}"
        fix = "write them once: install and change them in one RUN, or leave out the first version"
        yield Waste("OB402", told, fix, files, layer)


def _collect_hidden_files(context: WasteContext, ledger: WasteLedger, *, deleted: bool) -> list[WastedFile]:
    """The lowest copy of each run of equal versions that is hidden in the end."""
    runs = ((run, how) for run, how in context.hidden_runs if (how.by is None) == deleted)
    claimed = (ledger.claim(run[0].layer, run[0].entry) for run, _ in runs)
    return [file for file in claimed if file is not None]
