"""OB408: the advice is that of the program which brings the libraries, and torch is installed nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from layer_factories import SITE, Part, distribution, file, inspected, layer, waste, wasted

from builder.inspect.machine import Machine
from builder.inspect.waste.gpu_builds import GPU_PROGRAMS, find_gpu_program, is_only_for_gpu

if TYPE_CHECKING:
    from builder.inspect.model import Waste

NO_GPU = Machine(gpu=False, how="it has no device")


def nvidia(name: str, size: int = 600, requires: tuple[str, ...] = ()) -> Part:
    return distribution(name, file(f"{SITE}/nvidia/{name}/lib/libx.so.12", size), requires=requires)


def advice(*parts: Part, base: int = 0) -> list[Waste]:
    return waste(inspected(layer(), layer(*parts), base=base, machine=NO_GPU), "OB408")


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        pytest.param(
            [
                distribution("xgboost", requires=["nvidia-nccl-cu12 ; platform_system == 'Linux'"]),
                nvidia("nvidia-nccl-cu12"),
            ],
            "`xgboost-cpu` in place of `xgboost`",
            id="xgboost",
        ),
        pytest.param(
            [
                distribution("tensorflow", requires=["nvidia-cublas-cu12==12.3 ; extra == 'and-cuda'"]),
                nvidia("nvidia-cublas-cu12"),
            ],
            "`tensorflow` without the extra `and-cuda`",
            id="tensorflow[and-cuda]",
        ),
        pytest.param(
            [
                distribution("jax", requires=["jax-cuda12-plugin[with-cuda] ; extra == 'cuda12'"]),
                distribution("jax-cuda12-plugin", requires=["nvidia-cudnn-cu12 ; extra == 'with-cuda'"]),
                nvidia("nvidia-cudnn-cu12"),
            ],
            "ask for `jax` without its extra",
            id="jax[cuda12]",
        ),
        pytest.param(
            [distribution("onnxruntime-gpu", file(f"{SITE}/onnxruntime/capi/libonnxruntime_providers_cuda.so", 600))],
            "`onnxruntime` in place of it",
            id="onnxruntime-gpu",
        ),
        pytest.param(
            [distribution("cupy-cuda12x", file(f"{SITE}/cupy/_core/core.so", 600))], "leave it out", id="cupy"
        ),
        pytest.param(
            [distribution("cudf-cu12", requires=["libcudf-cu12"]), nvidia("libcudf-cu12")], "leave it out", id="RAPIDS"
        ),
        pytest.param(
            [distribution("paddlepaddle-gpu", requires=["nvidia-cudnn-cu11"]), nvidia("nvidia-cudnn-cu11")],
            "`paddlepaddle` in place of it",
            id="paddlepaddle",
        ),
        pytest.param([nvidia("nvidia-cublas-cu12")], "nothing here requires them: remove the line", id="nobody"),
        pytest.param(
            [distribution("mine", requires=["nvidia-cublas-cu12"]), nvidia("nvidia-cublas-cu12")],
            "ask whether mine can do without them",
            id="a program that the table lacks",
        ),
    ],
)
def test_who_brings_the_libraries_decides_and_no_torch_is_installed(parts: list[Part], words: str) -> None:
    (one,) = advice(*parts)
    assert words in one.fix
    assert one.fix.endswith("pass `--gpu yes`")
    assert "torch" not in one.fix + one.message
    assert one.bytes >= 600


def test_the_message_names_who_brings_them() -> None:
    requirers = [distribution("xgboost", requires=["nvidia-nccl-cu12"]), nvidia("nvidia-nccl-cu12")]
    assert "libraries for CUDA (nvidia-nccl-cu12 1.0), which xgboost brings, and this" in advice(*requirers)[0].message


def test_what_two_programs_bring_goes_only_with_both() -> None:
    parts = [
        distribution("xgboost", requires=["nvidia-nccl-cu12"]),
        distribution(
            "torch", file(f"{SITE}/torch/lib/libtorch_cuda.so", 900), requires=["nvidia-nccl-cu12", "nvidia-cudnn-cu12"]
        ),
        nvidia("nvidia-nccl-cu12"),
        nvidia("nvidia-cudnn-cu12", requires=("nvidia-cublas-cu12",)),
        nvidia("nvidia-cublas-cu12"),
    ]
    found = {one.bytes > 1000: one for one in advice(*parts)}
    both, torch = found[False], found[True]
    assert "which torch and xgboost bring" in both.message
    assert "xgboost-cpu" in both.fix
    assert "--torch-backend cpu" in both.fix
    assert "xgboost" not in torch.fix
    paths = {file.path for file in torch.files}
    assert {f"{SITE}/torch/lib/libtorch_cuda.so", f"{SITE}/nvidia/nvidia-cublas-cu12/lib/libx.so.12"} <= paths


def test_an_extra_that_others_bring_anyway_is_not_the_cause() -> None:
    parts = [
        distribution("torch", file(f"{SITE}/torch/lib/libtorch_cuda.so", 900), requires=["nvidia-cublas-cu12"]),
        distribution("tensorflow", requires=["nvidia-cublas-cu12 ; extra == 'and-cuda'"]),
        nvidia("nvidia-cublas-cu12"),
    ]
    (one,) = advice(*parts)
    assert "tensorflow" not in one.message + one.fix


def test_torch_for_rocm_is_torch_for_a_gpu() -> None:
    libraries = [
        "lib/libtorch_hip.so",
        "lib/libamdhip64.so",
        "lib/rocblas/library/Kernels.hsaco",
        "share/miopen/db/x.fdb.txt",
    ]
    kept = ["lib/libtorch_cpu.so", "lib/libc10.so", "nn/modules.py"]
    parts = [distribution("torch", *(file(f"{SITE}/torch/{path}", 900) for path in (*libraries, *kept)))]
    found = inspected(layer(*parts), machine=NO_GPU)
    assert set(wasted(found, "OB408")) == {f"{SITE}/torch/{path}" for path in libraries}
    (one,) = waste(found, "OB408")
    assert one.message.startswith("libraries for ROCm (torch 1.0), and this machine has no GPU")
    assert "--torch-backend cpu" in one.fix


@pytest.mark.parametrize(
    ("name", "other"),
    [("faiss-gpu", "faiss-cpu"), ("faiss-gpu-cu12", "faiss-cpu"), ("tensorflow-gpu", "tensorflow-cpu")],
)
def test_a_build_whose_files_do_not_tell_is_a_note_without_bytes(name: str, other: str) -> None:
    part = distribution(name, file(f"{SITE}/{name}/_swig.so", 90_000))
    (one,) = advice(part)
    assert (one.bytes, one.files, one.layer) == (0, (), 1)
    assert f"{name} 1.0 is built for a GPU" in one.message
    assert f"`{other}` in place of" in one.fix
    assert not advice(part, base=2)


@pytest.mark.parametrize(
    "name", ["faiss-cpu", "onnxruntime", "xgboost-cpu", "lightgbm", "numpy", "nvidia-ml-py", "jax"]
)
def test_a_build_for_a_cpu_is_left_alone(name: str) -> None:
    assert not advice(distribution(name, file(f"{SITE}/{name}/libcore.so", 90_000)))


def test_each_row_is_found_by_a_name_and_gives_no_advice_about_another() -> None:
    for one in GPU_PROGRAMS:
        assert one.name == "torch" or "torch" not in one.instead
        assert find_gpu_program(one.name) in {one, None}
    assert is_only_for_gpu("nvidia-cudnn-cu12")
    assert not is_only_for_gpu("nvidia-ml-py")
    assert not is_only_for_gpu("torch")
