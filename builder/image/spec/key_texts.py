"""What each key of optbuild.toml means, with an example: for editors (the JSON Schema) and for the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from builder.core.naming import MOST_LAYERS
from builder.core.slim_rules import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping


class KeyText(NamedTuple):
    """One key. ``example`` is its value as TOML writes it."""

    text: str
    example: str


ANY_NAME = "*"
"""In a path: a name that the person chooses, as of a role."""
TABLES: Mapping[str, str] = {
    "image": "The image: its name, and what is written into its configuration.",
    "base": "What the image stands on: exactly one of the three keys.",
    "airflow": "Airflow itself.",
    "python": "Python, and the packages that are installed.",
    "apt": "Debian packages.",
    "build": "How the image is built.",
    "layers": "How the Python packages are spread over layers.",
    "slim": "What stays in the image (true) and what is left out of it (false).",
    "roles": "The ways to start the image; Airflow's own exist without being named.",
    "roles.*": "A role: one of Airflow's own, which it changes, or one with a name of your own.",
    "roles.*.health": "How verify and health checks ask whether the role works. Without it, it must go on running.",
    "render": "How the Dockerfile is written.",
    "verify": "What the roles are started against.",
    "protect": "What optbuild must never remove.",
    "budget": "How large the image may be: beyond it, build does not promote and inspect fails.",
}
"""Path of a table → what it holds."""
_SLIM = {f"slim.{one.name}": KeyText(f"{one.what}: {one.reason}", str(one.stays).lower()) for one in RULES}
KEYS: Mapping[str, KeyText] = {
    "image.name": KeyText(
        "The image's name without a tag, with a registry in front if it is to be pushed.", '"ml-pipeline-airflow"'
    ),
    "image.kind": KeyText(
        "`base`: an image without roles of its own, from which others are made; `roles`: one that is started.", '"base"'
    ),
    "image.tags": KeyText("Each becomes NAME:TAG, and NAME-ROLE:TAG for each role.", '["latest", "2026-11"]'),
    "image.labels": KeyText("Labels of the image, beside those that optbuild sets itself.", '{ team = "ml" }'),
    "image.env": KeyText(
        "Environment variables of the image; a secret belongs where the container is started.",
        '{ AIRFLOW__CORE__LOAD_EXAMPLES = "false" }',
    ),
    "base.debian": KeyText(
        "A Debian release: the base is made from its packages, and no registry is needed.", '"bookworm"'
    ),
    "base.image": KeyText(
        "An image of Debian's family with the wanted Python; the lock pins its digest.", '"python:3.11-slim-bookworm"'
    ),
    "base.airflow": KeyText(
        "An image of Airflow, which is extended: its user, entrypoint and packages stay.",
        '"apache/airflow:2.8.1-python3.11"',
    ),
    "airflow.version": KeyText("The version of apache-airflow.", '"2.8.1"'),
    "airflow.extras": KeyText("Extras of apache-airflow.", '["postgres", "celery"]'),
    "airflow.constraints": KeyText(
        "Which constraints are preferred: `official`, a file below this folder, an https URL, or false for none.",
        '"constraints.txt"',
    ),
    "python.version": KeyText("Major and minor version; with `base.debian` the one that the release has.", '"3.11"'),
    "python.requirements": KeyText(
        "Packages to install: name, extras, version and marker, but no URL and no path.", '["pandas==2.0.3"]'
    ),
    "python.requirements-files": KeyText(
        "Files of such lines that the project already has, below this folder.", '["requirements.txt"]'
    ),
    "apt.runtime": KeyText("Debian packages that stay in the image, by name.", '["libgomp1"]'),
    "apt.build": KeyText("Debian packages that are there only where wheels are built.", '["gcc", "libpq-dev"]'),
    "build.multi-stage": KeyText(
        "false: one stage, and all Python packages in one layer; the contents are the same.", "false"
    ),
    "build.pause-gc-at-start": KeyText(
        "false: the `airflow` script stays as its installer wrote it. Otherwise commands that end by themselves import "
        "Airflow with the garbage collector off, which saves a quarter of their start.",
        "false",
    ),
    "build.run": KeyText(
        "Scripts of the project, for what no other key does: they run in this order in the builder stage, behind all "
        "packages, as root, without network.",
        '["scripts/extra.sh"]',
    ),
    "build.run-folders": KeyText(
        "Folders of the image that only those scripts fill: what they leave there goes into it, in one layer of its "
        "own, and nothing else of what they do.",
        '["/opt/extra"]',
    ),
    "build.run-files": KeyText(
        "Files and folders below this one that those scripts read, beside themselves; without secrets and without what "
        ".dockerignore names.",
        '["assets", "package.json"]',
    ),
    "build.run-network": KeyText(
        "true: those scripts may use the network. The lock knows nothing of what they load.", "true"
    ),
    "layers.max": KeyText(
        f"The most layers of Python packages, from 1 to {MOST_LAYERS}; more of them move less when a version changes.",
        "20",
    ),
    **_SLIM,
    "roles.*.enabled": KeyText("false: a role that this Airflow has is switched off.", "false"),
    "roles.*.command": KeyText(
        "The words after the image's entrypoint; a role of your own needs them.", '["celery", "flower"]'
    ),
    "roles.*.health.http": KeyText("The path that is asked whether the role works.", '"/health"'),
    "roles.*.health.port": KeyText("The port of that path, within the container.", "5555"),
    "files": KeyText(
        "Files and folders below this one, each with its path in the image; copied last, without secrets and without "
        "what .dockerignore names.",
        '{ dags = "/opt/airflow/dags" }',
    ),
    "render.templates": KeyText(
        "A folder below this one with templates that add to the shipped Dockerfile.", '"templates"'
    ),
    "verify.database": KeyText(
        "The image of the database that the roles are proven with, or `sqlite`.", '"postgres:16"'
    ),
    "verify.dags": KeyText("A folder below this one: each of its DAG files must import in the image.", '"dags"'),
    "verify.broker": KeyText(
        "The image of the broker, where a role of Celery needs one; redis:7 if not given.", '"redis:7"'
    ),
    "protect.images": KeyText(
        "Names of images, also with * and ?, that no command of optbuild removes.", '["registry.example/base:*"]'
    ),
    "budget.image-bytes": KeyText("The most that the image may have, unpacked.", '"900MB"'),
    "budget.waste-bytes": KeyText("The most waste that `optbuild inspect` may find.", '"20MB"'),
    "budget.waste-percent": KeyText("The same as a share of the image's bytes, in percent.", "2.5"),
    "budget.package-bytes": KeyText("The most that single packages may have, by name.", '{ pandas = "80MB" }'),
}
"""Path of a key → what it means. A test compares the paths with those of :class:`builder.image.spec.model.SpecFile`."""
