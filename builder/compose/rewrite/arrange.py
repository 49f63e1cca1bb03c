"""Decide which slot gets which content, so that every sharer ends with the planned keys and nobody else changes.

Plain YAML where it can do it: keys go into the mapping that gave the build, as long as only sharers get them from
there; else into each sharer's own mapping. A service that must keep a build that leaves a shared mapping
gets a copy. What plain YAML cannot say (a service that extends another, and must not build although that one does)
says ``!reset``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from builder.compose.rewrite.slots import Content, ExistingEntry, KeyAssignments, NewValue, Reset, Resolution, Slot
from builder.core.errors import ComposeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from builder.compose.model import SharedTarget
    from builder.compose.rewrite.resolve import KeySources, MappingSource

OTHER_WAY = "let another service build it (--builder-service), or none (--image-only)"


def arrange_keys(sites: KeySources, targets: tuple[SharedTarget, ...]) -> KeyAssignments:
    """The whole change. Raises ComposeError, with the place, where no safe way exists."""
    draft = KeyAssignments(sites)
    seen = {name: draft.find(name, "build") for target in targets for name in target.services}
    taken = _remove_builds(draft, {name for target in targets for name in target.services if name != target.builder})
    builds = {name: tuple(dict.fromkeys((*found, *taken.get(name, ())))) for name, found in seen.items()}
    for target in targets:
        if target.keeps_name:
            _check_image_names(draft, target)
            _keep_files_complete(draft, target, builds)
        else:
            _KeyPlacement(draft, target, builds, "image", target.image).run()
        if target.pull_policy is not None:
            _KeyPlacement(draft, target, builds, "pull_policy", target.pull_policy).run()
    return draft


def _check_image_names(draft: KeyAssignments, target: SharedTarget) -> None:
    """Only the builder may do without: Compose names what it builds."""
    for service in target.services:
        if service != target.builder and not draft.find(service, "image"):
            level = draft.sites.services[service][0].levels[0]
            raise ComposeError(
                f"{service} has no image of its own, so its name cannot stay as it is",
                where=level.document.where(level.node.start, f"services.{service}"),
                hint="give all services of the group the same `image:`",
            )


def _keep_files_complete(
    draft: KeyAssignments, target: SharedTarget, builds: Mapping[str, tuple[Resolution, ...]]
) -> None:
    """A file that loses a build gets the image's name, as another file has it: it may be read without that one."""
    if not any(builds[service] for service in target.services if service != target.builder):
        return
    for service in target.services:
        text = draft.text(service, "image")
        if text is not None:
            _KeyPlacement(draft, target, builds, "image", text).complete_files(service)


def _remove_builds(draft: KeyAssignments, losers: set[str]) -> dict[str, list[Resolution]]:
    """Service → what was taken. What a removed build hid (the next of a merge list, the file below an ``!override``) is
    found in the next turn, and goes too."""
    taken: dict[str, list[Resolution]] = {}
    for service in sorted(losers):
        while found := draft.find(service, "build"):
            taken.setdefault(service, []).append(found[0])
            _remove_build_at(draft, service, found[0], losers)
    return taken


def _remove_build_at(draft: KeyAssignments, service: str, found: Resolution, losers: set[str]) -> None:
    reached = {
        user: site
        for user in draft.find_users([found.level])
        for site in draft.find(user, "build")
        if site.level is found.level
    }
    keepers = {user: site for user, site in reached.items() if user not in losers}
    copies = _propose_copies(draft, found, keepers)
    for changes in (copies, _propose_copies_and_resets(draft, copies, losers), _propose_resets(draft, reached, losers)):
        if changes is not None and _try_changes(
            draft, changes, "build", partial(_is_build_removed, found.content, losers)
        ):
            return
    entry = found.content.entry if isinstance(found.content, ExistingEntry) else None
    raise ComposeError(
        f"the build cannot be taken from {service}: {_format_names(keepers)} must keep it and gets it from the "
        "same mapping",
        where=found.level.document.where(entry.start if entry else found.level.node.start, f"services.{service}.build"),
        hint=OTHER_WAY,
    )


def _format_names(services: Mapping[str, Resolution]) -> str:
    return ", ".join(sorted(services)) or "another service"


def _propose_copies(
    draft: KeyAssignments, found: Resolution, keepers: Mapping[str, Resolution]
) -> dict[Slot, Content | None] | None:
    """The build leaves its mapping; each service that keeps it gets a copy of its own."""
    changes: dict[Slot, Content | None] = {(found.level, "build"): None}
    for site in keepers.values():
        home = site.stratum.home
        if draft.find_content(home, "build") is not None:
            return None
        changes[home, "build"] = found.content
    return changes


def _propose_copies_and_resets(
    draft: KeyAssignments, copies: dict[Slot, Content | None] | None, losers: set[str]
) -> dict[Slot, Content | None] | None:
    """The same, and a service that extends one that got a copy says that it does not build."""
    if copies is None:
        return None
    changes = dict(copies)
    homes = {level for (level, _), content in copies.items() if content is not None}
    for user in losers.intersection(draft.find_users(homes)):
        for stratum in draft.sites.services[user]:
            if homes.intersection(stratum.levels) and draft.find_content(stratum.home, "build") is None:
                changes.setdefault((stratum.home, "build"), Reset())
    return changes


