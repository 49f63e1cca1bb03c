"""Keys of services as they would be: what each level holds now, and on top of it what is to be changed.

A slot is one key of one level. Changing it changes the key for all services that get it from there, so every change is
tried and looked at from each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.compose.rewrite.resolve import OVERRIDE, RESET, FileSource, KeySources, MappingSource, resolve_text
from builder.compose.yaml.nodes import Entry, resolve_alias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class ExistingEntry:
    """An entry as it is written in ``level``; held by another level it is a copy."""

    entry: Entry
    level: MappingSource


@dataclass(frozen=True)
class NewValue:
    """A new plain text."""

    text: str


@dataclass(frozen=True)
class Reset:
    """``!reset null``: takes away what is extended, but not what is merged (seen in Compose 2.26)."""


Content = ExistingEntry | NewValue | Reset
Slot = tuple[MappingSource, str]


@dataclass(frozen=True)
class Resolution:
    """Where a service gets a key from. ``place`` is the stratum's number from the top."""

    place: int
    stratum: FileSource
    level: MappingSource
    content: Content


class KeyAssignments:
    """``changes`` holds None for a slot that becomes empty."""

    def __init__(self, sites: KeySources) -> None:
        self.sites = sites
        self.changes: dict[Slot, Content | None] = {}

    def find_content(self, level: MappingSource, key: str) -> Content | None:
        if (level, key) in self.changes:
            return self.changes[level, key]
        entry = level.entry(key)
        return ExistingEntry(entry, level) if entry is not None else None

    def find(self, service: str, key: str) -> tuple[Resolution, ...]:
        """What gives the service this key, the winner first; several only for ``build``."""
        found: list[Resolution] = []
        for place, stratum in enumerate(self.sites.services.get(service, ())):
            here, cut = self._find_in_stratum(place, stratum, key)
            found += here
            if cut or stratum.cuts or (found and key != "build"):
                break
        return tuple(found)

    def _find_in_stratum(self, place: int, stratum: FileSource, key: str) -> tuple[list[Resolution], bool]:
        cut = False
        for level in stratum.levels:
            content = self.find_content(level, key)
            tag = _find_tag(content)
            cut = cut or tag in {RESET, OVERRIDE}
            if content is not None and tag != RESET:
                return [Resolution(place, stratum, level, content)], cut
        return [], cut

    def list_contents(self, service: str, key: str) -> tuple[Content, ...]:
        return tuple(found.content for found in self.find(service, key))

    def text(self, service: str, key: str) -> str | None:
        """The plain text that the service has there; None for none and for anything else."""
        contents = self.list_contents(service, key)
        match contents[0] if contents else None:
            case NewValue(text):
                return text
            case ExistingEntry(entry):
                return resolve_text(entry.value)
            case _:
                return None

    def find_users(self, levels: Iterable[MappingSource]) -> list[str]:
        return list(dict.fromkeys(name for level in levels for name in self.sites.users[level]))

    def change(self, changes: Mapping[Slot, Content | None]) -> None:
        self.changes.update(changes)

    def without(self, changes: Mapping[Slot, Content | None], before: Mapping[Slot, Content | None]) -> None:
        """Take the changes back to what ``before`` says about them."""
        for slot in changes:
            if slot in before:
                self.changes[slot] = before[slot]
            else:
                self.changes.pop(slot, None)


def _find_tag(content: Content | None) -> str | None:
    if isinstance(content, Reset):
        return RESET
    return resolve_alias(content.entry.value).tag if isinstance(content, ExistingEntry) else None
