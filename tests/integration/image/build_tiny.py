"""Builds, proves and promotes a tiny image with the project's own stages, as a process that a test can kill.

Prints one JSON line on stdout at the end. It stands for ``optbuild build``, whose smallest real image takes a minute;
all that follows the context (lock, skip rule, buildx, journal, promotion, state) is the real thing.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tarfile
import time
import types
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.cli import main as cli
from builder.cli.runtime import make_local_runtime
from builder.core.naming import list_promoted_references
from builder.core.progress import LineProgress
from builder.engine.buildx import BuildOptions
from builder.engine.client import Engine, connect_engine
from builder.image.build.build import build_candidate, lock_project
from builder.image.build.candidates import settle_candidates
from builder.image.build.model import BuildJob
from builder.image.build.preflight import DiskEstimate
from builder.image.build.promote import promote_candidate, record_verified, recover_promotion
from builder.image.render.model import CONTENT_PLACEHOLDER, BuildContext, ContextFile
from builder.image.verify.model import CheckResult, CheckStatus, VerifyReport
from builder.operations.failed_candidates import remove_failed_candidates

if TYPE_CHECKING:
    from builder.core.runtime import Runtime

EPOCH = 1_700_000_000


def tiny_context(name: str, content: str, *, run: str = "") -> BuildContext:
    """An image of one small file; with ``run``, a step of busybox before it, which no other test has cached."""
    lines = ["FROM scratch AS work", "ADD base.tar /", "COPY content.txt /content.txt"]
    if run:
        secret = "--mount=type=secret,id=uv_default_index"
        lines.append(f"RUN {secret} " + json.dumps(["/bin/busybox", "sh", "-c", f": {name}; {run}"]))
    lines += ["FROM scratch", "COPY --link --from=work /content.txt /content.txt"]
    lines += [f'LABEL optbuild.project="{name}" optbuild.content="{CONTENT_PLACEHOLDER}"', 'CMD ["/content.txt"]']
    files = (
        ContextFile("Dockerfile", "\n".join(lines).encode()),
        ContextFile("content.txt", content.encode()),
    )
    return BuildContext(files, "linux/amd64", EPOCH)


def write_base(folder: Path, busybox: Path | None) -> None:
    """``base.tar``: an empty folder, and a static busybox where steps are to run."""
    with tarfile.open(folder / "base.tar", "w") as tar:
        _add(tar, "etc/hostname", b"tiny\n", 0o644)
        if busybox is not None:
            _add(tar, "bin/busybox", busybox.read_bytes(), 0o755)
    (folder / "base.tar").chmod(0o644)


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(data), mode, EPOCH
    tar.addfile(member, io.BytesIO(data))


class PausingEngine(Engine):
    """Stops for good after so many tags, so that a test can kill the process exactly there."""

    pause_after = 0

    def tag(self, image: str, reference: str) -> None:
        super().tag(image, reference)
        self.pause_after -= 1
        if self.pause_after == 0:
            _print("paused")
            time.sleep(600)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("home", type=Path)
    parser.add_argument("--content", default="one")
    parser.add_argument("--run", default="")
    parser.add_argument("--busybox", type=Path)
    parser.add_argument("--failing", action="store_true", help="the verification fails")
    parser.add_argument("--no-verify", action="store_true")
    parser.add_argument("--pause-after", type=int, default=0)
    parser.add_argument("--pause", action="store_true", help="stop for good when it is built and not proven")
    parser.add_argument("--estimate", type=int, default=1_000_000, help="bytes that the image is said to need")
    parser.add_argument("--progress", default="auto")
    return parser.parse_args()


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """As a command of optbuild: signals and errors are the real thing too."""

    def command() -> None:
        """Build the tiny image."""
        _build(args, _make_runtime(args.home))

    args = _arguments()
    module = types.ModuleType("builder.cli.tiny")
    module.command = command  # type: ignore[attr-defined] # a module is made here
    sys.modules[module.__name__] = module
    sys.exit(cli.run(["tiny"], make_local_runtime, {"tiny": "Build the tiny image."}))


def _make_runtime(home: Path) -> Runtime:
    """State and cache are the test's, and events of buildx go to stdout, apart from the notes."""
    folders = {"XDG_STATE_HOME": str(home / "state"), "XDG_CACHE_HOME": str(home / "cache")}
    env = {**os.environ, **folders}
    return replace(make_local_runtime(), env=env, err=sys.stdout, progress=LineProgress(sys.stderr))


def _build(args: argparse.Namespace, runtime: Runtime) -> None:
    with connect_engine(os.environ) as real:
        engine = PausingEngine(real.api, real.endpoint, real.info)
        engine.pause_after = args.pause_after
        with lock_project(runtime, engine, args.name):
            say = runtime.progress.note
            recovered = recover_promotion(engine, runtime.state_folder, args.name, say)
            left = remove_failed_candidates(runtime, engine, args.name, args.home)
            job = BuildJob(
                runtime,
                tiny_context(args.name, args.content, run=args.run),
                args.name,
                engine,
                BuildOptions(progress=args.progress),
                lambda _context, folder: write_base(folder, args.busybox),
                DiskEstimate(args.estimate),
            )
            candidate = build_candidate(job)
            if args.pause:
                _print("paused")
                time.sleep(600)
            references = list_promoted_references(args.name, ("latest", "v1"), ("web", "init"))
            if not args.no_verify:
                status = CheckStatus.FAILED if args.failing else CheckStatus.PASSED
                report = VerifyReport(
                    candidate.reference, candidate.image_id, "none", (CheckResult("tiny", status, 0.1),), 0.1
                )
                if not candidate.cached:
                    record_verified(runtime.state_folder, candidate, report, project=args.name, proof="tiny")
                promote_candidate(
                    candidate, references, project=args.name, engine=engine, folder=runtime.state_folder, say=say
                )
            settle_candidates(runtime.state_folder, engine.info.identity, args.name, left)
    _print(json.dumps({"id": candidate.image_id, "cached": candidate.cached, "recovered": recovered}))


if __name__ == "__main__":
    main()
