"""A plan as JSON: everything, and no value of the environment."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from builder.compose.display import describe_build_source
from builder.findings.model import sort_findings
from builder.report.diff import format_display_path, format_unified_diff

if TYPE_CHECKING:
    from builder.compose.model import FileEdit, ImageBytes
    from builder.compose.planned import GroupPlan, Plan
    from builder.core.text_edits import TextEdit
    from builder.findings.model import Finding
    from builder.report.documents.plan import (
        FileEditDocument,
        FixDocument,
        GroupDocument,
        ImageSetDocument,
        PlanDocument,
        PlanFindingDocument,
    )

SCHEMA_VERSION = 1


def format_plan_json(plan: Plan) -> str:
    """Stable keys, bytes as whole numbers or null; keys are only ever added within one schema version."""
    project = plan.project
    document: PlanDocument = {
        "schema_version": SCHEMA_VERSION,
        "project": {
            "name": project.name,
            "directory": str(project.files.directory),
            "files": [format_display_path(path, project.files.directory) for path in project.files.files],
            "services": list(project.services),
        },
        "engine": plan.engine or None,
        "notes": list(plan.notes),
        "groups": [_make_group_document(plan, one) for one in plan.groups],
        "images": {
            name: {"id": image.id, "bytes": image.bytes, "found_as": image.name}
            for name, image in sorted(plan.images.items())
        },
        "findings": [_make_finding_document(finding) for finding in sort_findings(plan.findings)],
        "edits": [_make_edit_document(plan, edit) for edit in plan.edits if edit.changes],
        "affected": list(plan.affected),
    }
    return json.dumps(document, indent=1) + "\n"


def _make_group_document(plan: Plan, one: GroupPlan) -> GroupDocument:
    group, target = one.group, one.target
    return {
        "services": list(group.names),
        "images": list(group.images),
        "airflow": group.airflow,
        "builds": None if group.build is None else describe_build_source(plan.project, group.build),
        "duplicate": group.is_duplicate,
        "target": None
        if target is None
        else {
            "image": target.image,
            "source": target.source,
            "builder": target.builder,
            "pull_policy": target.pull_policy,
        },
        "reason": one.reason or None,
        "refused": one.refused,
        "warnings": list(one.warnings),
        "sharing": one.sharing,
        "bytes": {
            "now": _make_bytes_document(one.now),
            "then": _make_bytes_document(one.then),
            "if_apart": _make_bytes_document(one.if_apart),
        },
        "build_seconds": one.build_seconds,
    }


def _make_bytes_document(found: ImageBytes | None) -> ImageSetDocument:
    if found is None:
        return {"apparent": None, "real": None, "images": None}
    return {"apparent": found.apparent, "real": found.real, "images": found.images}


def _make_finding_document(finding: Finding) -> PlanFindingDocument:
    return {
        "code": finding.code,
        "name": finding.rule.name,
        "severity": finding.severity.word,
        "title": finding.rule.title,
        "file": finding.where.file or None,
        "line": finding.where.line,
        "key": finding.where.key,
        "services": list(finding.services),
        "message": finding.message,
        "details": list(finding.details),
        "fix": finding.fix,
        "edits": [_make_text_edit_document(edit) for edit in finding.edits],
    }


def _make_text_edit_document(edit: TextEdit) -> FixDocument:
    """Lines count from 1, columns are the characters before the place; equal places: an insertion."""
    return {
        "line": edit.start.line,
        "column": edit.start.column,
        "end_line": edit.end.line,
        "end_column": edit.end.column,
        "text": edit.text,
    }


def _make_edit_document(plan: Plan, edit: FileEdit) -> FileEditDocument:
    folder = plan.project.files.directory
    return {
        "file": format_display_path(edit.path, folder),
        "sha256_before": hashlib.sha256(edit.before).hexdigest(),
        "sha256_after": hashlib.sha256(edit.after).hexdigest(),
        "diff": format_unified_diff((edit,), folder),
    }
