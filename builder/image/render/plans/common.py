"""What the Dockerfiles of all kinds have in common: variables, labels, the stages and layers of Python packages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from builder.airflow.releases import DAG_PROCESSOR, find_release
from builder.airflow.variables import HOME, HOME_VARIABLE, LOAD_EXAMPLES, STANDALONE_PARSER, VERSION_VARIABLE
from builder.core.debian import RELEASE_EPOCH
from builder.core.naming import (
    LABEL_AIRFLOW,
    LABEL_BASE_DIGEST,
    LABEL_BASE_KIND,
    LABEL_BASE_LAYERS,
    LABEL_BASE_NAME,
    LABEL_CONTENT,
    LABEL_PROJECT,
    OCI_PREFIX,
)
from builder.image.lock.layers.debian_layers import list_added_packages
from builder.image.lock.layers.plan import list_layers
from builder.image.lock.layers.stages import plan_stages
from builder.image.render.model import CONTENT_PLACEHOLDER
from builder.image.render.plan import PlannedInstruction, RenderPlan
from builder.image.render.stages import list_building_stages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.image.lock.foundation import Foundation
    from builder.image.lock.layers.stages import LayerStage
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec

FINAL_INSTRUCTIONS = (
    PlannedInstruction("ENV"),
    PlannedInstruction("LABEL"),
    PlannedInstruction("EXPOSE", "8080"),
    PlannedInstruction("USER", "50000"),
    PlannedInstruction("ENTRYPOINT", '["/usr/bin/dumb-init", "--", "/entrypoint"]'),
    PlannedInstruction("CMD", "[]"),
)
"""What an image with our own entrypoint ends with."""
WORKDIR = PlannedInstruction("WORKDIR", HOME)
SHELL = PlannedInstruction("SHELL", '["/bin/bash", "-o", "pipefail", "-o", "errexit", "-o", "nounset", "-c"]')
RUN_LAYER = "build.run"
"""The folder of what the scripts of [build] run left, as history says it; no layer of packages is named so."""
PACKAGES_FOLDER = "/home/airflow/.local"
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Docker's own, for an image that has none (moby, ``pkg/oci/defaults.go``)."""

_OCI_ORDER = (
    *("title", "description", "source", "url", "documentation", "authors", "vendor", "licenses"),
    *("version", "revision", "created", "ref.name", "base.name", "base.digest"),
)
"""Identity, source, ownership, release, base: the groups of the image specification's annotation keys."""


@dataclass(frozen=True)
class PackageStages:
    """The stages that install Python packages, and the layers that they make."""

    stages: tuple[LayerStage, ...]
    layers: tuple[tuple[str, str], ...]
    """(stage, layer), bottom first."""

    @property
    def instructions(self) -> tuple[PlannedInstruction, ...]:
        """Those of the stages."""
        return tuple(
            one
            for stage in self.stages
            for one in (PlannedInstruction("FROM", f"builder AS {stage.name}"), PlannedInstruction("RUN"))
        )

    @property
    def copies(self) -> tuple[PlannedInstruction, ...]:
        """Those of the layers, in the final stage."""
        return tuple(
            PlannedInstruction("COPY", f"--link --from={stage} /out/{layer}/ /") for stage, layer in self.layers
        )


def plan_package_stages(lock: Lock) -> PackageStages:
    layers = list_layers(lock)
    stages = plan_stages(layers)
    made_by = {layer.name: stage.name for stage in stages for layer in stage.layers}
    return PackageStages(stages, tuple((made_by[layer.name], layer.name) for layer in layers))


def list_file_entries(spec: Spec) -> tuple[str, ...]:
    """The names of the folders of [files] in the context, and in the stage that lays them out."""
    return tuple(str(number) for number, _ in enumerate(spec.files, 1))


def plan_own_base(lock: Lock) -> tuple[PlannedInstruction, ...]:
    """The Debian packages of a base that is made here: the standard ones, and what the project adds."""
    added = (PlannedInstruction("ADD", "added.tar /"),) if list_added_packages(lock) else ()
    return (PlannedInstruction("ADD", "base.tar /"), *added)


def plan_file_stage(spec: Spec, root: tuple[PlannedInstruction, ...]) -> tuple[PlannedInstruction, ...]:
    """The stage that lays the files out; ``root`` is what a stage on this base begins with."""
    stage = (PlannedInstruction("FROM", "base AS files"), *root, PlannedInstruction("RUN"))
    return stage if spec.files else ()


def plan_file_copies(spec: Spec) -> tuple[PlannedInstruction, ...]:
    """Those of its folders, in the final stage: behind all layers of packages."""
    return tuple(
        PlannedInstruction("COPY", f"--link --from=files /out/{number}/ /") for number in list_file_entries(spec)
    )


def plan_run_stage(
    spec: Spec, packages: PackageStages, beginning: tuple[PlannedInstruction, ...]
) -> tuple[PlannedInstruction, ...]:
    """The stage in which the scripts of [build] run see the whole image; ``beginning`` is what it stands on."""
    rootfs, run = PlannedInstruction("COPY", "--link --from=rootfs /out/ /"), PlannedInstruction("RUN")
    return (*beginning, rootfs, *packages.copies, run) if spec.build.run else ()


