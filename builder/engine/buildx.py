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

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from builder.core.process import Runner
    from builder.engine.secrets import BuildSecrets

RAWJSON_SINCE = (0, 13)
"""The first buildx with ``--progress rawjson`` (its release notes)."""
LOCAL_CACHE_TYPES = frozenset({"inline"})
"""The one cache export that the plain docker driver has."""


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
    output: Path | None = None
    """A folder that gets the files of the last stage; without one they become an image."""


def make_build_argv(plan: BuildPlan) -> tuple[str, ...]:
    """The command of one build. An image is always loaded into the engine; pushing is its job, after the checks."""
    options = plan.options
    exported = ["--output", f"type=local,dest={plan.output}"] if plan.output else ["--load"]
    argv = ["docker", "buildx", "build", *exported, "--provenance=false"]
    argv += ["--progress", "rawjson" if plan.rawjson else "plain"]
    argv += [] if plan.output else ["--tag", plan.reference]
    argv += ["--platform", plan.platform]
    argv += ["--build-arg", f"SOURCE_DATE_EPOCH={plan.source_date_epoch}"]
    argv += ["--metadata-file", str(plan.metadata), *plan.secrets.make_argv()]
    argv += ["--no-cache"] if options.no_cache else []
    argv += ["--builder", options.builder] if options.builder else []
    argv += [word for value in options.cache_from for word in ("--cache-from", value)]
    argv += [word for value in options.cache_to for word in ("--cache-to", value)]
    return (*argv, str(plan.folder))


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
    plain = builder.driver == "docker" and not containerd_store
    for value in options.cache_to:
        if plain and _parse_cache_type(value) not in LOCAL_CACHE_TYPES:
            raise BuildRefusedError(
                f"--cache-to {value}: the builder {builder.name!r} has the docker driver, which cannot export a cache",
                hint="`docker buildx create --name optbuild --driver docker-container`, then --builder optbuild; "
                "or --cache-to type=inline",
            )


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


def _parse_cache_type(value: str) -> str:
    """``local`` of ``type=local,dest=x``; a bare reference means ``registry``."""
    found = re.search(r"(?:^|,)type=([^,]+)", value)
    return found[1] if found else "registry"


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
