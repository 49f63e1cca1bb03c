"""OB401 to OB404: bytes of a layer that a later one writes again, replaces or deletes. They stay in every pull."""

from __future__ import annotations

import re
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

_SECRET = re.compile(
    r"(?:^|/)(?:id_(?:rsa|dsa|ecdsa|ed25519)|\.netrc|_netrc|\.pypirc|\.npmrc|\.pgpass|\.git-credentials|\.htpasswd"
    r"|\.env(?:\.[a-z]+)?|\.aws/credentials|\.docker/config\.json|\.kube/config|\.vault-token|kubeconfig"
    r"|\.ssh/(?!known_hosts|authorized_keys|config|.*\.pub$)[^/]+"
    r"|[^/]*(?:secret|credential|password|passwd|apikey|api_key|private[_-]?key)[^/]*"
    r"|(?!added_tokens|special_tokens)[^/]*tokens?(?![a-z])[^/]*"  # not tokenizer.json, nor what is beside it
    r"|[^/]+\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk))$",
    re.IGNORECASE,
)
_PUBLIC = re.compile(
    r"/(?:site|dist)-packages/|/node_modules/|^/usr/(?:share|lib|include|src|local/lib|local/share)/|^/etc/(?:ssl/certs|pam\.d)/"
    r"|^/etc/passwd-?$|^/(?:lib|opt/conda/(?:lib|pkgs|share))/|^/var/(?:lib/dpkg|cache)/|\.(?:py|pyc|js|md|html|rst|so)$"
)
"""Where what looks like one is a part of what anybody can download."""


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


def find_hidden_secrets(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """OB404, before the two below: a hidden file is not shown, but anybody who has the image can read it.

    In the base's layers too.
    """
    base = context.filesystem.content.base_layers
    files = _collect_hidden_files(context, ledger, deleted=None, secret=True)
    for layer, found in group_by_layer(files):
        told = (
            f"{format_short_list(file.path for file in found)} can still be read: a later layer only hides "
            f"{'it' if len(found) == 1 else 'them'}"
        )
        fix = (
            "give it to the one step that needs it, `RUN --mount=type=secret,id=NAME ...`, and never COPY or write it; "
            "then replace the secret itself: everyone who has the image has it"
        )
        yield Waste("OB404", told, f"in the Dockerfile of the base: {fix}" if layer < base else fix, found, layer)


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


def _collect_hidden_files(
    context: WasteContext, ledger: WasteLedger, *, deleted: bool | None, secret: bool = False
) -> list[WastedFile]:
    """The lowest copy of each run of equal versions that is hidden in the end."""
    found: list[WastedFile] = []
    for path, runs in context.histories.items():
        if secret and not is_secret_path(path):
            continue
        for run in runs:
            how = run[-1].gone
            if how is None or (deleted is not None and (how.by is None) != deleted):
                continue
            file = ledger.claim(run[0].layer, run[0].entry, also_base=secret)
            if file is not None:
                found.append(file)
    return found


def is_secret_path(path: str) -> bool:
    """By its name alone; what belongs to published packages is not a secret."""
    return _SECRET.search(path) is not None and _PUBLIC.search(path) is None
