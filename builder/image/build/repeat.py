"""A second build of the same context that shares no cache with the first one: does it give the same image?

``--no-cache`` alone would share the cache mounts of the RUN steps, and steps that BuildKit finds by what they are made
from. So each archive that the image stands on gets a few bytes behind its end, where whoever unpacks it stops reading:
every step behind it is another one to BuildKit. And each cache mount gets another name, empty at first.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.core.errors import EngineFailedError
from builder.core.naming import REPEATED_SUFFIX
from builder.image.build.build import build_folder, order_built_image, require_builder, require_built_image
from builder.image.build.workspace import CONTEXTS, make_build_folder
from builder.image.render.model import write_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from builder.image.build.model import BuildJob
    from builder.image.render.model import BuildContext

TAR_BLOCK = 512
_RUN = re.compile(r"^\[[^\]]*\] RUN ")
"""How BuildKit names a step that runs something: ``[stage 2/3] RUN ...``."""
_MOUNT = re.compile(rb"--mount=(\S+)")


@dataclass(frozen=True)
class RepeatedImage:
    """The second image, for as long as it is compared. ``seconds`` of its build."""

    image_id: str
    seconds: float


@contextlib.contextmanager
def repeat_build(job: BuildJob, prepare: Callable[[BuildContext, Path], None]) -> Iterator[RepeatedImage]:
    """Build the job's context once more, without any cache; its image and its tag are gone after the block.

    ``prepare`` puts archives of their own into the written context, made anew. Raises what a build raises.
    """
    options = replace(job.options, no_cache=True, cache_from=(), cache_to=())
    again = replace(job, options=options, prepare=prepare, push_directly=False)
    reference = f"{job.reference}{REPEATED_SUFFIX}"
    started = time.monotonic()
    builder = require_builder(again)
    try:
        with make_build_folder(job.runtime.cache_folder / CONTEXTS) as folder:
            context = folder / "context"
            write_separate_context(again, context, secrets.token_hex(8))
            check_nothing_cached(build_folder(again, builder, context, reference).cached)
        image = order_built_image(again, builder, require_built_image(again, reference), reference, cached=())
        yield RepeatedImage(image.id, time.monotonic() - started)
    finally:
        job.engine.remove_reference(reference)


def check_nothing_cached(steps: tuple[str, ...]) -> None:
    """A second build that took a step from the first would agree with it, whatever that step does.

    Raises EngineFailedError.
    """
    if shared := [step for step in steps if _RUN.search(step)]:
        raise EngineFailedError(
            f"the second build took a step from a cache, although it was told not to ({len(shared)} in all), so "
            f"it proves nothing: {shared[0]}",
            hint="try another builder (--builder), and report this with the versions that `optbuild doctor` shows",
        )


def write_separate_context(job: BuildJob, folder: Path, nonce: str) -> None:
    """The job's context below ``folder``, its steps and cache mounts unknown to any cache; the image is the same."""
    files = [
        replace(file, data=rename_cache_mounts(file.data, nonce)) if file.path == "Dockerfile" else file
        for file in job.context.list_stamped_files()
    ]
    write_files(files, folder)
    job.prepare(job.context, folder)
    for archive in folder.glob("*.tar"):
        append_behind_end(archive, nonce)


def rename_cache_mounts(dockerfile: bytes, nonce: str) -> bytes:
    """Each ``--mount=type=cache`` with an id of its own; BuildKit takes the target for the id where there is none."""

    def rename(found: re.Match[bytes]) -> bytes:
        fields = dict(field.partition(b"=")[::2] for field in found[1].split(b","))
        if fields.get(b"type") != b"cache":
            return found[0]
        own = fields.get(b"id") or fields.get(b"target") or b""
        fields[b"id"] = own + b"-" + nonce.encode()
        return b"--mount=" + b",".join(key + b"=" + value if value else key for key, value in fields.items())

    return _MOUNT.sub(rename, dockerfile)


def append_behind_end(archive: Path, nonce: str) -> None:
    """A block behind the two of zeros that end a tar (POSIX.1-2017, pax, "ustar"): other bytes, the same content."""
    with archive.open("ab") as stream:
        stream.write(nonce.encode().ljust(TAR_BLOCK, b"\0"))