def plan_run_copy(spec: Spec) -> tuple[PlannedInstruction, ...]:
    """That of what they left, in the final stage: behind all layers of packages, below the project's own files."""
    return (PlannedInstruction("COPY", f"--link --from=run /out/{RUN_LAYER}/ /"),) if spec.build.run else ()


def list_own_runs(spec: Spec) -> tuple[PlannedInstruction, ...]:
    """Those of a final stage that has RUNs: of [build] run, and for each entry of [files]."""
    return tuple(PlannedInstruction("RUN") for _ in ((*spec.build.run[:1], *list_file_entries(spec))))


def plan_environment(spec: Spec, path: str = DEFAULT_PATH) -> dict[str, str]:
    """The image's variables: those of the official image that its users' compose files rely on, then the spec's.

    ``path`` is the PATH of what the image stands on.
    Source: the official image's Dockerfile at 2.8.1 (LANG, AIRFLOW_*, DUMB_INIT_SETSID, GUNICORN_CMD_ARGS).
    """
    return {
        "PATH": f"{PACKAGES_FOLDER}/bin:{path}",
        "VIRTUAL_ENV": PACKAGES_FOLDER,
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        HOME_VARIABLE: HOME,
        "AIRFLOW_UID": "50000",
        "AIRFLOW_USER_HOME_DIR": "/home/airflow",
        VERSION_VARIABLE: spec.airflow.version,
        LOAD_EXAMPLES.name: "false",
        "DUMB_INIT_SETSID": "1",
        "GUNICORN_CMD_ARGS": "--worker-tmp-dir /dev/shm",
        **plan_role_switches(spec),
        **spec.image.env,
    }


def plan_role_switches(spec: Spec) -> dict[str, str]:
    """The scheduler of 2.x reads the DAG files too, beside a dag-processor, unless it is told not to."""
    table = spec.roles.get(DAG_PROCESSOR.name)
    is_needed = find_release(spec.airflow.version).series.dag_reader != DAG_PROCESSOR.name
    return {STANDALONE_PARSER.name: "true"} if table is not None and table.enabled and is_needed else {}


def plan_labels(spec: Spec, lock: Lock) -> dict[str, str]:
    """The spec's labels and ours; ours win, because clean-up and skipping trust them."""
    created = datetime.fromtimestamp(lock.source_date_epoch, UTC).isoformat().replace("+00:00", "Z")
    return {
        **spec.image.labels,
        f"{OCI_PREFIX}title": spec.image.name,
        f"{OCI_PREFIX}version": spec.airflow.version,
        f"{OCI_PREFIX}created": created,
        **_plan_base_labels(lock),
        LABEL_AIRFLOW: spec.airflow.version,
        LABEL_PROJECT: spec.image.name,
        LABEL_CONTENT: CONTENT_PLACEHOLDER,
    }


def _plan_base_labels(lock: Lock) -> dict[str, str]:
    """What the image stands on; a base that is made here has no digest anywhere."""
    if lock.foundation is None:
        return {LABEL_BASE_NAME: f"debian:{lock.inputs.debian}"}
    return {
        LABEL_BASE_NAME: lock.foundation.reference,
        LABEL_BASE_DIGEST: lock.foundation.digest,
        LABEL_BASE_KIND: "airflow" if lock.foundation.contract == "official" else lock.foundation.kind,
        LABEL_BASE_LAYERS: str(len(lock.foundation.layers)),
    }


def make_plan(  # a plan's parts, each named
    spec: Spec,
    lock: Lock,
    *,
    template: str,
    variables: Mapping[str, object],
    environment: dict[str, str],
    instructions: tuple[PlannedInstruction, ...],
) -> RenderPlan:
    """A plan of any kind: ``variables`` are what its own template reads beside those that all templates may read."""
    labels, packages = plan_labels(spec, lock), plan_package_stages(lock)
    shared = {
        "added": bool(list_added_packages(lock)),
        "base_epoch": RELEASE_EPOCH[lock.release],
        "build_note": ", strip, and the spec's build packages" if spec.apt.build else " and strip",
        "building": list_building_stages(lock),
        "environment": list(environment.items()),
        "epoch": lock.source_date_epoch,
        "files": list_file_entries(spec),
        "labels": sort_labels(labels),
        "layers": packages.layers,
        "run": bool(spec.build.run),
        "run_network": spec.build.run_network,
        "stages": packages.stages,
        "uv_version": lock.uv.version,
    }
    return RenderPlan(template, shared | dict(variables), environment, labels, instructions)


def require_foundation(lock: Lock) -> Foundation:
    """What the lock's image stands on. Raises ValueError where it is a base of our own."""
    if lock.foundation is None:
        raise ValueError("the lock has no foundation, and its spec names an image as base")
    return lock.foundation


def sort_labels(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """The standard's groups in their order, other keys behind them."""
    return sorted(labels.items(), key=_make_label_key)


def _make_label_key(label: tuple[str, str]) -> tuple[int, str]:
    name = label[0].removeprefix(OCI_PREFIX)
    known = label[0].startswith(OCI_PREFIX) and name in _OCI_ORDER
    return (_OCI_ORDER.index(name) if known else len(_OCI_ORDER), label[0])
