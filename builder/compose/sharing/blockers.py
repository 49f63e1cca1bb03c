"""Why a group is left as it is: what would be lost, or would mean something else, once its services share an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.compose.sharing.shared_name import find_own_name, index_other_names
from builder.core.image_reference import has_registry, normalize_image_name
from builder.core.phrases import choose_verb, join_names

if TYPE_CHECKING:
    from builder.compose.model import Project, Service
    from builder.compose.sharing.groups import ServiceGroup

_NO_REGISTRY_POLICIES = frozenset({None, "missing", "if_not_present", "never"})
"""Pull policies that neither rebuild nor ask a registry when the image is there."""


class NotShareableError(Exception):
    """Ends a choice; its text is the reason."""


def check_policies(group: ServiceGroup) -> None:
    if len(group.images) == 1 and has_registry(group.images[0]):
        return
    for service in group.services:
        name, policy = service.name, service.pull_policy
        if policy == "build":
            raise NotShareableError(
                f"{name} has `pull_policy: build`, which builds at every start: that would replace the image of the "
                "others. Remove that line first"
            )
        if policy not in _NO_REGISTRY_POLICIES:
            raise NotShareableError(
                f"{name} has `pull_policy: {policy}`, so its image is meant to come from a registry. Remove that line, "
                "or give the image a name with its registry"
            )


def check_registries(group: ServiceGroup) -> None:
    """Names under which images are pushed or pulled are not replaced by one that only this machine knows."""
    if find_own_name(group) is not None:
        return
    registered = [service.name for service in group.services if _can_have_registry(service)]
    if registered:
        raise NotShareableError(
            f"its services have different image names, and {choose_verb(registered, 'that', 'those')} of "
            f"{join_names(registered)} "
            f"{choose_verb(registered, 'contains', 'contain')} a registry, or a variable that may be one: "
            "nothing would be "
            "pushed or pulled under them any more. Give all of them the one `image:` under which it should be pushed"
        )


def _can_have_registry(service: Service) -> bool:
    return has_registry(service.image or "") or (service.raw_image or "").startswith("$")


def check_tags(group: ServiceGroup) -> None:
    """The builder keeps its build with its tags; those of another build would be lost."""
    if len({frozenset(service.build.tags) for service in group.services if service.build is not None}) > 1:
        raise NotShareableError("their builds have different `tags:`, and only one of them could stay")


def refuse_tags(group: ServiceGroup) -> None:
    for service in group.services:
        if service.build is not None and service.build.tags:
            raise NotShareableError(
                f"the build of {service.name} gives further `tags:`, which only a service with `build:` can keep: "
                "choose one with `--builder-service`"
            )


def check_collision(project: Project, group: ServiceGroup, image: str) -> None:
    """No service outside of the group may have the name for another image."""
    other = index_other_names(project, group).get(normalize_image_name(image))
    if other is not None:
        raise NotShareableError(f"the service {other} uses the name {image} for another image")


def find_unprotected_services(group: ServiceGroup, image: str) -> tuple[str, ...]:
    """Services that would ask Docker Hub for a name that is made here."""
    if has_registry(image):
        return ()
    return tuple(service.name for service in group.services if service.pull_policy != "never")
