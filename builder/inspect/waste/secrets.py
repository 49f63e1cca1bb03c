"""OB404 and OB415: what a file holds that only its owner should know, hidden by a later layer or not.

Also in the base's layers: whoever has this image has those too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.core.phrases import format_short_list
from builder.inspect.model import Waste
from builder.inspect.waste.context import group_by_layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from builder.inspect.model import LayerEntry, WastedFile
    from builder.inspect.waste.context import WasteContext, WasteLedger

_REPLACE = "then replace the secret itself: everyone who has the image has it"
_HIDDEN_FIX = (
    "give it to the one step that needs it, `RUN --mount=type=secret,id=NAME ...`, and never COPY or write it; "
    f"{_REPLACE}"
)
_VISIBLE_FIX = (
    "leave it out (name it in .dockerignore); where a step of the build needs it, `RUN --mount=type=secret,id=NAME "
    "...`; where a container needs it, give it to the service by `secrets:`, a volume or its environment; "
    f"{_REPLACE}"
)


def find_hidden_secrets(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """OB404: a hidden file is not shown, but anybody who has the image can read it."""
    versions = ((run[0].layer, run[0].entry) for run, _ in context.hidden_runs)
    for layer, files, names in _claim_secrets(context, ledger, versions):
        pronoun = "it" if len(files) == 1 else "them"
        told = f"{names} can still be read: a later layer only hides {pronoun}"
        yield Waste("OB404", told, _place_fix(context, layer, _HIDDEN_FIX), files, layer)


def find_visible_secrets(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """OB415."""
    versions = ((context.find_layer(path), placed.entry) for path, placed in context.filesystem.files.items())
    for layer, files, names in _claim_secrets(context, ledger, versions):
        told = f"{names} can be read by everyone who has the image"
        yield Waste("OB415", told, _place_fix(context, layer, _VISIBLE_FIX), files, layer)


def _claim_secrets(
    context: WasteContext, ledger: WasteLedger, versions: Iterable[tuple[int, LayerEntry]]
) -> Iterator[tuple[int, tuple[WastedFile, ...], str]]:
    """Layer, its files with a secret, and their names with what each is."""
    secrets = context.secrets
    found = {}
    for layer, entry in versions if secrets else ():
        what = secrets.get(entry.digest)
        file = None if what is None else ledger.claim(layer, entry, also_base=True)
        if file is not None:
            found[file] = what
    for layer, files in group_by_layer(found):
        yield layer, files, format_short_list(f"{file.path} ({found[file]})" for file in files)


def _place_fix(context: WasteContext, layer: int, fix: str) -> str:
    return f"in the Dockerfile of the base: {fix}" if layer < context.filesystem.content.base_layers else fix
