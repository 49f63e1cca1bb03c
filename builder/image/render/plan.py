"""What the Dockerfile must say, derived from spec and lock without the template: a second check after the types.

The rendered text is parsed again and compared with this. A value that broke out of its place would add, drop or change
an instruction, a label or a variable, and nothing is written then.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from builder.airflow.releases import DAG_PROCESSOR, find_release
from builder.airflow.variables import HOME, HOME_VARIABLE, LOAD_EXAMPLES, STANDALONE_PARSER, VERSION_VARIABLE
from builder.core.errors import RenderMismatchError
from builder.core.naming import LABEL_AIRFLOW, LABEL_CONTENT, LABEL_PROJECT
from builder.dockerfile import parse_dockerfile
from builder.image.render.model import CONTENT_PLACEHOLDER

if TYPE_CHECKING:
    from builder.image.lock.layers.stages import LayerStage
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec

FIXED_VALUES = {
    "ADD": {"base.tar /", "builder.tar /"},
    "EXPOSE": {"8080"},
    "USER": {"50000"},
    "WORKDIR": {HOME},
    "ENTRYPOINT": {'["/usr/bin/dumb-init", "--", "/entrypoint"]'},
    "CMD": {"[]"},
}
PACKAGES_FOLDER = "/home/airflow/.local"


def plan_environment(spec: Spec) -> dict[str, str]:
    """The image's variables: those of the official image that its users' compose files rely on, then the spec's.

    Source: the official image's Dockerfile at 2.8.1 (LANG, AIRFLOW_*, DUMB_INIT_SETSID, GUNICORN_CMD_ARGS).
    """
    return {
        "PATH": f"{PACKAGES_FOLDER}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
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
        **_plan_role_switches(spec),
        **spec.image.env,
    }


def _plan_role_switches(spec: Spec) -> dict[str, str]:
    """The scheduler of 2.x reads the DAG files too, beside a dag-processor, unless it is told not to."""
    table = spec.roles.get(DAG_PROCESSOR.name)
    is_needed = find_release(spec.airflow.version).series.dag_reader != DAG_PROCESSOR.name
    return {STANDALONE_PARSER.name: "true"} if table is not None and table.enabled and is_needed else {}


def plan_labels(spec: Spec, lock: Lock) -> dict[str, str]:
    """The spec's labels and ours; ours win, because clean-up and skipping trust them."""
    created = datetime.fromtimestamp(lock.source_date_epoch, UTC).isoformat().replace("+00:00", "Z")
    return {
        **spec.image.labels,
        "org.opencontainers.image.title": spec.image.name,
        "org.opencontainers.image.version": spec.airflow.version,
        "org.opencontainers.image.created": created,
        "org.opencontainers.image.base.name": f"debian:{spec.base.debian}",
        LABEL_AIRFLOW: spec.airflow.version,
        LABEL_PROJECT: spec.image.name,
        LABEL_CONTENT: CONTENT_PLACEHOLDER,
    }


def plan_instructions(stages: tuple[LayerStage, ...]) -> tuple[str, ...]:
    """The names of all instructions, in order."""
    layers = sum(len(stage.layers) for stage in stages)
    return (
        *("FROM", "ADD"),
        *("FROM", "SHELL", "RUN"),
        *("FROM", "ADD", "SHELL", "RUN"),
        *("FROM", "RUN"),
        *("FROM", "RUN") * len(stages),
        *("FROM", "RUN"),
        *("FROM", "COPY", "COPY", "WORKDIR", *["COPY"] * layers),
        *("ENV", "LABEL", "EXPOSE", "USER", "ENTRYPOINT", "CMD"),
    )


def plan_origins(stages: tuple[LayerStage, ...]) -> dict[str, set[str]]:
    """What FROM and COPY may say."""
    return {
        "FROM": {
            *(
                "scratch AS base",
                "base AS rootfs",
                "base AS builder",
                "builder AS sdists",
                "builder AS check",
                "base",
            ),
            *(f"builder AS {stage.name}" for stage in stages),
        },
        "COPY": {
            "--link --from=rootfs /out/ /",
            "--link --from=check /out/ /",
            *(f"--link --from={stage.name} /out/{layer.name}/ /" for stage in stages for layer in stage.layers),
        },
    }


def check_rendered(
    text: str, environment: dict[str, str], labels: dict[str, str], stages: tuple[LayerStage, ...]
) -> None:
    """Raise :class:`RenderMismatchError` unless ``text`` says exactly what was planned."""
    found = parse_dockerfile(text)
    names, planned = tuple(instruction.name for instruction in found.instructions), plan_instructions(stages)
    if names != planned:
        raise RenderMismatchError("instructions", " ".join(planned), " ".join(names))
    values = FIXED_VALUES | plan_origins(stages)
    for instruction in found.instructions:
        allowed = values.get(instruction.name)
        if allowed is not None and instruction.value not in allowed:
            raise RenderMismatchError(instruction.name, " or ".join(sorted(allowed)), instruction.value)
    if found.environment != environment:
        raise RenderMismatchError("ENV", repr(environment), repr(found.environment))
    if found.labels != labels:
        raise RenderMismatchError("LABEL", repr(labels), repr(found.labels))
