"""The project's own image on every kind of base, with every kind of stages: each has a Dockerfile of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.image.lock.foundation import Foundation

if TYPE_CHECKING:
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec


@dataclass(frozen=True)
class Form:
    """One kind of base with one kind of stages, and its Dockerfile in tests/golden."""

    spec: Spec
    lock: Lock
    golden: str


FORMS = ("airflow", "image")
"""The names of the golden files; the first is that of the project's own image."""


def make_foundation() -> Foundation:
    """An official Python image, as a registry would have it."""
    return Foundation(
        kind="image",
        reference="python:3.11-slim-bookworm",
        digest=f"sha256:{'5c' * 32}",
        platform="linux/amd64",
        layers=(f"sha256:{'1a' * 32}",),
        debian="bookworm",
        glibc="2.36",
        python="3.11.9",
        python_path="/usr/local/bin/python3.11",
        user="",
        entrypoint=(),
        command=("python3",),
        shell=(),
        working_folder="",
        environment=(
            ("PATH", "/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("LANG", "C.UTF-8"),
            ("PYTHON_VERSION", "3.11.9"),
        ),
        packages=(),
        distributions=(),
    )


def make_forms(spec: Spec, lock: Lock) -> dict[str, Form]:
    """Golden file → what it was rendered from; ``spec`` and ``lock`` are those of the project's own image."""
    foundation = make_foundation()
    base = {"debian": None, foundation.kind: foundation.reference}
    image_spec = spec.model_copy(update={"base": spec.base.model_copy(update=base)})
    image_lock = replace(
        lock, foundation=foundation, inputs=replace(lock.inputs, debian="", base_image=foundation.reference)
    )
    return {
        "airflow": Form(spec, lock, "airflow"),
        "image": Form(image_spec, image_lock, "image"),
    }
