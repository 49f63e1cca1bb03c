"""The context as a bake file: one target that carries every tag, for people who build with ``docker buildx bake``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from builder.core.naming import list_promoted_references, make_candidate_reference

if TYPE_CHECKING:
    from builder.image.render.model import BuildContext
    from builder.image.spec.model import Spec


def make_bake_document(spec: Spec, context: BuildContext, roles: tuple[str, ...]) -> dict[str, Any]:
    """The file's content; its ``context`` is the folder that holds it.

    One target only: a target per role would build the same image several times and export it to names that collide.
    Behind a proxy with a certificate of its own: ``--set 'airflow.secrets=id=ca,src=BUNDLE'``.
    """
    tags = (
        make_candidate_reference(spec.image.name, context.compute_digest()),
        *list_promoted_references(spec.image.name, spec.image.tags, roles),
    )
    target = {
        "context": ".",
        "dockerfile": "Dockerfile",
        "platforms": [context.platform],
        "args": {"SOURCE_DATE_EPOCH": str(context.source_date_epoch)},
        "tags": list(tags),
    }
    return {"group": {"default": {"targets": ["airflow"]}}, "target": {"airflow": target}}


def format_bake_json(spec: Spec, context: BuildContext, roles: tuple[str, ...]) -> str:
    return json.dumps(make_bake_document(spec, context, roles), indent=2) + "\n"
