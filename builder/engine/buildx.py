"""``docker buildx``: its version, its builders, what they can do, and the argument vector of one build."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.core.errors import GET_AN_ENGINE, BuildRefusedError, BuildxMissingError, ToolFailedError
from builder.core.image_reference import has_registry, split_image_name
from builder.core.limits import BUILD_LIMIT, DOCKER_LIMIT
from builder.core.process import Command
from builder.engine.build_cache_options import check_cache_options
from builder.engine.compression import DEFAULT_COMPRESSION, Compression, check_compression

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from builder.core.process import Runner
    from builder.engine.secrets import BuildSecrets

DOCKER_DRIVER = "docker"
"""The builder inside the engine."""
RAWJSON_SINCE = (0, 13)
"""The first buildx with ``--progress rawjson`` (its release notes)."""


@dataclass(frozen=True)
class BuildOptions:
    """What a person may choose for one build; names and meanings are buildx's."""

    no_cache: bool = False
    push: bool = False
    builder: str | None = None
    platform: str | None = None
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    progress: str = "auto"
    """``auto``, ``plain``, ``rawjson`` or ``quiet``."""
    compression: Compression = DEFAULT_COMPRESSION
    """Of the layers that are pushed."""


@dataclass(frozen=True)
class Builder:
    """The builder that buildx would use. ``platforms`` as its nodes report them; empty: not started yet."""

    name: str
    driver: str
    platforms: tuple[str, ...]
    version: tuple[int, ...]
    """Of buildx."""

    @property
    def supports_rawjson(self) -> bool:
        return self.version >= RAWJSON_SINCE

    def has_own_store(self, *, containerd_store: bool) -> bool:
        """Whether it keeps and pushes images itself. The docker driver leaves both to the engine, whose classic store
        has no registry cache and no choice of compression; ``containerd_store``: the engine has containerd's."""
        return self.driver != DOCKER_DRIVER or containerd_store


@dataclass(frozen=True)
class PushedImage:
    """The image goes from the builder to its registry under these names; it does not come here."""

    references: tuple[str, ...]
    compression: Compression

    def format_output(self) -> str:
        """The value of ``--output``: fields separated by commas, so that the one with several names is quoted."""
        names = f'"name={",".join(self.references)}"'
        return ",".join(("type=image", names, "push=true", *self.compression.list_output_attributes()))


@dataclass(frozen=True)
class BuildPlan:
    """One build, as a value: from it the command follows."""

    reference: str
    platform: str
    source_date_epoch: int
    metadata: Path
    folder: Path
    options: BuildOptions
    secrets: BuildSecrets
    rawjson: bool
    output: Path | PushedImage | None = None
    """A folder that gets the files of the last stage, or a registry; None: the image is loaded into the engine."""


def make_build_argv(plan: BuildPlan) -> tuple[str, ...]:
    """The command of one build."""
    options = plan.options
    argv = ["docker", "buildx", "build", *_make_output_argv(plan.output), "--provenance=false"]
    argv += ["--progress", "rawjson" if plan.rawjson else "plain"]
    argv += ["--tag", plan.reference] if plan.output is None else []
    argv += ["--platform", plan.platform]
    argv += ["--build-arg", f"SOURCE_DATE_EPOCH={plan.source_date_epoch}"]
    argv += ["--metadata-file", str(plan.metadata), *plan.secrets.make_argv()]
    argv += ["--no-cache"] if options.no_cache else []
    argv += ["--builder", options.builder] if options.builder else []
    argv += [word for value in options.cache_from for word in ("--cache-from", value)]
    argv += [word for value in options.cache_to for word in ("--cache-to", value)]
    return (*argv, str(plan.folder))


def _make_output_argv(output: Path | PushedImage | None) -> tuple[str, ...]:
    match output:
        case None:
            return ("--load",)
        case PushedImage():
            return ("--output", output.format_output())
        case _:
            return ("--output", f"type=local,dest={output}")


def make_buildx_command(plan: BuildPlan, env: Mapping[str, str]) -> Command:
    """The process of one build; secrets are in its environment and masked wherever it is shown."""
    whole = {**env, **plan.secrets.make_environment()}
    return Command(
        make_build_argv(plan),
        cwd=plan.folder,
        env=whole,
        timeout=BUILD_LIMIT.read(env),
        secrets=plan.secrets.list_masked_texts(),
        install_hint=GET_AN_ENGINE,
    )


