"""The layers of images on an engine: which chains an image is made of, and the unpacked bytes of each.

A chain ID names a layer together with everything below it (OCI image specification, ``config.md``, "Layer ChainID"):
two images share a layer on disk exactly where their chains are equal. The engine gives bytes per history entry only,
and a history has more entries than layers, so the two are aligned here.
"""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from builder.core.image_reference import normalize_image_name
from builder.engine.inspected_image import list_diffs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from builder.engine.protocols import HistoryApi

WORKERS = 8
EMPTY_DIFF = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
"""The diff ID of a layer without any file: a tar of 1024 zero bytes."""
NEVER_LAYERS = frozenset(
    {
        *("ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL"),
        *("MAINTAINER", "ONBUILD", "SHELL", "STOPSIGNAL", "USER", "VOLUME"),
    }
)
"""Instructions that only change the image's configuration (Dockerfile reference)."""
_IMPOSSIBLE = 10**6
NOP = re.compile(r"^/bin/sh -c #\(nop\)\s+")
"""What the classic builder writes before an instruction that ran nothing."""


@dataclass(frozen=True)
class Layer:
    """``bytes``: sum of the sizes of its regular files, as ``docker history`` shows it; None: not known."""

    chain: str
    diff: str
    bytes: int | None
    word: str = ""
    """The instruction that made it (``RUN``); empty: unknown. Its arguments may hold secrets and are not kept."""


@dataclass(frozen=True)
class ImageLayers:
    """One image of an engine."""

    id: str
    references: tuple[str, ...]
    labels: Mapping[str, str] = field(repr=False)
    created: float
    """Seconds since 1970, as the image says; in images that are made reproducibly it can be anything."""
    layers: tuple[Layer, ...]

    @property
    def bytes(self) -> int | None:
        """Of all its layers; None: not known for each of them."""
        found = [layer.bytes for layer in self.layers if layer.bytes is not None]
        return sum(found) if len(found) == len(self.layers) else None


def read_image_layers(api: HistoryApi, references: Iterable[str]) -> dict[str, ImageLayers | None]:
    """What each reference (``name:tag``, ``name@digest``, an ID) is on this engine; None: no such image.

    One request for the list and two for each different image, those at the same time. An image that is removed
    meanwhile counts as not there. Raises what the SDK raises when the engine fails.
    """
    wanted = tuple(dict.fromkeys(references))
    if not wanted:
        return {}
    listed = api.images()
    known = _index_ids(listed)
    ids = {reference: known.get(normalize_image_name(reference)) for reference in wanted}
    needed = {identity for identity in ids.values() if identity is not None}
    entries = [entry for entry in listed if entry["Id"] in needed]
    with ThreadPoolExecutor(min(WORKERS, len(entries) or 1)) as pool:
        read = dict(
            zip(
                (str(entry["Id"]) for entry in entries),
                pool.map(lambda entry: _query_image_layers(api, entry), entries),
                strict=True,
            )
        )
    return {reference: read.get(identity) if identity else None for reference, identity in ids.items()}


def compute_chain_ids(diffs: Sequence[str]) -> tuple[str, ...]:
    """The first chain ID is the first diff ID; each further one is sha256 over the one before, a blank, its diff ID."""
    chains: list[str] = []
    for diff in diffs:
        below = chains[-1] if chains else ""
        chains.append(f"sha256:{hashlib.sha256(f'{below} {diff}'.encode()).hexdigest()}" if below else diff)
    return tuple(chains)


def match_history(history: Sequence[Mapping[str, Any]], diffs: Sequence[str]) -> tuple[Layer, ...]:
    """The layers, oldest first. ``history`` oldest first too; each entry has ``Size`` and ``CreatedBy``.

    An entry with bytes is a layer; one that only configures is not; a WORKDIR is one when it made the folder. Among
    what is left the most likely order is taken; a history that cannot fit leaves the bytes unknown.
    """
    chosen = find_best_match(history, diffs)
    if chosen is None:
        return tuple(Layer(chain, diff, None) for chain, diff in zip(compute_chain_ids(diffs), diffs, strict=True))
    entries = [history[index] for index in chosen]
    return tuple(
        Layer(chain, diff, _parse_entry_size(entry), _find_instruction_word(entry))
        for chain, diff, entry in zip(compute_chain_ids(diffs), diffs, entries, strict=True)
    )


