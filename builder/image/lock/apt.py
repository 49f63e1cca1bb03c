"""apt-get with a root of its own: it reads the machine's sources for one release and changes nothing of the machine."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from builder.core.errors import LockError, ToolFailedError
from builder.core.files import make_private_folder
from builder.core.limits import LOCK_LIMIT
from builder.core.process import Command, ProcessResult, Runner
from builder.image.lock.model import DebianPackage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

ESSENTIAL = "?essential"
"""apt-patterns(7): all packages that Debian calls essential."""
_URI_LINE = re.compile(r"'[^']*' (?P<file>[^ _]+_[^ _]+_[^ _]+\.deb) (?P<size>[0-9]+) SHA256:(?P<sha256>[0-9a-f]{64})")
"""A line of ``apt-get --print-uris``; in the file's name the epoch's colon and the like are %-coded."""
_REMOVED = re.compile(r"^Remv (\S+)", re.MULTILINE)
"""A line of ``apt-get --simulate``."""
_MISSING = re.compile(r"^E: Unable to locate package (\S+)$", re.MULTILINE)


_UNMET = "The following packages have unmet dependencies:\n"
_INSTALL = ("--quiet=2", "--no-install-recommends", "--yes")
_STATUS = "status-"


class MissingPackageError(Exception):
    """``name`` is not a package of the release; :mod:`builder.image.lock.debian` says so with the place in the spec."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True)
