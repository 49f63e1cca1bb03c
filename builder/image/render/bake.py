"""The context as a bake file: one target that carries every tag, for people who build with ``docker buildx bake``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from builder.core.naming import candidate_reference, promoted_references

if TYPE_CHECKING:
    from builder.image.render.model import Context
    from builder.image.spec.model import Spec


def bake_document(spec: Spec, context: Context, roles: tuple[str, ...]) -> dict[str, Any]:
    """The file's content; its ``context`` is the folder in which it lies.

    One target only: a target per role would build the same image several times and export it to names that collide.
    Behind a proxy with a certificate of its own: ``--set 'airflow.secrets=id=ca,src=BUNDLE'``.
    """
    tags = (
        candidate_reference(spec.image.name, context.digest()),
        *promoted_references(spec.image.name, spec.image.tags, roles),
    )
    target = {
        "context": ".",
        "dockerfile": "Dockerfile",
        "platforms": [context.platform],
        "args": {"SOURCE_DATE_EPOCH": str(context.source_date_epoch)},
        "tags": list(tags),
    }
    return {"group": {"default": {"targets": ["airflow"]}}, "target": {"airflow": target}}


def bake_text(spec: Spec, context: Context, roles: tuple[str, ...]) -> str:
    return json.dumps(bake_document(spec, context, roles), indent=2) + "\n"
