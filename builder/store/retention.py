"""Why an image stays, or what it is that nothing keeps. Pure: a snapshot in, a verdict for each image out.

Whatever is not known keeps an image: lost state never leads to a deletion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.core.image_reference import normalize_image_name
from builder.core.naming import LABEL_PROJECT
from builder.engine.compose_labels import LABEL_PROJECT as COMPOSE_PROJECT
from builder.store.bytes import below
from builder.store.match import is_named, matches, may_mean
from builder.store.model import LABEL_PROTECT, Standing, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from builder.compose.model import Mentions
    from builder.store.model import Former, Snapshot, StoredImage, User

_NO = frozenset({"", "0", "false", "no"})
_FREE = frozenset({Standing.SUPERSEDED, Standing.DANGLING, Standing.UNUSED})


def judge(snapshot: Snapshot) -> dict[str, Verdict]:
    """Image ID → verdict."""
    judge_one = _Judge(snapshot)
    found = {image.id: judge_one.verdict(image) for image in snapshot.images}
    return _with_parents(snapshot, found)


class _Judge:
    """The rules, one method each; the first that speaks decides. A rule says nothing by an empty reason."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._users = users_by_image(snapshot)
        self._kept = {**dict(_kept(snapshot)), **snapshot.remembered.kept}

    def verdict(self, image: StoredImage) -> Verdict:
        rules = (
            (Standing.IN_USE, self._in_use),
            (Standing.PROTECTED, self._database),
            (Standing.PROTECTED, self._protected),
            (Standing.REFERENCED, self._referenced),
            (Standing.PROTECTED, self._ours),
            (Standing.KEPT, lambda image: self._kept.get(image.id, "")),
            (Standing.PROTECTED, self._busy),
        )
        for standing, rule in rules:
            if reason := rule(image):
                return Verdict(standing, reason)
        return self._free(image)

    def _in_use(self, image: StoredImage) -> str:
        users = self._users.get(image.id, ())
        if not users:
            return ""
        first = min(users, key=lambda user: (user.state != "running", user.name))
        more = len(users) - 1
        return f"container {first.name} ({first.state}) uses it" + (f", and {more} more" if more else "")

    def _database(self, image: StoredImage) -> str:
        for mention in self._snapshot.mentions:
            named = is_named(image, mention.databases) or _patterned(image, mention.databases)
            if named:
                return f"a database: {_who(mention)} names {named}"
        return ""

    def _protected(self, image: StoredImage) -> str:
        for pattern, where in self._snapshot.rules.patterns.items():
            if name := matches(pattern, image):
                shown = "" if name == pattern else f" ({pattern})"
                return f"{_short(name)} is protected by {where}{shown}"
        label = image.layers.labels.get(LABEL_PROTECT)
        return "" if label is None or label.lower() in _NO else f"its label {LABEL_PROTECT} protects it"

    def _referenced(self, image: StoredImage) -> str:
        for mention in self._snapshot.mentions:
            if name := is_named(image, mention.names):
                return f"{_who(mention)} names {_short(name)}"
            if pattern := _patterned(image, mention.patterns):
                return f"{_who(mention)} names {pattern} with a variable that has no value here; it may be this one"
            if mention.unreadable and is_named(image, mention.ever_used):
                return f"{mention.project} used it once, and {mention.unreadable}"
        return ""

    def _ours(self, image: StoredImage) -> str:
        remembered = self._snapshot.remembered
        if name := remembered.promoted.get(image.id):
            return f"it is promoted as {name}"
        owner = _owner(image)
        if owner and owner not in remembered.superseded:
            return f"optbuild made it for {owner}, and the state knows nothing of {owner}: it may be promoted"
        return ""

    def _busy(self, image: StoredImage) -> str:
        remembered = self._snapshot.remembered
        if reason := remembered.busy.get(image.id):
            return reason
        for one in remembered.unfinished:
            if image.id not in one.known:
                return f"{one.run} has not ended, and may have made it"
        return ""

    def _free(self, image: StoredImage) -> Verdict:
        remembered = self._snapshot.remembered
        if remembered.doubts:
            return Verdict(Standing.PROTECTED, f"{remembered.doubts[0]}, so it is not known whether something needs it")
        owner = _owner(image)
        if owner and image.id in remembered.superseded.get(owner, ()):
            return Verdict(Standing.SUPERSEDED, f"was promoted for {owner} once, and newer ones were since")
        former = remembered.replaced.get(image.id)
        if former is not None:
            return _replaced(image, former)
        if not image.names and not image.digests:
            return Verdict(Standing.DANGLING, "it has no name, and nothing uses it")
        return Verdict(Standing.UNUSED, "no container uses it, and no file that is known names it")


def users_by_image(snapshot: Snapshot) -> dict[str, tuple[User, ...]]:
    """Image ID → its containers. Where the engine tells an ID that no image has, the name decides."""
    names = {name: image.id for image in snapshot.images for name in (image.id, *image.names, *image.digests)}
    found: dict[str, list[User]] = {}
    for user in snapshot.users:
        image = names.get(user.image_id) or names.get(normalize_image_name(user.image) if user.image else "")
        found.setdefault(image or user.image_id, []).append(user)
    return {image: tuple(users) for image, users in found.items()}


def _replaced(image: StoredImage, former: Former) -> Verdict:
    """A name that somebody else gave it is a use of it that nobody knows."""
    foreign = set(image.names) - former.names
    if not foreign:
        return Verdict(Standing.SUPERSEDED, former.reason)
    return Verdict(
        Standing.UNUSED, f"it also has the name {min(foreign)}, which is not of the project that replaced it"
    )


def _owner(image: StoredImage) -> str | None:
    """The project of ours that made it. What Compose built upon an image of ours carries our label too."""
    labels = image.layers.labels
    return None if COMPOSE_PROJECT in labels else labels.get(LABEL_PROJECT)


def _kept(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """The last of each project of ours that are still there."""
    there = {image.id for image in snapshot.images}
    for name, images in snapshot.remembered.superseded.items():
        keep = [image for image in images if image in there][-snapshot.rules.keep :]
        for place, image in enumerate(reversed(keep), start=1):
            which = "the last" if place == 1 else f"the last but {place - 1}"
            yield image, f"{which} that was promoted for {name} before the present one"


def _with_parents(snapshot: Snapshot, found: dict[str, Verdict]) -> dict[str, Verdict]:
    """What an image that stays stands on stays too."""
    upon = below(snapshot.images)
    keeps = {image.id: [one for one in upon.get(image.id, ()) if found[one.id].stays] for image in snapshot.images}
    made_from = _ancestors(snapshot)
    result = dict(found)
    for identity, verdict in found.items():
        if verdict.standing not in _FREE:
            continue
        children = keeps[identity] or [one for one in made_from.get(identity, ()) if found[one.id].stays]
        if children:
            child = children[0]
            reason = f"{child.title} stands on all of its layers, and stays"
            result[identity] = Verdict(Standing.PROTECTED, reason)
    return result


def _ancestors(snapshot: Snapshot) -> Mapping[str, tuple[StoredImage, ...]]:
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


def _patterned(image: StoredImage, patterns: Iterable[str]) -> str:
    return next((pattern for pattern in sorted(patterns) if "*" in pattern and may_mean(pattern, image)), "")


def _who(mention: Mentions) -> str:
    return f"{', '.join(mention.files) or 'a file'} of {mention.project}" if mention.files else mention.project


def _short(name: str) -> str:
    return name.removeprefix("sha256:")[:12] if name.startswith("sha256:") else name
