"""What a file of a project says that images are called or built from, before anything is filled in."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class FileReferences:
    """What a file says, as it is written: images, names of services, names of projects."""

    images: set[str] = field(default_factory=set)
    services: set[str] = field(default_factory=set)
    services_with_image: set[str] = field(default_factory=set)
    """Services to which some file gives an image: Compose gives what they build no other name."""
    projects: set[str] = field(default_factory=set)
    contexts: set[str] = field(default_factory=set)
    dockerfiles: set[str] = field(default_factory=set)
    inline_dockerfiles: set[str] = field(default_factory=set)
    """Dockerfiles that are written in the file."""
    arguments: set[str] = field(default_factory=set)
    """``NAME=value``."""
    broken: str = ""

    @property
    def sets(self) -> tuple[set[str], ...]:
        """In the order of the fields."""
        return (
            self.images,
            self.services,
            self.services_with_image,
            self.projects,
            self.contexts,
            self.dockerfiles,
            self.inline_dockerfiles,
            self.arguments,
        )

    def add(self, other: FileReferences) -> None:
        for mine, others in zip(self.sets, other.sets, strict=True):
            mine.update(others)
        self.broken = self.broken or other.broken