def _propose_resets(
    draft: KeyAssignments, reached: Mapping[str, Resolution], losers: set[str]
) -> dict[Slot, Content | None] | None:
    """The build stays where it is; a service that loses it says so. Not for a merged build: that would stay."""
    changes: dict[Slot, Content | None] = {}
    for user, site in reached.items():
        if user in losers:
            home = site.stratum.home
            if draft.find_content(home, "build") is not None:
                return None
            changes[home, "build"] = Reset()
    return changes


def _is_build_removed(
    content: Content, losers: set[str], user: str, before: tuple[Content, ...], after: tuple[Content, ...]
) -> bool:
    return content not in after if user in losers else after == before


def _try_changes(
    draft: KeyAssignments,
    changes: dict[Slot, Content | None],
    key: str,
    right: Callable[[str, tuple[Content, ...], tuple[Content, ...]], bool],
) -> bool:
    """Make the changes; take them back when they are not right for one of the services that they reach."""
    users = draft.find_users(level for level, _ in changes)
    before = {user: draft.list_contents(user, key) for user in users}
    earlier = {slot: draft.changes[slot] for slot in changes if slot in draft.changes}
    draft.change(changes)
    if all(right(user, before[user], draft.list_contents(user, key)) for user in users):
        return True
    draft.without(changes, earlier)
    return False


class _KeyPlacement:
    """One plain text for one key of all services of a target."""

    def __init__(
        self,
        draft: KeyAssignments,
        target: SharedTarget,
        builds: Mapping[str, tuple[Resolution, ...]],
        key: str,
        text: str,
    ) -> None:
        self._draft, self._target, self._builds = draft, target, builds
        self._key, self._text = key, text

    def run(self) -> None:
        for level in self._iterate_shared_mappings():
            self._put_text(level)
        for service in self._target.services:
            if not self._is_set(service):
                self._put_in_own_mapping(service)

    def _is_set(self, service: str) -> bool:
        return self._draft.text(service, self._key) == self._text

    def _iterate_shared_mappings(self) -> Iterator[MappingSource]:
        """Where it could go for several services at once, the best place first; each only while it is needed."""
        for service in self._target.services:
            yield from self._find_levels_giving(service, self._key)
        if self._key != "image":
            for service in self._target.services:
                yield from self._find_levels_giving(service, "image")
        for service in self._target.services:
            yield from self._find_levels_of_builds(service)

    def complete_files(self, service: str) -> None:
        """Put the text where a build is or was, in each file that has the key nowhere; what wins stays for all."""
        for level in self._find_levels_of_builds(service):
            changes: dict[Slot, Content | None] = {(level, self._key): NewValue(self._text)}
            _try_changes(self._draft, changes, self._key, lambda _user, before, after: after == before)

    def _find_levels_of_builds(self, service: str) -> Iterator[MappingSource]:
        narrow = self._key == "pull_policy" and self._target.policy_with_image
        for found in self._builds[service]:
            for level in (found.level, found.stratum.home):
                if not self._is_set(service) or not (narrow or self._has_key_in_file(service, found)):
                    yield level

    def _find_levels_giving(self, service: str, key: str) -> Iterator[MappingSource]:
        """The level that gives the service ``key``, unless it is in a file below the one with the build."""
        builds = self._builds[service]
        for found in self._draft.find(service, key):
            above = not builds or found.place <= builds[0].place
            if not self._is_set(service) and (above or found.stratum.home is builds[0].stratum.home):
                yield found.level

    def _has_key_in_file(self, service: str, build: Resolution) -> bool:
        """Whether the file that gave the build, or what it extends, has the key.

        It may be used without the others, and must not ask a registry for our name then.
        """
        strata = [each for each in self._draft.sites.services[service] if each.home is build.stratum.home]
        return any(
            self._draft.find_content(level, self._key) is not None for stratum in strata for level in stratum.levels
        )

    def _put_text(self, level: MappingSource) -> bool:
        return _try_changes(self._draft, {(level, self._key): NewValue(self._text)}, self._key, self._is_acceptable)

    def _is_acceptable(self, user: str, before: tuple[Content, ...], after: tuple[Content, ...]) -> bool:
        if user not in self._target.services:
            return after == before
        return self._is_set(user) or after == before

    def _put_in_own_mapping(self, service: str) -> None:
        home = self._find_own_mapping(service)
        if home is not None and (self._put_text(home) or self._put_with_overrides(home)):
            return
        place = self._draft.sites.services[service][0].levels[0]
        raise ComposeError(
            f"{self._key} cannot be set for {service} alone: other services take over its mapping",
            where=place.document.where(place.node.start, f"services.{service}"),
            hint="give the others a mapping of their own, or write the keys by hand",
        )

    def _find_own_mapping(self, service: str) -> MappingSource | None:
        """Its own mapping in the highest file that says something about the key or gave the build."""
        sites = (*self._draft.find(service, self._key), *self._builds[service])
        strata = self._draft.sites.services[service]
        top = min((found.place for found in sites), default=0)
        return strata[top].home if strata else None

    def _put_with_overrides(self, home: MappingSource) -> bool:
        """The same, and services that take over this mapping but do not share get an entry with their old value."""
        changes: dict[Slot, Content | None] = {(home, self._key): NewValue(self._text)}
        for user in self._draft.find_users([home]):
            if user in self._target.services:
                continue
            own = self._draft.sites.services[user][0].home
            had = self._draft.list_contents(user, self._key)
            changes.setdefault((own, self._key), had[0] if had else Reset())
        return _try_changes(self._draft, changes, self._key, self._is_acceptable)
