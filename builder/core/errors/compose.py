"""Compose files, and the change of one."""

from __future__ import annotations

import shlex

from builder.core.errors.base import CheckFailedError, OptbuildError, ToolError, Where


class ComposeError(OptbuildError):
    """A compose file that cannot be read, or not changed safely. Nothing was written."""


class NoComposeFileError(ComposeError):
    """Compose itself would find no file here."""


class NoProjectHereError(NoComposeFileError):
    """No file was named, and neither this folder nor one above it has one."""


class TooDeepError(ComposeError):
    """Lists and mappings inside each other by the hundred. Compose reads ten thousand levels, real files have ten."""

    def __init__(self, where: Where | None) -> None:
        super().__init__(
            "nested too deeply to be read: no person wrote this",
            where=where,
            hint="write it with fewer levels, or leave it out",
        )


class RemoteFileError(ComposeError):
    """A compose file includes or extends one that is on another machine, and nobody said that it may be fetched."""

    def __init__(self, address: str, where: Where) -> None:
        super().__init__(
            f"{address} is on another machine, and nothing is fetched unless you say so",
            where=where,
            hint="`--remote` lets Compose fetch it; or download it, and name the copy here",
        )


class UnprovenEditError(ComposeError):
    """The rewritten files would mean something else than planned. Nothing was written."""


class ComposeMissingError(ToolError):
    """There is no Compose v2."""


class OldComposeError(ComposeMissingError):
    """The only Compose here is docker-compose 1.x, which reads other files and was given up in 2023."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"docker-compose {version} is the only Compose here: version 1 has had no fixes since 2023, and it cannot "
            "say what a file means (`config --format json`)",
            hint="install its successor, a plugin of docker: the package docker-compose-plugin (docker-compose in "
            "Debian 13), or `make engine`; then type `docker compose`, two words, and remove docker-compose 1",
        )
        self.version = version


class YamlLibraryError(ToolError):
    """PyYAML is here without libyaml: somebody built it so."""

    def __init__(self) -> None:
        super().__init__(
            "PyYAML is installed here without libyaml, which reads the compose files",
            hint="`python -m pip install --force-reinstall --only-binary pyyaml pyyaml` with the Python that runs "
            "optbuild; where there is no such package, install libyaml's headers (Debian: libyaml-dev) and use "
            "`--no-binary pyyaml` in its place",
        )


class StackError(ToolError):
    """The stack could not be started again, or did not become healthy. ``message`` says what the state is now."""


class ChangedFileError(ComposeError):
    """A file is not what it was when the plan was made, or after the last optimize: somebody else works on it."""


class RolledBackError(CheckFailedError):
    """Something failed half way; everything was put back. ``message`` says what failed and what the state is now."""


class UnrecordedRunError(CheckFailedError):
    """Nothing says what an optimize did here, but a backup lies beside the file: the folder was moved, or the state is
    lost. Nothing was changed."""

    def __init__(self, file: str, backup: str) -> None:
        name, old = shlex.quote(file), shlex.quote(backup)
        super().__init__(
            f"no optimize of this project is recorded on this machine, but {backup} lies there, as an optimize leaves "
            "it: the folder was moved, or optbuild's state was removed. Nothing was changed",
            where=Where(file),
            hint=f"`diff {old} {name}` shows what would be undone; `cp {old} {name}` undoes it, and "
            "`docker compose up -d` starts what it says",
        )


class EditedSinceError(CheckFailedError):
    """A file was edited after optimize: putting the old bytes back would lose that."""
