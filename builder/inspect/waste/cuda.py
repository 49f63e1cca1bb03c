"""OB408: libraries for a GPU, where the machine has none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.core.phrases import format_short_list
from builder.inspect.model import Waste
from builder.inspect.waste.context import group_by_layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.inspect.packages.distributions import Distribution
    from builder.inspect.waste.context import WasteContext, WasteLedger

_WHOLE = re.compile(
    r"^(?:nvidia-(?!ml-py).+|(?:pytorch-)?triton|cuda-.+|cupy(?:-cuda.+)?|jax-cuda.+|tensorrt(?:-.+)?|libcu\w+-cu\d+)$"
)
"""Distributions that are of no use without one."""
_IN_PART = frozenset({"torch", "torchvision", "torchaudio", "onnxruntime-gpu", "xgboost", "tensorflow", "jaxlib"})
"""Distributions that also exist for a CPU: only their libraries for CUDA would not be there."""
_LIBRARY = re.compile(
    r"/lib(?:[^/]*(?:cuda|cudnn|cublas|cufft|curand|cusolver|cusparse|cupti|nccl|nvrtc|nvtoolsext|nvjitlink|tensorrt)[^/]*)"
    r"\.so[^/]*$",
    re.IGNORECASE,
)


def find_cuda_libraries(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """Nothing is said where it is not known whether there is a GPU."""
    if context.machine.gpu is not False:
        return

    def goes_too(path: str) -> bool:
        one = context.packages.find_claimant(path)
        return one is not None and _is_useless(one, path)

    files, names = [], []
    first = len(context.packages.debian)
    for index, one in enumerate(context.packages.distributions, first):
        paths = [path for path in context.packages.files.get(index, ()) if _is_useless(one, path)]
        taken = ledger.take_all(paths, goes_too)
        if taken:
            files += taken
            names.append(f"{one.name} {one.version}")
    for layer, part in group_by_layer(files):
        told = f"libraries for CUDA ({format_short_list(names)}), and this machine has no GPU: {context.machine.how}"
        fix = (
            "install the wheels for a CPU, `uv pip install --torch-backend cpu torch` (their versions end in `+cpu`); "
            "when the image runs on another machine that has a GPU, pass `--gpu yes`"
        )
        yield Waste("OB408", told, context.extend_fix(fix, part), part, layer)


def _is_useless(one: Distribution, path: str) -> bool:
    return _WHOLE.match(one.name) is not None or (one.name in _IN_PART and _LIBRARY.search(path) is not None)