class Apt:
    """``root`` holds apt's state; ``architecture`` as Debian names it.

    ``prefix`` is put before each command: nothing on a Debian machine, ``docker run ...`` where apt is in a container.
    """

    root: Path
    architecture: str
    runner: Runner
    env: Mapping[str, str]
    prefix: tuple[str, ...] = ()

    def prepare(self, sources: Mapping[str, str]) -> None:
        """Write the folders and settings; ``sources`` are file name → content for ``sources.list.d``."""
        for name in ("etc/sources.list.d", "state/lists/partial", "cache/archives/partial", "log"):
            make_private_folder(self.root / name)
        for old in (self.root / "etc/sources.list.d").iterdir():
            old.unlink()
        for name, content in sources.items():
            (self.root / "etc/sources.list.d" / name).write_text(content)
        (self.root / "status").write_text("")
        (self.root / "apt.conf").write_text(format_apt_conf(self.root, self.architecture))
        self.prefer({})

    def prefer(self, versions: Mapping[str, str]) -> None:
        """Keep these versions (name → version) as long as the release offers them."""
        pins = [f"Package: {name}\nPin: version {versions[name]}\nPin-Priority: 1001\n" for name in sorted(versions)]
        (self.root / "preferences").write_text("\n".join(pins))

    def update(self) -> None:
        """Fetch the release's package lists; cheap when they did not change."""
        result = self._run("apt-get", "update", "--error-on=any", "-qq")
        if not result.ok:
            hint = "check the Debian sources and the network of this machine"
            raise ToolFailedError("apt-get update", result.code, result.err, hint=hint)

    def list_names(self) -> frozenset[str]:
        """Every package that the release offers."""
        return frozenset(self._run_checked("apt-cache", "pkgnames").out.split())

    def resolve_closure(self, wanted: Iterable[str]) -> tuple[DebianPackage, ...]:
        """All that would be installed for ``wanted`` into an empty system, essential packages too; sorted by name.

        Raises :class:`MissingPackageError` for a name that the release does not have.
        """
        result = self._run("apt-get", *_INSTALL, "--print-uris", "install", ESSENTIAL, *sorted(wanted))
        _check_resolved(result)
        return parse_uris(result.out)

    def resolve_additions(self, wanted: Iterable[str], installed: str) -> tuple[DebianPackage, ...]:
        """What has to be installed for ``wanted`` beside what is there; sorted by name.

        ``installed`` is dpkg's status file. A package that it has is among the result only where something cannot be
        installed without another version of it. Raises :class:`MissingPackageError` for a name that the release does
        not have, :class:`LockError` where an installed package would have to go.
        """
        names = sorted(wanted)
        if not names:
            return ()
        status = ("--option", f"Dir::State::status={self._write_status(installed)}")
        options = (*status, *_INSTALL, "--no-upgrade")
        result = self._run("apt-get", *options, "--no-remove", "--print-uris", "install", *names)
        if not result.ok and _MISSING.search(result.err) is None:
            self._check_installed(status)
            self._check_removals((*options, "--simulate", "install", *names))
        _check_resolved(result)
        return parse_uris(result.out)

    def _check_installed(self, status: tuple[str, str]) -> None:
        """Raises :class:`LockError` where the installed packages need what is not there: apt adds nothing to those."""
        check = self._run("apt-get", *status, "--quiet=1", "check")
        if not check.ok:
            listed = check.out.partition(_UNMET)[2].rstrip()
            raise LockError(
                f"the Debian packages of the base image do not hold together by themselves:\n{listed or check.err}",
                hint="mend that image (apt-get --fix-broken install), or name another",
            )

    def _check_removals(self, command: tuple[str, ...]) -> None:
        """Raises :class:`LockError` where ``command``, an install that changes nothing, would take something away."""
        if removed := _REMOVED.findall(self._run("apt-get", *command).out):
            raise LockError(
                f"the base image would lose {', '.join(removed)}, which what is to be installed does not go with",
                hint="take from [apt] what conflicts, or name another base image",
            )

    def _write_status(self, installed: str) -> Path:
        """A file of its own for each content: apt takes its cache for current by name, size and second."""
        path = self.root / f"{_STATUS}{hashlib.sha256(installed.encode()).hexdigest()[:16]}"
        for old in self.root.glob(f"{_STATUS}*"):
            if old != path:
                old.unlink()
        path.write_text(installed, encoding="utf-8")
        return path

    def _run_checked(self, tool: str, *argv: str) -> ProcessResult:
        result = self._run(tool, *argv)
        if not result.ok:
            raise ToolFailedError(tool, result.code, result.err)
        return result

    def _run(self, tool: str, *argv: str) -> ProcessResult:
        env = {**self.env, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        argv = (*self.prefix, tool, "--config-file", str(self.root / "apt.conf"), *argv)
        hint = "use a Debian machine, or one with a Docker engine"
        return self.runner.run(Command(argv, env=env, timeout=LOCK_LIMIT.read(env), install_hint=hint))


def format_apt_conf(root: Path, architecture: str) -> str:
    """apt.conf, read after the machine's own, whose proxy and certificates stay in force."""
    places = {
        "Dir::State": root / "state",
        "Dir::State::status": root / "status",
        "Dir::Cache": root / "cache",
        "Dir::Cache::pkgcache": "pkgcache.bin",  # official Debian images switch both off, which costs 1 s per call
        "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
        "Dir::Log": root / "log",
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": root / "etc/sources.list.d",
        "Dir::Etc::preferences": root / "preferences",
        "Dir::Etc::preferencesparts": "/dev/null",
    }
    lines = [f'{key} "{value}";' for key, value in places.items()]
    cleared = ("APT::Update::Pre-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success", "DPkg")
    lines += [f"#clear {key};" for key in (*cleared, "APT::Default-Release", "APT::Architectures")]
    lines += [
        f'APT::Architecture "{architecture}";',
        f'APT::Architectures {{ "{architecture}"; }};',
        'APT::Install-Recommends "false";',
        'APT::Install-Suggests "false";',
        'APT::Get::AllowUnauthenticated "false";',
        'APT::Sandbox::User "root";',  # the lists lie in the user's cache, which apt's own user may not enter
        'Acquire::Languages "none";',
        'Acquire::ForceHash "SHA256";',  # in the answer of --print-uris
        'pkgCacheGen::ForceEssential ",";',  # else apt counts itself as essential
        'Acquire::Retries "2";',
        'Acquire::http::Timeout "30";',  # seconds: Ctrl-C waits for apt to end by itself
        'Acquire::https::Timeout "30";',
        'Acquire::AllowInsecureRepositories "false";',
    ]
    return "\n".join(lines) + "\n"


def parse_uris(text: str) -> tuple[DebianPackage, ...]:
    """The packages of ``apt-get --print-uris``, sorted by name; the URIs are left behind."""
    found = {}
    for line in text.splitlines():
        match = _URI_LINE.fullmatch(line)
        if match is None:
            raise LockError(f"apt-get gave a line that is not a package with a sha256: {line.split()[1:]}")
        name, version, architecture = (unquote(part) for part in match["file"].removesuffix(".deb").split("_"))
        found[name] = DebianPackage(name, version, architecture, match["sha256"], int(match["size"]))
    return tuple(found[name] for name in sorted(found))


def _check_resolved(result: ProcessResult) -> None:
    missing = _MISSING.search(result.err)
    if missing is not None:
        raise MissingPackageError(missing[1])
    if not result.ok:
        hint = "change [apt] in the spec, or let everything move: optbuild lock --upgrade"
        raise LockError(f"the Debian packages do not fit together:\n{_format_output_tail(result)}", hint=hint)


def _format_output_tail(result: ProcessResult) -> str:
    text = (result.out + result.err).strip().splitlines()[-15:]
    return "\n".join(f"    {line}" for line in text)
