"""ARG, ENV and LABEL of a Dockerfile: what of them the spec takes, and what is secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.adopt.installers import is_environment_path, is_index_variable, is_installer_variable
from builder.adopt.model import Found
from builder.adopt.requirements import INDEX_REASON, INDEX_STEP
from builder.adopt.values import find_refusal, show_words
from builder.airflow.variables import HOME, HOME_VARIABLE, VERSION_VARIABLE
from builder.core.secret_name import is_secret_name
from builder.core.secret_value import is_literal_secret
from builder.core.written_secret import list_written_secrets
from builder.dockerfile.stages import parse_assignments, substitute_variables
from builder.image.spec.types import RESERVED_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.adopt.model import Collection
    from builder.core.errors import Where
    from builder.dockerfile import Instruction

_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")
_STEP = (
    "change the secret, for it is in every image that was built; give it to the containers when they start "
    "(compose: `secrets:` or `env_file:`), and what a build needs with `RUN --mount=type=secret` and --secret"
)
_SAME = {HOME_VARIABLE: HOME, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "AIRFLOW_UID": "50000"}
"""What an image of ours has anyway."""


def collect_arguments(one: Instruction, where: Where, collection: Collection) -> None:
    """ARG: its values are filled in where they are used; a secret among them is said."""
    for name, value in parse_assignments(one).items():
        if value and is_secret_name(name) and is_literal_secret(value):
            reason = "its default is a secret, which the history of the image shows to everybody"
            collection.leave(where, f"ARG {name}=***", reason, _STEP)


def collect_environment(
    one: Instruction, where: Where, known: Mapping[str, str], collection: Collection, *, is_base_known: bool
) -> None:
    """ENV: ``known`` are the variables before it; what no one sets is empty where the base is known."""
    for name, value in parse_assignments(one).items():
        text = substitute_variables(value or "", known)
        if name == "VIRTUAL_ENV" or (name == "PATH" and is_environment_path(text)):
            collection.note(where, f"{name} names an environment: the image has one of its own, first on its PATH")
            continue
        if is_base_known:
            text = _VARIABLE.sub("", text)
        _collect_variable(name, text, show_words(f"ENV {name}={value}"), where, collection)


def _collect_variable(name: str, text: str, what: str, where: Where, collection: Collection) -> None:
    """``what`` is as it is written."""
    if list_written_secrets(f"{name}={text}") or (is_secret_name(name) and is_literal_secret(text)):
        collection.leave(where, f"ENV {name}=***", "its value is a secret, and everybody reads it in the image", _STEP)
        return
    if _SAME.get(name) == text:
        return
    if is_installer_variable(name):
        collection.note(where, f"{name} speaks to what installs packages, which the image does not run")
        return
    if is_index_variable(name):
        collection.leave(where, what, INDEX_REASON, INDEX_STEP)
        return
    if name == VERSION_VARIABLE:
        collection.versions.append(Found(text, where))
        return
    if name in RESERVED_ENVIRONMENT:
        step = f"remove it, or set it when the containers start: {RESERVED_ENVIRONMENT[name]}"
        collection.leave(where, what, "the image sets this variable itself", step)
        return
    refusal = find_refusal("EnvironmentKey", name) or find_refusal("EnvironmentValue", text)
    if refusal is not None:
        collection.leave(where, what, str(refusal), refusal.hint or "set it when the containers start")
    else:
        collection.environment[name] = Found(text, where)


def collect_labels(one: Instruction, where: Where, known: Mapping[str, str], collection: Collection) -> None:
    """LABEL, and MAINTAINER as a label."""
    given = {"maintainer": one.value.strip()} if one.name == "MAINTAINER" else parse_assignments(one)
    for name, value in given.items():
        text = substitute_variables(value or "", known)
        if list_written_secrets(f"{name}={text}"):
            collection.leave(where, f"LABEL {name}=***", "its value is a secret", _STEP)
            continue
        refusal = find_refusal("LabelKey", name) or find_refusal("LabelValue", text)
        if refusal is not None:
            step = refusal.hint or "leave it out"
            collection.leave(where, show_words(f"LABEL {name}={text}"), str(refusal), step)
        else:
            collection.labels[name] = Found(text, where)
