"""What the machine has that an image is for."""

from __future__ import annotations

from builder.inspect.machine import Machine, detect_machine


def test_a_gpu_is_told_by_its_driver(tmp_path: object) -> None:
    device = f"{tmp_path}/nvidiactl"
    assert detect_machine([device]).gpu is False
    with open(device, "w", encoding="utf-8"):  # noqa: PTH123 - open is what is tried
        assert detect_machine([device]) == Machine(gpu=True, how=f"it has {device}")