def _index_ids(listed: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Every name of every image, and every ID, → ID."""
    found: dict[str, str] = {}
    for entry in listed:
        names = (*(entry.get("RepoTags") or ()), *(entry.get("RepoDigests") or ()), entry["Id"])
        found |= {
            normalize_image_name(str(name)): str(entry["Id"]) for name in names if not str(name).startswith("<none>")
        }
    return found


def query_layers(api: HistoryApi, identity: str) -> tuple[Layer, ...] | None:
    """The layers of the image with this ID, oldest first; None: no such image. They never change for an ID."""
    try:
        image, history = api.inspect_image(identity), api.history(identity)
    except Exception as error:
        if getattr(error, "status_code", None) == 404:  # as the SDK's errors and ours have it
            return None
        raise
    return match_history(tuple(reversed(history)), list_diffs(image))


def make_image_layers(entry: Mapping[str, Any], layers: tuple[Layer, ...]) -> ImageLayers:
    """What the engine lists as ``entry``, with its layers."""
    return ImageLayers(
        str(entry["Id"]),
        tuple(entry.get("RepoTags") or ()),
        dict(entry.get("Labels") or {}),
        float(entry.get("Created") or 0),
        layers,
    )


def _query_image_layers(api: HistoryApi, entry: Mapping[str, Any]) -> ImageLayers | None:
    layers = query_layers(api, str(entry["Id"]))
    return None if layers is None else make_image_layers(entry, layers)


def _parse_entry_size(entry: Mapping[str, Any]) -> int:
    return int(entry.get("Size") or 0)


def _find_instruction_word(entry: Mapping[str, Any]) -> str:
    """The instruction of an entry; what the classic builder ran has no word before its shell: RUN."""
    made_by = str(entry.get("CreatedBy") or "")
    nop = NOP.match(made_by)
    text = made_by[nop.end() :] if nop else made_by
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    if first.isupper() and first.isalpha():
        return first
    return "RUN" if made_by.startswith(("/bin/sh -c ", "|")) else ""


def _estimate_cost(entry: Mapping[str, Any], diff: str | None) -> int:
    """How unlikely it is that ``entry`` made the layer ``diff`` (None: that it made none)."""
    size, word = _parse_entry_size(entry), _find_instruction_word(entry)
    if diff is None:
        if size:
            return _IMPOSSIBLE
        return 0 if word in NEVER_LAYERS else 1 if word == "WORKDIR" else 3
    if size and diff == EMPTY_DIFF:
        return _IMPOSSIBLE
    if size:
        return 0
    return 20 if word in NEVER_LAYERS else 2 if word == "WORKDIR" else 0


def find_best_match(history: Sequence[Mapping[str, Any]], diffs: Sequence[str]) -> tuple[int, ...] | None:
    """The index of each layer's entry in its history, at the least cost; None where there is no way.

    ``best[n]`` is (cost, entries) of the first n layers over the entries seen so far.
    """
    best: list[tuple[int, tuple[int, ...]] | None] = [(0, ()), *(None for _ in diffs)]
    for index, entry in enumerate(history):
        for count in range(len(diffs), -1, -1):
            ways = []
            if (skipped := best[count]) is not None:
                ways.append((skipped[0] + _estimate_cost(entry, None), skipped[1]))
            if count and (taken := best[count - 1]) is not None:
                ways.append((taken[0] + _estimate_cost(entry, diffs[count - 1]), (*taken[1], index)))
            best[count] = min((way for way in ways if way[0] < _IMPOSSIBLE), default=None)
    found = best[len(diffs)]
    return None if found is None else found[1]
