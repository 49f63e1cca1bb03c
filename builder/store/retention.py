"""Why an image stays, or that nothing keeps it. Pure: a snapshot in, a verdict for each image out.

Whatever is not known keeps an image: lost state never leads to a deletion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.core.image_reference import normalize_image_name
from builder.core.naming import LABEL_PROJECT, shorten_id
from builder.engine.compose_labels import LABEL_PROJECT as COMPOSE_PROJECT
from builder.store.bytes import index_images_above
from builder.store.match import find_listed_name, match_image, may_mean
from builder.store.model import LABEL_PROTECT, RetentionDecision, RetentionReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from builder.compose.model import ImageReferences
    from builder.store.model import ImageUser, InventorySnapshot, StoredImage, SupersededImage

_FALSE_WORDS = frozenset({"", "0", "false", "no"})


def decide_retention(snapshot: InventorySnapshot) -> dict[str, RetentionDecision]:
    """Image ID → verdict."""
    judge_one = _RetentionJudge(snapshot)
    found = {image.id: judge_one.decide(image) for image in snapshot.images}
    return _protect_parents(snapshot, found)


class _RetentionJudge:
    """The rules, one method each; the first one with a reason decides; an empty reason decides nothing."""

    def __init__(self, snapshot: InventorySnapshot) -> None:
        self._snapshot = snapshot
        self._users = group_users_by_image(snapshot)
        self._kept = {**dict(_iterate_kept_images(snapshot)), **snapshot.remembered.kept}

    def decide(self, image: StoredImage) -> RetentionDecision:
        rules = (
            (RetentionReason.IN_USE, self._explain_use),
            (RetentionReason.PROTECTED, self._explain_database),
            (RetentionReason.PROTECTED, self._explain_protection),
            (RetentionReason.REFERENCED, self._explain_reference),
            (RetentionReason.PROTECTED, self._explain_own_image),
            (RetentionReason.KEPT, lambda image: self._kept.get(image.id, "")),
            (RetentionReason.PROTECTED, self._explain_unfinished_run),
        )
        for standing, rule in rules:
            if reason := rule(image):
                return RetentionDecision(standing, reason)
        return self._decide_unneeded(image)

    def _explain_use(self, image: StoredImage) -> str:
        users = self._users.get(image.id, ())
        if not users:
            return ""
        first = min(users, key=lambda user: (user.state != "running", user.name))
        more = len(users) - 1
        return f"container {first.name} ({first.state}) uses it" + (f", and {more} more" if more else "")

    def _explain_database(self, image: StoredImage) -> str:
        for mention in self._snapshot.mentions:
            named = find_listed_name(image, mention.databases) or _match_patterns(image, mention.databases)
            if named:
                return f"a database: {_describe_files(mention)} names {named}"
        return ""

    def _explain_protection(self, image: StoredImage) -> str:
        for pattern, where in self._snapshot.rules.patterns.items():
            if name := match_image(pattern, image):
                shown = "" if name == pattern else f" ({pattern})"
                return f"{_shorten_name(name)} is protected by {where}{shown}"
        label = image.layers.labels.get(LABEL_PROTECT)
        return "" if label is None or label.lower() in _FALSE_WORDS else f"its label {LABEL_PROTECT} protects it"

    def _explain_reference(self, image: StoredImage) -> str:
        for mention in self._snapshot.mentions:
            if name := find_listed_name(image, mention.names):
                return f"{_describe_files(mention)} names {_shorten_name(name)}"
            if pattern := _match_patterns(image, mention.patterns):
                return (
                    f"{_describe_files(mention)} names {pattern} with a variable that has no value here; it may "
                    "be this one"
                )
            if mention.unreadable and find_listed_name(image, mention.ever_used):
                return f"{mention.project} used it once, and {mention.unreadable}"
        return ""

    def _explain_own_image(self, image: StoredImage) -> str:
        remembered = self._snapshot.remembered
        if name := remembered.promoted.get(image.id):
            return f"it is promoted as {name}"
        owner = _find_owner(image)
        if owner and owner not in remembered.superseded and image.id not in remembered.failed:
            return f"optbuild made it for {owner}, and the state knows nothing of {owner}: it may be promoted"
        return ""

    def _explain_unfinished_run(self, image: StoredImage) -> str:
        remembered = self._snapshot.remembered
        if reason := remembered.busy.get(image.id):
            return reason
        for one in remembered.unfinished:
            if image.id not in one.known:
                return f"{one.run} has not ended, and may have made it"
        return ""

    def _decide_unneeded(self, image: StoredImage) -> RetentionDecision:
        remembered = self._snapshot.remembered
        if remembered.doubts:
            return RetentionDecision(
                RetentionReason.PROTECTED, f"{remembered.doubts[0]}, so it is not known whether something needs it"
            )
        owner = _find_owner(image)
        if owner and image.id in remembered.superseded.get(owner, ()):
            return RetentionDecision(
                RetentionReason.SUPERSEDED, f"was promoted for {owner} once, and newer ones were since"
            )
        former = remembered.replaced.get(image.id)
        if former is not None:
            return _decide_superseded(image, former)
        if image.id in remembered.failed:
            reason = "a build made it and failed; the next build of its project removes it"
            return RetentionDecision(RetentionReason.UNUSED, reason)
        if not image.names and not image.digests:
            return RetentionDecision(RetentionReason.DANGLING, "it has no name, and nothing uses it")
        return RetentionDecision(RetentionReason.UNUSED, "no container uses it, and no known file names it")


def group_users_by_image(snapshot: InventorySnapshot) -> dict[str, tuple[ImageUser, ...]]:
    """Image ID → its containers. Where the engine gives an ID that no image has, the name decides."""
    names = {name: image.id for image in snapshot.images for name in (image.id, *image.names, *image.digests)}
    found: dict[str, list[ImageUser]] = {}
    for user in snapshot.users:
        image = names.get(user.image_id) or names.get(normalize_image_name(user.image) if user.image else "")
        found.setdefault(image or user.image_id, []).append(user)
    return {image: tuple(users) for image, users in found.items()}


def _decide_superseded(image: StoredImage, former: SupersededImage) -> RetentionDecision:
    """A name that somebody else gave it is a use of it that nobody knows."""
    foreign = set(image.names) - former.names
    if not foreign:
        return RetentionDecision(RetentionReason.SUPERSEDED, former.reason)
    return RetentionDecision(
        RetentionReason.UNUSED, f"it also has the name {min(foreign)}, which is not of the project that replaced it"
    )


def _find_owner(image: StoredImage) -> str | None:
    """The project of ours that made it. What Compose built upon an image of ours carries our label too."""
    labels = image.layers.labels
    return None if COMPOSE_PROJECT in labels else labels.get(LABEL_PROJECT)


def _iterate_kept_images(snapshot: InventorySnapshot) -> Iterator[tuple[str, str]]:
    """The last of each project of ours that are still there."""
    there = {image.id for image in snapshot.images}
    for name, images in snapshot.remembered.superseded.items():
        keep = [image for image in images if image in there][-snapshot.rules.keep :]
        for place, image in enumerate(reversed(keep), start=1):
            which = "the last" if place == 1 else f"the last but {place - 1}"
            yield image, f"{which} promoted for {name} before the current one"


def _protect_parents(snapshot: InventorySnapshot, found: dict[str, RetentionDecision]) -> dict[str, RetentionDecision]:
    """The images that a kept image is built on are kept too."""
    upon = index_images_above(snapshot.images)
    keeps = {image.id: [one for one in upon.get(image.id, ()) if found[one.id].stays] for image in snapshot.images}
    made_from = _index_descendants(snapshot)
    result = dict(found)
    for identity, verdict in found.items():
        if verdict.stays:
            continue
        children = keeps[identity] or [one for one in made_from.get(identity, ()) if found[one.id].stays]
        if children:
            child = children[0]
            reason = f"{child.title} uses all of its layers, and stays"
            result[identity] = RetentionDecision(RetentionReason.PROTECTED, reason)
    return result


def _index_descendants(snapshot: InventorySnapshot) -> Mapping[str, tuple[StoredImage, ...]]:
    """Image ID → those made from it over any number of steps, as the engine knows it."""
    by_id = {image.id: image for image in snapshot.images}
    found: dict[str, list[StoredImage]] = {}
    for image in snapshot.images:
        at, seen = image.parent, set()
        while at in by_id and at not in seen:
            seen.add(at)
            found.setdefault(at, []).append(image)
            at = by_id[at].parent
    return {identity: tuple(children) for identity, children in found.items()}


def _match_patterns(image: StoredImage, patterns: Iterable[str]) -> str:
    return next((pattern for pattern in sorted(patterns) if "*" in pattern and may_mean(pattern, image)), "")


def _describe_files(mention: ImageReferences) -> str:
    return f"{', '.join(mention.files) or 'a file'} of {mention.project}" if mention.files else mention.project


def _shorten_name(name: str) -> str:
    return shorten_id(name) if name.startswith("sha256:") else name
