"""Everything that is reported about one image, from what its layers hold."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from builder.core.naming import LABEL_CONTENT
from builder.inspect.filesystem import build_filesystem
from builder.inspect.folders import sum_folder_sizes, sum_unowned_files
from builder.inspect.instructions import name_planned_layer
from builder.inspect.machine import UNKNOWN, Machine
from builder.inspect.model import Inspection, LayerSummary
from builder.inspect.packages.installed_packages import find_packages
from builder.inspect.pruned import find_pruned
from builder.inspect.waste.context import WasteContext
from builder.inspect.waste.rules import find_waste

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.inspect.filesystem import ImageFilesystem
    from builder.inspect.model import ImageContent

BYTECODE = ".pyc"
"""The end of its name (PEP 3147)."""


def analyze_image(
    content: ImageContent, asked_for: Iterable[str] = frozenset(), machine: Machine = UNKNOWN
) -> Inspection:
    """``asked_for``: requirements (``pandas``, ``apache-airflow[postgres]``) and Debian packages that a person wants.

    Without it the installers' own notes decide. ``machine`` says whether CUDA is of any use where the image runs.
    """
    filesystem = build_filesystem(content)
    packages = find_packages(filesystem, asked_for)
    keys = [one.key for one in packages.packages]
    owners = packages.ownership.owners
    nobody, *places = sum_unowned_files(filesystem.folders, owners)
    return Inspection(
        content,
        sum(layer.bytes for layer in content.layers),
        sum(placed.entry.size for placed in filesystem.files.values()),
        _summarize_layers(filesystem),
        tuple(sorted(packages.packages, key=lambda one: (-one.bytes, one.key, one.folder, one.version))),
        {path: keys[index] for path, index in owners.items()},
        sum_folder_sizes(filesystem.folders),
        nobody,
        tuple(places),
        find_waste(WasteContext(filesystem, packages, machine)),
        find_pruned(filesystem.texts),
    )


def _summarize_layers(filesystem: ImageFilesystem) -> tuple[LayerSummary, ...]:
    content = filesystem.content
    hidden: dict[int, int] = defaultdict(int)
    for one in filesystem.hidden:
        hidden[one.layer] += one.entry.size
    files: dict[int, int] = defaultdict(int)
    bytecode: dict[int, int] = defaultdict(int)
    visible = ((one.layer, one.entry) for one in filesystem.files.values())
    for layer_index, entry in (*visible, *((one.layer, one.entry) for one in filesystem.hidden)):
        files[layer_index] += 1
        if entry.path.endswith(BYTECODE):
            bytecode[layer_index] += entry.size
    instructions = content.instructions or ("",) * len(content.layers)
    if LABEL_CONTENT in content.labels:
        instructions = tuple(map(name_planned_layer, instructions))
    return tuple(
        LayerSummary(
            layer.diff,
            chain,
            instruction,
            layer.bytes,
            layer.tar_bytes,
            files[number],
            hidden[number],
            number < content.base_layers,
            bytecode[number],
        )
        for number, (layer, chain, instruction) in enumerate(
            zip(content.layers, content.chains, instructions, strict=True)
        )
    )