def find_builder(runner: Runner, env: Mapping[str, str], name: str | None) -> Builder:
    """The builder of that name, or the chosen one (``BUILDX_BUILDER``, ``docker buildx use``).

    Raises BuildxMissingError, and BuildRefusedError for a name that buildx does not know.
    """
    version = query_buildx_version(runner, env)
    result = runner.run(_make_docker_command(("buildx", "inspect", *((name,) if name else ())), env))
    if not result.ok:
        _refuse_unknown_builder(runner, env, name or env.get("BUILDX_BUILDER"), result.err)
    return replace(parse_builder(result.out), version=version)


def query_buildx_version(runner: Runner, env: Mapping[str, str]) -> tuple[int, ...]:
    """``(0, 13, 1)``. Raises BuildxMissingError."""
    result = runner.run(_make_docker_command(("buildx", "version"), env))
    found = re.search(r"\bv?(\d+)\.(\d+)\.(\d+)", result.out)
    if not result.ok or "buildx" not in result.out:
        raise BuildxMissingError((result.err.strip() or result.out.strip() or "`docker buildx version` failed")[-300:])
    return tuple(int(part) for part in found.groups()) if found else RAWJSON_SINCE


def parse_builder(text: str) -> Builder:
    """``docker buildx inspect``: ``Key: value`` lines; the first ``Name`` is the builder, later ones are its nodes."""
    name = re.search(r"^Name:\s+(\S+)", text, re.MULTILINE)
    driver = re.search(r"^Driver:\s+(\S+)", text, re.MULTILINE)
    lists = re.findall(r"^Platforms:\s+(.+)$", text, re.MULTILINE)
    platforms = dict.fromkeys(word.strip().rstrip("*") for line in lists for word in line.split(","))
    return Builder(name[1] if name else "", driver[1] if driver else "", tuple(platforms), (0, 0, 0))


def check_options(
    options: BuildOptions, builder: Builder, *, reference: str, platform: str, containerd_store: bool
) -> None:
    """Refuse, before anything is built, what this builder, name or lock cannot do. Raises BuildRefusedError."""
    _check_builder_platform(options.platform, builder, platform)
    if options.push:
        check_pushable(reference)
    capable = builder.has_own_store(containerd_store=containerd_store)
    check_compression(options.compression, push=options.push, builder=builder.name, capable=capable)
    check_cache_options(options.cache_from, options.cache_to, builder=builder.name, capable=capable)


def check_pushable(reference: str) -> None:
    """The name must say to which registry. Raises BuildRefusedError."""
    if not has_registry(reference):
        raise BuildRefusedError(
            f"--push: the name {split_image_name(reference)[0]!r} names no registry",
            hint='put it in front of the name in optbuild.toml: [image] name = "registry.example.com/team/name"',
        )


def check_platform(wanted: str | None, locked: str) -> None:
    """An image is made for the platform of its lock. Raises BuildRefusedError."""
    if wanted is None or wanted == locked:
        return
    if "," in wanted:
        raise BuildRefusedError(
            f"--platform {wanted}: one build makes one platform, that of the lock ({locked})",
            hint="leave --platform out; several platforms need a lock and a build each: `optbuild lock --platform ...`",
        )
    raise BuildRefusedError(
        f"--platform {wanted}: the lock was made for {locked}, its wheels and packages run on nothing else",
        hint=f"`optbuild lock --platform {wanted}`, then build on a {wanted} machine; or leave --platform out",
    )


def _check_builder_platform(wanted: str | None, builder: Builder, locked: str) -> None:
    check_platform(wanted, locked)
    if builder.platforms and locked not in builder.platforms:
        raise BuildRefusedError(
            f"the lock is for {locked}; the builder {builder.name!r} builds {', '.join(builder.platforms)}",
            hint=f"choose a builder of it with --builder, or `optbuild lock --platform {builder.platforms[0]}`",
        )


def _refuse_unknown_builder(runner: Runner, env: Mapping[str, str], name: str | None, reason: str) -> None:
    listed = runner.run(_make_docker_command(("buildx", "ls", "--format", "json"), env))
    names = sorted({str(json.loads(line).get("Name")) for line in listed.out.splitlines() if line.startswith("{")})
    if name is None or name in names:
        raise ToolFailedError("docker buildx inspect", 1, reason)
    known = f"it knows {', '.join(names)}" if names else "`docker buildx ls` shows what it knows"
    raise BuildRefusedError(
        f"buildx has no builder {name!r}; {known}",
        hint=f"name one of those, or `docker buildx create --name {name}`",
    )


def _make_docker_command(words: tuple[str, ...], env: Mapping[str, str]) -> Command:
    return Command(("docker", *words), env=env, timeout=DOCKER_LIMIT.read(env), install_hint=GET_AN_ENGINE)
