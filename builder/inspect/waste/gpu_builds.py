"""Which programs bring libraries for a GPU, and what to install in their place, as one table. A program is a row here.

Sources: each project's installation guide and its pages on PyPI (PyTorch, TensorFlow, JAX, ONNX Runtime, XGBoost,
FAISS, CuPy, PaddlePaddle, Apache MXNet, RAPIDS), and the names of the files in their wheels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CUDA_LIBRARY = (
    r"/lib[^/]*(?:cuda|cudnn|cublas|cufft|curand|cusolver|cusparse|cupti|nccl|nvrtc|nvtoolsext|nvjitlink|nvshmem|cufile|tensorrt)"
    r"[^/]*\.so[^/]*$"
)
_ROCM_LIBRARY = (
    r"/lib[^/]*(?:hip|rocm|rocblas|rocfft|rocrand|rocsolver|rocsparse|roctx|roctracer|rocprofiler|rccl|miopen|migraphx"
    r"|amd_comgr|hsa-runtime)[^/]*\.so[^/]*$|/(?:rocblas|hipblaslt|hipsparselt)/library/|/share/miopen/"
)
_LIBRARY = re.compile(f"{_CUDA_LIBRARY}|{_ROCM_LIBRARY}", re.IGNORECASE)
_ROCM = re.compile(_ROCM_LIBRARY, re.IGNORECASE)


class GpuPart(Enum):
    """What of a distribution only a GPU needs."""

    LIBRARIES = "its libraries for one: the build for a CPU has the same name, or the rest of it is needed anyway"
    BUILD = "the same, and another distribution is the build for a CPU"
    WHOLE = "all of it"


@dataclass(frozen=True)
class GpuProgram:
    """``name``: as its requirement is written; ``instead``: what to do, to follow "fix: "."""

    name: str
    distributions: re.Pattern[str]
    """Normalised names that are this program's, or that only its builds for a GPU have."""
    part: GpuPart
    instead: str


def _make_row(name: str, distributions: str, part: GpuPart, instead: str) -> GpuProgram:
    return GpuProgram(name, re.compile(rf"(?:{distributions})"), part, instead)


_LIBRARIES, _BUILD, _WHOLE = GpuPart
GPU_PROGRAMS = (
    _make_row(
        "torch",
        r"torch|torchvision|torchaudio|torchtext",
        _LIBRARIES,
        "install the wheels for a CPU, `uv pip install --torch-backend cpu torch` (their versions end in `+cpu`)",
    ),
    _make_row(
        "jax",
        r"jax-(?:cuda|rocm)\d*-(?:plugin|pjrt)",
        _WHOLE,
        "ask for `jax` without its extra (`jax[cuda12]`, `jax[rocm]`), which alone brings the plugin",
    ),
    _make_row(
        "jaxlib", r"jaxlib", _LIBRARIES, "ask for `jax` without its extra: its `jaxlib` from PyPI is the one for a CPU"
    ),
    _make_row(
        "tensorflow",
        r"tensorflow",
        _LIBRARIES,
        "ask for `tensorflow` without the extra `and-cuda`; `tensorflow-cpu` in its place is smaller still",
    ),
    _make_row("tensorflow-gpu", r"tensorflow-gpu", _BUILD, "`tensorflow-cpu` in place of `tensorflow-gpu`"),
    _make_row(
        "onnxruntime-gpu",
        r"onnxruntime-(?:gpu|rocm|migraphx)",
        _BUILD,
        "`onnxruntime` in place of it: the same modules, without the providers for a GPU",
    ),
    _make_row(
        "xgboost",
        r"xgboost",
        _LIBRARIES,
        "`xgboost-cpu` in place of `xgboost`, in the same version; where another package requires `xgboost` by that "
        "name, `uv pip install --override FILE` with the line `nvidia-nccl-cu12; sys_platform == 'never'`",
    ),
    _make_row("faiss-gpu", r"faiss-gpu(?:-cu\d+|-cuvs)?", _BUILD, "`faiss-cpu` in place of it"),
    _make_row(
        "cupy",
        r"cupy(?:-(?:cuda|rocm).+)?",
        _WHOLE,
        "leave it out: without a GPU it computes nothing, and numpy has the same functions",
    ),
    _make_row("paddlepaddle-gpu", r"paddlepaddle-gpu", _BUILD, "`paddlepaddle` in place of it"),
    _make_row("mxnet", r"mxnet-cu\d+(?:mkl)?", _BUILD, "`mxnet` in place of it"),
    _make_row(
        "RAPIDS",
        r"(?:cudf|cuml|cugraph|cuspatial|cuxfilter|cucim|raft-dask|dask-cudf|rmm|lib(?:cudf|cuml|cugraph|raft|rmm|kvikio)"
        r"|pylib(?:cudf|cugraph|raft)|kvikio|ucx-py|ucxx|distributed-ucxx|nx-cugraph)(?:-cu\d+)",
        _WHOLE,
        "leave it out: without a GPU it does not even import; pandas, scikit-learn and networkx do the same on a CPU",
    ),
    _make_row("tensorrt", r"tensorrt(?:-.+)?", _WHOLE, "leave it out: without a GPU it does nothing"),
)
_SUPPORT = re.compile(
    r"nvidia-(?!ml-py).+|(?:pytorch-)?triton(?:-rocm)?|cuda-(?:python|bindings|core|toolkit|pathfinder)|libcu\w+-cu\d+"
)
"""Distributions that such programs bring: of no use without a GPU, and by themselves."""


def find_gpu_program(distribution: str) -> GpuProgram | None:
    """The row of a distribution's normalised name."""
    return next((one for one in GPU_PROGRAMS if one.distributions.fullmatch(distribution)), None)


def is_only_for_gpu(distribution: str) -> bool:
    """Whether all of a distribution is of no use without a GPU."""
    program = find_gpu_program(distribution)
    return _SUPPORT.fullmatch(distribution) is not None or (program is not None and program.part is GpuPart.WHOLE)


def is_gpu_library(path: str) -> bool:
    """Whether a build for a CPU would not have this file. Asked of the files of a row's distribution only."""
    return _LIBRARY.search(path) is not None


def name_backend(paths: Iterable[str]) -> str:
    """``CUDA`` or ``ROCm``, after the files that were found."""
    return "ROCm" if any(_ROCM.search(path) for path in paths) else "CUDA"
