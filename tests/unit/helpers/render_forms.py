"""The project's own image on every kind of base, with every kind of stages: each has a Dockerfile of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from foundation_factory import make_python_foundation

from builder.image.lock.foundation import InstalledDistribution
from builder.image.lock.layers.plan import plan_layers

if TYPE_CHECKING:
    from builder.image.lock.foundation import Foundation
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec


@dataclass(frozen=True)
class Form:
    """One kind of base with one kind of stages, and its Dockerfile in tests/golden."""

    spec: Spec
    lock: Lock
    golden: str


FORMS = ("airflow", "debian-single", "image", "image-single", "airflow-base", "airflow-base-single")
"""The names of the golden files; the first is that of the project's own image."""


def make_foundation() -> Foundation:
    """An official Python image, as a registry would have it."""
    return make_python_foundation(
        digest=f"sha256:{'5c' * 32}",
        layers=(f"sha256:{'1a' * 32}",),
        environment=(
            ("PATH", "/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("LANG", "C.UTF-8"),
            ("PYTHON_VERSION", "3.11.9"),
        ),
    )


def make_airflow_foundation() -> Foundation:
    """The official image of Airflow 2.8.1, as a registry would have it: a user's site folder, an older pandas."""
    site = "/home/airflow/.local/lib/python3.11/site-packages"
    return replace(  # noqa: S604 - a value of the image, nothing is run
        make_foundation(),
        kind="airflow",
        reference="apache/airflow:2.8.1-python3.11",
        contract="official",
        user="50000",
        entrypoint=("/usr/bin/dumb-init", "--", "/entrypoint"),
        command=(),
        shell=("/bin/bash", "-o", "pipefail", "-o", "errexit", "-o", "nounset", "-o", "nolog", "-c"),
        working_folder="/opt/airflow",
        environment=(("PATH", "/root/bin:/home/airflow/.local/bin:/usr/local/bin:/usr/bin:/bin"), ("PIP_USER", "true")),
        distributions=(
            InstalledDistribution("apache-airflow", "2.8.1", site, 50_000_000),
            InstalledDistribution("numpy", "1.24.4", site, 60_000_000),
            InstalledDistribution("pandas", "2.1.4", site, 61_000_000),
        ),
    )


def make_airflow_form(spec: Spec, lock: Lock) -> Form:
    """Only some of the distributions are added, two of them in the place of others."""
    foundation = make_airflow_foundation()
    added = {"numpy", "pandas", "seaborn", "cron-descriptor"}
    layers = (
        replace(layer, members=tuple(one for one in layer.members if one.removesuffix(".libs") in added))
        for layer in lock.layers
    )
    return Form(
        spec.model_copy(
            update={"base": spec.base.model_copy(update={"debian": None, "airflow": foundation.reference})}
        ),
        replace(
            lock,
            foundation=foundation,
            inputs=replace(lock.inputs, debian="", base_airflow=foundation.reference),
            python=tuple(one for one in lock.python if one.name in added),
            layers=tuple(layer for layer in layers if layer.members),
        ),
        "airflow-base",
    )


def make_forms(spec: Spec, lock: Lock) -> dict[str, Form]:
    """Golden file → what it was rendered from; ``spec`` and ``lock`` are those of the project's own image."""
    foundation = make_foundation()
    base = {"debian": None, foundation.kind: foundation.reference}
    image_spec = spec.model_copy(update={"base": spec.base.model_copy(update=base)})
    image_lock = replace(
        lock, foundation=foundation, inputs=replace(lock.inputs, debian="", base_image=foundation.reference)
    )
    on_airflow = make_airflow_form(spec, lock)
    return {
        "airflow": Form(spec, lock, "airflow"),
        "debian-single": make_single_stage(spec, lock, "debian-single"),
        "image": Form(image_spec, image_lock, "image"),
        "airflow-base": on_airflow,
        "airflow-base-single": make_single_stage(on_airflow.spec, on_airflow.lock, "airflow-base-single"),
        "image-single": make_single_stage(image_spec, image_lock, "image-single"),
    }


def make_single_stage(spec: Spec, lock: Lock, golden: str) -> Form:
    """The same in one stage, and so with one layer."""
    build = spec.build.model_copy(update={"multi_stage": False})
    layers = plan_layers(dict.fromkeys((one.name for one in lock.python), lock.source_date_epoch), 1)
    inputs = replace(lock.inputs, layers_max=1)
    return Form(spec.model_copy(update={"build": build}), replace(lock, inputs=inputs, layers=layers), golden)
