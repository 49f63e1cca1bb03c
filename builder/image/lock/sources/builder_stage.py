"""One sdist in the builder stage of the image that is being locked: what a lock of it alone would render and build."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from builder.core.build_packages import list_needed_packages, select_absent_packages
from builder.core.errors import (
    BuilderUnavailableError,
    BuildFailedError,
    BuildRefusedError,
    ToolError,
    UnbuildableSourceError,
)
from builder.core.files import make_private_folder
from builder.image.lock.model import FALLBACK_EPOCH, Distribution, Lock
from builder.image.lock.present.packages import list_given_packages
from builder.image.lock.resolve import resolve_files
from builder.image.lock.sources.advice import format_apt_lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.image.lock.debian import ResolvedPackages
    from builder.image.lock.foundation import Foundation
    from builder.image.lock.model import LockInputs
    from builder.image.lock.pylock import LockedFile
    from builder.image.lock.target import LockTarget
    from builder.image.lock.uv import Uv


class WheelBuilder(Protocol):
    """Unpacks wheels of the sdists of a lock into a folder; ``announcement`` is said before the build begins."""

    def __call__(self, lock: Lock, folder: Path, announcement: str) -> None:
        """Raises BuildFailedError, and another ToolError or BuildRefusedError where nothing can be built here."""
        ...


@dataclass(frozen=True)
class LockedBuilderStage:
    """``resolve_packages`` gives the Debian packages as far as they are known before the Python ones are, beside those
    of ``foundation``."""

    uv: Uv
    target: LockTarget
    inputs: LockInputs
    resolve_packages: Callable[[], ResolvedPackages]
    build_wheels: WheelBuilder
    foundation: Foundation | None = None

    def build(
        self, file: LockedFile, tools: tuple[LockedFile, ...], needed: tuple[str, ...], folder: Path, *, why: str
    ) -> None:
        """As :class:`builder.image.lock.sources.unbuilt.BuilderStage` says it."""
        packages = self.resolve_packages()
        added = (package.name for package in (*packages.runtime, *packages.build))
        names = {*added, *list_given_packages(self.foundation)}
        if absent := select_absent_packages((*list_needed_packages(file.name), *needed), names):
            raise UnbuildableSourceError(
                f"it must be built in the builder stage, and nothing in [apt] build gives {', '.join(absent)}",
                hint=f"write {format_apt_lines('build', self.inputs.apt_build, absent)}, then: optbuild lock",
            )
        make_private_folder(folder)
        (own,) = resolve_files(self.uv, self.target, {"uv": self.uv.version}, folder.parent)
        lock = Lock(
            platform=self.target.platform,
            inputs=self.inputs,
            constraints=None,
            given_up=(),
            source_date_epoch=file.uploaded or FALLBACK_EPOCH,
            uv=make_distribution(own),
            python=(make_distribution(file),),
            build_requires=tuple(make_distribution(tool) for tool in tools),
            shared_libraries=(),
            runtime=packages.runtime,
            build=packages.build,
            foundation=self.foundation,
        )
        try:
            self.build_wheels(lock, folder, f"{why}\n  it is built in the builder stage now, on the Docker engine")
        except BuildFailedError:
            raise
        except (ToolError, BuildRefusedError) as error:
            raise BuilderUnavailableError(
                f"it must be built in the builder stage, and that cannot be done here: {error.message}", hint=error.hint
            ) from error


def make_distribution(file: LockedFile, needed: tuple[str, ...] = ()) -> Distribution:
    """``needed``: its dependencies on the target."""
    return Distribution(file.name, file.version, file.kind, file.sha256, file.size, needed)
