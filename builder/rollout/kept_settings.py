"""Whether the services of an Airflow still have, from the shared image, what the images before set for them.

A Dockerfile may set a secret or an address by ENV. An image made from something else, or from a Dockerfile that was
changed since, may lack it: every container comes up and is healthy then, and no task ever ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.airflow.find import SHARED_OPTIONS
from builder.airflow.variables import SUFFIXES
from builder.core.errors import CheckFailedError
from builder.core.phrases import choose_verb, join_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.airflow.variables import ConfigOption
    from builder.compose.model import Project, SharedTarget
    from builder.engine.protocols import ProjectEngine

Environments = dict[str, "Mapping[str, str | None]"]
"""Service → the environment in which it starts."""
_HINT = "write it into the environment of these services in the compose file, then `optbuild optimize` again"


def check_kept_settings(engine: ProjectEngine, project: Project, target: SharedTarget, image: str) -> None:
    """Compare the containers that are there with what ``image`` makes of them. Raises CheckFailedError, with no value.

    Only the image counts: what the compose file itself sets is the person's, and the same before and after.
    """
    new = engine.read_image_environment(image)
    before: Environments = {}
    after: Environments = {}
    for one in engine.list_containers(project.name):
        service = project.services.get(one.service)
        if service is not None and one.service in target.services:
            before[one.service] = {**engine.read_image_environment(one.image_id), **service.environment}
            after[one.service] = {**new, **service.environment}
    for option in SHARED_OPTIONS:
        _check_option(option, before, after)


def _check_option(option: ConfigOption, before: Environments, after: Environments) -> None:
    had, has = ({name: _find_values(option, one) for name, one in many.items()} for many in (before, after))
    lost = [service for service in had if had[service] and not has[service]]
    if lost:
        raise CheckFailedError(
            f"{join_names(lost)} would lose {option.name}: {choose_verb(lost, 'its image', 'their images')} of before "
            f"{choose_verb(lost, 'sets', 'set')} it, and the shared image does not",
            hint=_HINT,
        )
    if len(set(had.values())) == 1 and len(set(has.values())) > 1:
        raise CheckFailedError(
            f"{join_names(list(has))} would no longer have the same {option.name}: the shared image sets another value "
            "than the images of before",
            hint=_HINT,
        )


def _find_values(option: ConfigOption, environment: Mapping[str, str | None]) -> tuple[tuple[str, str], ...]:
    """Each variable that sets the option, and its text; one that the shell gives has an empty text of its own."""
    names = (f"{name}{suffix}" for name in option.names for suffix in SUFFIXES)
    found = ((name, environment[name]) for name in names if name in environment)
    return tuple((name, text or "") for name, text in found if text != "")
